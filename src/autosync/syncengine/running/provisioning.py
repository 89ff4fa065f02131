"""Which connectors a metaverse object should have: provisioning, names, deprovisioning, deletion."""

from datetime import datetime
from typing import Any

from autosync.syncengine.errors import FlowError
from autosync.syncengine.names import name_key
from autosync.syncengine.results import OutboundCounters
from autosync.syncengine.rules.coercion import same
from autosync.syncengine.rules.outbound import OutboundRules
from autosync.syncengine.rules.plan import AgentPlan, Plan
from autosync.syncengine.running.doubt import is_in_doubt
from autosync.syncengine.running.escrow import Export, pack, unpack
from autosync.syncengine.running.units import Images, Unit, UnitFailed
from autosync.syncengine.running.waiting import wait
from autosync.syncengine.spec.model import Action
from autosync.syncengine.store.port import Store
from autosync.syncengine.store.rows import ADD, DELETE, EXPLICIT, NONE, NORMAL, UPDATE, CsRow, WriteBatch


class Provisioning:
    """Decides for the units of one batch; what an object is exported with is decided afterwards."""

    def __init__(
        self, store: Store, plan: Plan, images: Images, batch: WriteBatch, leaving: frozenset[int], *, now: datetime
    ) -> None:
        self._store = store
        self._plan = plan
        self._images = images
        self._batch = batch
        self._leaving = leaving
        """Objects that this batch deletes: they are in nobody's way."""
        self._now = int(now.timestamp())
        self._delayed: dict[tuple[int, int], int] = {}
        self._taken: set[tuple[int, str | bytes]] = set()
        self._wanted: dict[tuple[int, int], str | None] = {}
        """The names of objects that are not there yet, by (mv, agent); None where none is wanted."""
        self._targets = [
            (agent, name, rules) for agent in plan.agents.values() for name, rules in agent.outbound.items()
        ]
        self._moody = any(rules.moody for _, _, rules in self._targets)
        self._homes = {
            agent.number: [(name, store.space(agent.number, name).id) for name in agent.partitions]
            for agent, _, rules in self._targets
            if rules.provisions
        }

    def decide(self, units: list[Unit], counters: dict[str, OutboundCounters]) -> list[UnitFailed]:
        """Give each unit the connectors that it should have; return those that failed."""
        if not self._moody:
            units = [unit for unit in units if not unit.settled]
        self._load_namesakes(units)
        self._load_delayed(units)
        failures = []
        for unit in units:
            try:
                self._one(unit, counters)
            except FlowError as error:
                failures.append(UnitFailed(unit, error))
        return failures

    def new_name(self, unit: Unit, row: CsRow, rules: OutboundRules) -> str | None:
        """Return the name that an object should get, None where it has it already."""
        if not rules.provisions:
            return None
        name = rules.dn(unit.values)
        if name == row.dn or ("=" in name and name.casefold() == row.dn.casefold()):
            return None
        return name

    def name_anew(self, unit: Unit, row: CsRow, agent: AgentPlan, rules: OutboundRules) -> None:
        """Give an object that is still to be made the name that it should have by now; raise ``FlowError``: it is taken."""
        name = self.new_name(unit, row, rules)
        if name is None:
            return
        place = (agent.number, name_key(name))
        rivals = [each for each in self._store.by_name(agent.number, [name]) if each.id not in {row.id, *self._leaving}]
        if place in self._taken or any(each.pending != DELETE for each in rivals):
            raise FlowError("object-already-exists", "provisioning", f"another object of {agent.name} has this name")
        self._taken.add(place)
        row.dn = name

    def _one(self, unit: Unit, counters: dict[str, OutboundCounters]) -> None:
        handled: set[int] = set()
        for agent, type_name, rules in self._targets:
            if type_name != unit.type.name or (unit.settled and not rules.moody):
                continue
            handled.add(agent.number)
            mine = [row for row in unit.rows if row.agent == agent.number]
            if not unit.gone and self._wants(unit, agent, rules):
                self._keep(unit, agent, rules, has_one=bool(mine))
            elif unit.gone or rules.provisions:
                for row in mine:
                    self._deprovision(unit, agent, row, rules, counters)
        if unit.gone:
            self._release(unit, handled)
            unit.deleted = not unit.rows
        elif unit.type.by_loss and unit.goes():
            unit.gone = True  # the connector that it hangs on was deprovisioned a line ago
            self._one(unit, counters)

    def _wants(self, unit: Unit, agent: AgentPlan, rules: OutboundRules) -> bool:
        place = (unit.mv, agent.number)
        return self._wanted[place] is not None if place in self._wanted else rules.wants(unit.values)

    def _keep(self, unit: Unit, agent: AgentPlan, rules: OutboundRules, *, has_one: bool) -> None:
        """See to it that a wanted object is there and stays."""
        if (unit.mv, agent.number) in self._delayed:
            self._batch.delayed_gone.append((unit.mv, agent.number))
        if not has_one and rules.provisions:
            self._provision(unit, agent, rules)

    def _provision(self, unit: Unit, agent: AgentPlan, rules: OutboundRules) -> None:
        dn = self._wanted.get((unit.mv, agent.number)) or rules.dn(unit.values)
        row = self._namesake(agent, dn)
        unit.topology = unit.all_references = True
        if row is not None:
            self._adopt(unit, row)
            return
        home = self._home(agent, dn)
        kind = agent.default_type[unit.type.name]
        row = CsRow(self._store.next_cs_id(), agent.number, home, kind, None, dn, mv=unit.mv, pending=ADD)
        unit.rows.append(row)
        unit.made.append(row)
        self._batch.cs_new.append(row)
        self._batch.count_new(row)

    def _home(self, agent: AgentPlan, dn: str) -> int:
        """Return the space for a new object: the longest partition that its name ends with, else the first."""
        homes = self._homes[agent.number]
        if len(homes) == 1:
            return homes[0][1]
        within = [home for home in homes if dn.casefold().endswith("," + home[0].casefold())]
        return max(within, key=lambda home: len(home[0]))[1] if within else homes[0][1]

    def _namesake(self, agent: AgentPlan, dn: str) -> CsRow | None:
        """Find a disconnector of that name: it is the object that would be made, from before or from a lost answer."""
        place = (agent.number, name_key(dn))
        if place in self._taken:
            raise FlowError("object-already-exists", "provisioning", f"another object of {agent.name} has this name")
        self._taken.add(place)
        found = self._namesakes.get(place)
        if found is not None and found.mv is not None and found.pending != DELETE:
            raise FlowError("object-already-exists", "provisioning", f"another object of {agent.name} has this name")
        if found is not None and unpack(found.escrow).kind == DELETE:
            # Deleted there already, only not yet seen to be gone: it is made anew, not taken back.
            self._batch.cs_gone.append(found.id)
            self._batch.count_gone(found.space, found.staged, found.pending)
            return None
        return found

    def _adopt(self, unit: Unit, row: CsRow) -> None:
        was_pending = row.pending
        row.mv, row.link = unit.mv, 0
        if is_in_doubt(row):
            row.pending, row.export = ADD, None
            unit.made.append(row)
        elif row.pending == DELETE:
            row.pending, row.export = NONE, None
        self._batch.waiting_gone.append(row.id)
        self._batch.cs_pending.append(row)
        self._batch.count(row, row.staged, was_pending)
        unit.rows.append(row)

    def _deprovision(
        self, unit: Unit, agent: AgentPlan, row: CsRow, rules: OutboundRules, counters: dict[str, OutboundCounters]
    ) -> None:
        how = rules.deprovision
        if how.after and (row.pending != ADD or row.blob is not None):
            at = self._delayed.get((unit.mv, agent.number))
            if at is None:
                at = self._now + int(how.after.total_seconds())
                self._delayed[unit.mv, agent.number] = at
                self._batch.delayed_new.append((unit.mv, agent.number, at))
            if at > self._now:
                unit.frozen.add(row.id)
                return
        target = counters.setdefault(agent.name, OutboundCounters())
        if how.action is Action.DISABLE:
            self._disable(unit, row, rules, target)
        if how.action is not Action.DISABLE or unit.gone:
            self._let_go(unit, row, how.action, target)

    def _disable(self, unit: Unit, row: CsRow, rules: OutboundRules, target: OutboundCounters) -> None:
        unit.frozen.add(row.id)
        current = self._images.believed(row)
        changes: dict[str, Any] = {}
        for name, value in rules.disable:
            shown = current.get(name)
            if (shown if shown is not None else []) != value and not (shown is not None and same(shown, value)):
                changes[name] = value
        if row.pending == ADD and row.blob is None:
            self._let_go(unit, row, Action.DELETE, target)
            return
        was = row.pending, row.export
        row.pending = UPDATE if changes else NONE
        row.export = pack(Export(UPDATE, changes, {}, {}, None)) if changes else None
        if (row.pending, row.export) == was:
            target.connector_no_flow += 1
            return
        target.connector_flow += 1
        self._batch.cs_pending.append(row)
        self._batch.count(row, row.staged, was[0])

    def _let_go(self, unit: Unit, row: CsRow, action: Action, target: OutboundCounters | None) -> None:
        """Cut a connector off; delete it where the rules say so, or where it was never made."""
        if row not in unit.rows:
            return
        was_pending = row.pending
        unit.rows.remove(row)
        unit.lost.append(row)
        unit.topology = unit.all_references = True
        row.mv, row.link = None, EXPLICIT
        if target is not None:
            target.provisioned_disconnect += 1
        self._batch.delayed_gone.append((unit.mv, row.agent))
        if row.blob is None and row.escrow is None:
            self._batch.cs_gone.append(row.id)
            self._batch.count_gone(row.space, row.staged, row.pending)
            return
        if action is Action.DELETE:
            row.pending, row.export = DELETE, pack(Export(DELETE, {}, {}, {}, None))
        elif action is Action.DISCONNECT:
            row.pending, row.export = NONE, None
        self._batch.cs_pending.append(row)
        self._batch.count(row, row.staged, was_pending)

    def _release(self, unit: Unit, handled: set[int]) -> None:
        """Let go of the connectors of agents that get nothing from the metaverse, when the object goes."""
        if unit.frozen and any(row.id in unit.frozen for row in unit.rows):
            return
        for row in list(unit.rows):
            if row.agent not in handled:
                self._let_go(unit, row, Action.DISCONNECT, None)
                row.link = NORMAL
                agent = self._plan.agents.get(row.agent)
                if agent is not None:
                    wait(self._batch, agent, row, self._images.synchronized(row))

    def _load_namesakes(self, units: list[Unit]) -> None:
        self._namesakes: dict[tuple[int, str | bytes], CsRow] = {}
        for agent, type_name, rules in self._targets:
            if not rules.provisions:
                continue
            lacking = [
                unit
                for unit in units
                if unit.type.name == type_name
                and not unit.gone
                and (rules.moody or not unit.settled)
                and not any(row.agent == agent.number for row in unit.rows)
            ]
            if lacking:
                self._find_namesakes(agent, lacking, rules)

    def _find_namesakes(self, agent: AgentPlan, lacking: list[Unit], rules: OutboundRules) -> None:
        names = []
        for unit in lacking:
            try:
                name = rules.dn(unit.values) if rules.wants(unit.values) else None
            except FlowError:
                continue  # told when it is the unit's turn
            self._wanted[unit.mv, agent.number] = name
            if name is not None:
                names.append(name)
        for row in self._store.by_name(agent.number, names):
            if row.id not in self._leaving:
                self._namesakes[agent.number, name_key(row.dn)] = row

    def _load_delayed(self, units: list[Unit]) -> None:
        if any(rules.deprovision.after for _, _, rules in self._targets):
            self._delayed = self._store.delayed_of([unit.mv for unit in units])
