"""Read a table whole: rows are streamed, children are fetched for a batch at a time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, or_, select
from sqlalchemy.exc import SQLAlchemyError

from autosync.syncengine.connectors.digests import settings_salt, value_digester
from autosync.syncengine.connectors.port import Entry, EntryError, ReadBatch, ReadError
from autosync.syncengine.connectors.sql.failures import DatabaseFailures
from autosync.syncengine.connectors.sql.source import Source, text_of
from autosync.syncengine.connectors.values import ValueMisfit

BATCH: Final = 5000
IN_LIST: Final = 500  # SQL Server takes 2,100 parameters, old SQLite 999

Children = Mapping[str, Mapping[str, Sequence[object]]]
"""By anchor, by attribute: the values, sorted."""


class SqlBatch:
    """Up to 5,000 rows with their children's values."""

    def __init__(self, source: Source, rows: list[tuple[str, Sequence[object]]], children: Children) -> None:
        self._source = source
        self._rows = rows
        self._children = children
        digest = value_digester(settings_salt("sql", source.settings.meaning(), source.names))
        self.anchors = [anchor for anchor, _ in rows]
        self.digests = [digest((tuple(row), children.get(anchor))) for anchor, row in rows]
        self.deleted: list[str] = []
        self.errors: list[ReadError] = []

    def only(self, indexes: Sequence[int]) -> "SqlBatch":
        """Return a batch with some of the rows and all the rest."""
        batch = SqlBatch(self._source, [self._rows[index] for index in indexes], self._children)
        batch.deleted, batch.errors = self.deleted, self.errors
        return batch

    def entry(self, index: int) -> Entry:
        """Decode the row at ``index``; raise ``EntryError``."""
        anchor, row = self._rows[index]
        try:
            return self._source.entry(row, self._children.get(anchor, {}))
        except ValueMisfit as error:
            message = f"row {anchor!r}: {error}"
            raise EntryError(ReadError(error_type=error.error_type, message=message, anchor=anchor)) from None


class RowTaker:
    """Takes rows into batches. ``gap`` becomes True with the first row of which nobody knows whose it is."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.gap = False

    def batch(self, rows: Sequence[Sequence[object]], connection: Connection) -> SqlBatch:
        """Return a batch of the living rows; the gone ones are named in ``deleted``, the nameless in ``errors``."""
        living, deleted, errors = list[tuple[str, Sequence[object]]](), list[str](), list[ReadError]()
        anchor_of, is_deleted = self._source.anchor_of, self._source.is_deleted
        for row in rows:
            anchor = anchor_of(row)
            if not anchor:
                self.gap = True
                message = f"a row has no {' or '.join(self._source.settings.anchor)}, so nobody knows whose it is"
                errors.append(ReadError(error_type="missing-anchor-component", message=message))
            elif is_deleted(row):
                deleted.append(anchor)
            else:
                living.append((anchor, row))
        children = read_children(connection, self._source, [anchor for anchor, _ in living])
        batch = SqlBatch(self._source, living, children)
        batch.deleted, batch.errors = deleted, errors
        return batch


class SqlReader:
    """One reading of a whole table. Two connections: one streams the rows, one fetches the children in between."""

    def __init__(
        self, engine: Engine, source: Source, partition: str, failures: DatabaseFailures, token: bytes | None
    ) -> None:
        self._engine = engine
        self._source = source
        self._failures = failures
        self._partition = partition
        self._token = token
        self._taker = RowTaker(source)
        self._seen: set[int] = set()
        self._stack = ExitStack()
        self._whole = False

    @property
    def complete(self) -> bool:
        """Return whether the end was reached and every row is known."""
        return self._whole and not self._taker.gap

    @property
    def token(self) -> bytes | None:
        """Return where a delta import starts after this reading: taken before the first row was read."""
        return self._token

    def __iter__(self) -> Iterator[ReadBatch]:
        """Yield batches; raise ``ConnectorError``."""
        try:
            rows = self._stack.enter_context(self._engine.connect()).execution_options(yield_per=BATCH)
            children = self._stack.enter_context(self._engine.connect())
            result = rows.execute(rows_of(self._source, self._partition))
            for part in result.partitions(BATCH):
                batch = self._taker.batch(list(map(tuple, part)), children)
                batch.deleted = []  # in a full import a row that is gone is simply not there
                yield self._without_repetitions(batch)
        except SQLAlchemyError as error:
            raise self._failures.run_error(error, started=True) from None
        self._whole = True

    def _without_repetitions(self, batch: SqlBatch) -> SqlBatch:
        """Return the batch; a second row with an anchor becomes an error (the anchor is no key)."""
        hashes = set(map(hash, batch.anchors))
        if len(hashes) == len(batch.anchors) and self._seen.isdisjoint(hashes):
            self._seen |= hashes
            return batch
        return self._filter(batch)

    def _filter(self, batch: SqlBatch) -> SqlBatch:
        keep = []
        for index, anchor in enumerate(batch.anchors):
            if hash(anchor) in self._seen:
                self._taker.gap = True
                message = f"a second row has the anchor {anchor!r}; make the anchor unique"
                batch.errors.append(ReadError(error_type="duplicate-object", message=message, anchor=anchor))
            else:
                self._seen.add(hash(anchor))
                keep.append(index)
        return batch.only(keep)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def rows_of(source: Source, partition: str) -> Select[Any]:
    """Return the query for all rows of a partition."""
    query = select(source.rows)
    return query if source.partition is None else query.where(source.partition == partition)


def with_anchors(source: Source, keys: Sequence[tuple[object, ...]]) -> ColumnElement[bool]:
    """Return the condition for the rows with these anchors."""
    if len(source.anchor) == 1:
        condition: ColumnElement[bool] = source.anchor[0].in_([key[0] for key in keys])
        return condition
    return or_(*(and_(*(each == part for each, part in zip(source.anchor, key, strict=True))) for key in keys))


def read_children(connection: Connection, source: Source, anchors: Sequence[str]) -> Children:
    """Return the values in the child tables of these objects."""
    found: dict[str, dict[str, list[object]]] = defaultdict(lambda: defaultdict(list))
    if not source.children:
        return found
    keys = [source.key_of(anchor)[0] for anchor in anchors]
    for child in source.children:
        for start in range(0, len(keys), IN_LIST):
            query = select(child.key, child.value).where(child.key.in_(keys[start : start + IN_LIST]))
            for key, value in connection.execute(query.order_by(child.key, child.value)):
                if value is not None:
                    found[text_of(key)][child.attribute].append(value)
    return found
