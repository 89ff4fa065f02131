"""Which runs may overlap: the locks that a run takes, and what of them is taken. The one place that knows.

A run takes all its locks at once or does not start, so there is no order of locks and no deadlock. Runs that somebody
else started hold theirs like our own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from autosync.model.agents import MIM_SERVICE, Agent
from autosync.model.ids import AgentId, EngineName, engine_of
from autosync.model.requests import Waiting, WaitKind
from autosync.model.settings import AgentSettings, EngineSettings, RunMode
from autosync.model.steps import Profile, StepKind
from autosync.model.wording import number


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSet:
    """Everything that a run locks.

    ``also`` are the agents of ``lock_with``. ``sync``: it takes its engine's synchronization lock. ``alone``: nothing
    else runs in its engine meanwhile.
    """

    agent: AgentId
    also: frozenset[AgentId] = frozenset()
    sync: bool = False
    alone: bool = False
    agents: frozenset[AgentId] = field(init=False, compare=False, repr=False)
    """All agents that are locked."""
    engine: EngineName = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Work out once what is asked for again and again."""
        object.__setattr__(self, "agents", self.also | {self.agent})
        object.__setattr__(self, "engine", engine_of(self.agent))


def locks_of(
    profile: Profile | None, agent: Agent, settings: AgentSettings, engine: EngineSettings, *, exclusive: bool
) -> LockSet:
    """Return what a run of ``profile`` locks. An unknown profile (None) may do everything, so it locks as if it did."""
    synchronizes = profile is None or profile.syncs
    alone = exclusive or engine.run_mode is RunMode.EXCLUSIVE or (engine.run_mode is RunMode.SUPPORTED and synchronizes)
    return LockSet(
        agent=agent.id,
        also=settings.lock_with - {agent.id},
        sync=synchronizes or _counts_as_sync(profile, agent, engine),
        alone=alone,
    )


def _counts_as_sync(profile: Profile | None, agent: Agent, engine: EngineSettings) -> bool:
    """Return whether the MIM Service rule applies.

    A delta import of the MIM Service during a synchronization can freeze the engine; it takes the synchronization lock,
    but imports and exports of other agents may go on beside it.
    """
    if profile is None or agent.category != MIM_SERVICE:
        return False
    imports_delta = any(step.kind is StepKind.DELTA_IMPORT for step in profile.steps)
    return imports_delta or (profile.exports and engine.mim_service_export_is_sync)


def conflicts(candidate: LockSet, running: LockSet) -> Waiting | None:
    """Return why ``candidate`` may not run beside ``running``, or None when it may. Symmetric but for the words."""
    other = running.agent
    if candidate.agent == other:
        return Waiting(kind=WaitKind.RUNNING, text=f"{other} is running something else", blocker=other)
    if not candidate.agents.isdisjoint(running.agents):
        return Waiting(
            kind=WaitKind.LOCKED, text=f"{other} runs and may not run beside {candidate.agent}", blocker=other
        )
    if candidate.engine != running.engine:
        return None
    if running.alone:
        return Waiting(kind=WaitKind.ALONE, text=f"the run of {other} runs alone", blocker=other)
    if candidate.alone:
        return Waiting(kind=WaitKind.ALONE, text=f"it runs alone, and {other} is running", blocker=other)
    if candidate.sync and running.sync:
        return Waiting(
            kind=WaitKind.SYNC, text=f"{other} synchronizes, and only one synchronization may run", blocker=other
        )
    return None


@dataclass(slots=True)
class Occupied:
    """The locks that are taken, indexed so that a candidate meets only the runs that can be in its way."""

    by_agent: dict[AgentId, list[LockSet]] = field(default_factory=dict)
    by_engine: dict[EngineName, list[LockSet]] = field(default_factory=dict)
    sync: dict[EngineName, LockSet] = field(default_factory=dict)
    alone: dict[EngineName, LockSet] = field(default_factory=dict)

    @classmethod
    def of(cls, running: Iterable[LockSet]) -> "Occupied":
        """Return the index of the locks of ``running``."""
        occupied = cls()
        for locks in running:
            occupied.take(locks)
        return occupied

    def take(self, locks: LockSet) -> None:
        """Add the locks of one more run."""
        engine = locks.engine
        for agent in locks.agents:
            self.by_agent.setdefault(agent, []).append(locks)
        self.by_engine.setdefault(engine, []).append(locks)
        if locks.sync:
            self.sync[engine] = locks
        if locks.alone:
            self.alone[engine] = locks

    def in_the_way_of(self, candidate: LockSet) -> Iterator[LockSet]:
        """Yield the running lock sets that can conflict with ``candidate``; of each engine-wide kind one is enough."""
        engine = candidate.engine
        for agent in sorted(candidate.agents) if candidate.also else (candidate.agent,):
            yield from self.by_agent.get(agent, ())
        if candidate.alone:
            yield from self.by_engine.get(engine, ())
        if engine in self.alone:
            yield self.alone[engine]
        if candidate.sync and engine in self.sync:
            yield self.sync[engine]


def blockers(candidate: LockSet, running: Sequence[LockSet] | Occupied, engine: EngineSettings) -> tuple[Waiting, ...]:
    """Return what keeps ``candidate`` from running beside ``running``, each reason once; empty: it may start."""
    occupied = running if isinstance(running, Occupied) else Occupied.of(running)
    found = {(reason.kind, reason.blocker): reason for reason in _in_the_way(candidate, occupied, engine)}
    return tuple(found.values())


def first_blocker(candidate: LockSet, occupied: Occupied, engine: EngineSettings) -> Waiting | None:
    """Return the first of the ``blockers``, None when it may start: however much runs, one is quickly found."""
    return next(_in_the_way(candidate, occupied, engine), None)


def _in_the_way(candidate: LockSet, occupied: Occupied, engine: EngineSettings) -> Iterator[Waiting]:
    for locks in occupied.in_the_way_of(candidate):
        reason = conflicts(candidate, locks)
        if reason is not None:
            yield reason
    going = len(occupied.by_engine.get(candidate.engine, ()))
    if engine.max_parallel is not None and going >= engine.max_parallel:
        text = f"{number(going, 'run is', 'runs are')} going on, and at most {engine.max_parallel} may"
        yield Waiting(kind=WaitKind.PARALLEL, text=text)
