"""Connector spaces as sets of changes: enough to tell whether a change arrived, and when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Final

from autosync.adapters.engines.simulated.plans import AgentPlan
from autosync.model.counts import ChangeKind, Counts, StepResult
from autosync.model.ids import AgentId, PartitionName
from autosync.model.steps import Step

_OLDEST_GENERATION: Final = 1
"""Attributes that a connected system generated generate nothing further, or nothing would ever be quiet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one object, from the system where it was made through all others."""

    id: int
    origin: str
    at: float
    """Elapsed seconds when it was made."""
    kind: ChangeKind = ChangeKind.UPDATES
    generation: int = 0


@dataclass(slots=True, kw_only=True)
class Partition:
    """One partition's connector space, and what its connected system has in store."""

    population: int
    source: dict[int, Change] = field(default_factory=dict)
    staged: dict[int, Change] = field(default_factory=dict)
    exports: dict[int, Change] = field(default_factory=dict)
    unconfirmed: dict[int, Change] = field(default_factory=dict)
    confirmed: dict[int, float] = field(default_factory=dict)
    """When each change that was exported here was confirmed."""

    @property
    def is_quiet(self) -> bool:
        """Return whether nothing waits here."""
        return not (self.source or self.staged or self.exports or self.unconfirmed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a step found when it began: later changes are for later runs."""

    source: tuple[Change, ...] = ()
    staged: tuple[Change, ...] = ()
    exports: tuple[Change, ...] = ()
    unconfirmed: tuple[Change, ...] = ()

    @property
    def work(self) -> int:
        """Return how many changes the step has to carry."""
        return len(self.source) + len(self.staged) + len(self.exports) + len(self.unconfirmed)


class Spaces:
    """All connector spaces of one engine, and the only rules by which changes move between them."""

    def __init__(self, plans: Iterable[AgentPlan], random: Random) -> None:
        self._random = random
        self._changes = 0
        self._plans: dict[str, AgentPlan] = {}
        self._partitions: dict[tuple[str, PartitionName], Partition] = {}
        for plan in plans:
            self.add(plan)

    def add(self, plan: AgentPlan) -> None:
        """Let an agent be there."""
        self._plans[plan.name] = plan
        for name in plan.partitions:
            self._partitions.setdefault((plan.name, name), Partition(population=plan.population))

    def of(self, agent: str, partition: PartitionName) -> Partition:
        """Return one partition."""
        return self._partitions[agent, partition]

    def all(self) -> Mapping[tuple[str, PartitionName], Partition]:
        """Return every partition by agent and name."""
        return self._partitions

    def new_change(self, agent: str, at: float, kind: ChangeKind, generation: int = 0) -> Change:
        """Return a change that never was before."""
        self._changes += 1
        return Change(id=self._changes, origin=agent, at=at, kind=kind, generation=generation)

    def look(self, agent: str, step: Step) -> Seen:
        """Return what the step will work on if it begins now."""
        place = self.of(agent, step.partition)
        return Seen(
            source=tuple(place.source.values()) if step.kind.imports else (),
            unconfirmed=tuple(place.unconfirmed.values()) if step.kind.imports else (),
            staged=tuple(place.staged.values()) if step.kind.syncs else (),
            exports=tuple(place.exports.values()) if step.kind.exports else (),
        )

    def carry(self, agent: str, engine: str, step: Step, seen: Seen, at: float) -> StepResult:
        """Do what the step does to what it saw, and return its counters."""
        staged = self._import(agent, step, seen, at) if step.kind.imports else None
        outbound = None
        if step.kind.syncs:
            arrived = {change.id: change for change in (*seen.staged, *(staged or ()))}
            outbound = self._sync(agent, engine, step, arrived)
        exported = self._export(agent, step, seen.exports) if step.kind.exports else None
        return StepResult(
            kind=step.kind,
            partition=step.partition,
            status="success",
            staged=None if staged is None else counts_of(staged),
            exported=None if exported is None else counts_of(exported),
            export_failures=None if exported is None else 0,
            outbound=outbound,
        )

    def _import(self, agent: str, step: Step, seen: Seen, at: float) -> Sequence[Change]:
        place = self.of(agent, step.partition)
        staged = [place.source.pop(change.id) for change in seen.source if change.id in place.source]
        for change in seen.unconfirmed:
            if place.unconfirmed.pop(change.id, None) is None:
                continue
            place.confirmed[change.id] = at
            if change.generation < _OLDEST_GENERATION and self._random.random() < self._plans[agent].generates:
                staged.append(self.new_change(agent, at, ChangeKind.UPDATES, change.generation + 1))
        place.staged.update((change.id, change) for change in staged)
        place.population += sum(_GROWTH.get(change.kind, 0) for change in staged)
        return staged

    def _sync(self, agent: str, engine: str, step: Step, arrived: Mapping[int, Change]) -> Mapping[AgentId, int]:
        place = self.of(agent, step.partition)
        outbound: dict[AgentId, int] = {}
        for number, change in arrived.items():
            if place.staged.pop(number, None) is None:
                continue
            for flow in self._plans[agent].flows:
                target = self._partitions.get((flow.agent, flow.partition))
                if target is not None:
                    target.exports[number] = change
                    name = AgentId(f"{engine}/{flow.agent}")
                    outbound[name] = outbound.get(name, 0) + 1
        return outbound

    def _export(self, agent: str, step: Step, seen: Sequence[Change]) -> Sequence[Change]:
        place = self.of(agent, step.partition)
        sent = [place.exports.pop(change.id) for change in seen if change.id in place.exports]
        place.unconfirmed.update((change.id, change) for change in sent)
        return sent


_GROWTH: Final = {ChangeKind.ADDS: 1, ChangeKind.DELETES: -1}


def counts_of(changes: Iterable[Change]) -> Counts:
    """Return how many changes there are of each kind."""
    tally = dict.fromkeys(ChangeKind, 0)
    for change in changes:
        tally[change.kind] += 1
    return Counts(**{kind.name.lower(): count for kind, count in tally.items()})


def fingerprint_of(changes: Iterable[Change]) -> str:
    """Return what identifies exactly this set of changes."""
    return blake2b(",".join(str(change.id) for change in changes).encode(), digest_size=8).hexdigest()
