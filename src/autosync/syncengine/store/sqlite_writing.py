"""Batches into SQLite: a fixed list of statements, each executed once for all rows of a batch; some batches to a commit."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from autosync.syncengine.store import statements as sql
from autosync.syncengine.store.rows import CsRow, WriteBatch

Rows = Iterable[tuple[object, ...]]


def _dn(row: CsRow) -> str | None:
    return None if row.dn == row.anchor and "=" not in row.dn else row.dn


def _ones(numbers: list[int]) -> Rows:
    return [(number,) for number in numbers]


def _new(rows: list[CsRow]) -> Rows:
    return [
        (
            row.id, row.agent, row.space, row.type, row.anchor, _dn(row), row.digest, row.mv, row.link, row.staged,
            row.pending, row.blob, row.before, row.export, row.escrow,
        )
        for row in rows
    ]  # fmt: skip


def _read(rows: list[CsRow]) -> Rows:
    return [
        (
            row.space, row.type, row.anchor, _dn(row), row.digest, row.staged, row.pending, row.blob, row.before,
            row.export, row.escrow, row.id,
        )
        for row in rows
    ]  # fmt: skip


STEPS: Final[tuple[tuple[str, Callable[[WriteBatch], Rows]], ...]] = (
    (sql.DELETE_CS, lambda batch: _ones(batch.cs_gone)),
    (sql.DELETE_REFS_OF, lambda batch: _ones(batch.cs_gone)),
    (sql.DELETE_EXPORT_REFS_OF, lambda batch: _ones(batch.cs_gone)),
    (sql.DELETE_WAITING_OF, lambda batch: _ones(batch.cs_gone)),
    (sql.DELETE_ERRORS_OF, lambda batch: _ones(batch.cs_gone)),
    (sql.INSERT_CS, lambda batch: _new(batch.cs_new)),
    (sql.UPDATE_READ, lambda batch: _read(batch.cs_read)),
    (sql.UPDATE_DIGEST, lambda batch: batch.cs_digests),
    (sql.UPDATE_LINK, lambda batch: [(row.mv, row.link, row.staged, row.before, row.id) for row in batch.cs_linked]),
    (
        sql.UPDATE_PENDING,
        lambda batch: [(row.mv, row.link, _dn(row), row.pending, row.export, row.id) for row in batch.cs_pending],
    ),
    (
        sql.UPDATE_SENT,
        lambda batch: [(row.anchor, _dn(row), row.pending, row.export, row.escrow, row.id) for row in batch.cs_sent],
    ),
    (sql.DELETE_REF, lambda batch: batch.refs_gone),
    (sql.INSERT_REF, lambda batch: batch.refs_new),
    (sql.UPDATE_REF, lambda batch: batch.refs_state),
    (sql.SETTLE_REFS_GONE, lambda batch: _ones(batch.refs_settled)),
    (sql.SETTLE_REFS, lambda batch: _ones(batch.refs_settled)),
    (sql.DELETE_EXPORT_REFS_OF, lambda batch: _ones(batch.export_refs_forgotten)),
    (sql.DELETE_EXPORT_REF, lambda batch: batch.export_refs_gone),
    (sql.INSERT_EXPORT_REF, lambda batch: batch.export_refs_new),
    (sql.UPDATE_EXPORT_REF, lambda batch: batch.export_refs_sent),
    (sql.DELETE_MV, lambda batch: _ones(batch.mv_gone)),
    (sql.DELETE_DUE_OF, lambda batch: _ones(batch.mv_gone)),
    (sql.DELETE_DELAYED_OF, lambda batch: _ones(batch.mv_gone)),
    (sql.INSERT_MV, lambda batch: batch.mv_new),
    (sql.UPDATE_MV, lambda batch: batch.mv_changed),
    (sql.STAMP_MV, lambda batch: batch.mv_stamped),
    (sql.DELETE_KEY, lambda batch: batch.keys_gone),
    (sql.INSERT_KEY, lambda batch: batch.keys_new),
    (sql.DELETE_WAITING_OF, lambda batch: _ones(batch.waiting_gone)),
    (sql.INSERT_WAITING, lambda batch: batch.waiting_new),
    (sql.DELETE_DUE, lambda batch: batch.due_gone),
    (sql.INSERT_DUE, lambda batch: batch.due_new),
    (sql.DELETE_DELAYED, lambda batch: batch.delayed_gone),
    (sql.INSERT_DELAYED, lambda batch: batch.delayed_new),
    (sql.DELETE_ERROR, lambda batch: batch.errors_gone),
    (
        sql.INSERT_ERROR,
        lambda batch: [
            (
                row.cs, row.stage, row.agent, row.dn, row.error_type, row.algorithm_step, row.message, row.first,
                row.last, row.retries,
            )
            for row in batch.errors_new
        ],
    ),
    (sql.ADD_TALLY, lambda batch: [(space, what, n) for (space, what), n in batch.tally.items() if n]),
)  # fmt: skip


LONGEST: Final = 5.0
"""Seconds after which a transaction is committed although there is room for more: others may want to write, too."""


class Writing:
    """Writes batches: each in a transaction of its own, or some together in one.

    An index in an order of its own (who names whom) gets a few values on nearly each of its pages from every batch. What
    several batches do to a page is written once where they are committed together.
    """

    def __init__(self, connection: sqlite3.Connection, on_roll_back: Callable[[], None]) -> None:
        self._connection = connection
        self._on_roll_back = on_roll_back
        self._together = 1
        self._waiting = 0
        self._begun = 0.0

    def apply(self, batch: WriteBatch) -> None:
        """Write a batch; nothing is touched where there is nothing to write.

        Where it cannot be written, those go with it that are in the same transaction.
        """
        todo = [(statement, rows) for statement, of in STEPS if (rows := of(batch))]
        if not todo:
            return
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")
            self._begun = time.monotonic()
        try:
            for statement, rows in todo:
                self._connection.executemany(statement, rows)
            self._waiting += 1
            if self._waiting >= self._together or time.monotonic() - self._begun >= LONGEST:
                self._commit()
        except BaseException:
            self._roll_back()
            raise

    @contextmanager
    def together(self, batches: int) -> Iterator[None]:
        """Commit only every so many batches, and what is left in the end; not where the process goes down."""
        self._together = batches
        try:
            yield
        except Exception:
            self._finish()
            raise
        except BaseException:
            self._roll_back()
            raise
        else:
            self._finish()
        finally:
            self._together = 1

    def _finish(self) -> None:
        try:
            self._commit()
        except BaseException:
            self._roll_back()
            raise

    def _commit(self) -> None:
        self._waiting = 0
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def _roll_back(self) -> None:
        self._waiting = 0
        if self._connection.in_transaction:  # a full disk may have done it already
            self._connection.execute("ROLLBACK")
        self._on_roll_back()
