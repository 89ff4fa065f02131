"""Import flow: the metaverse object's values, from all its connectors, the strongest winning."""

from collections.abc import Iterable
from typing import Any

from autosync.syncengine.errors import FlowError
from autosync.syncengine.names import name_key
from autosync.syncengine.rules.inbound import InboundRules, Values
from autosync.syncengine.rules.plan import Plan
from autosync.syncengine.running.units import CONDEMNED, Images, Unit, UnitFailed
from autosync.syncengine.store.port import Store
from autosync.syncengine.store.rows import CsRow


class InboundFlow:
    """Computes the values of the units of one batch; references are looked up for all of them at once."""

    def __init__(self, store: Store, plan: Plan, images: Images) -> None:
        self.contributed: dict[int, Values] = {}
        """What is known already of what connectors contribute, references aside; each is used once."""
        self._store = store
        self._plan = plan
        self._images = images
        self._links: dict[tuple[int, str | bytes], int] = {}
        self._known: dict[tuple[int, str], InboundRules | None] = {}
        self._ranks = plan.ranks
        self._with_references = any(
            rules.single_references
            for agent in plan.agents.values()
            for rules in (*agent.inbound.values(), agent.anything)
            if rules is not None
        )

    def flow(self, units: Iterable[Unit]) -> list[UnitFailed]:
        """Set ``values`` and ``gone`` of each unit; return those that failed."""
        todo = list(units)
        if self._with_references:
            self._resolve(todo)
        failures = []
        for unit in todo:
            try:
                self._one(unit)
            except UnitFailed as failure:
                failures.append(failure)
        return failures

    def contributions(self, unit: Unit) -> list[tuple[CsRow, dict[str, Any]]]:
        """Return what each connector contributes, the weakest first; raise ``UnitFailed``."""
        ranks = self._ranks
        found = []
        rows = [row for row in unit.rows if self._rules(row) is not None]
        if len(rows) > 1:
            rows.sort(key=lambda row: (ranks.get(row.agent, 0), row.id))
        for row in rows:
            rules = self._rules(row)
            if rules is None or rules.metaverse_type != unit.type.name:
                continue
            attributes = self._images.synchronized(row)
            values = self.contributed.pop(row.id, None)
            if values is None:
                values = _contribution(rules, attributes, unit, row)
            for target, source in rules.single_references:
                reference = attributes.get(source)
                if reference is not None:
                    link = self._links.get((row.agent, name_key(_text(reference))))
                    if link is not None:
                        values[target] = link
            found.append((row, values))
        return found

    def _one(self, unit: Unit) -> None:
        unit.gone = unit.goes()
        if unit.gone:
            unit.values = {**unit.old, CONDEMNED: True} if unit.type.by_loss else unit.old
            return
        contributions = [(row.agent, values) for row, values in self.contributions(unit)]
        merged = unit.type.merge(contributions)
        for key in unit.type.keys:
            if key not in merged and key in unit.old:
                merged[key] = unit.old[key]
        unit.values = merged

    def _rules(self, row: CsRow) -> InboundRules | None:
        """Return the rules by which an object contributes; None where it contributes nothing."""
        known = self._known
        place = (row.agent, row.type)
        if place not in known:
            agent = self._plan.agents.get(row.agent)
            rules = agent.rules_for(row.type) if agent is not None else None
            flows = rules is not None and (rules.each_flow or rules.single_references)
            known[place] = rules if flows else None
        return known[place]

    def _resolve(self, units: list[Unit]) -> None:
        wanted: dict[int, set[str]] = {}
        for unit in units:
            for row in unit.rows:
                rules = self._rules(row)
                if rules is None or not rules.single_references:
                    continue
                attributes = self._images.synchronized(row)
                for _, source in rules.single_references:
                    value = attributes.get(source)
                    if value is not None:
                        wanted.setdefault(row.agent, set()).add(_text(value))
        for agent, names in wanted.items():
            by_dn = self._plan.agents[agent].by_dn
            for name, mv in self._store.links(agent, list(names), by_dn=by_dn).items():
                self._links[agent, name_key(name)] = mv
        self._overlay(units)

    def _overlay(self, units: list[Unit]) -> None:
        """Lay the links that this very batch makes and breaks over those of the store."""
        for unit in units:
            if not unit.topology:
                continue
            for row in unit.lost:
                for name in (row.anchor, row.dn):
                    if name is not None and self._links.get((row.agent, name_key(name))) == unit.mv:
                        del self._links[row.agent, name_key(name)]
            for row in unit.rows:
                self._links[row.agent, name_key(row.dn)] = unit.mv
                if row.anchor is not None:
                    self._links[row.agent, name_key(row.anchor)] = unit.mv


def _contribution(rules: InboundRules, attributes: Values, unit: Unit, row: CsRow) -> Values:
    try:
        return rules.contribute(attributes)
    except FlowError as error:
        raise UnitFailed(unit, error, row) from error


def _text(value: Any) -> str:
    return str(value[0]) if isinstance(value, list) and value else str(value)
