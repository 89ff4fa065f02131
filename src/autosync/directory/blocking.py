"""The client for code that waits: the embedded engine's worker, scripts, benchmarks.

An event loop of its own that runs only while somebody waits: no thread, and the same client underneath.
"""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from autosync.directory.client import Directory
from autosync.directory.servers import Access, connect

T = TypeVar("T")


class BlockingDirectory:
    """A signed-in directory; use it as a context. ``run`` waits for one coroutine of its client.

    What begins in one ``run`` may go on in the next (a search that is taken piece by piece); a time-out or a task may not.
    """

    def __init__(self, access: Access) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
        self._access = access
        self._directory: Directory | None = None
        try:
            connection, server = self._runner.run(connect(access))
        except BaseException:
            self._runner.close()
            raise
        self._directory = Directory(connection, server, access)

    @property
    def client(self) -> Directory:
        """Return the client, to make coroutines for ``run``."""
        assert self._directory is not None, "it is open"
        return self._directory

    def run(self, what: Callable[[Directory], Coroutine[Any, Any, T]]) -> T:
        """Wait for what ``what`` does with the client."""
        return self._runner.run(what(self.client))

    def close(self) -> None:
        """Sign off; may be called twice."""
        directory, self._directory = self._directory, None
        if directory is not None:
            try:
                self._runner.run(_close(directory))
            finally:
                self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def _close(directory: Directory) -> None:
    async with directory.connection:
        pass
