"""The export step: write pending exports, and keep what was written in escrow until an import shows it.

Order: deletions and renames free names; then new objects; then updates, so that a reference to an object that this very
export makes can be written in the same run. A reference whose object has no name yet waits, the rest of its object does not.
"""

from typing import Final

from autosync.syncengine.connectors.port import Change, ChangeOutcome, ConnectorError, Writer
from autosync.syncengine.running.changes import Prepared, PreparedBatch
from autosync.syncengine.running.context import RunContext
from autosync.syncengine.running.doubt import all_answered, announce, is_in_doubt, take_back
from autosync.syncengine.running.escrow import Export, pack, unpack
from autosync.syncengine.running.report import StepReport, Stopped
from autosync.syncengine.running.seen import SeenObjects
from autosync.syncengine.store.rows import (
    ADD,
    DELETE,
    DELETE_ADD,
    NONE,
    RENAME,
    UPDATE,
    CsRow,
    ErrorRow,
    WriteBatch,
)

_ORDER: Final = (DELETE, RENAME, DELETE_ADD, ADD, UPDATE)
_COUNTERS: Final = {
    ADD: "export_add",
    UPDATE: "export_update",
    RENAME: "export_rename",
    DELETE: "export_delete",
    DELETE_ADD: "export_delete_add",
}
_WAIT: Final = "some deletions wait for an import: an export broke off, and nobody knows whether it made these objects"


class ExportStep:
    """One export to one partition."""

    def __init__(self, context: RunContext, report: StepReport) -> None:
        self._context = context
        self._report = report
        self._store = context.store
        self._space = self._store.space(context.agent.number, report.step.partition)
        self._counted = SeenObjects()
        """Objects made or renamed in this run: what follows for them in the same run is part of that."""

    def run(self) -> None:
        """Write everything that is pending."""
        tallies = self._store.tallies(self._context.agent.number)
        counts = {kind: tallies.get((self._space.id, f"pending {kind}"), 0) for kind in _ORDER}
        self._report.total = sum(counts.values())
        if not self._report.total:
            return
        limit = self._report.step.deletion_limit
        if limit is not None and counts[DELETE] > limit:
            raise Stopped("stopped-deletion-limit", f"{counts[DELETE]} deletions are pending, the limit is {limit}")
        writer = self._context.connected().open_export(self._report.step.partition)
        try:
            self._write_all(writer)
        except BaseException:
            writer.abandon()
            take_back(self._store, self._space.id)
            raise
        all_answered(self._store, self._space.id)

    def _write_all(self, writer: Writer) -> None:
        stopped: Stopped | None = None
        try:
            for kind in _ORDER:
                self._of_kind(writer, kind)
        except Stopped as reason:  # a wish or a limit, no failure: what was written stays
            stopped = reason
        try:
            writer.close()
        except ConnectorError:
            take_back(self._store, self._space.id)
            raise
        if stopped is not None:
            raise stopped

    def _of_kind(self, writer: Writer, kind: int) -> None:
        after = 0
        while rows := self._store.pending(self._space.id, kind, after, self._context.batch_size):
            self._context.check_stop()
            after = rows[-1].id
            limit = self._report.step.object_limit
            if limit is not None:
                rows = rows[: max(0, limit - self._report.done)]
                if not rows:
                    raise Stopped("stopped-object-limit", f"the step's limit is {limit} objects")
            known = [row for row in rows if not (kind == DELETE and is_in_doubt(row))]
            if len(known) < len(rows):
                self._report.message = _WAIT
            if known:
                self._batch(writer, known)

    def _batch(self, writer: Writer, rows: list[CsRow]) -> None:
        prepared = PreparedBatch(self._store, self._context.agent, rows)
        batch = WriteBatch()
        failed: list[ErrorRow] = []
        changes: list[Change] = []
        todo: list[Prepared] = []
        for each in prepared.changes():
            batch.export_refs_gone.extend(each.void)
            if each.change is not None:
                changes.append(each.change)
                todo.append(each)
            elif not each.deferred and not each.waits:
                self._forget(batch, each.row)
        announce(self._store, self._space.id, [each.row for each in todo])
        outcomes = writer.write(changes) if changes else []
        healed = self._store.errors_of([each.row.id for each in todo], "export")
        for each, outcome in zip(todo, outcomes, strict=True):
            if outcome.error_type is not None:
                failed.append(self._failure(each.row, outcome))
                continue
            self._sent(batch, each, outcome)
            if each.row.id in healed:
                batch.errors_gone.append((each.row.id, "export"))
        reported = self._context.record(batch, "export", failed) if failed else []
        self._name_renamed(batch, todo)
        self._store.apply(batch)
        self._report.export.export_failure += len(failed)
        self._report.advance(len(rows))
        for error in reported:
            self._report.export_error(error)

    @staticmethod
    def _forget(batch: WriteBatch, row: CsRow) -> None:
        """Drop a pending export that has come to say nothing: what it referred to has gone."""
        was = row.pending
        row.pending, row.export = NONE, None
        batch.cs_sent.append(row)
        batch.count(row, row.staged, was)

    def _sent(self, batch: WriteBatch, each: Prepared, outcome: ChangeOutcome) -> None:
        row, export = each.row, each.export
        was_pending = row.pending
        before = unpack(row.escrow)
        attributes = {**before.attributes, **each.written} if before.attributes else each.written
        kind = before.kind if before.kind in {ADD, DELETE_ADD} and export.kind != DELETE else export.kind
        row.escrow = pack(Export(kind, attributes, {}, export.initial or before.initial, None))
        if export.kind == RENAME and export.dn is not None:
            row.anchor = outcome.anchor or (export.dn if row.anchor == row.dn else row.anchor)
            each.old_dn, row.dn = row.dn, export.dn
        elif outcome.anchor is not None:
            row.anchor = outcome.anchor
        if each.deferred or each.waits:
            row.pending, row.export = UPDATE, pack(Export(UPDATE, {}, each.deferred, {}, None, each.waits))
        else:
            row.pending, row.export = NONE, None
        batch.cs_sent.append(row)
        batch.export_refs_sent.extend(
            (1, text, row.id, attribute, removes, key) for attribute, removes, key, text in each.differences
        )
        batch.count(row, row.staged, was_pending)
        self._count(row, export.kind)

    def _count(self, row: CsRow, kind: int) -> None:
        if kind in {ADD, RENAME}:
            self._counted.add(row.id)
        elif kind == UPDATE and row.id in self._counted:
            return
        name = _COUNTERS[kind]
        setattr(self._report.export, name, getattr(self._report.export, name) + 1)

    def _failure(self, row: CsRow, outcome: ChangeOutcome) -> ErrorRow:
        words = (outcome.error_type or "", "", outcome.message or "")
        return self._context.failure(row.id, row.agent, row.dn, words)

    def _name_renamed(self, batch: WriteBatch, todo: list[Prepared]) -> None:
        """Whoever refers to a renamed object must look again, where a reference is a name."""
        names = [each.old_dn for each in todo if each.old_dn is not None]
        if names and self._context.agent.references:
            found = self._store.dependents(self._context.agent.number, names)
            batch.due_new.extend((mv, 0, "") for mv, _, _ in found)
