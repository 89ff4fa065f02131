"""The durable store. One thread writes, one reads: the event loop never waits for the disk, a query never for a commit."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from autosync.adapters.stores.sqlite import outbox, pruning, reading, revisions, schema, writing
from autosync.adapters.stores.sqlite.connection import connect, make_private, our_errors, take_lock
from autosync.adapters.stores.sqlite.writing import text_of
from autosync.model.causes import Cascade
from autosync.model.errors import StoreUnavailable
from autosync.model.holds import Hold
from autosync.model.ids import CascadeId, HoldId, RequestId, RunId
from autosync.model.requests import Request
from autosync.model.rows import Snapshot
from autosync.model.runs import Run
from autosync.ports.store import Commit, FactFilter, Message, Pruned, Revision, RunFilter, StoredFact

T = TypeVar("T")


class SqliteStore:
    """Keeps everything in one file at ``path`` (beside it: ``-wal``, ``-shm`` and ``.lock``)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="store-reader")
        self._lock: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open, migrate if older, take the single-writer lock; raise ``StoreUnavailable`` or ``StoreDamaged``."""
        await asyncio.get_running_loop().run_in_executor(self._writing, self._open)

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"cannot make the folder {self._path.parent}: {error.strerror}") from error
        try:
            with our_errors(self._path):
                make_private(self._path)
                self._lock = take_lock(self._path)
                self._writer = connect(self._path)
                schema.migrate(self._writer, str(self._path))
                self._reader = connect(self._path, read_only=True)
        except BaseException:
            self._close()
            raise

    async def close(self) -> None:
        """Close; idempotent. Waits for a commit that is under way."""
        await asyncio.get_running_loop().run_in_executor(self._writing, self._close)
        self._writing.shutdown(wait=False)
        self._reading.shutdown(wait=False)

    def _close(self) -> None:
        for connection in (self._reader, self._writer, self._lock):
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()
        self._reader = self._writer = self._lock = None

    async def load(self) -> Snapshot:
        """Return everything that the core's state is rebuilt from."""
        return await self._read(reading.snapshot)

    async def commit(self, commit: Commit) -> Sequence[StoredFact]:
        """Store it all, durably, and return the facts with their numbers."""
        return await self._write(lambda connection: writing.write(connection, commit))

    async def run(self, run: RunId) -> Run | None:
        """Return one run, ended or not, with steps and counters."""
        return await self._read(lambda connection: reading.one(connection, Run, "run", run))

    async def runs(self, wanted: RunFilter) -> Sequence[Run]:
        """Return runs, newest first."""
        return await self._read(lambda connection: reading.runs(connection, wanted))

    async def request(self, request: RequestId) -> Request | None:
        """Return one request, waiting or not, as it last was."""
        return await self._read(lambda connection: reading.one(connection, Request, "request", request))

    async def facts(self, wanted: FactFilter) -> Sequence[StoredFact]:
        """Return facts, oldest first."""
        return await self._read(lambda connection: reading.facts(connection, wanted))

    async def hold(self, hold: HoldId) -> Hold | None:
        """Return one hold, decided or not."""
        return await self._read(lambda connection: reading.one(connection, Hold, "hold", hold))

    async def holds(self, *, only_open: bool = True, limit: int = 100) -> Sequence[Hold]:
        """Return holds, newest first."""
        where = "WHERE state = 'open' " if only_open else ""
        sql = f"SELECT body FROM hold {where}ORDER BY id DESC"  # noqa: S608 - two constants
        return await self._read(lambda connection: reading.bodies(connection, Hold, sql, limit))

    async def cascade(self, cascade: CascadeId) -> Cascade | None:
        """Return one cascade."""
        return await self._read(lambda connection: reading.one(connection, Cascade, "cascade", cascade))

    async def cascades(self, *, limit: int = 50) -> Sequence[Cascade]:
        """Return cascades, newest first."""
        sql = "SELECT body FROM cascade ORDER BY id DESC"
        return await self._read(lambda connection: reading.bodies(connection, Cascade, sql, limit))

    async def add_revision(self, text: str, at: datetime, by: str, reason: str = "") -> Revision:
        """Store a configuration text and return its revision; the same text as the newest returns that one."""
        wanted = Revision(number=0, text=text, applied=at, by=by, reason=reason)
        return await self._write(lambda connection: revisions.add(connection, wanted))

    async def revisions(self, *, limit: int = 50) -> Sequence[Revision]:
        """Return configuration revisions, newest first."""
        return await self._read(lambda connection: revisions.newest(connection, limit))

    async def due_messages(self, now: datetime, *, limit: int = 20) -> Sequence[Message]:
        """Return outbox messages that are due, oldest first."""
        return await self._read(lambda connection: outbox.due(connection, text_of(now), limit))

    async def message_sent(self, number: int) -> None:
        """Forget a delivered message."""
        await self._write(lambda connection: outbox.forget(connection, number))

    async def message_failed(self, number: int, due: datetime, error: str) -> None:
        """Count a failed delivery and try again at ``due``."""
        await self._write(lambda connection: outbox.postpone(connection, number, text_of(due), error))

    async def prune(self, before: datetime, *, limit: int = 5000) -> Pruned:
        """Remove at most ``limit`` of each kind of thing that ended before the moment."""
        return await self._write(lambda connection: pruning.prune(connection, text_of(before), limit))

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writing, self._transaction, work)

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = _opened(self._writer, self._path)
        with our_errors(self._path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                answer = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back already; a second ROLLBACK would hide the first error.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return answer

    async def _read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._ask, question)

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        connection = _opened(self._reader, self._path)
        with our_errors(self._path):
            return question(connection)


def _opened(connection: sqlite3.Connection | None, path: Path) -> sqlite3.Connection:
    if connection is None:
        raise StoreUnavailable(f"{path} is not open")
    return connection
