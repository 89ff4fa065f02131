"""The part of WQL that AutoSync asks in: one class, comparisons with texts, AND, OR, NOT and parentheses.

Texts stand in single or double quotes; a backslash takes the next letter as it is. As in WMI, names and comparisons of
texts ignore case.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Row: TypeAlias = Mapping[str, str]
Test: TypeAlias = Callable[[Row], bool]

_TOKEN: Final = re.compile(r"""\s*(?:(<>|!=|<=|>=|[=<>(),*])|'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|([A-Za-z_]\w*))""")
_COMPARISONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class NotUnderstood(Exception):
    """The query is none, or uses what this part does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query, understood."""

    names: tuple[str, ...]
    """The properties that are wanted; none: all."""
    of: str
    """The class."""
    test: Test

    def wants(self, name: str) -> bool:
        """Return whether a property is wanted."""
        return not self.names or name.casefold() in {each.casefold() for each in self.names}


def query_of(text: str) -> Query:
    """Return the query. Raises ``NotUnderstood``."""
    return _Reader(text).query()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0

    def query(self) -> Query:
        self._expect("select")
        names = [] if self._took("*") else [self._name()]
        while names and self._took(","):
            names.append(self._name())
        self._expect("from")
        of = self._name()
        test = self._either() if self._took("where") else lambda _: True
        if self._place < len(self._tokens):
            raise NotUnderstood(f"{self._tokens[self._place][1]} was not expected")
        return Query(names=tuple(names), of=of, test=test)

    def _either(self) -> Test:
        test = self._both()
        while self._took("or"):
            left, right = test, self._both()
            test = _either(left, right)
        return test

    def _both(self) -> Test:
        test = self._one()
        while self._took("and"):
            left, right = test, self._one()
            test = _both(left, right)
        return test

    def _one(self) -> Test:
        if self._took("not"):
            return _opposite(self._one())
        if self._took("("):
            test = self._either()
            self._expect(")")
            return test
        name = self._name().casefold()
        compare = _COMPARISONS.get(self._next()[1])
        kind, text = self._next()
        if compare is None or kind != "text":
            raise NotUnderstood(f"{name} is compared in no known way")
        wanted = text.casefold()
        return lambda row: name in row and compare(row[name].casefold(), wanted)

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name":
            raise NotUnderstood(f"{text} is no name")
        return text

    def _next(self) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise NotUnderstood("the query ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _took(self, word: str) -> bool:
        if self._place < len(self._tokens):
            kind, text = self._tokens[self._place]
            if kind != "text" and text.casefold() == word:
                self._place += 1
                return True
        return False

    def _expect(self, word: str) -> None:
        if not self._took(word):
            raise NotUnderstood(f"{word} is missing")


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    place = 0
    while place < len(text.rstrip()):
        found = _TOKEN.match(text, place)
        if found is None:
            raise NotUnderstood(f"not understood from {text[place : place + 20]!r}")
        sign, single, double, name = found.groups()
        quoted = single if single is not None else double
        if quoted is not None:
            tokens.append(("text", re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)))
        else:
            tokens.append(("sign", sign) if sign else ("name", name))
        place = found.end()
    return tokens


def _either(left: Test, right: Test) -> Test:
    return lambda row: left(row) or right(row)


def _both(left: Test, right: Test) -> Test:
    return lambda row: left(row) and right(row)


def _opposite(test: Test) -> Test:
    return lambda row: not test(row)
