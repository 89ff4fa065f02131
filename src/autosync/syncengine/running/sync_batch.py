"""One batch of a synchronization: computed in memory from what the store holds, then written at once, or not at all.

A preview is the same computation whose result is never written.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from autosync.syncengine.errors import FlowError
from autosync.syncengine.results import InboundCounters, OutboundCounters
from autosync.syncengine.running.connecting import Connected, Connecting, load_units
from autosync.syncengine.running.context import RunContext
from autosync.syncengine.running.inbound_flow import InboundFlow
from autosync.syncengine.running.many_references import ManyReferences
from autosync.syncengine.running.outbound_flow import OutboundFlow
from autosync.syncengine.running.provisioning import Provisioning
from autosync.syncengine.running.rivals import give_way
from autosync.syncengine.running.units import Images, Unit, UnitFailed, rows_by_unit
from autosync.syncengine.running.waiting import Waiting
from autosync.syncengine.store.codec import encode
from autosync.syncengine.store.rows import ADD, DELETE, NONE, CsRow, WriteBatch


@dataclass(slots=True)
class BatchOutcome:
    """What a batch comes to. ``again`` means: some failed, compute the rest anew without them."""

    batch: WriteBatch
    rows: list[CsRow] = field(default_factory=list)
    units: dict[int, Unit] = field(default_factory=dict)
    inbound: InboundCounters = field(default_factory=InboundCounters)
    outbound: dict[str, OutboundCounters] = field(default_factory=dict)
    failures: dict[int, FlowError] = field(default_factory=dict)
    failed_units: set[int] = field(default_factory=set)
    again: bool = False
    connected: Connected = field(default_factory=Connected)


class SyncBatch:
    """Computes one batch."""

    def __init__(self, context: RunContext, rows: list[CsRow], *, full: bool) -> None:
        self._context = context
        self._store = context.store
        self._plan = context.plan
        self._rows = rows
        self._full = full
        self._batch = WriteBatch()
        self._images = Images(frozenset(row.id for row in rows))
        self._outcome = BatchOutcome(batch=self._batch, rows=rows)
        self.inbound_flow = InboundFlow(self._store, self._plan, self._images)

    @property
    def images(self) -> Images:
        """Return the attributes as the batch saw them."""
        return self._images

    def compute(self) -> BatchOutcome:
        """Compute the batch of an agent's own objects."""
        was = [(row.mv, row.link, row.staged) for row in self._rows]
        connecting = Connecting(self._store, self._plan, self._context.agent, self._batch, full=self._full)
        connected = connecting.connect(self._rows, self._images)
        self._outcome.connected = connected
        self._outcome.failures |= connected.failures
        self.inbound_flow.contributed = connected.contributed
        units = connected.units
        touched = [unit for unit in units.values() if unit.rows or unit.lost]
        failed = self._evaluate(touched, connected.rows)
        if failed:
            return self._outcome
        self._write_rows(was, connected)
        self._count(connected, touched)
        self._write_units(touched)
        return self._outcome

    def compute_due(self, reasons: list[tuple[int, int, str]]) -> BatchOutcome:
        """Compute a batch of metaverse objects that are due for a reason each."""
        units: dict[int, Unit] = {}
        load_units(self._store, self._plan, [mv for mv, _, _ in reasons], units)
        for mv, agent, value in reasons:
            unit = units.get(mv)
            if unit is not None and agent == 0:
                unit.all_references = True
            elif unit is not None:
                unit.some_references.add((agent, value))
        if self._evaluate(list(units.values()), {}):
            return self._outcome
        ManyReferences(self._store, self._plan, self._batch).flow(list(units.values()), self._outcome.outbound)
        for counters in self._outcome.outbound.values():
            counters.connector_no_flow = 0  # they were counted when their own objects were synchronized
        self._batch.due_gone.extend(reasons)
        for unit in units.values():
            unit.some_references.clear()
            unit.all_references = unit.topology
        self._write_units(list(units.values()))
        return self._outcome

    def _evaluate(self, units: list[Unit], rows: dict[int, CsRow]) -> bool:
        """Compute inbound and outbound of units; return whether any failed."""
        by_id = {unit.mv: unit for unit in units}
        there = [unit.mv for unit in units if not unit.is_new]
        rows_by_unit(by_id, self._store.connectors(there), rows)
        self._outcome.units = by_id
        second = give_way(units, self._context.agent.number, self._outcome.connected.how, self._batch)
        if second:
            self._outcome.failures |= second
            self._outcome.again = True
            return True
        if self._note(self.inbound_flow.flow(units), rows):
            return True
        waiting = Waiting(self._store, self._plan, self._images, self._batch)
        joined = waiting.join(units, dict(rows))
        self._outcome.failures |= waiting.failures
        if joined and self._note(self.inbound_flow.flow(joined), rows):
            return True
        if self._full:
            self._settle(units)
        counters = self._outcome.outbound
        leaving = frozenset(row.id for row in self._rows if row.staged == DELETE)
        provisioning = Provisioning(self._store, self._plan, self._images, self._batch, leaving, now=self._context.now)
        if self._note(provisioning.decide(units, counters), rows):
            return True
        outbound = OutboundFlow(self._store, self._plan, self._images, self._batch, provisioning)
        return self._note(outbound.flow(units, counters), rows)

    def _settle(self, units: list[Unit]) -> None:
        """Tell the units that a look at their functions has left as they were: the other rules need not be asked again."""
        news = {row.mv for row in self._rows if row.staged != NONE}
        for unit in units:
            unit.settled = (
                unit.stamp == self._plan.stamp
                and not unit.topology
                and not unit.gone
                and unit.mv not in news
                and unit.values == unit.old
            )

    def _note(self, failed: Iterable[UnitFailed], rows: dict[int, CsRow]) -> bool:
        outcome = self._outcome
        for failure in failed:
            unit = failure.unit
            outcome.again = True
            outcome.failed_units.add(unit.mv)
            own = [row for row in (*unit.rows, *unit.lost) if row.id in rows]
            blamed = own or unit.rows[:1] or unit.lost[:1]
            outcome.failures.update((row.id, failure.error) for row in blamed)
        return outcome.again

    def _write_rows(self, was: list[tuple[int | None, int, int]], connected: Connected) -> None:
        """Mark the batch's objects as synchronized."""
        batch = self._batch
        settle = self._context.agent.multiple_references
        for row, (mv, link, staged) in zip(self._rows, was, strict=True):
            if row.id in connected.failures:
                continue
            if staged == DELETE:
                batch.cs_gone.append(row.id)
                batch.count_gone(row.space, staged, row.pending)
                continue
            if settle and staged not in {NONE, ADD}:
                batch.refs_settled.append(row.id)
            if staged != NONE or (row.mv, row.link) != (mv, link):
                row.staged, row.before = NONE, None
                batch.cs_linked.append(row)
                batch.count(row, staged, row.pending)
            if mv is None and row.mv is not None:
                batch.waiting_gone.append(row.id)
        if settle:
            self._name_changed_references(connected)

    def _name_changed_references(self, connected: Connected) -> None:
        """Make the staged differences of multi-valued references due."""
        ids = [row.id for row in self._rows if row.mv is not None and row.id in connected.rows]
        units = connected.units
        for cs, _, value, _ in self._store.staged_refs(ids):
            row = connected.rows[cs]
            if row.mv is not None and not units[row.mv].all_references:
                units[row.mv].some_references.add((row.agent, value))
        if self._full:
            for unit in units.values():
                unit.all_references = unit.all_references or not unit.settled

    def _write_units(self, units: list[Unit]) -> None:
        batch = self._batch
        for unit in units:
            if unit.deleted:
                if not unit.is_new:
                    batch.mv_gone.append(unit.mv)
                    batch.keys_gone.extend(
                        (name, value, unit.mv) for name, value in unit.type.index_values(unit.old).items()
                    )
            elif unit.is_new:
                batch.mv_new.append((unit.mv, unit.type.name, encode(unit.values), self._stamp(unit)))
                batch.keys_new.extend(
                    (name, value, unit.mv) for name, value in unit.type.index_values(unit.values).items()
                )
            elif unit.values != unit.old:
                batch.mv_changed.append((encode(unit.values), self._stamp(unit), unit.mv))
                self._write_keys(unit)
            elif unit.stamp != self._stamp(unit):
                batch.mv_stamped.append((self._stamp(unit), unit.mv))
        self._make_due(units)

    def _stamp(self, unit: Unit) -> int:
        """Return what says that the object need not be looked at again; 0 while one of its connectors waits."""
        return 0 if unit.frozen or unit.gone else self._plan.stamp

    def _write_keys(self, unit: Unit) -> None:
        before, after = unit.type.index_values(unit.old), unit.type.index_values(unit.values)
        if before == after:
            return
        gone, new = before.items() - after.items(), after.items() - before.items()
        self._batch.keys_gone.extend((name, value, unit.mv) for name, value in sorted(gone))
        self._batch.keys_new.extend((name, value, unit.mv) for name, value in sorted(new))

    def _make_due(self, units: list[Unit]) -> None:
        """Note who must look again: objects with many references, and those that refer to what came or went."""
        many = {unit.mv for unit in units if unit.type.multiple_references}
        due = self._batch.due_new
        for unit in units:
            if unit.mv in many and not unit.deleted:
                if unit.all_references:
                    due.append((unit.mv, 0, ""))
                due.extend((unit.mv, agent, value) for agent, value in sorted(unit.some_references))
        self._void_additions(units)
        here = {unit.mv for unit in units if not unit.settled}
        moved = self._names_that_moved(units)
        for agent in self._plan.agents.values():
            names = moved.get(agent.number, set())
            multiple = {self._store.attribute_number(name) for name in agent.multiple_references}
            for mv, attribute, value in self._store.dependents(agent.number, sorted(names)):
                if attribute in multiple:
                    due.append((mv, agent.number, value))
                elif mv not in here:
                    due.append((mv, 0, ""))

    def _void_additions(self, units: list[Unit]) -> None:
        """Forget references that were to be added to objects which go; what was sent must be looked at again."""
        agents = {number for number, agent in self._plan.agents.items() if agent.multiple_references}
        lost = {row.id: row.agent for unit in units for row in unit.lost if row.agent in agents}
        for cs, attribute, removes, key, value, sent, mv in self._store.export_refs_about(list(lost)):
            if not sent:
                self._batch.export_refs_gone.append((cs, attribute, removes, key))
            elif mv is not None and value is not None:
                self._batch.due_new.append((mv, lost[key], value))

    def _names_that_moved(self, units: list[Unit]) -> dict[int, set[str]]:
        """Return the names, by agent, of objects whose connectors came or went, where references could name them."""
        moved: dict[int, set[str]] = {number: set() for number, agent in self._plan.agents.items() if agent.references}
        for unit in units:
            if not unit.topology:
                continue
            for row in (*unit.rows, *unit.lost):
                names = moved.get(row.agent)
                if names is not None:
                    names.add(row.dn)
                    if row.anchor is not None:
                        names.add(row.anchor)
        return moved

    def _count(self, connected: Connected, units: list[Unit]) -> None:
        counters = self._outcome.inbound
        counters.disconnector_remains += connected.remains
        counters.disconnector_filtered += connected.filtered
        changed = {unit.mv: unit.changed for unit in units}
        deleted = {row.id for unit in units if unit.deleted for row in unit.lost}
        counted: Counter[str] = Counter()
        for number, how in connected.how.items():
            mv = connected.rows[number].mv
            flow = "flow" if mv is not None and changed.get(mv) else "no_flow"
            match how:
                case "projected" | "joined":
                    name = f"disconnector_{how}_{flow}"
                case "connector":
                    name = f"connector_{flow}"
                case "delete-add":
                    name = "connector_delete_add_processed"
                case "deleted":
                    name = "connector_delete_remove_mv" if number in deleted else "connector_delete_leave_mv"
                case "filtered":
                    name = "connector_filtered_remove_mv" if number in deleted else "connector_filtered_leave_mv"
                case _:
                    continue
            counted[name] += 1
        for name, count in counted.items():
            setattr(counters, name, getattr(counters, name) + count)
