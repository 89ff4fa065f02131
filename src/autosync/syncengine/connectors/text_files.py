"""Open a text file for reading as ASCII-compatible bytes, and notice when somebody changes it meanwhile."""

import codecs
import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from autosync.syncengine.connectors.port import ConnectorError

_UTF8_BOM: Final = codecs.BOM_UTF8
_WIDE_BOMS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SHARING_VIOLATIONS: Final = (32, 33)  # Windows: ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION


class ByteStream(Protocol):
    """What records are cut from."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes (about); empty at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Charset:
    """An encoding, and the encoding of the bytes that records are cut from.

    Where ASCII characters are single bytes that occur in no other character (UTF-8, Windows and ISO code pages), the file's
    own bytes are cut and ``raw`` is that encoding. Everything else (UTF-16, Shift-JIS, …) is turned into UTF-8 first.
    """

    name: str
    raw: str

    @property
    def transcoded(self) -> bool:
        """Return whether ``raw`` is not what is in the file."""
        return self.raw != self.name


def charset(encoding: str) -> Charset:
    """Return the charset of an encoding by name; raise ``LookupError`` when Python knows none."""
    name = codecs.lookup(encoding).name
    if name in ("utf-8", "utf-8-sig"):
        return Charset("utf-8", "utf-8")
    text = bytes(range(256)).decode(name, "replace")
    single_bytes = len(text) == 256 and text[:128] == bytes(range(128)).decode("ascii")
    return Charset(name, name if single_bytes else "utf-8")


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What tells one version of a file from the next: its size in bytes, its time in ns, its place on the disk."""

    size: int
    modified_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileIdentity":
        """Return the identity in a stat result."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


class SourceFile:
    """A text file that is open for reading.

    ``stream`` yields bytes in ``charset.raw`` without a byte order mark; ``bom`` is what the file began with. Raises
    ``ConnectorError`` with a ``no-start-file-…`` status when the file cannot be opened.
    """

    def __init__(self, path: Path, encoding: str) -> None:
        self.path = path
        self.charset = charset(encoding)
        self._file = open_binary(path)
        self.identity = FileIdentity.of(os.fstat(self._file.fileno()))
        self.bom = self._take_bom()
        self.stream: ByteStream = self._file
        if self.charset.transcoded:
            self.stream = _Transcoder(self._file, self.file_encoding, path)

    @property
    def file(self) -> BinaryIO:
        """Return the open file itself, whose offsets count from its beginning, byte order mark included."""
        return self._file

    @property
    def file_encoding(self) -> str:
        """Return the encoding of the file, with the byte order that its mark says."""
        if self.charset.name == "utf-16":
            return "utf-16-be" if self.bom == codecs.BOM_UTF16_BE else "utf-16-le"
        return self.charset.name

    def changed(self) -> bool:
        """Return whether somebody wrote to the file or replaced it since it was opened."""
        try:
            now = (os.fstat(self._file.fileno()), self.path.stat())
        except OSError:
            return True
        return any(FileIdentity.of(status) != self.identity for status in now)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _take_bom(self) -> bytes:
        head = self._file.read(3)
        wide = self.charset.name.startswith("utf-16")
        bom = _UTF8_BOM if self.charset.name == "utf-8" and head == _UTF8_BOM else b""
        if head[:2] in _WIDE_BOMS:
            if not wide and not self.charset.name.startswith("utf-32"):
                self._file.close()
                raise conversion_error(self.path, "begins like UTF-16; give encoding: utf-16")
            bom = head[:2] if wide else b""
        self._file.seek(len(bom))
        return bom


class _Transcoder:
    """A stream of UTF-8 made from a file in another encoding."""

    def __init__(self, file: BinaryIO, encoding: str, path: Path) -> None:
        self._file = file
        self._path = path
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")

    def read(self, size: int, /) -> bytes:
        while raw := self._file.read(size):
            if text := self._decode(raw, final=False):
                return text.encode("utf-8")
        return self._decode(b"", final=True).encode("utf-8")

    def _decode(self, raw: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(raw, final)
        except UnicodeDecodeError as error:
            raise conversion_error(self._path, f"is not {error.encoding} near byte {self._file.tell()}") from None


def open_binary(path: Path) -> BinaryIO:
    """Open ``path`` for reading; raise ``ConnectorError`` with Microsoft's word for what is in the way."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise ConnectorError("no-start-file-not-found", f"there is no file {path}") from None
    except OSError as error:
        raise ConnectorError(*_not_opened(path, error)) from error


def conversion_error(path: Path, reason: str) -> ConnectorError:
    """Return the error for a file whose bytes are not in the encoding of the settings."""
    return ConnectorError("stopped-code-page-conversion", f"{path} {reason}")


def is_sharing_violation(error: OSError) -> bool:
    """Return whether another program on Windows holds the file open."""
    return getattr(error, "winerror", None) in _SHARING_VIOLATIONS


def for_new_file(encoding: str) -> tuple[bytes, str]:
    """Return the byte order mark for a new file, and the encoding of what follows it."""
    match codecs.lookup(encoding).name:
        case "utf-8-sig":
            return _UTF8_BOM, "utf-8"
        case "utf-16":
            return codecs.BOM_UTF16_LE, "utf-16-le"
        case name:
            return b"", name


class Copying:
    """A stream that leaves a copy of what was read from it."""

    def __init__(self, stream: ByteStream, copy: BinaryIO) -> None:
        self._stream = stream
        self._copy = copy

    def read(self, size: int, /) -> bytes:
        """Read, and write the same to the copy."""
        data = self._stream.read(size)
        self._copy.write(data)
        return data


def _not_opened(path: Path, error: OSError) -> tuple[str, str]:
    if is_sharing_violation(error):
        return "no-start-file-sharing-violation", f"another program holds {path} open"
    if isinstance(error, PermissionError) and not path.is_dir():
        return "no-start-file-access-denied", f"no permission to read {path}"
    reason = "it is a directory" if path.is_dir() else error.strerror or errno.errorcode.get(error.errno or 0, "")
    return "no-start-file-open", f"cannot open {path}: {reason}"
