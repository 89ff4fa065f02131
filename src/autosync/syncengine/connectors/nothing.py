"""A reading without news."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from autosync.syncengine.connectors.port import ReadBatch


class NothingReader:
    """A delta in which nothing changed."""

    complete = True

    def __init__(self, token: bytes) -> None:
        self._token = token

    @property
    def token(self) -> bytes | None:
        """Return the token that was given."""
        return self._token

    def __iter__(self) -> Iterator[ReadBatch]:
        return iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
