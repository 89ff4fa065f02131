"""A world for tests of decisions: a state that moves on, a clock that is a variable, and what was decided last."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from autosync.core.decision import Decision
from autosync.core.orchestrator import decide
from autosync.core.state import Inspection, State
from autosync.model.agents import BOTH_SIDES, Agent, Pending, PendingSet, PendingSide
from autosync.model.commands import Command, Inspect, StartRun
from autosync.model.counts import Counts, RunResult, StepResult
from autosync.model.facts import Fact, FactKind
from autosync.model.ids import AgentId, EngineName, PartitionName, ProfileName, RunId, TriggerId, engine_of
from autosync.model.requests import Request, Wanted
from autosync.model.runs import Run
from autosync.model.settings import AgentSettings, EngineSettings, Settings
from autosync.model.steps import Profile, Slot, Step, StepKind
from autosync.model.stimuli import (
    AgentsDescribed,
    EngineConnected,
    Inspected,
    RunAccepted,
    RunAsked,
    RunEnded,
    ServiceStarted,
    Stimulus,
    TimePassed,
    TriggerFired,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SIM = EngineName("sim")
HR, AD, DB = AgentId("sim/hr"), AgentId("sim/ad"), AgentId("sim/db")
ONE = PartitionName("default")

DI, FI, DS, FS, EX = (ProfileName(name) for name in ("DI", "FI", "DS", "FS", "EX"))
KINDS = {
    DI: StepKind.DELTA_IMPORT,
    FI: StepKind.FULL_IMPORT,
    DS: StepKind.DELTA_SYNC,
    FS: StepKind.FULL_SYNC,
    EX: StepKind.EXPORT,
}


def profile(name: str, *steps: tuple[StepKind, str]) -> Profile:
    return Profile(
        name=ProfileName(name),
        steps=tuple(Step(kind=kind, partition=PartitionName(partition)) for kind, partition in steps),
    )


def agent(
    agent_id: AgentId,
    *extra: Profile,
    partitions: Sequence[str] = ("default",),
    category: str = "csv",
    plain: bool = True,
) -> Agent:
    """An agent with one plain profile of each kind per partition, and ``extra`` ones."""
    found = list(extra)
    for partition in partitions if plain else ():
        suffix = "" if len(partitions) == 1 else f" {partition}"
        found.extend(profile(name + suffix, (kind, partition)) for name, kind in KINDS.items())
    return Agent(
        id=agent_id,
        category=category,
        partitions=tuple(PartitionName(each) for each in partitions),
        profiles={each.name: each for each in found},
    )


def step(kind: StepKind, partition: str = "default", status: str = "success", **fields: object) -> StepResult:
    return StepResult(kind=kind, partition=PartitionName(partition), status=status, **fields)


def only(pending: Pending, sides: frozenset[PendingSide]) -> Pending:
    """Return some sides of what is pending."""
    return replace(
        pending,
        imports=pending.imports if PendingSide.IMPORTS in sides else None,
        exports=pending.exports if PendingSide.EXPORTS in sides else None,
    )


class World:
    """Agents of one engine (or several), described and connected, with nothing pending unless said."""

    def __init__(
        self,
        agents: Iterable[Agent] = (),
        settings: Iterable[AgentSettings] = (),
        engine: EngineSettings | None = None,
        **more: object,
    ) -> None:
        self.agents = {each.id: each for each in agents} or {each: agent(each) for each in (HR, AD, DB)}
        self.now = NOON
        self.chance = 0.5
        self.handles = 0
        self.imports: dict[AgentId, dict[str, PendingSet]] = {}
        self.exports: dict[AgentId, dict[str, PendingSet]] = {}
        self.population: dict[AgentId, dict[str, int]] = {}
        self.answers = True
        self.facts: list[Fact] = []
        self.commands: list[Command] = []
        engine = engine or EngineSettings(name=SIM)
        named = {each.id: each for each in settings}
        policy = Settings(engines={engine.name: engine}, agents=named, **more)
        self.state = State(settings=policy)
        self.last = Decision(state=self.state)

    def begin(self) -> "World":
        """Start the service, connect every engine, describe every agent, and answer the first looks."""
        self.happens(ServiceStarted())
        for engine in sorted({engine_of(each) for each in self.agents}):
            self.happens(EngineConnected(engine=engine))
            described = tuple(each for each in self.agents.values() if engine_of(each.id) == engine)
            self.happens(AgentsDescribed(engine=engine, agents=described))
        self.facts.clear()
        return self

    def happens(self, *stimuli: Stimulus, after: float = 0.0) -> Decision:
        """Let stimuli arrive after some seconds, and answer the inspections that the decision asks for."""
        self.now += timedelta(seconds=after)
        first = self._decide(stimuli)
        while self.answers:
            asked = [each for each in self.commands if isinstance(each, Inspect)]
            if not asked:
                break
            self.commands = [each for each in self.commands if not isinstance(each, Inspect)]
            self._decide([self.answer(each.agent, each.sides) for each in asked])
        return first

    def answer(self, of: AgentId, sides: frozenset[PendingSide] = BOTH_SIDES) -> Inspected:
        """What the engine says is pending on an agent: what was asked for, and no more."""
        pending = Pending(
            agent=of,
            imports={PartitionName(key): value for key, value in self.imports.get(of, {}).items()},
            exports={PartitionName(key): value for key, value in self.exports.get(of, {}).items()},
            population={PartitionName(key): value for key, value in self.population.get(of, {}).items()},
        )
        return Inspected(agent=of, pending=only(pending, sides))

    def _decide(self, stimuli: Sequence[Stimulus]) -> Decision:
        self.last = decide(self.state, stimuli, self.now, self.chance)
        self.state = self.last.state
        self.facts.extend(self.last.facts)
        self.commands.extend(self.last.commands)
        return self.last

    # Short words for what happens often

    def fire(self, of: AgentId, *, after: float = 0.0, name: str = "watch", token: str | None = None) -> Decision:
        trigger = TriggerId(f"{of}#{name}")
        firing = TriggerFired(trigger=trigger, wanted=Wanted(agent=of, slot=Slot.DELTA_IMPORT), token=token)
        return self.happens(firing, after=after)

    def ask(self, of: AgentId, name: str, *, exclusive: bool = False, front: bool = False) -> Decision:
        wanted = Wanted(agent=of, profile=ProfileName(name), exclusive=exclusive, front=front)
        return self.happens(RunAsked(wanted=wanted, by="anna"))

    def end(self, of: AgentId, status: str = "success", *steps: StepResult, after: float = 10.0) -> Decision:
        """End the agent's run; without steps, its profile's steps ended with the status and did nothing."""
        run = self.run(of)
        assert run is not None, f"nothing runs on {of}"
        self.handles += 1
        shown = steps or self._idle_steps(run, status)
        handle = run.handle or str(self.handles)
        return self.happens(
            RunEnded(run=run.id, result=RunResult(handle=handle, status=status, steps=tuple(shown))), after=after
        )

    def _idle_steps(self, run: Run, status: str) -> tuple[StepResult, ...]:
        known = self.agents[run.agent].profiles[run.profile]
        nothing = Counts()
        return tuple(
            step(each.kind, each.partition, status, staged=nothing, exported=nothing, outbound={})
            for each in known.steps
        )

    def imported(self, of: AgentId, adds: int = 1) -> Decision:
        run = self.run(of)
        assert run is not None
        first = self.agents[of].profiles[run.profile].steps[0]
        return self.end(of, "success", step(first.kind, first.partition, staged=Counts(adds=adds)))

    def synced(self, of: AgentId, outbound: Mapping[AgentId, int]) -> Decision:
        run = self.run(of)
        assert run is not None
        first = self.agents[of].profiles[run.profile].steps[0]
        return self.end(of, "success", step(first.kind, first.partition, outbound=outbound))

    def exported(self, of: AgentId, adds: int = 1) -> Decision:
        run = self.run(of)
        assert run is not None
        first = self.agents[of].profiles[run.profile].steps[0]
        return self.end(of, "success", step(first.kind, first.partition, exported=Counts(adds=adds)))

    def pend(self, of: AgentId, exports: int = 0, imports: int = 0, partition: str = "default") -> None:
        """Say what is pending on an agent from now on."""
        self.exports[of] = {partition: PendingSet(counts=Counts(adds=exports))} if exports else {}
        self.imports[of] = {partition: PendingSet(counts=Counts(adds=imports))} if imports else {}

    def accept(self, of: AgentId) -> Decision:
        run = self.run(of)
        assert run is not None
        self.handles += 1
        return self.happens(RunAccepted(run=run.id, handle=str(self.handles)))

    def tick(self, seconds: float = 0.0) -> Decision:
        return self.happens(TimePassed(), after=seconds)

    def sleep(self) -> Decision:
        """Wait until the timer that was asked for rings."""
        assert self.state.timer is not None, "no timer is set"
        self.now = max(self.state.timer, self.now)
        return self.happens(TimePassed())

    # What is seen

    def run(self, of: AgentId) -> Run | None:
        return next((each for each in self.state.runs.values() if each.agent == of), None)

    def running(self) -> list[str]:
        return sorted(f"{each.agent} {each.profile}" for each in self.state.runs.values())

    def waiting(self) -> list[str]:
        return sorted(f"{each.agent} {each.profile}" for each in self.state.requests.values())

    def request(self, of: AgentId, name: str) -> Request:
        return next(each for each in self.state.requests.values() if (each.agent, each.profile) == (of, name))

    def said(self, kind: FactKind) -> list[Fact]:
        return [each for each in self.facts if each.kind is kind]

    def started(self) -> list[tuple[AgentId, ProfileName]]:
        """Everything that was started since the beginning, in order."""
        return [(each.agent, each.profile) for each in self.commands if isinstance(each, StartRun)]

    def knows(self, of: AgentId) -> bool:
        return self.state.agents[of].inspection is Inspection.KNOWN

    def set(self, of: AgentId, **fields: object) -> None:
        """Change an agent's settings without telling anybody."""
        changed = replace(self.state.settings.agent(of), **fields)
        agents = {**self.state.settings.agents, of: changed}
        self.state = replace(self.state, settings=replace(self.state.settings, agents=agents))


def started_run(world: World, of: AgentId) -> RunId:
    run = world.run(of)
    assert run is not None
    return run.id
