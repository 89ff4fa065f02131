"""Search filters as values: what is in them is data and never syntax (RFC 4511 section 4.5.1.7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts; without parts, everything."""

    parts: Sequence["Filter"]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the parts; without parts, nothing."""

    parts: Sequence["Filter"]


@dataclass(frozen=True, slots=True)
class Not:
    """Not the part."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class Present:
    """The attribute has a value."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Equals:
    """The attribute has the value."""

    attribute: str
    value: str | bytes


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The attribute has a value that is not smaller."""

    attribute: str
    value: str | bytes


@dataclass(frozen=True, slots=True)
class AtMost:
    """The attribute has a value that is not greater."""

    attribute: str
    value: str | bytes


@dataclass(frozen=True, slots=True)
class Sounds:
    """The attribute has a value that is about the same."""

    attribute: str
    value: str | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The attribute has a value that begins, goes on and ends so."""

    attribute: str
    begins: str | bytes | None = None
    contains: Sequence[str | bytes] = ()
    ends: str | bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """A matching rule holds between the value and the attribute (or the attributes that have the rule)."""

    value: str | bytes
    attribute: str | None = None
    rule: str | None = None
    dn_too: bool = False


Filter: TypeAlias = And | Or | Not | Present | Equals | AtLeast | AtMost | Sounds | Parts | Matches

ANYTHING: Final = Present("objectClass")

BIT_AND: Final = "1.2.840.113556.1.4.803"
"""Active Directory's matching rule: all bits of the value are set."""

_COMPARISONS: Final = {
    Equals: "equalityMatch",
    AtLeast: "greaterOrEqual",
    AtMost: "lessOrEqual",
    Sounds: "approxMatch",
}


def for_codec(wanted: Filter) -> tuple[str, Any]:
    """Return the filter in the codec's shape."""
    match wanted:
        case And(parts) | Or(parts):
            return ("and" if isinstance(wanted, And) else "or", [for_codec(part) for part in parts])
        case Not(part):
            return ("not", for_codec(part))
        case Present(attribute):
            return ("present", attribute.encode("ascii"))
        case Equals(attribute, value) | AtLeast(attribute, value) | AtMost(attribute, value) | Sounds(attribute, value):
            name = _COMPARISONS[type(wanted)]
            return (name, {"attributeDesc": attribute.encode("ascii"), "assertionValue": _octets(value)})
        case Parts():
            return ("substrings", {"type": wanted.attribute.encode("ascii"), "substrings": _parts(wanted)})
        case Matches():
            return ("extensibleMatch", _rule(wanted))


def _octets(value: str | bytes) -> bytes:
    """Return a value as a directory takes it."""
    return value.encode("utf-8") if isinstance(value, str) else value


def _parts(wanted: Parts) -> list[tuple[str, bytes]]:
    parts = [] if wanted.begins is None else [("initial", _octets(wanted.begins))]
    parts += [("any", _octets(part)) for part in wanted.contains]
    return parts if wanted.ends is None else [*parts, ("final", _octets(wanted.ends))]


def _rule(wanted: Matches) -> dict[str, object]:
    rule: dict[str, object] = {"matchValue": _octets(wanted.value), "dnAttributes": wanted.dn_too}
    if wanted.attribute is not None:
        rule["type"] = wanted.attribute.encode("ascii")
    if wanted.rule is not None:
        rule["matchingRule"] = wanted.rule.encode("ascii")
    return rule
