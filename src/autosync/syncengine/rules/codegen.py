"""Write the rules as Python source and compile it: a fifth to a third faster than walking them for each object.

A generated function reads one object through ``g`` (its ``dict.get``). Names and constants of the configuration enter the
source only as ``repr`` of plain values, and functions through the namespace, so nothing that is written there can run.
"""

import re
from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any

from autosync.syncengine.connectors.port import AttributeType
from autosync.syncengine.rules.coercion import CLASSES, COERCIONS, same, several, text
from autosync.syncengine.rules.functions import RuleFunctions
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


class Source:
    """Collects the lines of one function and the objects that they name."""

    def __init__(self, functions: RuleFunctions) -> None:
        self._functions = functions
        self._lines: list[str] = []
        self._count = 0
        self._names: dict[str, Any] = {
            "text": text,
            "same": same,
            "loose": loose_template,
            "holds": _holds,
            "found": _found,
            "view": MappingProxyType,
        }

    def line(self, text_of_line: str, depth: int = 1) -> None:
        """Add a line."""
        self._lines.append("    " * depth + text_of_line)

    def bind(self, value: Any) -> str:
        """Return a name by which the source can use an object."""
        self._count += 1
        name = f"n{self._count}"
        self._names[name] = value
        return name

    def compile(self, signature: str) -> Callable[..., Any]:
        """Return the function."""
        code = "\n".join([f"def rule({signature}):", *self._lines, ""])
        exec(compile(code, "<rules>", "exec"), self._names)  # noqa: S102  # see the module's first lines
        function: Callable[..., Any] = self._names["rule"]
        return function

    def value(self, expression: Expression) -> str:
        """Return Python source for the value of an expression; add the lines that it needs before."""
        match expression:
            case Attribute(name) | Reference(name):
                return f"g({name!r})"
            case Constant(value):
                return repr(list(value) if isinstance(value, tuple) else value)
            case Template():
                return self._template(expression)
            case Table(name, rows, otherwise):
                table = self.bind({text(key): value for key, value in rows})
                return f"{table}.get(text(g({name!r})), {otherwise!r})"
            case Function(path, arguments):
                function = self.bind(self._functions.find(path))
                given = ", ".join(f"g({name!r})" for name in arguments) or "view(g.__self__)"
                return f"{function}({given})"
            case _:
                return self.condition(expression)

    def condition(self, condition: Condition) -> str:
        """Return Python source that is true where a condition holds."""
        match condition:
            case Present(name):
                return f"holds(g({name!r}))"
            case Equals(name, values):
                return f"found(g({name!r}), {self.bind(frozenset(map(text, values)))})"
            case Matches(name, pattern):
                return f"found(g({name!r}), {self.bind(_Pattern(pattern))})"
            case Not(inner):
                return f"(not {self.condition(inner)})"
            case All(conditions):
                return "(" + " and ".join(map(self.condition, conditions)) + ")"
            case AnyOf(conditions):
                return "(" + " or ".join(map(self.condition, conditions)) + ")"
            case Function():
                return f"bool({self.value(condition)})"

    def coerced(self, value: str, wanted: AttributeType, *, multivalued: bool) -> None:
        """Add the lines that put a value of the wanted type, or None, into ``v``."""
        self.line(f"v = {value}")
        one = COERCIONS[wanted]
        if multivalued:
            self.line(f"if v is not None: v = {self.bind(several(one))}(v)")
        else:
            self.line(f"if v.__class__ is not {CLASSES[wanted]} and v is not None: v = {self.bind(one)}(v)")
            if wanted in {AttributeType.STRING, AttributeType.BINARY}:
                self.line("if not v: v = None")

    def _template(self, template: Template) -> str:
        parts = self._parts(template)
        names = [name for name, is_name in parts if is_name]
        if not names:
            return repr(template.text)
        whole = "".join(f"{{{part}}}" if is_name else _literal(part) for part, is_name in parts)
        given = " and ".join(f"{name} is not None" for name in names)
        return f"(f{_quoted(whole)} if {given} else loose({template.parts!r}, ({', '.join(names)},)))"

    def _parts(self, template: Template) -> list[tuple[str, bool]]:
        parts: list[tuple[str, bool]] = []
        for index, part in enumerate(template.parts):
            if index % 2 == 0:
                parts.append((part, False))
                continue
            self._count += 1
            name = f"t{self._count}"
            self.line(f"{name} = g({part!r})")
            self.line(f"if {name}.__class__ is not str: {name} = text({name})")
            parts.append((name, True))
        return parts


class _Pattern:
    """A regular expression that answers like a set."""

    def __init__(self, pattern: str) -> None:
        self._search = re.compile(pattern).search

    def __contains__(self, value: object) -> bool:
        return self._search(str(value)) is not None


def loose_template(parts: tuple[str, ...], values: Iterable[str | None]) -> str | None:
    """Return a template's text where some attributes have no value; None where none has."""
    given = iter(values)
    texts = [part if index % 2 == 0 else next(given) for index, part in enumerate(parts)]
    if all(texts[index] is None for index in range(1, len(texts), 2)):
        return None
    return " ".join("".join(each or "" for each in texts).split()) or None


def _holds(value: Any) -> bool:
    return bool(value) and value != "false"


def _found(value: Any, options: Any) -> bool:
    if value.__class__ is list:
        return any(text(each) in options for each in value)
    return value is not None and text(value) in options


def _literal(part: str) -> str:
    return part.replace("{", "{{").replace("}", "}}")


def _quoted(whole: str) -> str:
    return "'" + whole.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"
