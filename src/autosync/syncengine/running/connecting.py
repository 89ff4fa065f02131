"""Which metaverse object belongs to an agent's object: filter, join, projection, disconnection."""

from dataclasses import dataclass, field

from autosync.syncengine.errors import FlowError
from autosync.syncengine.rules.inbound import InboundRules, Values, join_key
from autosync.syncengine.rules.plan import AgentPlan, Plan
from autosync.syncengine.running.rivals import AMBIGUOUS
from autosync.syncengine.running.units import Images, Unit
from autosync.syncengine.running.waiting import wait
from autosync.syncengine.store.codec import decode
from autosync.syncengine.store.port import Store
from autosync.syncengine.store.rows import DELETE, DELETE_ADD, EXPLICIT, NONE, CsRow, WriteBatch


@dataclass(slots=True)
class Connected:
    """What became of the objects of a batch."""

    units: dict[int, Unit] = field(default_factory=dict)
    rows: dict[int, CsRow] = field(default_factory=dict)
    how: dict[int, str] = field(default_factory=dict)
    """``projected``, ``joined``, ``connector``, ``filtered``, ``deleted``, ``delete-add`` by connector space id."""
    failures: dict[int, FlowError] = field(default_factory=dict)
    contributed: dict[int, Values] = field(default_factory=dict)
    """What projected objects contribute, by connector space id: computed for their keys, and needed again in a moment."""
    remains: int = 0
    filtered: int = 0


class Connecting:
    """Finds or makes the metaverse object of each object of one agent, in order, within one batch."""

    def __init__(self, store: Store, plan: Plan, agent: AgentPlan, batch: WriteBatch, *, full: bool) -> None:
        self._store = store
        self._plan = plan
        self._agent = agent
        self._batch = batch
        self._full = full
        self._found: dict[tuple[str, str], set[int]] = {}
        self._made: dict[tuple[str, str], set[int]] = {}
        self._types: dict[int, str] = {}

    def connect(self, rows: list[CsRow], images: Images) -> Connected:
        """Link the rows; those that fail are named in the outcome and left as they are."""
        done = Connected()
        self._load(rows, done)
        alone = [row for row in rows if row.mv is None and row.staged != DELETE and row.link != EXPLICIT]
        self._ask_indexes(alone, images)
        for row in rows:
            try:
                self._one(row, images, done)
            except FlowError as error:
                done.failures[row.id] = error
        return done

    def _load(self, rows: list[CsRow], done: Connected) -> None:
        load_units(self._store, self._plan, [row.mv for row in rows if row.mv is not None], done.units)

    def _ask_indexes(self, alone: list[CsRow], images: Images) -> None:
        asked: dict[str, set[str]] = {}
        for row in alone:
            rules = self._agent.rules_for(row.type)
            for criterion in rules.criteria if rules is not None else ():
                try:
                    key = join_key(criterion, images.synchronized(row))
                except FlowError:
                    continue  # told when it is the row's turn
                if key is not None:
                    asked.setdefault(criterion.index, set()).add(key)
        for index, keys in asked.items():
            for value, mv in self._store.find_by_key(index, sorted(keys)):
                self._found.setdefault((index, value), set()).add(mv)

    def _one(self, row: CsRow, images: Images, done: Connected) -> None:
        rules = self._agent.rules_for(row.type)
        if row.staged == DELETE:
            self._lose(row, done, "deleted")
        elif rules is None or (row.mv is None and row.link == EXPLICIT) or self._is_orphan(row, done):
            self._remain(row, done)
        elif rules.filtered(images.synchronized(row)):
            if row.mv is None:
                done.filtered += 1
                done.rows[row.id] = row
            else:
                self._lose(row, done, "filtered")
        elif row.mv is not None:
            done.how[row.id] = "delete-add" if row.staged == DELETE_ADD else "connector"
            self._attach(row, done.units[row.mv], done)
        else:
            self._find_or_project(row, rules, images, done)

    @staticmethod
    def _is_orphan(row: CsRow, done: Connected) -> bool:
        """Return whether the metaverse object's type has gone from the configuration."""
        return row.mv is not None and row.mv not in done.units

    def _find_or_project(self, row: CsRow, rules: InboundRules, images: Images, done: Connected) -> None:
        attributes = images.synchronized(row)
        for criterion in rules.criteria:
            key = join_key(criterion, attributes)
            if key is None:
                continue
            there = self._found.get((criterion.index, key), set()) | self._made.get((criterion.index, key), set())
            if len(there) > 1:
                raise FlowError(AMBIGUOUS, "join", f"{len(there)} metaverse objects fit {criterion.index}")
            if there:
                (mv,) = there
                load_units(self._store, self._plan, [mv], done.units)
                done.how[row.id] = "joined"
                self._link(row, done.units[mv], done)
                return
        if not rules.projects(attributes):
            if row.staged != NONE or self._full:
                wait(self._batch, self._agent, row, attributes)
            self._remain(row, done)
            return
        values = rules.contribute(attributes)
        unit = Unit(self._store.next_mv_id(), self._plan.types[rules.metaverse_type], {}, is_new=True)
        done.units[unit.mv] = unit
        done.contributed[row.id] = values
        for index, value in unit.type.index_values(values).items():
            self._made.setdefault((index, value), set()).add(unit.mv)
        done.how[row.id] = "projected"
        self._link(row, unit, done)

    def _link(self, row: CsRow, unit: Unit, done: Connected) -> None:
        row.mv, row.link = unit.mv, 0
        unit.topology = unit.all_references = True
        self._attach(row, unit, done)

    @staticmethod
    def _attach(row: CsRow, unit: Unit, done: Connected) -> None:
        unit.rows.append(row)
        done.rows[row.id] = row

    def _lose(self, row: CsRow, done: Connected, how: str) -> None:
        done.how[row.id] = how if row.mv is not None else ""
        done.rows[row.id] = row
        if row.mv is not None and row.mv in done.units:
            unit = done.units[row.mv]
            unit.lost.append(row)
            unit.topology = unit.all_references = True
            row.mv = None

    def _remain(self, row: CsRow, done: Connected) -> None:
        done.remains += 1
        done.rows[row.id] = row


def load_units(store: Store, plan: Plan, mvs: list[int], units: dict[int, Unit]) -> None:
    """Add the metaverse objects that ``units`` does not have yet."""
    wanted = sorted({mv for mv in mvs if mv not in units})
    for mv, name, blob, stamp in store.metaverse(wanted):
        if name in plan.types:
            units[mv] = Unit(mv, plan.types[name], decode(blob), stamp=stamp)
