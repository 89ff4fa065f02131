"""One process at a time: a lock of the operating system on a file beside the store, gone when the process is.

The only module that knows how Windows and POSIX lock a file.
"""

import os
import sys
from pathlib import Path

from autosync.syncengine.errors import StoreInUse


class RunLock:
    """Holds the right to run until ``release`` or the end of the process."""

    def __init__(self, store: Path) -> None:
        """Take the lock of ``store``; raise ``StoreInUse`` when another process, or this one, has it."""
        path = store.with_name(store.name + ".lock")
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._handle)
        except OSError as error:
            os.close(self._handle)
            raise StoreInUse(f"{store} is in use by another process; stop it first, or give this one its own store") from error

    def release(self) -> None:
        """Let go. Idempotent."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        # flock belongs to the open file: a second open in the same process is refused, too.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
