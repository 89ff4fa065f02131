"""YAML text to plain data in which every key and value knows its place in the file.

Composed from the parser's events, not by PyYAML's own composer: that one recurses without bounds, keeps the last of two equal
keys, resolves ``no`` to false, and lets a few hundred bytes of aliases unfold to gigabytes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import yaml

from autosync.config.encoding import Unreadable, decoded
from autosync.config.mistakes import Mistake, Path, in_order
from autosync.config.plain import plain_value
from autosync.config.syntax import explained
from autosync.options.words import printable, quoted

DEEPEST: Final = 40
"""Mappings and lists inside each other. Real files have a dozen."""
MOST_VALUES: Final = 200_000
"""Keys and values of the whole file, aliases unfolded."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE: Final = "<<"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the file, counted from 1."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Node:
    """A value, where it begins, and what is inside it."""

    spot: Spot
    data: object
    """Plain data: dict, list, str, int, float, bool or None. Shared between aliases: never change it."""
    keys: Mapping[str, Spot] = field(default_factory=dict)
    children: Mapping[str | int, "Node"] = field(default_factory=dict)
    size: int = 1

    @property
    def is_scalar(self) -> bool:
        """Return whether it is neither a mapping nor a list."""
        return not isinstance(self.data, (dict, list))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file as read. With mistakes the root is None, or what could be understood."""

    file: str
    root: Node | None
    mistakes: tuple[Mistake, ...] = ()

    @property
    def data(self) -> object:
        """Return the whole content as plain data."""
        return self.root.data if self.root else None

    def spot(self, path: Path, *, on_key: bool = False) -> Spot:
        """Return where ``path`` is: a scalar's value, else its key; as far inwards as the path exists."""
        node, spot = self.root, Spot()
        if node is None:
            return spot
        for place, key in enumerate(path):
            key_spot = node.keys.get(str(key)) if isinstance(key, str) else None
            child = node.children.get(key)
            if child is None:
                return key_spot or spot
            last = place == len(path) - 1
            spot = key_spot if key_spot and (on_key or not last or not child.is_scalar) else child.spot
            node = child
        return spot

    def mistake(self, path: Path, message: str, *, on_key: bool = False) -> Mistake:
        """Return a mistake at the place of ``path``."""
        spot = self.spot(path, on_key=on_key)
        return Mistake(file=self.file, line=spot.line, column=spot.column, path=path, message=printable(message))


class _TooMuch(Exception):
    """A limit was passed: reading stops."""

    def __init__(self, spot: Spot, message: str) -> None:
        super().__init__(message)
        self.spot = spot
        self.message = message


def read_document(content: bytes, file: str) -> Document:
    """Read a whole file. Never raises: what is wrong with it is in ``mistakes``."""
    try:
        text = decoded(content)
    except Unreadable as error:
        found = Mistake(file=file, line=error.line, column=error.column, path=(), message=error.message)
        return Document(file=file, root=None, mistakes=(found,))
    composer = _Composer(text)
    try:
        root = composer.document()
    except yaml.YAMLError as error:
        line, column, message = explained(error, text)
        composer.wrong(Spot(line, column), message)
        root = None
    except _TooMuch as error:
        composer.wrong(error.spot, error.message)
        root = None
    mistakes = (
        Mistake(file=file, line=spot.line, column=spot.column, path=path, message=message)
        for spot, path, message in composer.mistakes
    )
    return Document(file=file, root=root, mistakes=in_order(mistakes))


class _Composer:
    """Builds nodes from the parser's events."""

    def __init__(self, text: str) -> None:
        self.mistakes: list[tuple[Spot, Path, str]] = []
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=_LOADER))
        self._anchors: dict[str, Node | None] = {}
        self._path: list[str | int] = []
        self._values = 0

    def wrong(self, spot: Spot, message: str) -> None:
        self.mistakes.append((spot, tuple(self._path[:8]), message))

    def document(self) -> Node | None:
        """Return the root of the only document."""
        root: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    self.wrong(_spot(event), "a second YAML document begins here (---); one file holds one")
                    break
                root = self._node(next(self._events))
        if root is None or root.data in (None, ""):
            self.wrong(Spot(), "the file has nothing but comments; begin with engines: (keys: autosync config schema)")
            return None
        if not isinstance(root.data, dict):
            self.wrong(root.spot, "expected keys and values, such as engines: and agents:")
            return None
        return root

    def _node(self, event: yaml.Event) -> Node:
        spot = _spot(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, spot)
        assert isinstance(event, yaml.NodeEvent)
        if event.tag is not None:  # type: ignore[attr-defined]
            self.wrong(spot, "YAML tags (a word that begins with !) are not used here; a text with ! needs quotes")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = self._content(event, spot)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _content(self, event: yaml.NodeEvent, spot: Spot) -> Node:
        self._count(1, spot)
        if isinstance(event, yaml.ScalarEvent):
            is_plain = event.style in {None, ""}
            return Node(spot, plain_value(event.value) if is_plain else event.value)
        if len(self._path) >= DEEPEST:
            raise _TooMuch(spot, f"more than {DEEPEST} mappings or lists inside each other")
        return self._mapping(spot) if isinstance(event, yaml.MappingStartEvent) else self._list(spot)

    def _count(self, values: int, spot: Spot) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            raise _TooMuch(spot, f"more than {MOST_VALUES:,} values, aliases unfolded: too much for a configuration")

    def _alias(self, event: yaml.AliasEvent, spot: Spot) -> Node:
        # The alias's name is not repeated: it may be a password that begins with * and lacks its quotes.
        if event.anchor not in self._anchors:
            self.wrong(spot, "this alias has no anchor (&…) above it; a text that begins with * needs quotes")
            return Node(spot, None)
        node = self._anchors[event.anchor]
        if node is None:
            self.wrong(spot, "this alias stands inside its own anchor, and would never end")
            return Node(spot, None)
        self._count(node.size, spot)
        return Node(spot, node.data, node.keys, node.children, node.size)

    def _list(self, spot: Spot) -> Node:
        children: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            self._path.append(len(children))
            children.append(self._node(event))
            self._path.pop()
        data = [child.data for child in children]
        return Node(spot, data, {}, dict(enumerate(children)), 1 + sum(child.size for child in children))

    def _mapping(self, spot: Spot) -> Node:
        keys: dict[str, Spot] = {}
        children: dict[str | int, Node] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, key_spot, is_merge = self._key(event)
            if key in keys:
                self.wrong(key_spot, f"{quoted(key)} is given twice; first in line {keys[key].line}")
            self._path.append(key)
            value = self._node(next(self._events))
            self._path.pop()
            if is_merge:
                merged.extend(self._mergeable(value))
            elif key not in keys:
                keys[key], children[key] = key_spot, value
        for source in merged:
            for name, child in source.children.items():
                if name not in children:
                    keys[str(name)], children[name] = source.keys[str(name)], child
        data = {name: child.data for name, child in children.items()}
        return Node(spot, data, keys, children, 1 + sum(1 + child.size for child in children.values()))

    def _key(self, event: yaml.Event) -> tuple[str, Spot, bool]:
        spot = _spot(event)
        if isinstance(event, yaml.ScalarEvent) and event.tag is None:
            if not event.value:
                self.wrong(spot, "a key is missing before the colon")
            self._count(1, spot)
            return event.value, spot, event.value == _MERGE and event.style in {None, ""}
        self.wrong(spot, "a key must be a text; put it in quotes if it has braces, brackets or begins with * or !")
        self._node(event)
        return "", spot, False

    def _mergeable(self, value: Node) -> list[Node]:
        sources = list(value.children.values()) if isinstance(value.data, list) else [value]
        for source in sources:
            if not isinstance(source.data, dict):
                self.wrong(source.spot, "<< takes in keys and values (an alias of a mapping, or a list of such)")
        return [source for source in sources if isinstance(source.data, dict)]


def _spot(event: yaml.Event) -> Spot:
    mark = event.start_mark
    return Spot(mark.line + 1, mark.column + 1) if mark else Spot()
