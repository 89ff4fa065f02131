"""The store in one SQLite file, in WAL mode: readers never wait for the run."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from autosync.syncengine.errors import StoreDamaged, StoreTooNew
from autosync.syncengine.store import statements as sql
from autosync.syncengine.store.lock import RunLock
from autosync.syncengine.store.migrations import MIGRATIONS
from autosync.syncengine.store.rows import Space, WriteBatch
from autosync.syncengine.store.sqlite_objects import SqliteObjects
from autosync.syncengine.store.sqlite_writing import Writing


class SqliteStore(SqliteObjects):
    """The whole store. Open it for running in one process only; for looking in as many as you like."""

    def __init__(self, path: Path, *, for_running: bool = True) -> None:
        """Open or create; raise ``StoreInUse`` where another process runs on it, ``StoreTooNew`` where it is newer.

        Raises ``StoreDamaged`` for a file that is no store, or that cannot be opened.
        """
        self._lock = RunLock(path) if for_running else None
        try:
            if for_running:
                _make_private(path)
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
            self._prepare(connection, path)
            super().__init__(connection)
            self._writing = Writing(connection, self.forget_attribute_numbers)
        except sqlite3.DatabaseError as error:
            if self._lock is not None:
                self._lock.release()
            raise StoreDamaged(_said(path, error)) from error
        except BaseException:
            if self._lock is not None:
                self._lock.release()
            raise

    def apply(self, batch: WriteBatch) -> None:
        self._writing.apply(batch)

    def together(self, batches: int) -> AbstractContextManager[None]:
        return self._writing.together(batches)

    def close(self) -> None:
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    @property
    def connection(self) -> sqlite3.Connection:
        """Return the connection, for tests that count statements."""
        return self._connection

    def agent_number(self, name: str) -> int:
        return self._number("agent", name)

    def space(self, agent: int, partition: str) -> Space:
        for space in self.spaces(agent):
            if space.partition == partition:
                return space
        self._connection.execute(sql.INSERT_SPACE, (agent, partition))
        return next(space for space in self.spaces(agent) if space.partition == partition)

    def spaces(self, agent: int) -> list[Space]:
        return [Space(*row) for row in self._all(sql.SELECT_SPACE, (agent,))]

    def set_reading(self, space: int, token: bytes | None, signature: bytes) -> None:
        self._connection.execute(sql.UPDATE_SPACE, (token, signature, space))

    def tallies(self, agent: int) -> dict[tuple[int, str], int]:
        return {(space, what): n for space, what, n in self._all(sql.TALLY_OF, (agent,))}

    def fact(self, key: str) -> bytes | None:
        found = self._connection.execute(sql.SELECT_META, (key,)).fetchone()
        return found[0] if found else None

    def remember(self, key: str, value: bytes) -> None:
        self._connection.execute(sql.REPLACE_META, (key, value))

    def start_run(self, agent: int, result: bytes) -> int:
        key = f"run number {agent}"
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            newest = int(self._connection.execute(sql.NEXT_RUN, (agent,)).fetchone()[0])
            number = max(int(self.fact(key) or 0), newest) + 1
            self.remember(key, str(number).encode())
            self.save_run(agent, number, None, result)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return number

    def save_run(self, agent: int, number: int, ended: str | None, result: bytes) -> None:
        self._connection.execute(sql.INSERT_RUN, (agent, number, ended, result))

    def open_runs(self) -> list[tuple[int, int, bytes]]:
        return self._all(sql.OPEN_RUNS)

    def runs(self, agent: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        return self._all(sql.RUNS_AFTER, (agent, after, limit))

    def newest_run(self, agent: int) -> tuple[int, bytes] | None:
        found: tuple[int, bytes] | None = self._connection.execute(sql.LAST_RUN, (agent,)).fetchone()
        return found

    def clear_runs(self, before: str) -> int:
        return self._connection.execute(sql.CLEAR_RUNS, (before,)).rowcount

    def rebuild_index(self, name: str, entries: Iterator[tuple[str, str, int]]) -> None:
        """Fill a metaverse index anew, in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute(sql.DELETE_KEYS_NAMED, (name,))
            self._connection.executemany(sql.INSERT_KEY, entries)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def pending_digest_rows(self, space: int, *, exports: bool) -> Iterator[tuple[Any, ...]]:
        both = (sql.PENDING_ALL, sql.PENDING_REFS_ALL) if exports else (sql.STAGED_ALL, sql.STAGED_REFS_ALL)
        for statement in both:
            yield from self._connection.execute(statement, (space,))

    @staticmethod
    def _prepare(connection: sqlite3.Connection, path: Path) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        # A lost last commit after a power cut costs some batches, which the next run does again.
        connection.execute("PRAGMA synchronous = NORMAL")
        # Measured with the import of a million objects, whose references go to every page of their index: with SQLite's 1,000
        # pages of log and half the cache it wrote half as much again.
        connection.execute("PRAGMA wal_autocheckpoint = 16000")
        connection.execute("PRAGMA cache_size = -131072")
        connection.execute("PRAGMA temp_store = MEMORY")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > sql.VERSION:
            raise StoreTooNew(f"{path} was written by a newer version (schema {version}, known {sql.VERSION})")
        if version == sql.VERSION:
            return
        steps = [sql.SCHEMA] if version == 0 else [MIGRATIONS[each] for each in range(version, sql.VERSION)]
        script = "\n".join(steps)
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {sql.VERSION};\nCOMMIT;")


def _said(path: Path, error: sqlite3.DatabaseError) -> str:
    if isinstance(error, sqlite3.OperationalError):
        return f"cannot open {path}: {error}. Is its folder there, and may the service's account write to it?"
    return (
        f"{path} is damaged ({error}). Keep a copy of the file, and restore the newest backup; or move it away: full imports "
        "and a full synchronization make it anew"
    )


def _make_private(path: Path) -> None:
    """Make the file for its owner alone where there is none: it holds people's data. SQLite's other files follow it."""
    with suppress(OSError):  # what cannot be made cannot be opened: SQLite says so in a moment
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
