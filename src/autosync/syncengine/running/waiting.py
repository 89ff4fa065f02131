"""Disconnectors that wait for their metaverse object: found by what they would join on, the moment it is there.

Microsoft's engine looks at every disconnector in every synchronization, or provisions a twin; an index makes both needless.
"""

from typing import Any

from autosync.syncengine.errors import FlowError
from autosync.syncengine.rules.inbound import join_key
from autosync.syncengine.rules.plan import AgentPlan, Plan
from autosync.syncengine.running.rivals import ambiguous
from autosync.syncengine.running.units import Images, Unit
from autosync.syncengine.store.port import Store
from autosync.syncengine.store.rows import EXPLICIT, NONE, CsRow, WriteBatch


class Waiting:
    """Joins waiting disconnectors to the units of one batch whose indexed values are new."""

    def __init__(self, store: Store, plan: Plan, images: Images, batch: WriteBatch) -> None:
        self._store = store
        self._images = images
        self._batch = batch
        self.failures: dict[int, FlowError] = {}
        """The errors of those that fit an object which another of their agent was joined to."""
        self._agents = [(agent, indexes) for agent in plan.agents.values() if (indexes := _indexes(agent))]

    def join(self, units: list[Unit], taken: dict[int, CsRow]) -> list[Unit]:
        """Return the units that got connectors. Objects in ``taken`` are this batch's own business."""
        fresh = [unit for unit in units if _is_fresh(unit)]
        joined: list[Unit] = []
        for agent, indexes in self._agents if fresh else ():
            without = [unit for unit in fresh if not any(row.agent == agent.number for row in unit.rows)]
            values = [(unit, unit.type.index_values(unit.values)) for unit in without]
            for index in indexes:
                asked = {found[index]: unit for unit, found in values if index in found}
                joined.extend(self._take(agent, index, asked, taken))
        return joined

    def _take(self, agent: AgentPlan, index: str, asked: dict[str, Unit], taken: dict[int, CsRow]) -> list[Unit]:
        found = self._store.waiting(agent.number, index, sorted(asked))
        rows = {row.id: row for row in self._store.rows([cs for _, cs in found if cs not in taken])}
        joined = []
        for value, cs in found:
            row, unit = rows.get(cs), asked[value]
            free = row is not None and row.mv is None and row.link != EXPLICIT and row.staged == NONE
            if row is None or not free:
                continue
            first = next((each for each in unit.rows if each.agent == agent.number), None)
            if first is not None:
                self.failures[row.id] = ambiguous(unit, first, row)
                continue
            row.mv = unit.mv
            taken[row.id] = row
            unit.rows.append(row)
            unit.topology = unit.all_references = True
            self._batch.cs_linked.append(row)
            self._batch.waiting_gone.append(row.id)
            joined.append(unit)
        return joined


def wait(batch: WriteBatch, agent: AgentPlan, row: CsRow, attributes: dict[str, Any]) -> None:
    """Leave word under what a disconnector would join on, in place of what it left before."""
    rules = agent.rules_for(row.type)
    batch.waiting_gone.append(row.id)
    for criterion in rules.criteria if rules is not None else ():
        try:
            key = join_key(criterion, attributes)
        except FlowError:
            continue  # its own synchronization will tell
        if key is not None:
            batch.waiting_new.append((row.agent, criterion.index, key, row.id))


def _indexes(agent: AgentPlan) -> list[str]:
    rules = [each for each in (*agent.inbound.values(), agent.anything) if each is not None]
    return sorted({criterion.index for each in rules for criterion in each.criteria})


def _is_fresh(unit: Unit) -> bool:
    if unit.gone:
        return False
    return (
        unit.is_new
        or bool(unit.lost)  # there may be another who fitted, too, and came second
        or (unit.values != unit.old and unit.type.index_values(unit.values) != unit.type.index_values(unit.old))
    )
