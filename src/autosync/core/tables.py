"""Mappings that a decision may change without changing the state that it came from."""

from collections.abc import Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Table(Generic[K, V]):
    """A mapping that is copied at its first change."""

    __slots__ = ("_copy", "now")

    def __init__(self, original: Mapping[K, V]) -> None:
        self.now: Mapping[K, V] = original
        self._copy: dict[K, V] | None = None

    def put(self, key: K, value: V) -> None:
        """Put one entry."""
        self._own()[key] = value

    def remove(self, key: K) -> V | None:
        """Remove and return one entry; None when it is not there."""
        return self._own().pop(key, None) if key in self.now else None

    def _own(self) -> dict[K, V]:
        if self._copy is None:
            self.now = self._copy = dict(self.now)
        return self._copy
