"""Replace a file as a whole: whoever reads it sees the old content or the new, never a mixture."""

import errno
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from autosync.syncengine.connectors.port import ConnectorError

_ATTEMPTS = 8
_FIRST_PAUSE_S = 0.02  # doubles each time: 2.5 s in all, as long as virus scanners and editors hold a file


class Replacement:
    """The new content of a file, written beside it until ``commit`` puts it in place."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))  # a link stays a link
        self._beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.tmp")
        try:
            self._file = self._beside.open("xb")
        except OSError as error:
            raise write_error(self.path, error) from error

    def write(self, data: bytes) -> None:
        """Append bytes; raise ``ConnectorError`` when the disk takes no more."""
        try:
            self._file.write(data)
        except OSError as error:
            raise write_error(self.path, error) from error

    def commit(self) -> None:
        """Make the content durable and put it in place; raise ``ConnectorError`` and leave the old file when it fails."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if self.path.exists():
                shutil.copymode(self.path, self._beside)
            _replace(self._beside, self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            self.abandon()
            raise write_error(self.path, error) from error

    def abandon(self) -> None:
        """Throw the new content away; never raises."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._beside.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()  # after a commit there is nothing left to throw away


def write_error(path: Path, error: OSError) -> ConnectorError:
    """Return the run's end for a file that cannot be written."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return ConnectorError("stopped-disk-full", f"the disk of {path} is full; the file is unchanged")
    return ConnectorError("stopped-export-write", f"cannot write {path}: {error.strerror}; the file is unchanged")


def is_windows() -> bool:
    """Return whether files that are open cannot be replaced."""
    return os.name == "nt"


def _replace(source: Path, target: Path) -> None:
    """Rename over ``target``; on Windows that fails as long as somebody has it open, so try for some seconds."""
    for attempt in range(_ATTEMPTS):
        try:
            source.replace(target)
            break
        except PermissionError:
            if attempt == _ATTEMPTS - 1 or not is_windows():
                raise
            Event().wait(_FIRST_PAUSE_S * 2**attempt)


def _sync_folder(folder: Path) -> None:
    if is_windows():  # Windows cannot open folders; NTFS journals the rename
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
