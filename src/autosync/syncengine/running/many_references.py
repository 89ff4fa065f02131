"""Multi-valued references outwards: a group's members as differences, whatever the size of the group.

They never enter an object's blob. Where an agent's object shows values that the metaverse does not want, or lacks some,
a row in a table of its own says so; a change of one member of 100,000 costs a look at that one.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from autosync.syncengine.names import name_key
from autosync.syncengine.results import OutboundCounters
from autosync.syncengine.rules.outbound import ReferenceFlow
from autosync.syncengine.rules.plan import AgentPlan, Plan
from autosync.syncengine.running.escrow import pack, unpack
from autosync.syncengine.running.units import Unit
from autosync.syncengine.store.port import ExportRef, Store
from autosync.syncengine.store.rows import NONE, UPDATE, CsRow, WriteBatch

_CHUNK = 500
"""Objects whose references are looked at together."""


@dataclass(slots=True, eq=False)
class Target:
    """One reference attribute of one connector that must be looked at."""

    unit: Unit
    row: CsRow
    agent: AgentPlan
    flow: ReferenceFlow
    attribute: int
    winner: tuple[CsRow, int] | None
    """The connector that contributes the values, and its attribute."""
    waiting: dict[tuple[int, int | str], ExportRef] = field(default_factory=dict)
    """The differences that wait or were sent, by (removes, key)."""
    counted: bool = False


class ManyReferences:
    """Brings the reference differences of units up to date; the store must know all links already."""

    def __init__(self, store: Store, plan: Plan, batch: WriteBatch) -> None:
        self._store = store
        self._plan = plan
        self._batch = batch
        self._sources: dict[str, list[tuple[AgentPlan, str, str]]] = {}
        for agent in plan.agents.values():
            for rules in (*agent.inbound.values(), agent.anything):
                for target, source in rules.multiple_references if rules is not None else ():
                    self._sources.setdefault(target, []).append((agent, rules.metaverse_type if rules else "", source))

    def flow(self, units: list[Unit], counters: dict[str, OutboundCounters]) -> None:
        """Compute the differences of all units."""
        wanted = [unit for unit in units if unit.type.multiple_references and not unit.gone and not unit.is_new]
        for start in range(0, len(wanted), _CHUNK):
            self.look_at(wanted[start : start + _CHUNK], counters)

    def look_at(self, units: list[Unit], counters: dict[str, OutboundCounters]) -> list[Target]:
        """Compute the differences of some units, and return what was looked at with all that waits for it now."""
        targets = self._targets(units)
        if targets:
            self._load_waiting(targets)
            self._whole([each for each in targets if each.unit.all_references], counters)
            self._some([each for each in targets if not each.unit.all_references], counters)
        return targets

    def _targets(self, units: list[Unit]) -> list[Target]:
        flows = [
            (agent, name, flow)
            for agent in self._plan.agents.values()
            for name, rules in agent.outbound.items()
            for flow in rules.multiple_references
        ]
        if not flows:
            return []
        winners = self._winners(units)
        number = self._store.attribute_number
        return [
            Target(unit, row, agent, flow, number(flow.target), winners.get((unit.mv, flow.source)))
            for unit in units
            for agent, name, flow in flows
            if name == unit.type.name
            for row in unit.rows
            if row.agent == agent.number and row.id not in unit.frozen
        ]

    def _winners(self, units: list[Unit]) -> dict[tuple[int, str], tuple[CsRow, int]]:
        """Return the strongest connector that has any value, for each object and attribute."""
        asked: list[tuple[int, str, CsRow, int]] = []
        for unit in units:
            for name in unit.type.multiple_references:
                for agent, type_name, source in self._sources.get(name, ()):
                    if type_name != unit.type.name:
                        continue
                    number = self._store.attribute_number(source)
                    asked.extend((unit.mv, name, row, number) for row in unit.rows if row.agent == agent.number)
        having = self._store.has_refs([(row.id, number) for _, _, row, number in asked])
        ranks = self._plan.ranks
        asked.sort(key=lambda each: (ranks.get(each[2].agent, 0), each[2].id))
        return {(mv, name): (row, number) for mv, name, row, number in asked if (row.id, number) in having}

    def _load_waiting(self, targets: list[Target]) -> None:
        by_place: dict[tuple[int, int], Target] = {(each.row.id, each.attribute): each for each in targets}
        for ref in self._store.export_refs(sorted({each.row.id for each in targets})):
            target = by_place.get((ref[0], ref[1]))
            if target is not None:
                target.waiting[ref[2], ref[3]] = ref

    def _whole(self, targets: list[Target], counters: dict[str, OutboundCounters]) -> None:
        """Compare all values, as sets."""
        if not targets:
            return
        asked = [
            (each.winner[0].id, each.winner[1], each.winner[0].agent, each.agent.number)
            for each in targets
            if each.winner is not None
        ]
        with_winner = [each for each in targets if each.winner is not None]
        by_dn = any(self._plan.agents[row[2]].by_dn for row in asked)
        desired: dict[int, dict[int, str | None]] = {}
        for place, number, anchor, dn in self._store.desired_refs(asked, by_dn=by_dn):
            target = with_winner[place]
            desired.setdefault(id(target), {})[number] = dn if target.agent.by_dn else anchor
        shown: dict[tuple[int, int], set[str]] = {}
        for cs, attribute, value, state in self._store.refs([each.row.id for each in targets]):
            if state != 2:
                shown.setdefault((cs, attribute), set()).add(value)
        for target in targets:
            want = desired.get(id(target), {})
            have = shown.get((target.row.id, target.attribute), set())
            self._settle(target, want, have, None, counters)

    def _some(self, targets: list[Target], counters: dict[str, OutboundCounters]) -> None:
        """Look only at the references that somebody named."""
        pairs = self._pairs(targets)
        if not pairs:
            return
        names = self._names_of([mv for _, mv, _ in pairs if mv is not None])
        triples: list[tuple[int, int, str]] = []
        for target, mv, _ in pairs:
            if target.winner is not None and mv is not None:
                row, number = target.winner
                triples.extend((row.id, number, name) for name in self._texts(names, mv, row.agent))
        present = self._store.refs_among(triples)
        images = self._store.refs_among(
            [
                (target.row.id, target.attribute, text)
                for target, mv, value in pairs
                for text in {value, *(self._texts(names, mv, target.agent.number) if mv is not None else ())}
                if text is not None
            ]
        )
        for target, mv, value in pairs:
            want: dict[int, str | None] = {}
            texts: set[str] = set() if value is None else {value}
            looked: set[int] = set()
            for number, anchor, dn in names.get((mv, target.agent.number), ()) if mv is not None else ():
                text = dn if target.agent.by_dn else anchor
                looked.add(number)
                if text is not None:
                    texts.add(text)
                if self._is_member(target, mv, names, present):
                    want[number] = text
            places = [(target.row.id, target.attribute, text) for text in texts]
            have = {images[place] for place in places if place in images}
            self._settle(target, want, have, (looked, texts), counters)

    def _pairs(self, targets: list[Target]) -> list[tuple[Target, int | None, str | None]]:
        """Turn named references into (target, metaverse object, value that the target's agent may show)."""
        by_agent: dict[int, set[str]] = {}
        for target in targets:
            for agent, value in target.unit.some_references:
                by_agent.setdefault(agent, set()).add(value)
        links = {
            agent: self._store.links(agent, sorted(values), by_dn=self._plan.agents[agent].by_dn)
            for agent, values in by_agent.items()
            if agent in self._plan.agents
        }
        pairs = []
        for target in targets:
            for agent, value in sorted(target.unit.some_references):
                mv = links.get(agent, {}).get(value)
                in_target = agent == target.agent.number
                if mv is not None or in_target:
                    pairs.append((target, mv, value if in_target else None))
        return pairs

    def _names_of(self, mvs: Iterable[int]) -> dict[tuple[int, int], list[tuple[int, str | None, str]]]:
        names: dict[tuple[int, int], list[tuple[int, str | None, str]]] = {}
        for mv, agent, number, anchor, dn, _ in self._store.names_of_metaverse(sorted(set(mvs))):
            names.setdefault((mv, agent), []).append((number, anchor, dn))
        return names

    @staticmethod
    def _texts(names: dict[tuple[int, int], list[tuple[int, str | None, str]]], mv: int, agent: int) -> set[str]:
        found = names.get((mv, agent), ())
        return {text for _, anchor, dn in found for text in (anchor, dn) if text is not None}

    def _is_member(
        self,
        target: Target,
        mv: int | None,
        names: dict[tuple[int, int], list[tuple[int, str | None, str]]],
        present: Container[tuple[int, int, str]],
    ) -> bool:
        if target.winner is None or mv is None:
            return False
        row, number = target.winner
        return any((row.id, number, text) in present for text in self._texts(names, mv, row.agent))

    def _settle(
        self,
        target: Target,
        want: dict[int, str | None],
        have: set[str],
        only: tuple[set[int], set[str]] | None,
        counters: dict[str, OutboundCounters],
    ) -> None:
        """Write the differences between what is wanted and shown; ``only`` limits the look to these ids and values."""
        if target.flow.suppress_null and target.winner is None:
            return
        looked = None if only is None else {name_key(text) for text in only[1]}
        there = _there(target, have, looked)
        texts = {name_key(text) for text in want.values() if text is not None}
        goal: set[tuple[int, int | str]] = {
            (0, number) for number, text in want.items() if text is None or name_key(text) not in there
        }
        goal |= {(1, text) for key, text in there.items() if key not in texts}
        now = {
            (removes, key)
            for (removes, key), ref in target.waiting.items()
            if not ref[5]
            and (only is None or looked is None or (name_key(str(key)) in looked if removes else key in only[0]))
        }
        fresh, stale = goal - now, now - goal
        place = (target.row.id, target.attribute)
        self._batch.export_refs_new.extend(
            (*place, removes, key, None if removes else want[int(key)], 0) for removes, key in sorted(fresh, key=repr)
        )
        self._batch.export_refs_gone.extend((*place, removes, key) for removes, key in sorted(stale, key=repr))
        for each in stale:
            del target.waiting[each]
        for removes, key in fresh:
            target.waiting[removes, key] = (*place, removes, key, None, 0)
        if fresh or stale:
            waits = any(not ref[5] for ref in target.waiting.values())
            self._mark(target, waits=waits, counters=counters)

    def _mark(self, target: Target, *, waits: bool, counters: dict[str, OutboundCounters]) -> None:
        """Make the object's pending export say that reference differences wait, or that none do any more."""
        row, was = target.row, target.row.pending
        before = unpack(row.export)
        export = before._replace(kind=before.kind or UPDATE, many=waits)
        if export != before:
            nothing = export.kind == UPDATE and export.is_empty
            row.pending, row.export = (NONE, None) if nothing else (export.kind, pack(export))
            self._batch.cs_pending.append(row)
            self._batch.count(row, row.staged, was)
        if not target.counted:
            target.counted = True
            block = counters.setdefault(target.agent.name, OutboundCounters())
            block.connector_flow += 1
            block.connector_no_flow -= block.connector_no_flow > 0


def _there(target: Target, have: set[str], looked: set[str | bytes] | None) -> dict[str | bytes, str]:
    """Return what the object shows, with what was sent and not yet seen: how it is written, by what makes names equal."""
    there = {name_key(text): text for text in have}
    for (removes, _), ref in target.waiting.items():
        if ref[5] and not removes and ref[4] is not None and (looked is None or name_key(ref[4]) in looked):
            there.setdefault(name_key(ref[4]), ref[4])
    for (removes, key), ref in target.waiting.items():
        if ref[5] and removes:
            there.pop(name_key(str(key)), None)
    return there
