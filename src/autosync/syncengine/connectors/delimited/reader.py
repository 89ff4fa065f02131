"""Read a delimited file whole, in batches whose unchanged objects cost an anchor and a digest."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from autosync.syncengine.connectors.delimited.checking import RowCheck
from autosync.syncengine.connectors.delimited.layout import ColumnMisfit
from autosync.syncengine.connectors.delimited.opening import OpenedFile
from autosync.syncengine.connectors.delimited.records import Block
from autosync.syncengine.connectors.file_end import FileEnd
from autosync.syncengine.connectors.port import Entry, EntryError, ReadBatch, ReadError
from autosync.syncengine.connectors.seen import SeenAnchors

BATCH: Final = 5000


class DelimitedBatch:
    """Up to 5,000 rows; a row is parsed when its entry is asked for."""

    def __init__(self, opened: OpenedFile) -> None:
        self._opened = opened
        self.anchors: list[str] = []
        self.digests: list[bytes] = []
        self.deleted: list[str] = []
        self.errors: list[ReadError] = []
        self.records: list[bytes] = []
        self.lines: Sequence[int] = []

    def digest(self) -> Self:
        """Fill in the digests of the records."""
        digest = self._opened.digest
        self.digests = [digest(record.rstrip(b"\r\n")) for record in self.records]
        return self

    def entry(self, index: int) -> Entry:
        """Decode the row at ``index``; raise ``EntryError`` with its line number."""
        layout, anchor, line = self._opened.layout, self.anchors[index], self.lines[index]
        fields = self._opened.form.fields(self.records[index])
        try:
            attributes = layout.attributes(fields)
            return Entry(anchor=anchor, dn=anchor, object_type=layout.object_type(fields), attributes=attributes)
        except ColumnMisfit as error:
            message = f"line {line}: {error}"
            wrong = ReadError(
                error_type=error.error_type, message=message, line=line, anchor=anchor, attribute=error.column
            )
            raise EntryError(wrong) from None


class DelimitedReader:
    """One reading of a whole file. ``complete`` is False as soon as a row may hide whose it is."""

    def __init__(self, opened: OpenedFile, token: bytes | None) -> None:
        self._opened = opened
        self._token = token
        self._check = RowCheck(opened)
        self._seen = SeenAnchors(opened.lines_before)
        self._end = FileEnd(opened.settings.final_newline)
        self._whole = False

    @property
    def complete(self) -> bool:
        """Return whether the end was reached and every row is known or harmless."""
        return self._whole and not self._check.gap

    @property
    def token(self) -> bytes | None:
        """Return where a delta import starts after this reading, and how this one ended."""
        return self._end.token(self._token)

    @property
    def remark(self) -> str:
        """Return a doubt about the end of a file that was never read before."""
        return self._end.remark

    def recall(self, token: bytes | None) -> None:
        """Take note of how the file ended when it was last read."""
        self._end.recall(token)

    def __iter__(self) -> Iterator[ReadBatch]:
        """Yield batches; raise ``ConnectorError``."""
        for block in self._opened.blocks():
            self._end.has_line_end = not block.open_end
            for start in range(0, len(block.records), BATCH):
                yield self._batch(block, start, min(start + BATCH, len(block.records)))
        if self._opened.source.changed():
            yield changed_meanwhile(self._opened)
        elif (reason := self._end.reason) and not self._check.gap:  # no row stands there: a comment, the header
            batch = DelimitedBatch(self._opened)
            batch.errors.append(self._check.cut(None, reason))
            yield batch
        else:
            self._whole = True

    def _batch(self, block: Block, start: int, end: int) -> DelimitedBatch:
        batch = DelimitedBatch(self._opened)
        if not self._take_all(batch, block, start, end):
            batch = DelimitedBatch(self._opened)
            self._take_each(batch, block, start, end)
        return batch.digest()

    def _take_all(self, batch: DelimitedBatch, block: Block, start: int, end: int) -> bool:
        """Take rows that are all in order, fast; False when one of them needs a closer look."""
        if not self._opened.plain_anchors or not block.clean or block.broken or block.open_end:
            return False
        batch.records = block.records[start:end]
        anchors = self._parsed_anchors(block.rows[start:end]) if block.rows else self._cut_anchors(batch.records)
        if anchors is None or not self._opened.layout.are_anchors(anchors) or not self._seen.take_all(anchors):
            return False
        batch.anchors = anchors
        first = block.first_line
        batch.lines = block.lines[start:end] if block.lines else range(first + start, first + end)
        return True

    def _parsed_anchors(self, rows: list[list[str]]) -> list[str] | None:
        columns, index = len(self._opened.layout.names), self._opened.layout.anchor[0]
        if any(len(row) != columns for row in rows):
            return None
        return [row[index] for row in rows]

    def _cut_anchors(self, records: list[bytes]) -> list[str] | None:
        columns, index = len(self._opened.layout.names), self._opened.layout.anchor[0]
        encoding = self._opened.form.encoding
        delimiter = self._opened.form.delimiter.encode(encoding)
        if any(record.count(delimiter) != columns - 1 for record in records):
            return None
        if index == columns - 1:
            joined = b"".join([record.rpartition(delimiter)[2].rstrip(b"\r\n") + b"\n" for record in records])
        else:
            joined = b"".join([record.split(delimiter, index + 1)[index] + b"\n" for record in records])
        return joined.decode(encoding).split("\n")[:-1]

    def _take_each(self, batch: DelimitedBatch, block: Block, start: int, end: int) -> None:
        lines: list[int] = []
        for index in range(start, end):
            if self._opened.scanner.is_nothing(block.records[index]):
                continue
            anchor = self._take(block, index)
            if isinstance(anchor, ReadError):
                batch.errors.append(anchor)
            elif anchor is not None:
                batch.anchors.append(anchor)
                batch.records.append(block.records[index])
                lines.append(block.line(index))
        batch.lines = lines

    def _take(self, block: Block, index: int) -> str | ReadError | None:
        """Return the anchor of a row; None when the row says that its object is gone."""
        line, fields = block.line(index), self._check.fields(block, index)
        if isinstance(fields, ReadError):
            return fields
        if index == len(block.records) - 1 and (reason := self._end.reason):
            return self._check.cut(line, reason)
        if isinstance(anchor := self._check.anchor(fields, line), ReadError):
            return anchor
        if self._opened.layout.is_deleted(fields):
            return None
        if first := self._seen.take(anchor, line):
            return self._check.duplicate(anchor, first, line)
        return anchor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.source.close()


def changed_meanwhile(opened: OpenedFile) -> DelimitedBatch:
    """Return a batch with nothing but the error that the file is no longer the one that was opened."""
    batch = DelimitedBatch(opened)
    message = f"{opened.source.path} changed while it was read; import again when it is whole"
    batch.errors.append(ReadError(error_type="read-error", message=message))
    return batch
