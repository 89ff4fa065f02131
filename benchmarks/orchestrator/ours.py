"""AutoSync itself: the core's ``decide`` with real stimuli, in front of the simulated engine.

What it knows of durations and fan-out it has learned from runs that ended; the settings are the defaults.
"""

import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from autosync.core.orchestrator import decide
from autosync.core.state import State
from autosync.model.agents import Agent, Pending, PendingSet
from autosync.model.commands import Command, Describe, Inspect, SetTimer, StartRun
from autosync.model.counts import Counts, RunResult, StepResult
from autosync.model.ids import AgentId, EngineName, PartitionName, ProfileName, RunId, TriggerId
from autosync.model.requests import Wanted
from autosync.model.rows import EstimateRow
from autosync.model.schedules import Period
from autosync.model.settings import EngineSettings, RunMode, ScheduleSettings, Settings
from autosync.model.steps import Profile, Slot, Step, StepKind
from autosync.model.stimuli import (
    AgentsDescribed,
    EngineConnected,
    Inspected,
    RunAccepted,
    RunEnded,
    ServiceStarted,
    Stimulus,
    TimePassed,
    TriggerFired,
)
from benchmarks.orchestrator.world import Run, World

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ENGINE = EngineName("engine")
PARTITION = PartitionName("default")
KINDS: Mapping[str, StepKind] = {
    "DI": StepKind.DELTA_IMPORT,
    "FI": StepKind.FULL_IMPORT,
    "DS": StepKind.DELTA_SYNC,
    "EX": StepKind.EXPORT,
}
PROFILES: Mapping[ProfileName, Profile] = {
    ProfileName(name): Profile(name=ProfileName(name), steps=(Step(kind=kind, partition=PARTITION),))
    for name, kind in KINDS.items()
}
CHANCE = 0.5
Estimates = Mapping[tuple[AgentId, ProfileName], EstimateRow]


class Ours:
    """The core as a policy. ``estimates`` is what an earlier life has learned."""

    fixed_probe = False

    def __init__(self, estimates: Estimates | None = None, mode: str = "supported") -> None:
        settings = Settings(engines={ENGINE: EngineSettings(name=ENGINE, run_mode=RunMode(mode))})
        self.state = State(settings=settings, estimates=dict(estimates or {}))
        self.decisions: list[float] = []
        """How long each decision took, in seconds of processor time."""
        self._inbox: list[Stimulus] = [ServiceStarted(), EngineConnected(engine=ENGINE)]
        self._timer: datetime | None = None
        self._number: Counter[AgentId] = Counter()
        """Run numbers, which engines count per agent."""

    def attach(self, world: World) -> None:
        self._world = world
        schedules = [
            _nightly(number, moment, agent) for number, (moment, agent) in enumerate(world.workload.full_imports)
        ]
        settings = replace(self.state.settings, schedules={each.id: each for each in schedules})
        self.state = replace(self.state, settings=settings)

    def _now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._world.now)

    def fired(self, agent: str, changed: float) -> None:
        trigger = TriggerId(f"{_id(agent)}#changes")
        wanted = Wanted(agent=_id(agent), slot=Slot.DELTA_IMPORT)
        moment = EPOCH + timedelta(seconds=changed)
        self._inbox.append(TriggerFired(trigger=trigger, wanted=wanted, changed=moment))

    def full_import_due(self, agent: str) -> None:
        """Do nothing: the core keeps its schedules itself."""

    def ended(self, run: Run) -> None:
        self._inbox.append(RunEnded(run=RunId(run.label), result=self._result(run)))

    def _result(self, run: Run) -> RunResult:
        changed = Counts(updates=len(run.carried))
        step = StepResult(
            kind=KINDS[run.kind],
            partition=PARTITION,
            status="success",
            staged=changed if run.kind in {"DI", "FI"} else None,
            exported=changed if run.kind == "EX" else None,
            outbound={_id(target): count for target, count in run.outbound.items()} if run.kind == "DS" else None,
        )
        begin, end = (EPOCH + timedelta(seconds=moment) for moment in (run.begin, self._world.now))
        return RunResult(
            handle=str(self._number[_id(run.agent)]), status="success", steps=(step,), started=begin, ended=end
        )

    def settle(self) -> None:
        """Decide, carry out, and go on until nothing more happens at this moment."""
        while self._inbox:
            batch, self._inbox = self._inbox, []
            begin = time.process_time()
            decision = decide(self.state, batch, self._now(), CHANCE)
            self.decisions.append(time.process_time() - begin)
            self.state = decision.state
            self._carry_out(decision.commands)

    def _carry_out(self, commands: Sequence[Command]) -> None:
        todo = deque(commands)
        while todo:
            match todo.popleft():
                case StartRun(run=run, agent=agent, profile=profile):
                    self._world.start(_name(agent), profile, run)
                    self._number[agent] += 1
                    self._inbox.append(RunAccepted(run=run, handle=str(self._number[agent])))
                case Inspect(agent=agent):
                    self._inbox.append(Inspected(agent=agent, pending=self._pending(agent)))
                case Describe():
                    self._inbox.append(AgentsDescribed(engine=ENGINE, agents=self._agents()))
                case SetTimer(at=moment):
                    self._set_timer(moment)
                case other:
                    raise AssertionError(f"nothing of the benchmark leads to {other}")

    def _pending(self, agent: AgentId) -> Pending:
        staged, exports = self._world.staged(_name(agent)), self._world.pending(_name(agent))
        return Pending(
            agent=agent,
            imports={PARTITION: PendingSet(counts=Counts(updates=staged))} if staged else {},
            exports={PARTITION: PendingSet(counts=Counts(updates=exports))} if exports else {},
            population={PARTITION: 10_000},
        )

    def _agents(self) -> tuple[Agent, ...]:
        return tuple(
            Agent(id=_id(name), partitions=(PARTITION,), profiles=PROFILES) for name in self._world.topology.agents
        )

    def _set_timer(self, moment: datetime | None) -> None:
        self._timer = moment
        if moment is not None:
            due = max(self._world.now, (moment - EPOCH).total_seconds())
            self._world.at(due, lambda: self._ring(moment))

    def _ring(self, moment: datetime) -> None:
        if self._timer == moment:
            self._timer = None
            self._inbox.append(TimePassed())

    def is_idle(self) -> bool:
        return not (self.state.requests or self.state.runs or self._inbox)


def _nightly(number: int, moment: float, agent: str) -> ScheduleSettings:
    """Return a schedule that fires once within any replication."""
    start = EPOCH + timedelta(seconds=moment)
    return ScheduleSettings(
        id=TriggerId(f"{_id(agent)}#nightly {number}"),
        agent=_id(agent),
        when=Period(start=start, period=timedelta(days=365), zone="UTC"),
        run=Slot.FULL_IMPORT,
    )


def _id(name: str) -> AgentId:
    return AgentId(f"{ENGINE}/{name}")


def _name(agent: AgentId) -> str:
    return agent.partition("/")[2]
