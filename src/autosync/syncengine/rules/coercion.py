"""How a value becomes a value of the type that an attribute wants."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from autosync.syncengine.connectors.port import AttributeType

_WORDS: Final = {"true": True, "1": True, "yes": True, "y": True, "false": False, "0": False, "no": False, "n": False}


class Misfit(ValueError):
    """A value that is none of the wanted type, in Microsoft's words for the error."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


def text(value: Any) -> Any:
    """Return a value as text; None stays None. Several values are no text."""
    if value is None or value.__class__ is str:
        return value
    if value.__class__ is bool:
        return "true" if value else "false"
    if value.__class__ is int:
        return str(value)
    if value.__class__ is list:
        return text(_single(value))
    raise Misfit("flow-data-type-mismatch", "binary data is no text")


def integer(value: Any) -> Any:
    """Return a value as a number; None stays None."""
    if value is None or value.__class__ is int:
        return value
    if value.__class__ is bool:
        return int(value)
    if value.__class__ is list:
        return integer(_single(value))
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Misfit("flow-data-type-mismatch", "the value is no number") from None


def boolean(value: Any) -> Any:
    """Return a value as true or false; None stays None."""
    if value is None or value.__class__ is bool:
        return value
    if value.__class__ is list:
        return boolean(_single(value))
    word = _WORDS.get(str(value).casefold())
    if word is None:
        raise Misfit("flow-data-type-mismatch", "the value is neither true nor false")
    return word


def binary(value: Any) -> Any:
    """Return a value as bytes; None stays None, and text is taken as UTF-8."""
    if value is None or value.__class__ is bytes:
        return value
    if value.__class__ is list:
        return binary(_single(value))
    if value.__class__ is str:
        return value.encode("utf-8", "surrogatepass")
    raise Misfit("flow-data-type-mismatch", "the value is no binary data")


def several(one: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function from one or many values to a list of the type of ``one``; nothing becomes None."""

    def many(value: Any) -> Any:
        if value is None:
            return None
        values = value if value.__class__ is list else list(value) if isinstance(value, tuple | set) else [value]
        return [one(each) for each in values if each is not None] or None

    return many


COERCIONS: Final[Mapping[AttributeType, Callable[[Any], Any]]] = {
    AttributeType.STRING: text,
    AttributeType.INTEGER: integer,
    AttributeType.BOOLEAN: boolean,
    AttributeType.BINARY: binary,
    AttributeType.REFERENCE: text,
}
"""How one value becomes one of each type."""

CLASSES: Final[Mapping[AttributeType, str]] = {
    AttributeType.STRING: "str",
    AttributeType.INTEGER: "int",
    AttributeType.BOOLEAN: "bool",
    AttributeType.BINARY: "bytes",
    AttributeType.REFERENCE: "str",
}
"""The class of a value that needs no coercion."""


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal; the order of several values does not count."""
    if one == other:
        return True
    if one.__class__ is list and other.__class__ is list:
        return len(one) == len(other) and set(one) == set(other)
    if one.__class__ is list and len(one) == 1:
        return bool(one[0] == other)
    if other.__class__ is list and len(other) == 1:
        return bool(other[0] == one)
    return False


def _single(values: list[Any]) -> Any:
    if len(values) > 1:
        raise Misfit("flow-multi-values-to-single-value", "several values cannot flow into a single-valued attribute")
    return values[0] if values else None
