"""What can be said about a delimited file, and how it is read from YAML."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final

from autosync.syncengine.connectors.file_end import FinalNewline
from autosync.syncengine.connectors.port import AttributeType
from autosync.syncengine.connectors.settings_reading import Section, nearest
from autosync.syncengine.connectors.text_files import charset
from autosync.syncengine.connectors.values import BooleanWords

DELIMITER_NAMES: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}


class Quoting(StrEnum):
    """Which fields are written in quotes. Reading takes both, except with ``none``: then a quote is a letter like any other."""

    MINIMAL = "minimal"
    ALL = "all"
    NONE = "none"

    @property
    def csv(self) -> int:
        """Return the ``csv`` module's number for it."""
        return {Quoting.MINIMAL: csv.QUOTE_MINIMAL, Quoting.ALL: csv.QUOTE_ALL, Quoting.NONE: csv.QUOTE_NONE}[self]


class Newline(StrEnum):
    """How lines end in a file that the export creates; a file that exists keeps its own way."""

    LF = "lf"
    CRLF = "crlf"

    @property
    def text(self) -> str:
        """Return the characters."""
        return "\n" if self is Newline.LF else "\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedMarker:
    """A column whose words (compared without case) say that the row's object is gone."""

    column: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaFile:
    """A second file with the same columns and one more that says what happened to the object."""

    path: str
    column: str
    add: str = "A"
    modify: str = "M"
    delete: str = "D"


@dataclass(frozen=True, slots=True, kw_only=True)
class DelimitedSettings:
    """One delimited file. Several ``anchor`` columns make one anchor together."""

    path: str
    anchor: tuple[str, ...]
    object_type: str = "person"
    object_type_column: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    quoting: Quoting = Quoting.MINIMAL
    header: bool = True
    columns: tuple[str, ...] = ()
    newline: Newline = Newline.LF
    trim: bool = False
    null_words: tuple[str, ...] = ()
    comment: str | None = None
    deleted: DeletedMarker | None = None
    multi_valued: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, AttributeType] = field(default_factory=dict)
    booleans: BooleanWords = field(default_factory=BooleanWords)
    delta: DeltaFile | None = None
    final_newline: FinalNewline = FinalNewline.SAME

    def named_columns(self) -> dict[str, str]:
        """Return the columns that the settings name, each with the setting that needs it."""
        named = dict.fromkeys(self.columns, "columns") | dict.fromkeys(self.types, "types")
        named |= dict.fromkeys(self.multi_valued, "multi-valued") | dict.fromkeys(self.anchor, "anchor")
        if self.object_type_column:
            named[self.object_type_column] = "object-type"
        if self.deleted:
            named[self.deleted.column] = "deleted"
        return named

    def meaning(self) -> tuple[object, ...]:
        """Return what decides how a row is understood; where the file lies does not."""
        return tuple(
            sorted(value.items()) if isinstance(value := getattr(self, each.name), dict) else value
            for each in fields(self)
            if each.name not in ("path", "delta", "newline", "quoting", "final_newline")
        )


def parse_delimited(data: object) -> DelimitedSettings:
    """Return the settings in plain YAML data; raise ``SettingsError`` with every mistake."""
    section = Section(data)
    object_type, type_column = section.object_type("object-type")
    settings = DelimitedSettings(
        path=section.text("path"),
        anchor=section.words("anchor"),
        object_type=object_type,
        object_type_column=type_column,
        encoding=_encoding(section),
        delimiter=_delimiter(section),
        quote=section.text("quote", '"'),
        quoting=section.choice("quoting", Quoting, Quoting.MINIMAL),
        header=section.flag("header", default=True),
        columns=section.words("columns"),
        newline=section.choice("newline", Newline, Newline.LF),
        trim=section.flag("trim", default=False),
        null_words=section.words("null-words"),
        comment=section.optional_text("comment"),
        deleted=_deleted(section),
        multi_valued=_multi_valued(section),
        types=section.types("types"),
        booleans=section.booleans("booleans"),
        delta=_delta(section),
        final_newline=section.choice("final-newline", FinalNewline, FinalNewline.SAME),
    )
    section.finish()
    _check(section, settings)
    section.raise_mistakes()
    return settings


def _encoding(section: Section) -> str:
    name = section.text("encoding", "utf-8")
    try:
        charset(name)
    except LookupError:
        section.wrong("encoding", f"{name!r} is no encoding; utf-8, utf-8-sig, utf-16 and cp1252 are usual ones")
        return "utf-8"
    return name


def _delimiter(section: Section) -> str:
    given = section.text("delimiter", ",")
    return DELIMITER_NAMES.get(given, given)


def _deleted(section: Section) -> DeletedMarker | None:
    if not section.has("deleted"):
        return None
    inner = section.section("deleted")
    marker = DeletedMarker(column=inner.text("column"), words=inner.words("words", ("deleted",)))
    inner.finish()
    return marker


def _multi_valued(section: Section) -> dict[str, str]:
    if isinstance(section.raw("multi-valued"), list):
        return dict.fromkeys(section.words("multi-valued"), ";")
    inner = section.section("multi-valued")
    separators = {name: inner.text(name) for name in inner.items()}
    for name, separator in separators.items():
        if not separator:
            inner.wrong(name, "the separator of values is empty")
    return separators


def _delta(section: Section) -> DeltaFile | None:
    if not section.has("delta"):
        return None
    inner = section.section("delta")
    delta = DeltaFile(
        path=inner.text("path"),
        column=inner.text("column"),
        add=inner.text("add", "A"),
        modify=inner.text("modify", "M"),
        delete=inner.text("delete", "D"),
    )
    inner.finish()
    if len({delta.add, delta.modify, delta.delete}) < 3:
        inner.wrong("", "add, modify and delete must be three different words")
    return delta


def _check(section: Section, settings: DelimitedSettings) -> None:
    if not settings.anchor and not section.has("anchor"):
        section.wrong("anchor", "is missing: name the column (or columns) that identify a row for ever")
    if settings.comment is not None and not settings.comment:
        section.wrong("comment", "is empty: every line would be a comment")
    _check_letters(section, settings)
    _check_columns(section, settings)


def _check_letters(section: Section, settings: DelimitedSettings) -> None:
    for key, letter in (("delimiter", settings.delimiter), ("quote", settings.quote)):
        if len(letter) != 1 or letter in "\r\n":
            section.wrong(key, f"must be one character, not {letter!r}")
        else:
            try:
                letter.encode(charset(settings.encoding).raw)
            except UnicodeEncodeError:
                section.wrong(key, f"{letter!r} does not exist in {settings.encoding}")
    if settings.delimiter == settings.quote:
        section.wrong("quote", "is the delimiter, too")


def _check_columns(section: Section, settings: DelimitedSettings) -> None:
    if not settings.header and not settings.columns:
        section.wrong("columns", "is missing: without a header line the columns need names here, in order")
    if len(set(settings.columns)) < len(settings.columns):
        section.wrong("columns", "names a column twice")
    if settings.columns and not settings.header:
        for name, key in settings.named_columns().items():
            if name not in settings.columns:
                section.wrong(key, f"{name!r} is not one of the columns{nearest(name, settings.columns)}")
