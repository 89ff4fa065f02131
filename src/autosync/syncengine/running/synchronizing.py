"""The synchronization step: staged imports into the metaverse, and out to every agent.

Two movements. First the agent's own objects, batch by batch. Then, until nothing is left, the metaverse objects that
became due meanwhile because something they refer to came, went or was renamed (Microsoft: completing referential updates).
"""

from autosync.syncengine.errors import FlowError
from autosync.syncengine.results import InboundCounters, ObjectError
from autosync.syncengine.running.context import RunContext
from autosync.syncengine.running.report import StepReport
from autosync.syncengine.running.sync_batch import BatchOutcome, SyncBatch
from autosync.syncengine.store.rows import ADD, DELETE, DELETE_ADD, RENAME, UPDATE, CsRow, WriteBatch

_ORDER = (ADD, DELETE_ADD, RENAME, UPDATE, DELETE)
"""Deletions last: an object that came back under another anchor is joined before its old connector goes."""


class SyncStep:
    """One synchronization of one partition, delta or full."""

    def __init__(self, context: RunContext, report: StepReport) -> None:
        self._context = context
        self._report = report
        self._store = context.store
        self._space = self._store.space(context.agent.number, report.step.partition)
        self._failed: set[int] = set()
        self._more_due = False

    def run(self, *, full: bool) -> None:
        """Synchronize the objects with staged imports, or all."""
        with self._store.together(self._context.together):
            if full:
                self._all()
            else:
                for kind in _ORDER:
                    self._of_kind(kind)
            self._delayed()
            self._due()

    def _all(self) -> None:
        plan, read = self._context.plan, self._store.scan_stale
        # Evaluated by these very rules, and nothing has come since: Microsoft's engine would do it all again.
        stamp = -1 if plan.moody else plan.stamp
        self._report.inbound.connector_no_flow += self._store.count_fresh(self._space.id, stamp)
        after = 0
        while rows := read(self._space.id, after, self._context.batch_size, stamp):
            after = rows[-1].id
            self._context.check_stop()
            self._carry(rows, full=True)

    def _of_kind(self, kind: int) -> None:
        after = 0
        while rows := self._store.staged(self._space.id, kind, after, self._context.batch_size):
            after = rows[-1].id
            self._context.check_stop()
            self._carry(rows, full=False)

    def _carry(self, rows: list[CsRow], *, full: bool) -> None:
        """Synchronize one batch; objects that fail are left out and the rest is done again without them."""
        total = len(rows)
        failures: dict[int, FlowError] = {}
        while True:
            batch = SyncBatch(self._context, rows, full=full)
            outcome = batch.compute()
            failures |= outcome.failures
            if not outcome.again:
                break
            left = [row.id for row in rows if row.id not in failures]
            rows = self._store.rows(left)
        self._finish(outcome, failures)
        self._report.advance(total)

    def _finish(self, outcome: BatchOutcome, failures: dict[int, FlowError]) -> None:
        add_inbound(self._report.inbound, outcome.inbound)
        for name, counters in outcome.outbound.items():
            target = self._report.target(name)
            for field in counters.__slots__:
                setattr(target, field, getattr(target, field) + getattr(counters, field))
        batch = outcome.batch
        healed = self._store.errors_of([row.id for row in outcome.rows], "sync")
        batch.errors_gone.extend((cs, "sync") for cs in sorted(healed) if cs not in failures)
        self._more_due = self._more_due or bool(batch.due_new)
        reported = self._record(batch, failures) if failures else []
        self._store.apply(batch)
        for error in reported:
            self._report.inbound.flow_failure += 1
            self._report.sync_error(error)

    def _record(self, batch: WriteBatch, failures: dict[int, FlowError]) -> list[ObjectError]:
        rows = self._store.rows(sorted(failures))
        return self._context.record(
            batch,
            "sync",
            [
                self._context.failure(row.id, row.agent, row.dn, (error.error_type, error.algorithm_step, str(error)))
                for row in rows
                for error in [failures[row.id]]
            ],
        )

    def _delayed(self) -> None:
        """Make those due whose deprovisioning has waited long enough."""
        moment = int(self._context.now.timestamp())
        while over := self._store.delayed_until(moment, self._context.batch_size):
            due = sorted({(mv, 0, "") for mv, _ in over})
            self._store.apply(WriteBatch(due_new=due, delayed_new=[(mv, agent, 0) for mv, agent in over]))

    def _due(self) -> None:
        """Evaluate what is due, until a pass leaves nothing new."""
        while True:
            self._more_due = False
            after = 0
            while reasons := self._store.due(after, self._context.batch_size):
                after = reasons[-1][0]
                self._context.check_stop()
                self._carry_due([reason for reason in reasons if reason[0] not in self._failed])
            if not self._more_due:
                return

    def _carry_due(self, reasons: list[tuple[int, int, str]]) -> None:
        failures: dict[int, FlowError] = {}
        while reasons:
            batch = SyncBatch(self._context, [], full=False)
            outcome = batch.compute_due(reasons)
            failures |= outcome.failures
            self._failed |= outcome.failed_units
            if not outcome.again:
                self._finish(outcome, failures)
                return
            reasons = [reason for reason in reasons if reason[0] not in self._failed]
        if failures:
            self._finish(BatchOutcome(batch=WriteBatch()), failures)


def add_inbound(total: InboundCounters, more: InboundCounters) -> None:
    """Add the counters of a batch."""
    for name in more.__slots__:
        setattr(total, name, getattr(total, name) + getattr(more, name))
