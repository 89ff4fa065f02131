"""Which column of a file means what, and how a row becomes an object."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from autosync.syncengine.connectors.anchors import join_anchor
from autosync.syncengine.connectors.delimited.settings import DelimitedSettings
from autosync.syncengine.connectors.port import (
    Attributes,
    AttributeSchema,
    AttributeType,
    ConnectorError,
    Scalar,
)
from autosync.syncengine.connectors.settings_reading import nearest
from autosync.syncengine.connectors.values import ValueMisfit, text_decoder

_LONGEST_SHOWN: Final = 300
"""Characters of a header that a message repeats."""


class Column(NamedTuple):
    """One column: where it is, what it is called, its values' decoder and separator where it has any."""

    position: int
    name: str
    decode: Callable[[str], Scalar] | None
    separator: str | None


class ColumnMisfit(ValueError):
    """A value that does not fit its column."""

    def __init__(self, column: str, error_type: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.error_type = error_type


class Layout:
    """The columns of one file, checked against the settings."""

    def __init__(
        self, names: Sequence[str], settings: DelimitedSettings, path: Path, change_column: str | None = None
    ) -> None:
        self.names = tuple(names)
        self.settings = settings
        _check(self.names, settings, path, change_column)
        self.anchor = [self.names.index(name) for name in settings.anchor]
        self.type_index = _index(self.names, settings.object_type_column)
        self.deleted_index = _index(self.names, settings.deleted.column if settings.deleted else None)
        self._nothing = frozenset((*settings.null_words, ""))
        self._trim = settings.trim
        self._deleted_words = frozenset(word.casefold() for word in settings.deleted.words) if settings.deleted else ()
        self._columns = [self._column(index, name) for index, name in enumerate(self.names) if name != change_column]

    def schema(self) -> tuple[AttributeSchema, ...]:
        """Return the attributes."""
        return tuple(
            AttributeSchema(
                name=name,
                type=self.settings.types.get(name, AttributeType.STRING),
                multivalued=name in self.settings.multi_valued,
                required=name in self.settings.anchor,
            )
            for name in self.names
        )

    def cell(self, text: str) -> str:
        """Return what a cell says: empty where it says nothing."""
        text = text.strip() if self._trim else text
        return "" if text in self._nothing else text

    def anchor_of(self, fields: Sequence[str]) -> str:
        """Return the anchor of a row; empty when a part of it is missing."""
        parts = [self.cell(fields[index]) for index in self.anchor]
        return join_anchor(parts) if all(parts) else ""

    def are_anchors(self, texts: Sequence[str]) -> bool:
        """Return whether each cell of the anchor's only column is an anchor as it stands."""
        if not self._nothing.isdisjoint(texts):
            return False
        return not self._trim or all(text == text.strip() for text in texts)

    def is_deleted(self, fields: Sequence[str]) -> bool:
        """Return whether the row says that its object is gone."""
        return self.deleted_index is not None and self.says_deleted(fields[self.deleted_index])

    def says_deleted(self, text: str) -> bool:
        """Return whether the deleted marker's column says so."""
        return self.cell(text).casefold() in self._deleted_words

    def object_type(self, fields: Sequence[str]) -> str:
        """Return the object's type; raise ``ColumnMisfit`` when its column says nothing."""
        if self.type_index is None:
            return self.settings.object_type
        if kind := self.cell(fields[self.type_index]):
            return kind
        raise ColumnMisfit(self.names[self.type_index], "missing-object-class", "the object type is missing")

    def attributes(self, fields: Sequence[str]) -> Attributes:
        """Return the attributes of a row; raise ``ColumnMisfit``."""
        found: Attributes = {}
        nothing, trim = self._nothing, self._trim
        for index, name, decode, separator in self._columns:
            text = fields[index].strip() if trim else fields[index]
            if text in nothing:
                continue
            if decode is None and separator is None:
                found[name] = text
            elif values := self._values(name, decode, separator, text):
                found[name] = values if separator else values[0]
        return found

    def _values(
        self, name: str, decode: Callable[[str], Scalar] | None, separator: str | None, text: str
    ) -> list[Scalar]:
        texts = dict.fromkeys(map(self.cell, text.split(separator) if separator else [text]))
        texts.pop("", None)
        try:
            return [decode(each) for each in texts] if decode else list(texts)
        except ValueMisfit as error:
            raise ColumnMisfit(name, error.error_type, f"column {name}: {error}") from None

    def _column(self, index: int, name: str) -> Column:
        kind = self.settings.types.get(name, AttributeType.STRING)
        return Column(index, name, text_decoder(kind, self.settings.booleans), self.settings.multi_valued.get(name))


def _index(names: Sequence[str], name: str | None) -> int | None:
    return None if name is None else names.index(name)


def _check(names: Sequence[str], settings: DelimitedSettings, path: Path, change_column: str | None) -> None:
    named = settings.named_columns()
    if change_column:
        named[change_column] = "delta.column"
    for name, key in named.items():
        if name not in names:
            raise _mismatch(path, f"no column {name!r} ({key}){nearest(name, names)}; the header says: {_shown(names)}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise _mismatch(path, f"the column {twice!r} is there twice")
    if "" in names:
        raise _mismatch(path, f"column {list(names).index('') + 1} has no name")


def _shown(names: Sequence[str]) -> str:
    """Return a header for people: what is no text at all shows as its codes, and only in part."""
    said = ", ".join(name if name.isprintable() else repr(name)[1:-1] for name in names)
    return said if len(said) <= _LONGEST_SHOWN else f"{said[:_LONGEST_SHOWN]} …"


def _mismatch(path: Path, reason: str) -> ConnectorError:
    return ConnectorError("no-start-header-row-mismatch", f"{path}: {reason}")
