"""The records of a file that is being rewritten: what is not touched is copied byte by byte.

Only an anchor and two numbers a record are in memory; new content waits in a spool. That holds a million objects.
"""

import tempfile
from array import array
from collections.abc import Callable, Iterator
from typing import BinaryIO

_COPY_BYTES = 1 << 20
_SPOOL_IN_MEMORY = 16 << 20


class RecordFile:
    """Records by anchor, in the order of the file; a record's bytes include its line ends."""

    def __init__(self, base: BinaryIO | None) -> None:
        self._base = base
        self._spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_IN_MEMORY)  # noqa: SIM115 (closed in close)
        self._spool_end = self._spool_at = 0
        self._starts = array("q")  # from 0: in the base; below 0: in the spool, at -start - 1
        self._lengths = array("q")
        self._slots: dict[str, int] = {}
        self._base_end = 0
        self.missing_end = b""
        """What the last record of the base lacks before another one may follow."""

    def keep(self, start: int, length: int, anchor: str | None = None) -> None:
        """Take over a stretch of the base; without ``anchor`` it is nobody's and stays."""
        if anchor is not None:
            self._slots.setdefault(anchor, len(self._starts))  # of two equal anchors the first is managed
        self._starts.append(start)
        self._lengths.append(length)
        self._base_end = start + length

    def __contains__(self, anchor: str) -> bool:
        return anchor in self._slots

    def __len__(self) -> int:
        return len(self._slots)

    def get(self, anchor: str) -> bytes | None:
        """Return the bytes of a record; None when there is none."""
        slot = self._slots.get(anchor)
        return None if slot is None else self._read(self._starts[slot], self._lengths[slot])

    def put(self, anchor: str, record: bytes) -> None:
        """Replace a record, or append a new one."""
        slot = self._slots.get(anchor)
        if slot is None:
            self._slots[anchor] = len(self._starts)
            self.append(record)
        else:
            self._starts[slot] = self._store(record)
            self._lengths[slot] = len(record)

    def append(self, record: bytes) -> None:
        """Append a record that is nobody's."""
        self._starts.append(self._store(record))
        self._lengths.append(len(record))

    def remove(self, anchor: str) -> None:
        """Forget a record."""
        slot = self._slots.pop(anchor)
        self._lengths[slot] = 0

    def rename(self, old: str, new: str) -> None:
        """Give a record another anchor; its place stays."""
        self._slots[new] = self._slots.pop(old)

    def copy_to(self, write: Callable[[bytes], None]) -> None:
        """Write all records in order."""
        ended = True
        for start, length in self._stretches():
            if not ended:
                write(self.missing_end)
            ended = start < 0 or start + length != self._base_end
            for offset in range(0, length, _COPY_BYTES):
                size = min(_COPY_BYTES, length - offset)
                write(self._read(start - offset if start < 0 else start + offset, size))

    def close(self) -> None:
        """Free the spool."""
        self._spool.close()

    def _store(self, record: bytes) -> int:
        if self._spool_at != self._spool_end:
            self._spool.seek(self._spool_end)
        self._spool.write(record)
        start = -self._spool_end - 1
        self._spool_end += len(record)
        self._spool_at = self._spool_end
        return start

    def _stretches(self) -> Iterator[tuple[int, int]]:
        """Yield what lies together as one: most of a file is copied in a few pieces."""
        start, length = 0, 0
        for next_start, next_length in zip(self._starts, self._lengths, strict=True):
            if not next_length:
                continue
            end = start - length if start < 0 else start + length
            if length and next_start == end and (next_start < 0) == (start < 0):
                length += next_length
                continue
            if length:
                yield start, length
            start, length = next_start, next_length
        if length:
            yield start, length

    def _read(self, start: int, length: int) -> bytes:
        if start < 0:
            self._spool.seek(-start - 1)
            self._spool_at = -1
            return self._spool.read(length)
        assert self._base is not None, "a place in the base without a base"
        self._base.seek(start)
        return self._base.read(length)
