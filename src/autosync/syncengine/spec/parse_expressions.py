"""Read expressions and conditions from plain YAML data.

| written | means |
| --- | --- |
| ``title`` | the attribute |
| ``"{first} {last}"`` | a template |
| ``true``, ``7``, ``{constant: x}`` | a constant |
| ``{table: status, values: {A: active}, else: unknown}`` | a value for a value |
| ``{ref: manager_id}`` | another object |
| ``{python: rules.surname, from: [name]}`` | a function |
| ``{equals: [status, A]}``, ``{in: [status, [A, B]]}``, ``{present: mail}``, ``{matches: [mail, "@corp"]}`` | a condition |
| ``{not: …}``, ``{all: [ … ]}``, ``{any: [ … ]}`` | conditions together |
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from autosync.syncengine.connectors.settings_reading import Mistake, Path, nearest
from autosync.syncengine.spec.expressions import (
    All,
    AnyOf,
    Attribute,
    Condition,
    Constant,
    Equals,
    Expression,
    Function,
    Matches,
    Not,
    Present,
    Reference,
    Table,
    Template,
)

_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_FUNCTION: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+\Z")
_CONDITIONS: Final = ("equals", "in", "present", "matches", "not", "all", "any", "python")
_VALUES: Final = ("attribute", "template", "constant", "table", "ref")
_BESIDE: Final = {"table": ("values", "else"), "python": ("from",)}


@dataclass(slots=True)
class ExpressionParser:
    """Reads expressions over one set of attributes; ``known`` None means that the names cannot be checked."""

    mistakes: list[Mistake]
    known: Collection[str] | None = None
    of: str = "attribute"
    _nowhere: Attribute = field(default=Attribute(""), init=False)

    def expression(self, data: object, path: Path) -> Expression:
        """Return the expression at ``path``; note what is wrong and return a placeholder."""
        match data:
            case str():
                return self.template(data, path) if "{" in data else Attribute(self.name(data, path))
            case bool() | int():
                return Constant(data)
            case Mapping():
                return self._keyed(data, path, (*_VALUES, *_CONDITIONS)) or self._nowhere
            case _:
                self.wrong(path, 'expected an attribute, a "{template}" or a rule such as {constant: …}')
                return self._nowhere

    def condition(self, data: object, path: Path) -> Condition:
        """Return the condition at ``path``: an attribute that must be present, or a rule such as ``{equals: …}``."""
        if isinstance(data, str):
            return Present(self.name(data, path))
        found = self._keyed(data, path, _CONDITIONS) if isinstance(data, Mapping) else None
        if isinstance(found, Present | Equals | Matches | Not | All | AnyOf | Function):
            return found
        if not isinstance(data, Mapping):
            self.wrong(path, "expected an attribute or a condition such as {equals: [attribute, value]}")
        return Present("")

    def template(self, data: object, path: Path) -> Template:
        """Return the template at ``path``."""
        if not isinstance(data, str):
            self.wrong(path, 'expected a text such as "{first} {last}"')
            return Template(("",))
        parts = tuple(_BRACES.split(data))
        if any("{" in part or "}" in part for part in parts[::2]):
            self.wrong(path, "has a brace without its other half")
        for name in parts[1::2]:
            self.name(name, path)
        return Template(parts)

    def name(self, data: object, path: Path) -> str:
        """Return an attribute's name; note when it does not exist."""
        if not isinstance(data, str) or not data:
            self.wrong(path, "expected the name of an attribute")
        elif self.known is not None and data not in self.known:
            self.wrong(path, f"no such {self.of}: {data!r}{_nearest_name(data, self.known)}")
        else:
            return data
        return ""

    def wrong(self, path: Path, message: str) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(path, message))

    def _keyed(self, data: Mapping[object, object], path: Path, allowed: tuple[str, ...]) -> Expression | None:
        kinds = [key for key in data if key in allowed]
        if len(kinds) != 1:
            written = ", ".join(map(str, data)) or "nothing"
            hint = nearest(str(next(iter(data), "")), allowed)
            self.wrong(path, f"expected one of {', '.join(allowed)}, not {written}{hint}")
            return None
        kind = str(kinds[0])
        for key in data:
            if key != kind and key not in _BESIDE.get(kind, ()):
                self.wrong((*path, str(key)), f"unknown key beside {kind!r}{nearest(str(key), _BESIDE.get(kind, ()))}")
        return _READERS[kind](self, data, (*path, kind))

    def _constant(self, data: Mapping[object, object], path: Path) -> Expression:
        value = data["constant"]
        if isinstance(value, list) and value and all(isinstance(each, str | int) for each in value):
            return Constant(tuple(value))
        return Constant(self._scalar(value, path))

    def _table(self, data: Mapping[object, object], path: Path) -> Expression:
        name, rows, otherwise = self.name(data["table"], path), data.get("values"), data.get("else")
        place = (*path[:-1], "values")
        if not isinstance(rows, Mapping) or not rows:
            self.wrong(place, "expected a value for each value, such as {A: active}")
            rows = {}
        pairs = tuple(
            (self._scalar(key, (*place, str(key))), self._scalar(value, (*place, str(key))))
            for key, value in rows.items()
        )
        return Table(name, pairs, None if otherwise is None else self._scalar(otherwise, (*path[:-1], "else")))

    def _function(self, data: Mapping[object, object], path: Path) -> Expression:
        written, arguments = data["python"], data.get("from", [])
        if not isinstance(written, str) or not _FUNCTION.match(written):
            self.wrong(path, "expected module.function, such as rules.surname")
            written = ""
        names = arguments if isinstance(arguments, list) else [arguments]
        place = (*path[:-1], "from")
        return Function(written, tuple(self.name(name, (*place, index)) for index, name in enumerate(names)))

    def _equals(self, data: Mapping[object, object], path: Path) -> Expression:
        name, values = self._pair(data[path[-1]], path)
        several = values if path[-1] == "in" else [values]
        if not isinstance(several, list):
            self.wrong(path, "expected [attribute, [value, value]]")
            several = []
        return Equals(name, tuple(self._scalar(value, path) for value in several))

    def _matches(self, data: Mapping[object, object], path: Path) -> Expression:
        name, pattern = self._pair(data["matches"], path)
        try:
            re.compile(str(pattern))
        except re.error as error:
            self.wrong(path, f"{str(pattern)!r} is no regular expression: {error}")
        return Matches(name, str(pattern))

    def _several(self, data: Mapping[object, object], path: Path) -> Expression:
        items = data[path[-1]]
        if not isinstance(items, list) or not items:
            self.wrong(path, "expected a list of conditions")
            items = []
        conditions = tuple(self.condition(item, (*path, index)) for index, item in enumerate(items))
        return All(conditions) if path[-1] == "all" else AnyOf(conditions)

    def _pair(self, data: object, path: Path) -> tuple[str, object]:
        if isinstance(data, list) and len(data) == 2:
            return self.name(data[0], (*path, 0)), data[1]
        self.wrong(path, "expected [attribute, value]")
        return "", ""

    def _scalar(self, data: object, path: Path) -> str | int | bool:
        if isinstance(data, str | int):
            return data
        self.wrong(path, "expected a text, a number, true or false; put it in quotes")
        return ""


_Reader = Callable[[ExpressionParser, Mapping[object, object], Path], Expression]
_READERS: Final[Mapping[str, _Reader]] = {
    "attribute": lambda parser, data, path: Attribute(parser.name(data["attribute"], path)),
    "template": lambda parser, data, path: parser.template(data["template"], path),
    "constant": ExpressionParser._constant,  # noqa: SLF001  # the class's own table
    "table": ExpressionParser._table,  # noqa: SLF001
    "ref": lambda parser, data, path: Reference(parser.name(data["ref"], path)),
    "python": ExpressionParser._function,  # noqa: SLF001
    "equals": ExpressionParser._equals,  # noqa: SLF001
    "in": ExpressionParser._equals,  # noqa: SLF001
    "present": lambda parser, data, path: Present(parser.name(data["present"], path)),
    "matches": ExpressionParser._matches,  # noqa: SLF001
    "not": lambda parser, data, path: Not(parser.condition(data["not"], path)),
    "all": ExpressionParser._several,  # noqa: SLF001
    "any": ExpressionParser._several,  # noqa: SLF001
}


def _nearest_name(name: str, known: Collection[str]) -> str:
    folded = {each.casefold(): each for each in known}
    hint = nearest(name, list(folded))
    for low, real in folded.items():
        hint = hint.replace(f"{low!r}", f"{real!r}")
    return hint or (f"; known: {', '.join(sorted(known))}" if len(known) <= 12 else "")
