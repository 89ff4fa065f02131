"""XML that nobody vouches for, read as a stream of small subtrees: bounded in memory, depth, size and time.

Both the engine's files and a predecessor's configuration come from outside. Document type declarations are refused, and
with them every entity; nothing is ever fetched. Names are kept as they are written, prefixes included.

On the standard library's expat alone: defusedxml refuses entities, but bounds neither depth, attributes nor memory.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO, Final, TypeAlias
from xml.parsers import expat

from autosync.model.errors import AutoSyncError

Source: TypeAlias = str | bytes | BinaryIO | Iterable[bytes] | Iterable[str]

_CHUNK: Final = 64 * 1024
_NODE_WEIGHT: Final = 100
"""What a kept element costs beside its text, in characters."""
_SPACE: Final = b" \t\r\n"
_RECOGNISABLE: Final = 256
"""Bytes in which a declaration stands whole."""
_DECLARATION: Final = re.compile(r"\s*<\?xml\s[^>]*\?>")
_DECLARED: Final = re.compile(rb"<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.-]{1,40})[\"']")


class XmlRefused(AutoSyncError):
    """The text is no XML, or more than it may be. The message names the place and repeats no content."""


class Choice(Enum):
    """What to do with an element."""

    KEEP = "keep"
    """Build it, with everything in it, and hand it out at its end."""
    ENTER = "enter"
    """Look at what is in it."""
    SKIP = "skip"
    """Nothing in it is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is too much. Real files nest less than 20 deep and have less than ten attributes an element."""

    size: int | None = 256 * 1024 * 1024
    """Bytes (characters of a text); None for streams that may be as long as they like."""
    depth: int = 100
    attributes: int = 64
    kept: int = 32 * 1024 * 1024
    """Characters of one subtree, each element counting as a hundred more."""
    token: int = 4 * 1024 * 1024
    """Bytes of one tag or comment."""


@dataclass(slots=True)
class Node:
    """An element that was kept. ``text`` is all text directly in it."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: "list[Node]" = field(default_factory=list)

    def all(self, name: str) -> "Iterator[Node]":
        """Yield the children of that name."""
        return (child for child in self.children if child.name == name)

    def at(self, *path: str) -> "Node | None":
        """Return the first element at the path of names, or None."""
        node: Node | None = self
        for name in path:
            node = next(node.all(name), None) if node is not None else None
        return node

    def words(self, *path: str) -> str:
        """Return the text at the path, without white space around it; empty where there is none."""
        node = self.at(*path)
        return node.text.strip() if node is not None else ""


Chooser: TypeAlias = Callable[[tuple[str, ...]], Choice]
"""Gets the names from the root to the element itself."""


class SubtreeReader:
    """Takes XML in pieces and hands out the subtrees that were chosen, each at its end.

    ``dropped`` are names whose elements are left out of kept subtrees, with everything in them.
    """

    def __init__(self, choose: Chooser, *, dropped: frozenset[str] = frozenset(), limits: Limits | None = None) -> None:
        self._choose = choose
        self._dropped = dropped
        self._limits = limits or Limits()
        self._done: list[Node] = []
        self._path: list[str] = []
        self._kept: list[tuple[Node, list[str]]] = []
        self._skipping = 0
        self._weight = 0
        self._fed = 0
        self._parser: expat.XMLParserType | None = None
        self._start = b""
        self._given = 0
        self._decoder: codecs.IncrementalDecoder | None = None

    def feed(self, piece: str | bytes) -> list[Node]:
        """Take a piece and return the subtrees that ended in it. Raises ``XmlRefused``."""
        for begin in range(0, len(piece), _CHUNK):
            self._take(piece[begin : begin + _CHUNK])
        return self._handed_out()

    def close(self) -> list[Node]:
        """Say that this was all. Raises ``XmlRefused`` when the end is missing, or there was nothing."""
        if self._parser is None and self._start:
            self._take(b"", last=True)
        if self._parser is None:
            raise XmlRefused("the XML is empty")
        self._guarded(b"", final=True)
        return self._handed_out()

    def _handed_out(self) -> list[Node]:
        done, self._done = self._done, []
        return done

    def _take(self, chunk: str | bytes, *, last: bool = False) -> None:
        self._fed += len(chunk)
        if self._limits.size is not None and self._fed > self._limits.size:
            raise XmlRefused(f"the XML is longer than {self._limits.size:,} characters")
        try:
            data = self._begin(chunk, last=last) if self._parser is None else self._encoded(chunk)
        except UnicodeError:
            raise XmlRefused("the XML holds bytes that are no characters in its encoding") from None
        if data:
            self._parse(data)

    def _begin(self, chunk: str | bytes, *, last: bool = False) -> bytes:
        """Return what the parser gets first; nothing yet where more is needed to recognise the encoding.

        Neither a mark nor white space may stand before an XML declaration, but both do in saved files.
        """
        if isinstance(chunk, bytes):
            self._start = (self._start + chunk).lstrip(_SPACE)
            if len(self._start) < _RECOGNISABLE and not last:
                return b""
            chunk = self._recognised()
        data = self._encoded(chunk.lstrip("\ufeff \t\r\n")) if isinstance(chunk, str) else chunk.lstrip(_SPACE)
        if not data:
            return b""
        lies = isinstance(chunk, str) or _declares_utf16(data)
        self._parser = parser = expat.ParserCreate("utf-8" if lies else None)
        parser.buffer_text = True
        parser.StartElementHandler = self._opened
        parser.EndElementHandler = self._closed
        parser.StartDoctypeDeclHandler = self._doctype
        return data

    def _recognised(self) -> str | bytes:
        """Return the first bytes without a mark, or as text where they are UTF-16."""
        data, self._start = self._start, b""
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._decoder = codecs.getincrementaldecoder("utf-16")()
        elif 0 in data[:2]:
            self._decoder = codecs.getincrementaldecoder("utf-16-be" if data[0] == 0 else "utf-16-le")()
        else:
            return data.removeprefix(codecs.BOM_UTF8)
        return self._decoder.decode(data)

    def _encoded(self, chunk: str | bytes) -> bytes:
        """Return the bytes for the parser: text as UTF-8, whatever its declaration says."""
        if isinstance(chunk, bytes) and self._decoder is not None:
            chunk = self._decoder.decode(chunk)
        return chunk.encode("utf-8") if isinstance(chunk, str) else chunk

    def _parse(self, data: bytes) -> None:
        self._guarded(data, final=False)
        assert self._parser is not None
        self._given += len(data)
        if self._given - self._parser.CurrentByteIndex > self._limits.token + _CHUNK:
            raise XmlRefused(f"{self._place()}: one tag or comment is longer than {self._limits.token:,} bytes")

    def _guarded(self, data: bytes, *, final: bool) -> None:
        assert self._parser is not None
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            raise XmlRefused(f"{self._place()}: this is no XML ({expat.ErrorString(error.code)})") from None
        except (ValueError, LookupError, TypeError):
            raise XmlRefused(f"{self._place()}: the XML is in an encoding that cannot be read") from None

    def _place(self) -> str:
        assert self._parser is not None
        return f"line {self._parser.CurrentLineNumber}, column {self._parser.CurrentColumnNumber + 1}"

    def _doctype(self, *_: object) -> None:
        raise XmlRefused(f"{self._place()}: a document type declaration (<!DOCTYPE) is refused, and entities with it")

    def _opened(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) > self._limits.depth:
            raise XmlRefused(f"{self._place()}: more than {self._limits.depth} elements inside each other")
        if len(attributes) > self._limits.attributes:
            raise XmlRefused(f"{self._place()}: an element has more than {self._limits.attributes} attributes")
        if self._skipping or (self._kept and name in self._dropped):
            self._skipping += 1
        elif self._kept:
            self._keep(name, attributes)
        else:
            self._decide(name, attributes)
        self._listen()

    def _decide(self, name: str, attributes: dict[str, str]) -> None:
        choice = self._choose(tuple(self._path))
        if choice is Choice.SKIP:
            self._skipping = 1
        elif choice is Choice.KEEP:
            self._weight = 0
            self._keep(name, attributes)

    def _keep(self, name: str, attributes: dict[str, str]) -> None:
        self._weigh(_NODE_WEIGHT + sum(len(key) + len(value) for key, value in attributes.items()))
        node = Node(name, attributes)
        if self._kept:
            self._kept[-1][0].children.append(node)
        self._kept.append((node, []))

    def _closed(self, _: str) -> None:
        self._path.pop()
        if self._skipping:
            self._skipping -= 1
        elif self._kept:
            node, texts = self._kept.pop()
            node.text = "".join(texts)
            if not self._kept:
                self._done.append(node)
        self._listen()

    def _listen(self) -> None:
        """Ask for text only where it is kept: most of a large file is not."""
        assert self._parser is not None
        self._parser.CharacterDataHandler = self._said if self._kept and not self._skipping else None

    def _said(self, text: str) -> None:
        self._weigh(len(text))
        self._kept[-1][1].append(text)

    def _weigh(self, more: int) -> None:
        self._weight += more
        if self._weight > self._limits.kept:
            raise XmlRefused(f"{self._place()}: an element holds more than {self._limits.kept:,} characters")


def subtrees(
    source: Source, choose: Chooser, *, dropped: frozenset[str] = frozenset(), limits: Limits | None = None
) -> Iterator[Node]:
    """Yield the chosen subtrees of a whole document, as they end. Raises ``XmlRefused``."""
    reader = SubtreeReader(choose, dropped=dropped, limits=limits)
    for piece in pieces(source):
        yield from reader.feed(piece)
    yield from reader.close()


def whole(source: Source, *, limits: Limits | None = None) -> Node:
    """Return the root with everything in it; for small documents. Raises ``XmlRefused``."""
    (root,) = subtrees(source, lambda _: Choice.KEEP, limits=limits)
    return root


def rooted(fragments: Iterable[str], root: str) -> Iterator[str]:
    """Yield the text of a document whose root holds ``fragments``, which have none or several."""
    yield f"<{root}>"
    for fragment in fragments:
        yield _DECLARATION.sub("", fragment.lstrip("\ufeff"), count=1)
    yield f"</{root}>"


def pieces(source: Source) -> Iterator[str | bytes]:
    """Yield a source in pieces small enough to be fed one by one."""
    if isinstance(source, (str, bytes)):
        for begin in range(0, len(source), _CHUNK):
            yield source[begin : begin + _CHUNK]
    elif hasattr(source, "read"):
        while piece := source.read(_CHUNK):
            yield piece
    else:
        for each in source:
            yield from pieces(each)


def _declares_utf16(start: bytes) -> bool:
    """Return whether bytes that are not UTF-16 say that they are.

    What a server returns as text declares UTF-16; saved by a program that writes UTF-8, the declaration lies.
    """
    declared = _DECLARED.match(start)
    return declared is not None and declared.group(1).lower().startswith((b"utf-16", b"utf16", b"unicode", b"ucs"))
