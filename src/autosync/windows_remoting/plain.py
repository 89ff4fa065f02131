"""What PowerShell returns, as plain data: texts, numbers, booleans, lists and mappings; bounded in depth and size."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from pypsrp.complex_objects import GenericComplexObject, PSCredential

Plain: TypeAlias = "str | int | float | bool | bytes | list[Plain] | dict[str, Plain] | None"

_DEEPEST: Final = 8
_MOST: Final = 10_000
"""Values in one result; what is beyond is left out."""


def plain(value: object) -> Plain:
    """Return a value as plain data. Objects become their properties; credentials and what cannot be told become None."""
    return _Reading().read(value, 0)


class _Reading:
    def __init__(self) -> None:
        self._left = _MOST

    def read(self, value: object, depth: int) -> Plain:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return None
        match value:
            case None | bool() | int() | float() | str() | bytes():
                return value
            case UUID() | datetime():
                return str(value)
            case PSCredential():
                return None
            case list() | tuple():
                return [self.read(each, depth + 1) for each in value[: self._left]]
            case Mapping():
                return self._mapping(value, depth)
            case GenericComplexObject():
                return self._object(value, depth)
            case _:
                return str(value)

    def _mapping(self, value: Mapping[Any, object], depth: int) -> dict[str, Plain]:
        return {str(key): self.read(each, depth + 1) for key, each in list(value.items())[: max(0, self._left)]}

    def _object(self, value: GenericComplexObject, depth: int) -> Plain:
        properties = {**value.adapted_properties, **value.extended_properties}
        if not properties and value.property_sets:
            # A value with a type around it: an enumeration's number, a text with notes.
            return self.read(value.property_sets[0], depth)
        if not properties:
            return str(value)
        return self._mapping(properties, depth)
