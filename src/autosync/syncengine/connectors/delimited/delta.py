"""Read a delta file: rows that say what happened to an object, in the order in which it happened."""

from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self

from autosync.syncengine.connectors.delimited.checking import RowCheck
from autosync.syncengine.connectors.delimited.opening import OpenedFile
from autosync.syncengine.connectors.delimited.reader import BATCH, DelimitedBatch, changed_meanwhile
from autosync.syncengine.connectors.delimited.records import Block
from autosync.syncengine.connectors.delimited.settings import DelimitedSettings, DeltaFile
from autosync.syncengine.connectors.port import ReadBatch, ReadError


def delta_settings(settings: DelimitedSettings, delta: DeltaFile) -> DelimitedSettings:
    """Return the settings for the delta file: the same, with one column more (the last where there is no header)."""
    columns = (*settings.columns, delta.column) if settings.columns else ()
    return replace(settings, path=delta.path, columns=columns)


class DelimitedDeltaReader:
    """One reading of a delta file. Of several rows about one object in a batch the last counts."""

    def __init__(self, opened: OpenedFile, delta: DeltaFile, token: bytes) -> None:
        self._opened = opened
        self._delta = delta
        self._token = token
        self._check = RowCheck(opened)
        self._change = opened.layout.names.index(delta.column)
        self._whole = False

    @property
    def complete(self) -> bool:
        """Return whether every row was understood."""
        return self._whole and not self._check.gap

    @property
    def token(self) -> bytes | None:
        """Return the token of this file's content."""
        return self._token

    def __iter__(self) -> Iterator[ReadBatch]:
        """Yield batches; raise ``ConnectorError``."""
        for block in self._opened.blocks():
            for start in range(0, len(block.records), BATCH):
                yield self._batch(block, range(start, min(start + BATCH, len(block.records))))
        if self._opened.source.changed():
            yield changed_meanwhile(self._opened)
        else:
            self._whole = True

    def _batch(self, block: Block, indexes: range) -> DelimitedBatch:
        batch, last = DelimitedBatch(self._opened), dict[str, tuple[bool, int]]()
        for index in indexes:
            if self._opened.scanner.is_nothing(block.records[index]):
                continue
            match self._take(block, index):
                case ReadError() as error:
                    batch.errors.append(error)
                case anchor, gone:
                    last[anchor] = gone, index
        batch.deleted = [anchor for anchor, (gone, _) in last.items() if gone]
        living = [(anchor, index) for anchor, (gone, index) in last.items() if not gone]
        batch.anchors = [anchor for anchor, _ in living]
        batch.records = [block.records[index] for _, index in living]
        batch.lines = [block.line(index) for _, index in living]
        return batch.digest()

    def _take(self, block: Block, index: int) -> tuple[str, bool] | ReadError:
        line, fields = block.line(index), self._check.fields(block, index)
        if isinstance(fields, ReadError):
            return fields
        if isinstance(anchor := self._check.anchor(fields, line), ReadError):
            return anchor
        word = fields[self._change].strip()
        if word not in (self._delta.add, self._delta.modify, self._delta.delete):
            self._check.gap = True
            known = f"{self._delta.add}, {self._delta.modify} or {self._delta.delete}"
            message = f"line {line}: the change type {word!r} is not {known}"
            error_type = "invalid-change-type" if word else "missing-change-type"
            return ReadError(error_type=error_type, message=message, line=line, anchor=anchor)
        return anchor, word == self._delta.delete or self._opened.layout.is_deleted(fields)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.source.close()
