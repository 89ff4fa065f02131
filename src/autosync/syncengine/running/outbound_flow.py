"""Outbound: which objects each agent should have, under what name, with what values; the differences become exports."""

from collections.abc import Iterable
from typing import Any

from autosync.syncengine.errors import FlowError
from autosync.syncengine.names import same_name
from autosync.syncengine.results import OutboundCounters
from autosync.syncengine.rules.outbound import OutboundRules, ReferenceFlow
from autosync.syncengine.rules.plan import AgentPlan, Plan
from autosync.syncengine.running.doubt import is_in_doubt
from autosync.syncengine.running.escrow import NOTHING, Export, pack, unpack
from autosync.syncengine.running.provisioning import Provisioning
from autosync.syncengine.running.units import Images, Unit, UnitFailed
from autosync.syncengine.store.port import Store
from autosync.syncengine.store.rows import ADD, NONE, RENAME, UPDATE, CsRow, WriteBatch

Name = tuple[int, str | None, str]
"""A connector by name: ``(id, anchor, dn)``."""


class OutboundFlow:
    """Export flow of the units of one batch, after it is known which connectors they have."""

    def __init__(self, store: Store, plan: Plan, images: Images, batch: WriteBatch, provisioning: Provisioning) -> None:
        self._store = store
        self._plan = plan
        self._images = images
        self._batch = batch
        self._provisioning = provisioning
        self._names: dict[tuple[int, int], Name] = {}
        self._targets = [
            (agent, name, rules) for agent in plan.agents.values() for name, rules in agent.outbound.items()
        ]
        self._with_references = any(rules.single_references for _, _, rules in self._targets)
        self._moody = any(rules.moody for _, _, rules in self._targets)

    def flow(self, units: list[Unit], counters: dict[str, OutboundCounters]) -> list[UnitFailed]:
        """Compute every unit's exports, count them, and put them into the batch; return those that failed."""
        if not self._moody:
            units = [unit for unit in units if not unit.settled]
        if self._with_references:
            self._load_names(units)
        failures = []
        targets = {(name, agent.number): (agent, rules) for agent, name, rules in self._targets}
        for unit in units:
            if unit.gone:
                continue
            try:
                for row in unit.rows:
                    target = targets.get((unit.type.name, row.agent))
                    if target is None or row.id in unit.frozen or (unit.settled and not target[1].moody):
                        continue
                    self._one(unit, row, target, counters)
            except FlowError as error:
                failures.append(UnitFailed(unit, error))
        return failures

    def _one(
        self, unit: Unit, row: CsRow, to: tuple[AgentPlan, OutboundRules], counters: dict[str, OutboundCounters]
    ) -> None:
        agent, rules = to
        target = counters.get(agent.name)
        if target is None:
            target = counters[agent.name] = OutboundCounters()
        if unit.made and row in unit.made:
            self._fill(unit, row, agent, rules)
            target.provisioned_add_flow += 1
        else:
            self._update(unit, row, agent, rules, target)

    def _fill(self, unit: Unit, row: CsRow, agent: AgentPlan, rules: OutboundRules) -> None:
        """Complete an object that is being provisioned."""
        attributes = rules.content(unit.values)
        references = self._references(unit, agent, rules.single_references, attributes, {})
        row.export = pack(Export(ADD, attributes, references, rules.initial_values(unit.values), None))

    def _update(self, unit: Unit, row: CsRow, agent: AgentPlan, rules: OutboundRules, target: OutboundCounters) -> None:
        was_pending, was_export, was_dn = row.pending, row.export, row.dn
        earlier = unpack(was_export)
        # An add whose answer was lost (a crash, and the person changed since) is seen by an import: from then on it is there.
        if is_in_doubt(row):
            target.connector_no_flow += 1
            return
        if was_pending == ADD and row.blob is None:  # still to be made: its whole content, once more, and its name
            self._provisioning.name_anew(unit, row, agent, rules)
            attributes = rules.content(unit.values)
            references = self._references(unit, agent, rules.single_references, attributes, {})
            export = earlier._replace(attributes=attributes, references=references)
        else:
            current = self._images.believed(row)
            attributes = rules.differences(unit.values, current)
            flows = [flow for flow in rules.single_references if not flow.initial_only]
            references = self._references(unit, agent, flows, attributes, current) if flows else {}
            export = self._export(attributes, references, self._provisioning.new_name(unit, row, rules), earlier)
        row.pending = export.kind
        row.export = None if export.kind == NONE else pack(export)
        if (row.export, row.pending, row.dn) != (was_export, was_pending, was_dn):
            self._batch.cs_pending.append(row)
            self._batch.count(row, row.staged, was_pending)
            if export.kind == RENAME:
                target.provisioned_rename_flow += bool(attributes or references)
                target.provisioned_rename_no_flow += not (attributes or references)
            else:
                target.connector_flow += 1
        else:
            target.connector_no_flow += 1

    @staticmethod
    def _export(attributes: dict[str, Any], references: dict[str, int], dn: str | None, earlier: Export) -> Export:
        if dn is not None:
            return Export(RENAME, attributes, references, {}, dn, earlier.many)
        if attributes or references or earlier.many:
            return Export(UPDATE, attributes, references, {}, None, earlier.many)
        return NOTHING

    def _references(
        self,
        unit: Unit,
        agent: AgentPlan,
        flows: Iterable[ReferenceFlow],
        attributes: dict[str, Any],
        current: dict[str, Any],
    ) -> dict[str, int]:
        """Return the references that must change; what must go is put into ``attributes``."""
        changed: dict[str, int] = {}
        for flow in flows:
            wanted = unit.values.get(flow.source)
            shown = current.get(flow.target)
            name = self._names.get((wanted, agent.number)) if wanted is not None else None
            if name is None:
                # Also where the object has no connector here (yet): then a reference cannot be.
                if shown is not None and not flow.suppress_null:
                    attributes[flow.target] = []
                continue
            number, anchor, dn = name
            text = dn if agent.by_dn else anchor
            if shown is None or text is None or not (same_name(shown, text) if agent.by_dn else shown == text):
                changed[flow.target] = number
        return changed

    def _load_names(self, units: list[Unit]) -> None:
        sources = {flow.source for _, _, rules in self._targets for flow in rules.single_references}
        wanted = {mv for unit in units for source in sources if (mv := unit.values.get(source)) is not None}
        for mv, agent, number, anchor, dn, _ in self._store.names_of_metaverse(sorted(wanted)):
            self._names[mv, agent] = (number, anchor, dn)
        for unit in units:
            if not unit.topology or unit.mv not in wanted:
                continue
            for row in unit.lost:
                if self._names.get((unit.mv, row.agent), (0,))[0] == row.id:
                    del self._names[unit.mv, row.agent]
            for row in unit.rows:
                self._names[unit.mv, row.agent] = (row.id, row.anchor, row.dn)
