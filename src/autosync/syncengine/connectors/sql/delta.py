"""Read what changed in a table since a token: by a column that grows, or by a table of changes.

A change that was committed late carries a number or time that has been read past. Therefore an ``overlap`` is read again
each time, and what was seen in it before is left out: nothing is lost, nothing is reported twice.
"""

import base64
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from autosync.syncengine.connectors.port import ConnectorError, ReadBatch
from autosync.syncengine.connectors.sql.failures import DatabaseFailures
from autosync.syncengine.connectors.sql.reader import BATCH, IN_LIST, RowTaker, SqlBatch, rows_of, with_anchors
from autosync.syncengine.connectors.sql.source import Source, text_of, to_column

_VERSION: Final = 1
_MOST_SEEN: Final = 1000
"""Rows of the overlap that a token remembers; more of them are reported again, which is harmless."""


class Watermark(msgspec.Struct, frozen=True, array_like=True):
    """How far a reading came: the greatest number or time, and the digests of what was seen at it and in the overlap."""

    version: int
    what: str
    partition: str
    reached: str | int | float | None
    seen: list[str] = []

    def token(self) -> bytes:
        """Return the watermark as bytes."""
        return msgspec.json.encode(self)


def read_token(token: bytes | None, source: Source, partition: str) -> Watermark:
    """Return the watermark in a token; raise ``ConnectorError`` when only a full import helps."""
    try:
        mark = msgspec.json.decode(token or b"", type=Watermark)
    except msgspec.DecodeError:
        mark = None
    if mark is None or (mark.version, mark.what, mark.partition) != (_VERSION, change_source(source), partition):
        raise ConnectorError("no-start-full-import-required", "there is no valid watermark: import everything first")
    return mark


def change_source(source: Source) -> str:
    """Return what changes are told by: a watermark of one source says nothing about another."""
    settings = source.settings
    if table := settings.change_table:
        return f"table {table.table}.{table.sequence}"
    return f"column {settings.change_column.column}" if settings.change_column else ""


def current_watermark(connection: Connection, source: Source, partition: str) -> bytes | None:
    """Return the token for everything that is there now; taken before a full reading begins."""
    column = change_of(connection, source)
    if column is None:
        return None
    reached = connection.execute(select(func.max(column))).scalar()
    return Watermark(_VERSION, change_source(source), partition, plain(reached)).token()


def change_of(connection: Connection, source: Source) -> Any:
    """Return the column that grows; None where changes cannot be read."""
    settings = source.settings
    name, place = None, source.rows
    if settings.change_table:
        name, place = settings.change_table.sequence, source.reflect(connection, settings.change_table.table)
    elif settings.change_column:
        name = settings.change_column.column
    if name is None:
        return None
    if name not in place.c:
        raise ConnectorError("no-start-database-schema-mismatch", f"{place} has no column {name!r}")
    return place.c[name]


def plain(value: object) -> str | int | float | None:
    """Return a watermark's value as JSON can hold it."""
    if value is None or isinstance(value, (int, float, str)):
        return value
    return int(value) if isinstance(value, Decimal) and value == int(value) else text_of(value)


class SqlDeltaReader:
    """One reading of the changes."""

    def __init__(self, engine: Engine, source: Source, mark: Watermark, failures: DatabaseFailures) -> None:
        self._engine = engine
        self._source = source
        self._mark = mark
        self._failures = failures
        self._taker = RowTaker(source)
        self._seen: list[str] = []
        self._reached = mark.reached
        self._stack = ExitStack()
        self._whole = False

    @property
    def complete(self) -> bool:
        """Return whether every changed row is known."""
        return self._whole and not self._taker.gap

    @property
    def token(self) -> bytes | None:
        """Return the watermark after this reading."""
        mark = self._mark
        return Watermark(_VERSION, mark.what, mark.partition, self._reached, self._seen[-_MOST_SEEN:]).token()

    def __iter__(self) -> Iterator[ReadBatch]:
        """Yield batches; raise ``ConnectorError``."""
        try:
            rows = self._stack.enter_context(self._engine.connect())
            other = self._stack.enter_context(self._engine.connect())
            column = change_of(rows, self._source)
            self._check_reached(rows, column)
            if self._source.settings.change_table:
                yield from self._by_table(rows, other, column)
            else:
                yield from self._by_column(rows, other, column)
        except SQLAlchemyError as error:
            raise self._failures.run_error(error, started=True) from None
        self._whole = True

    def _by_column(self, rows: Connection, other: Connection, column: Any) -> Iterator[SqlBatch]:
        query = rows_of(self._source, self._mark.partition).order_by(column, *self._source.anchor)
        query = query if (since := self._since(column)) is None else query.where(column >= since)
        at, known = self._source.names.index(column.name), set(self._mark.seen)
        for part in rows.execution_options(yield_per=BATCH).execute(query).partitions(BATCH):
            batch = self._taker.batch(list(map(tuple, part)), other)
            changes = {self._source.anchor_of(row): row[at] for row in part}
            marks = [_mark(anchor, digest) for anchor, digest in zip(batch.anchors, batch.digests, strict=True)]
            gone = [_mark(anchor, f"{changes[anchor]}".encode()) for anchor in batch.deleted]
            batch.deleted = [each for each, mark in zip(batch.deleted, gone, strict=True) if mark not in known]
            self._remember(part[-1][at], [*marks, *gone])
            yield batch.only([index for index, mark in enumerate(marks) if mark not in known])

    def _by_table(self, rows: Connection, other: Connection, column: Any) -> Iterator[SqlBatch]:
        """Read the changes' keys, then the rows as they are now: a row that is no longer there was deleted."""
        change = self._source.settings.change_table
        assert change is not None, "only called with a table of changes"
        query = select(column, *(column.table.c[name] for name in change.key)).order_by(column)
        if (since := self._since(column)) is not None:
            # Numbers are given once: without an overlap there is no second change with the last one's.
            query = query.where(column >= since if change.overlap else column > since)
        known = set(self._mark.seen)
        for part in rows.execution_options(yield_per=BATCH).execute(query).partitions(BATCH):
            marks = {_mark(text_of(row[0]), b""): tuple(row[1:]) for row in part}
            keys = list(dict.fromkeys(key for mark, key in marks.items() if mark not in known))
            self._remember(part[-1][0], list(marks))
            yield self._current(other, keys)

    def _current(self, connection: Connection, keys: Sequence[tuple[object, ...]]) -> SqlBatch:
        found = []
        for start in range(0, len(keys), IN_LIST):
            query = rows_of(self._source, self._mark.partition)
            query = query.where(with_anchors(self._source, keys[start : start + IN_LIST]))
            found += list(map(tuple, connection.execute(query)))
        batch = self._taker.batch(found, connection)
        there = {*batch.anchors, *batch.deleted}
        names = (self._source.join_key(key) for key in keys)
        batch.deleted += [anchor for anchor in names if anchor not in there]
        return batch

    def _since(self, column: Any) -> object:
        """Return the value from which on rows are read; None for all. A tie with the last value is read again."""
        reached = self._mark.reached
        if reached is None:
            return None
        change = self._source.settings.change_table or self._source.settings.change_column
        overlap = change.overlap if change else 0
        value = to_column(column, reached) if isinstance(reached, str) else reached
        if isinstance(value, datetime):
            return value - timedelta(seconds=overlap)
        return value - type(value)(overlap) if overlap and isinstance(value, (int, float)) else value

    def _check_reached(self, connection: Connection, column: Any) -> None:
        """Raise ``ConnectorError`` when the database is older than the token, as after a restore.

        Without a column for deleted rows the newest row may simply have been deleted: then nothing can be told.
        """
        settings, reached = self._source.settings, self._mark.reached
        if settings.change_table is None and settings.deleted is None:
            return
        newest = plain(connection.execute(select(func.max(column))).scalar())
        numbers = isinstance(newest, (int, float)) and isinstance(reached, (int, float)) and newest < reached
        texts = isinstance(newest, str) and isinstance(reached, str) and newest < reached
        if numbers or texts:
            message = f"{column.name} was {reached} and is {newest} now: the database went back in time"
            raise ConnectorError("no-start-full-import-required", message)

    def _remember(self, value: object, marks: list[str]) -> None:
        self._reached = plain(value) if value is not None else self._reached
        self._seen = (self._seen + marks)[-_MOST_SEEN:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _mark(name: str, digest: bytes) -> str:
    return f"{name}:{base64.b64encode(digest[:9]).decode('ascii')}"
