"""Read a connector's settings from plain YAML data, and collect every mistake instead of stopping at the first."""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, TypeVar

from autosync.syncengine.connectors.port import AttributeType
from autosync.syncengine.connectors.values import BooleanWords

Path: TypeAlias = tuple[str | int, ...]
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in the settings: where (keys from the connector's block inwards), and what to do about it."""

    path: Path
    message: str


class SettingsError(ValueError):
    """Settings with mistakes, all of them."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, each.path))}: {each.message}" for each in mistakes))
        self.mistakes = mistakes


class Section:
    """One mapping of the settings. Ask for every key that is allowed, then call ``finish``."""

    def __init__(self, data: object, path: Path = (), mistakes: list[Mistake] | None = None) -> None:
        self.path = path
        self.mistakes: list[Mistake] = [] if mistakes is None else mistakes
        self._known: set[str] = set()
        self._data: dict[object, object] = {}
        if isinstance(data, Mapping):
            self._data = dict(data)
        elif data is not None:
            self.wrong("", f"expected keys and values, not {_kind(data)}")

    def wrong(self, key: str, message: str) -> None:
        """Note a mistake at ``key`` of this section (at the section itself when empty)."""
        self.mistakes.append(Mistake((*self.path, key) if key else self.path, message))

    def has(self, key: str) -> bool:
        """Return whether ``key`` is given, and note that it is allowed."""
        self._known.add(key)
        return self._data.get(key) is not None

    def raw(self, key: str) -> object:
        """Return what is under ``key`` without a check; None when it is missing."""
        self._known.add(key)
        return self._data.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text. Without ``default`` it must be there."""
        value = self.raw(key)
        if value is None:
            if default is None:
                self.wrong(key, "is missing")
            return default or ""
        if isinstance(value, str):
            return value
        self.wrong(key, f"expected text, not {_kind(value)}; put it in quotes")
        return default or ""

    def optional_text(self, key: str) -> str | None:
        """Return a text, or None when it is missing."""
        return self.text(key) if self.has(key) else None

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.raw(key)
        if isinstance(value, bool):
            return value
        if value is not None:
            self.wrong(key, f"expected true or false, not {_kind(value)}")
        return default

    def number(self, key: str, default: float) -> float:
        """Return a number that is not negative."""
        value = self.raw(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
            return value
        if value is not None:
            self.wrong(key, f"expected a number from 0 upwards, not {value!r}")
        return default

    def words(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts; a single text counts as a list of one."""
        value = self.raw(key)
        if value is None:
            return default
        items = value if isinstance(value, list) else [value]
        if not items:
            self.wrong(key, "is an empty list")
        for index, item in enumerate(items):
            if not isinstance(item, str):
                self.wrong(key, f"item {index + 1}: expected text, not {_kind(item)}; put it in quotes")
        return tuple(item for item in items if isinstance(item, str))

    def choice(self, key: str, options: type[Word], default: Word) -> Word:
        """Return one word of a closed set."""
        value = self.raw(key)
        if value is None:
            return default
        try:
            return options(str(value))
        except ValueError:
            self.wrong(key, f"{value!r} is not one of {', '.join(options)}{nearest(str(value), list(options))}")
            return default

    def section(self, key: str) -> "Section":
        """Return the mapping under ``key`` (empty when missing); its mistakes are collected here."""
        return Section(self.raw(key), (*self.path, key), self.mistakes)

    def items(self) -> dict[str, object]:
        """Return a mapping whose keys are names of the user's choice; every key is allowed."""
        for key in self._data:
            if not isinstance(key, str):
                self.wrong(str(key), "expected a text as key; put it in quotes")
        names = {key: value for key, value in self._data.items() if isinstance(key, str)}
        self._known.update(names)
        return names

    def types(self, key: str) -> dict[str, AttributeType]:
        """Return attribute types by attribute name."""
        inner = self.section(key)
        return {name: inner.choice(name, AttributeType, AttributeType.STRING) for name in inner.items()}

    def booleans(self, key: str, usual: BooleanWords | None = None) -> BooleanWords:
        """Return the words for true and false (``true-words``, ``false-words``)."""
        inner, usual = self.section(key), usual or BooleanWords()
        words = BooleanWords(true=inner.words("true-words", usual.true), false=inner.words("false-words", usual.false))
        if both := {word.casefold() for word in words.true} & {word.casefold() for word in words.false}:
            inner.wrong("false-words", f"{min(both)!r} is a true word, too")
        inner.finish()
        return words

    def object_type(self, key: str) -> tuple[str, str | None]:
        """Return the object type of all rows, or an empty one and the column that says it of each."""
        if not isinstance(self.raw(key), dict):
            return self.text(key, "person"), None
        inner = self.section(key)
        column = inner.text("column")
        inner.finish()
        return "", column

    def finish(self) -> None:
        """Note every key that nobody asked for, with the nearest one that is allowed."""
        for key in self._data:
            if key not in self._known:
                hint = nearest(str(key), self._known)
                self.wrong(str(key), f"unknown key{hint}" if hint else f"unknown key; known: {_listed(self._known)}")

    def raise_mistakes(self) -> None:
        """Raise ``SettingsError`` when there is any mistake."""
        if self.mistakes:
            raise SettingsError(tuple(self.mistakes))


def nearest(word: str, options: Collection[str]) -> str:
    """Return a hint at the option that ``word`` probably means; empty when none is near."""
    found = difflib.get_close_matches(word.replace("_", "-").casefold(), options, n=1, cutoff=0.6)
    return f" (did you mean '{found[0]}'?)" if found else ""


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value!r}"
        case Mapping():
            return "keys and values"
        case list():
            return "a list"
        case _:
            return f"a {type(value).__name__}"
