"""Search filters as people write them (RFC 4515), with the place of a mistake in the message."""

import re
from typing import Final

from autosync.directory.errors import BadFilter
from autosync.directory.filters import (
    And,
    AtLeast,
    AtMost,
    Equals,
    Filter,
    Matches,
    Not,
    Or,
    Parts,
    Present,
    Sounds,
)

_DEEPEST: Final = 100
_NAME: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)(?:;[A-Za-z0-9-]+)*")
_ESCAPE: Final = re.compile(r"\\([0-9A-Fa-f]{2})")


def parse_filter(text: str) -> Filter:
    """Return the filter that a text means; raise ``BadFilter``. Parentheses around the whole may be missing."""
    reader = _Reader(text if text.lstrip().startswith("(") else f"({text})")
    found = reader.filter(0)
    reader.skip_spaces()
    if reader.rest:
        raise reader.mistake("nothing may follow the last parenthesis")
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def rest(self) -> str:
        return self._text[self._at :]

    def skip_spaces(self) -> None:
        while self.rest[:1].isspace():
            self._at += 1

    def mistake(self, message: str, at: int | None = None) -> BadFilter:
        at = self._at if at is None else at
        near = self._text[at : at + 20]
        where = f"at character {at + 1}, {near!r}" if near else "at its end"
        return BadFilter(f"the filter {self._text!r} is wrong {where}: {message}")

    def filter(self, depth: int) -> Filter:
        self.skip_spaces()
        if depth > _DEEPEST:
            raise self.mistake(f"it is nested deeper than {_DEEPEST}")
        self._take("(")
        self.skip_spaces()
        match self.rest[:1]:
            case "&" | "|" as sign:
                self._at += 1
                parts = self._several(depth)
                found: Filter = And(parts) if sign == "&" else Or(parts)
            case "!":
                self._at += 1
                found = Not(self.filter(depth + 1))
                self.skip_spaces()
            case _:
                found = self._item()
        self._take(")")
        return found

    def _several(self, depth: int) -> tuple[Filter, ...]:
        parts = []
        self.skip_spaces()
        while self.rest.startswith("("):
            parts.append(self.filter(depth + 1))
            self.skip_spaces()
        return tuple(parts)

    def _take(self, letter: str) -> None:
        if not self.rest.startswith(letter):
            raise self.mistake(f"expected {letter!r}")
        self._at += 1

    def _item(self) -> Filter:
        begin = self._at
        found = re.compile(r"[^()=<>~:]*").match(self._text, begin)
        name = found[0].strip() if found else ""
        self._at = begin + (len(found[0]) if found else 0)
        if self.rest.startswith(":"):
            return self._matches(self._name(name, begin) if name else None)
        self._name(name, begin)
        for sign, kind in ((">=", AtLeast), ("<=", AtMost), ("~=", Sounds)):
            if self.rest.startswith(sign):
                self._at += 2
                return kind(name, self._value())
        self._take("=")
        return self._equals(name)

    def _name(self, name: str, at: int) -> str:
        if not _NAME.fullmatch(name):
            raise self.mistake(
                f"{name!r} is no name of an attribute" if name else "the name of an attribute is missing", at
            )
        return name

    def _equals(self, name: str) -> Filter:
        raw = self._raw()
        if raw == "*":
            return Present(name)
        if "*" not in raw:
            return Equals(name, self._unescaped(raw))
        first, *middle, last = raw.split("*")
        if "" in middle:
            raise self.mistake("two asterisks stand side by side", self._at - len(raw))
        return Parts(
            attribute=name,
            begins=self._unescaped(first) if first else None,
            contains=tuple(self._unescaped(part) for part in middle),
            ends=self._unescaped(last) if last else None,
        )

    def _matches(self, name: str | None) -> Filter:
        begin = self._at
        colon = self._text.find(":=", begin)
        if colon < 0:
            raise self.mistake("expected ':='")
        words = [word.strip() for word in self._text[begin:colon].split(":")[1:]]
        dn_too = bool(words) and words[0].lower() == "dn"
        rules = words[1:] if dn_too else words
        if len(rules) > 1 or not all(map(_NAME.fullmatch, rules)):
            raise self.mistake("expected attribute:rule:=value or attribute:dn:rule:=value")
        if name is None and not rules:
            raise self.mistake("an attribute or a matching rule must be named")
        self._at = colon + 2
        return Matches(value=self._value(), attribute=name, rule=rules[0] if rules else None, dn_too=dn_too)

    def _value(self) -> str | bytes:
        raw = self._raw()
        if "*" in raw:
            raise self.mistake(r"an asterisk in a value is written \2a", self._at - len(raw))
        return self._unescaped(raw)

    def _raw(self) -> str:
        found = re.compile(r"[^()\0]*").match(self._text, self._at)
        raw = found[0] if found else ""
        self._at += len(raw)
        if self.rest.startswith("("):
            raise self.mistake(r"a parenthesis in a value is written \28")
        return raw

    def _unescaped(self, raw: str) -> str | bytes:
        """Return the value: octets where its escapes are no text (RFC 4515: each stands for one octet)."""
        if "\\" not in raw:
            return raw
        if "\\" in _ESCAPE.sub("", raw):
            raise self.mistake(r"a backslash in a value is written \5c", self._text.find("\\", self._at - len(raw)))
        pieces = _ESCAPE.split(raw)
        whole = b"".join(
            bytes.fromhex(piece) if index % 2 else piece.encode("utf-8") for index, piece in enumerate(pieces)
        )
        try:
            return whole.decode("utf-8")
        except UnicodeDecodeError:
            return whole
