"""One process at a time: an exclusive transaction on a small file beside the store, gone when the process is.

SQLite takes the operating system's own lock, on Windows and Linux alike.
"""

import sqlite3
from pathlib import Path

from autosync.syncengine.errors import StoreDamaged, StoreInUse


class RunLock:
    """Holds the right to run until ``release`` or the end of the process."""

    def __init__(self, store: Path) -> None:
        """Take the lock of ``store``; raise ``StoreInUse`` when another process, or this one, has it.

        Raises ``StoreDamaged`` where no file can be made beside the store.
        """
        path = store.with_name(store.name + ".lock")
        self._held: sqlite3.Connection | None = None
        try:
            self._held = sqlite3.connect(path, timeout=0.2, isolation_level=None, check_same_thread=False)
            self._held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self.release()
            if "locked" not in str(error):
                raise StoreDamaged(
                    f"cannot open {store}: {error}. Is its folder there, and may the service's account write to it?"
                ) from error
            raise StoreInUse(
                f"{store} is in use by another process; stop it first, or give this one its own store"
            ) from error

    def release(self) -> None:
        """Let go. Idempotent."""
        if self._held is not None:
            self._held.close()
            self._held = None
