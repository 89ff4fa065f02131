"""Whether somebody holds a lock on an open file, where the operating system lets that be seen."""

from collections.abc import Callable
from typing import BinaryIO

try:
    from fcntl import LOCK_NB, LOCK_SH, LOCK_UN, flock, lockf
except ImportError:  # Windows: a locked file cannot even be opened there
    _WAYS: tuple[Callable[[int, int], object], ...] = ()
    _TRY = _LEAVE = 0
else:
    _WAYS = (flock, lockf)
    _TRY, _LEAVE = LOCK_SH | LOCK_NB, LOCK_UN


def is_locked(file: BinaryIO) -> bool:
    """Return whether another process holds an exclusive lock; False where locks cannot be seen."""
    for way in _WAYS:
        try:
            way(file.fileno(), _TRY)
        except BlockingIOError:
            return True
        except OSError:
            continue  # a file system without locks
        way(file.fileno(), _LEAVE)
    return False
