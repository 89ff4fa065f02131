"""Connections, the single-writer lock, and SQLite's errors in our words."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autosync.model.errors import IllegalTransition, StoreDamaged, StoreUnavailable

_BUSY_TIMEOUT_S = 5.0


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open ``path`` in WAL mode; a writer syncs at every commit, because what is acknowledged must survive a power cut."""
    address = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(
        address, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA foreign_keys = ON")
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def make_private(path: Path) -> None:
    """Make the file, and the lock's, for their owner alone where there are none; SQLite gives its other files their mode."""
    for each in (path, path.with_name(path.name + ".lock")):
        with suppress(OSError):  # what cannot be made cannot be opened: SQLite says so in a moment
            os.close(os.open(each, os.O_CREAT | os.O_RDWR, 0o600))


def take_lock(path: Path) -> sqlite3.Connection:
    """Become the only AutoSync on this store until the connection closes; raise ``StoreUnavailable`` if another is.

    An exclusive transaction on a small file beside the store: SQLite takes the operating system's lock, on Windows and
    Linux alike, and the system releases it when the process dies.
    """
    lock = sqlite3.connect(
        path.with_name(path.name + ".lock"), timeout=0.2, isolation_level=None, check_same_thread=False
    )
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise StoreUnavailable(
            f"{path} is in use by another AutoSync. Stop that one first, or give this one a store of its own."
        ) from error
    return lock


@contextmanager
def our_errors(path: Path) -> Iterator[None]:
    """Translate SQLite's errors: a broken invariant, a store that cannot be written now, a store that cannot be read."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise IllegalTransition(f"{path}: {error}") from error
    except sqlite3.OperationalError as error:
        raise StoreUnavailable(_way_out(path, str(error))) from error
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(
            f"{path} is damaged ({error}). Stop AutoSync, keep a copy of the file, restore the newest backup or move the "
            "file away to start with an empty store: pending work is found again in the engine."
        ) from error


def _way_out(path: Path, error: str) -> str:
    if "full" in error:
        return f"cannot write {path}: the disk is full. Make room; trying again, nothing that was acknowledged is lost."
    if "locked" in error or "busy" in error:
        return f"cannot write {path}: another program has locked it. Close that program; trying again."
    if "readonly" in error or "unable to open" in error:
        return f"cannot write {path}: no write permission, or no such folder. Give the service account write access."
    return f"cannot write {path}: {error}. Trying again; nothing that was acknowledged is lost."
