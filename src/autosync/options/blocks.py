"""Keys and blocks: the one description of the file from which reading, JSON Schema, reference and ``show`` are made.

A ``Block`` is a mapping with known keys. Values that are not single are a block, a list, a mapping by names, or a block
whose ``type`` decides which other keys it may have.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, cast

from autosync.options.reading import Place, Spoilt, Wrong
from autosync.options.words import or_known, quoted, shown

T = TypeVar("T")
R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)


class Shape(Protocol[T_co]):
    """How a value is read."""

    def read(self, value: object, at: Place) -> T_co:
        """Return the value; raise ``Wrong``, or note what is wrong further inwards and return the best."""
        ...


@dataclass(frozen=True, slots=True)
class Key(Generic[T_co]):
    """One key of a block. ``unit`` says what a number counts."""

    name: str
    shape: Shape[T_co]
    default: T_co
    doc: str
    unit: str = ""
    required: bool = False


class Values:
    """What was read for the keys of a block: asked by key, typed like the key."""

    __slots__ = ("_values", "given")

    def __init__(self, values: Mapping[str, object], given: frozenset[str]) -> None:
        self._values = values
        self.given = given
        """The keys that stand in the file; all others have their defaults."""

    def __getitem__(self, key: Key[T]) -> T:
        """Return the value of a key."""
        return cast("T", self._values[key.name])

    def has(self, key: Key[Any]) -> bool:
        """Return whether the key stands in the file."""
        return key.name in self.given


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A mapping with known keys; its own shape."""

    doc: str
    keys: tuple[Key[Any], ...]

    def read(self, value: object, at: Place) -> Values:
        """Return the values; every key that is not known is a mistake with the nearest right one."""
        data = mapping(value)
        refuse_unknown(data, {key.name for key in self.keys}, at)
        return self.values(data, at)

    def values(self, data: Mapping[str, object], at: Place) -> Values:
        """Return the values of the known keys; leave all others alone."""
        values: dict[str, object] = {}
        for key in self.keys:
            values[key.name] = key.default
            if key.name in data:
                try:
                    values[key.name] = key.shape.read(data[key.name], at.at(key.name))
                except Wrong as error:
                    at.at(key.name).note(error)
            elif key.required:
                at.wrong(f"{key.name} is missing")
        return Values(values, frozenset(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Built(Generic[T]):
    """A block whose values become one thing."""

    block: Block
    build: Callable[[Values, Place], T]

    def read(self, value: object, at: Place) -> T:
        """Return the thing; ``build`` sees good values only, and may raise ``Wrong`` or note mistakes."""
        before = at.mistakes
        values = self.block.read(value, at)
        if at.mistakes > before:
            raise Spoilt
        return self.build(values, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf(Generic[T]):
    """A list of equal things."""

    item: Shape[T]
    one_alone: bool = False
    """Whether a single item may stand without its list."""

    def read(self, value: object, at: Place) -> tuple[T, ...]:
        """Return the items that could be read, in order."""
        if value is None:
            return ()
        if not isinstance(value, list):
            if self.one_alone:
                return (self.item.read(value, at),)
            raise Wrong(f"expected a list, not {shown(value)}; begin each entry with - or put all into [ ]")
        return tuple(self._items(value, at))

    def _items(self, value: list[object], at: Place) -> Iterator[T]:
        for place, item in enumerate(value):
            try:
                yield self.item.read(item, at.at(place))
            except Wrong as error:
                at.at(place).note(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesOf(Generic[T]):
    """A mapping from names of the user's choice to equal things."""

    item: Shape[T]
    name: str
    """What the names are, for people: ``engine``."""
    check: Callable[[str], None] = field(default=lambda _: None)
    """Raises ``Wrong`` for a name that cannot be."""

    def read(self, value: object, at: Place) -> dict[str, T]:
        """Return the things that could be read, in order."""
        things: dict[str, T] = {}
        for name, item in mapping(value).items():
            inner = at.at(name)
            try:
                self.check(name)
            except Wrong as error:
                inner.wrong(str(error), on_key=True)
                continue
            try:
                things[name] = self.item.read(item, inner)
            except Wrong as error:
                inner.note(error)
        return things


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesBeside(Generic[T, R]):
    """A block with known keys, in which every other key is a name of the user's choice."""

    block: Block
    names: NamesOf[T]
    build: Callable[[Values, dict[str, T], Place], R]

    def read(self, value: object, at: Place) -> R:
        """Return what ``build`` makes of the known keys and of the named things."""
        data = mapping(value)
        known = {key.name for key in self.block.keys}
        values = self.block.values(data, at)
        return self.build(values, self.names.read({name: data[name] for name in data if name not in known}, at), at)


def mapping(value: object) -> Mapping[str, object]:
    """Return keys and values; nothing at all is none of them."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise Wrong(f"expected keys and values, not {shown(value)}")


def refuse_unknown(data: Mapping[str, object], known: set[str], at: Place) -> None:
    """Note every key that is not known, with the nearest that is."""
    for name in data:
        if name and name not in known:
            at.at(name).wrong(f"unknown key{or_known(name, known, 'known')}", on_key=True)


def refuse_name(name: str, what: str, forbidden: str) -> None:
    """Raise ``Wrong`` for a name that is empty, has spaces around it, or a character that separates names elsewhere."""
    if not name.strip() or name != name.strip():
        raise Wrong(f"{quoted(name)} cannot be the name of {what}: it is empty or has spaces around it")
    if found := next((letter for letter in forbidden if letter in name), None):
        raise Wrong(f"{quoted(name)} cannot be the name of {what}: it has a {found}")
