"""What a rule can say about an object: where a value comes from, and when something holds."""

from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = str | int | bool | bytes
"""One value. A reference is a ``str`` in a connector space and an ``int`` (the metaverse id) in the metaverse."""

Value: TypeAlias = "Scalar | list[Scalar]"


@dataclass(frozen=True, slots=True)
class Attribute:
    """The value of an attribute, as it is."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same value."""

    value: str | int | bool | tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """Text with attributes in braces: ``"{first} {last}"``. ``parts`` alternates literal text and attribute names.

    Attributes that have no value leave nothing behind, nor the blanks around them; no value at all gives no value.
    In a distinguished name every attribute must have a value.
    """

    parts: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the attributes in braces."""
        return self.parts[1::2]

    @property
    def text(self) -> str:
        """Return the template as it was written."""
        return "".join(part if index % 2 == 0 else f"{{{part}}}" for index, part in enumerate(self.parts))


@dataclass(frozen=True, slots=True)
class Table:
    """A value for a value: ``rows`` is what the attribute may say and what that means."""

    name: str
    rows: tuple[tuple[str | int | bool, str | int | bool], ...]
    otherwise: str | int | bool | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Another object, named by an attribute: by anchor or distinguished name inwards, by metaverse object outwards."""

    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """A Python function, ``module.function``, of the rules next to the configuration.

    With ``arguments`` it gets the values of these attributes in order (None where there is none); without, one
    read-only mapping of all attributes.
    """

    path: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Present:
    """The attribute has a value that is neither false nor empty."""

    name: str


@dataclass(frozen=True, slots=True)
class Equals:
    """The attribute has one of these values; of a multi-valued attribute any."""

    name: str
    values: tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """A regular expression is found in the attribute's text; of a multi-valued attribute in any."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    """Every condition holds."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds."""

    conditions: "tuple[Condition, ...]"


Condition: TypeAlias = Present | Equals | Matches | Not | All | AnyOf | Function
Expression: TypeAlias = Attribute | Constant | Template | Table | Reference | Condition


def calls_python(expression: Expression) -> bool:
    """Return whether an expression's value may differ although what it reads is the same."""
    match expression:
        case Function():
            return True
        case Not():
            return calls_python(expression.condition)
        case All() | AnyOf():
            return any(map(calls_python, expression.conditions))
        case _:
            return False


def attribute_names(expression: Expression) -> frozenset[str]:
    """Return the attributes that an expression reads; a function of the whole object reads none by name."""
    match expression:
        case Constant():
            return frozenset()
        case Template():
            return frozenset(expression.names)
        case Function():
            return frozenset(expression.arguments)
        case Not():
            return attribute_names(expression.condition)
        case All() | AnyOf():
            return frozenset().union(*map(attribute_names, expression.conditions))
        case Attribute() | Table() | Reference() | Present() | Equals() | Matches():
            return frozenset({expression.name})
