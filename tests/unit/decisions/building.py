"""What the tests of decisions are built from: agents, results, and a case that lives through stimuli one by one.

A case keeps every row that was to be stored, checks what the store would check, and can be restarted from them.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from autosync.core.decision import Decision
from autosync.core.orchestrator import decide
from autosync.core.recovery import restore
from autosync.core.state import State
from autosync.core.waiting import explain
from autosync.model.agents import Agent, Pending, PendingSet, Sighting
from autosync.model.commands import Command, Inspect, StartRun
from autosync.model.counts import Counts, RunResult, StepResult
from autosync.model.facts import Fact, FactKind
from autosync.model.holds import Hold
from autosync.model.ids import AgentId, EngineName, PartitionName, ProfileName, TriggerId, engine_of
from autosync.model.requests import Request, Waiting, WaitKind, Wanted
from autosync.model.runs import Run
from autosync.model.settings import Settings
from autosync.model.steps import Profile, Slot, Step, StepKind
from autosync.model.stimuli import (
    AgentsDescribed,
    AgentSwitched,
    EngineConnected,
    HoldDecided,
    Inspected,
    RunAccepted,
    RunAsked,
    RunEnded,
    RunRefused,
    ServiceStarted,
    Sighted,
    Stimulus,
    TimePassed,
    TriggerFired,
)
from tests.properties.core.dict_store import DictStore

MORNING = datetime(2026, 5, 11, 8, tzinfo=UTC)
"""A Monday."""
MIM = EngineName("mim")
PEOPLE, CORP, APP = AgentId("mim/people"), AgentId("mim/corp"), AgentId("mim/app")
PART = PartitionName("default")
NOTHING = Counts()
PLAIN = {
    "delta import": StepKind.DELTA_IMPORT,
    "full import": StepKind.FULL_IMPORT,
    "delta sync": StepKind.DELTA_SYNC,
    "full sync": StepKind.FULL_SYNC,
    "export": StepKind.EXPORT,
}


def profile(name: str, *kinds: StepKind, partition: str = PART) -> Profile:
    return Profile(
        name=ProfileName(name),
        steps=tuple(Step(kind=kind, partition=PartitionName(partition)) for kind in kinds),
    )


def agent(of: str, *profiles: Profile, partitions: Sequence[str] = (PART,), category: str = "ad") -> Agent:
    """An agent with these profiles; without any, with one plain profile of each kind for each partition."""
    several = len(partitions) > 1
    found = profiles or tuple(
        profile(f"{name} {each}" if several else name, kind, partition=each)
        for each in partitions
        for name, kind in PLAIN.items()
    )
    return Agent(
        id=AgentId(of),
        category=category,
        partitions=tuple(PartitionName(each) for each in partitions),
        profiles={each.name: each for each in found},
    )


def result(kind: StepKind, status: str = "success", partition: str = PART, **fields: object) -> StepResult:
    return StepResult(kind=kind, partition=PartitionName(partition), status=status, **fields)


def idle(of: Profile, status: str = "success") -> tuple[StepResult, ...]:
    """What the steps of a profile report when there was nothing to do."""
    return tuple(
        result(step.kind, status, step.partition, staged=NOTHING, exported=NOTHING, outbound={}) for step in of.steps
    )


C = TypeVar("C", bound=Command)


class Case:
    """One AutoSync and its engines. Inspections are answered from ``staged`` and ``pending`` unless ``mute``."""

    def __init__(self, *agents: Agent, settings: Settings | None = None, begun: bool = True) -> None:
        self.agents = {each.id: each for each in agents or (agent(PEOPLE), agent(CORP), agent(APP))}
        self.settings = settings or Settings()
        self.now = MORNING
        self.chance = 0.5
        self.staged: dict[AgentId, dict[str, PendingSet]] = {}
        self.pending: dict[AgentId, dict[str, PendingSet]] = {}
        self.population: dict[AgentId, dict[str, int]] = {}
        self.mute = False
        self.number = 100
        self.store = DictStore()
        self.facts: list[Fact] = []
        self.commands: list[Command] = []
        self.state = State(settings=self.settings)
        if begun:
            self.begin()

    # What happens

    def begin(self) -> None:
        self.tell(ServiceStarted())
        for engine in sorted({engine_of(each) for each in self.agents}):
            self.connect(engine)
        self.facts.clear()
        self.commands.clear()

    def connect(self, engine: EngineName) -> None:
        self.tell(EngineConnected(engine=engine))
        own = tuple(each for each in self.agents.values() if engine_of(each.id) == engine)
        self.tell(AgentsDescribed(engine=engine, agents=own))

    def tell(self, *stimuli: Stimulus, after: float = 0.0) -> Decision:
        self.now += timedelta(seconds=after)
        first = self._decide(stimuli)
        asked = self._inspections(first)
        while asked and not self.mute:
            asked = self._inspections(self._decide([self.answer(each) for each in asked]))
        return first

    def restart(self) -> None:
        """Die, and live again from what was stored."""
        self.state = restore(self.store.snapshot(), self.state.settings)
        self.facts.clear()
        self.commands.clear()

    def fire(self, of: AgentId, name: str = "watch", **fields: object) -> Decision:
        wanted = Wanted(agent=of, slot=Slot.DELTA_IMPORT)
        return self.tell(TriggerFired(**{"trigger": trigger(of, name), "wanted": wanted, **fields}))

    def ask(self, of: AgentId, name: str, **fields: object) -> Decision:
        return self.tell(RunAsked(wanted=Wanted(agent=of, profile=ProfileName(name), **fields), by="maria"))

    def accept(self, of: AgentId) -> Decision:
        self.number += 1
        return self.tell(RunAccepted(run=self.run(of).id, handle=str(self.number)))

    def end(self, of: AgentId, *steps: StepResult, status: str = "success", after: float = 10.0) -> Decision:
        """End the run of an agent; without steps it had nothing to do."""
        run = self.run(of)
        self.number += 1
        shown = steps or idle(self.agents[of].profiles[run.profile], status)
        ended = RunResult(handle=run.handle or str(self.number), status=status, steps=shown)
        return self.tell(RunEnded(run=run.id, result=ended), after=after)

    def refuse(self, of: AgentId, status: str) -> Decision:
        return self.tell(RunRefused(run=self.run(of).id, status=status), after=1)

    def see(self, of: AgentId, name: str, *, handle: str, running: bool = True) -> Decision:
        sighting = Sighting(agent=of, handle=handle, profile=ProfileName(name), running=running)
        return self.tell(Sighted(sighting=sighting))

    def switch(self, of: AgentId, *, on: bool) -> Decision:
        return self.tell(AgentSwitched(agent=of, started=on, by="maria", reason="migration"))

    def verdict(self, word: str, hold: Hold | None = None, fingerprint: str | None = None) -> Decision:
        """Decide a hold (the only one), looking at what it shows now."""
        hold = hold or self.hold()
        shown = hold.fingerprint if fingerprint is None else fingerprint
        return self.tell(HoldDecided(hold=hold.id, decision=word, by="maria", fingerprint=shown))

    def pass_time(self, seconds: float = 0.0, **span: float) -> Decision:
        return self.tell(TimePassed(), after=seconds + timedelta(**span).total_seconds())

    def ring(self) -> Decision:
        """Sleep until the timer that was asked for."""
        assert self.state.timer is not None, "nothing would ever wake it"
        self.now = max(self.now, self.state.timer)
        return self.tell(TimePassed())

    def look_again(self) -> None:
        """Have everything be looked at anew, as after a lost connection."""
        for each in self.agents:
            known = self.state.agents[each]
            row = replace(known, inspection="unknown", pending=None)
            self.state = replace(self.state, agents={**self.state.agents, each: row})
        self.pass_time()

    def settle(self, **changes: object) -> None:
        """Change settings without telling anybody."""
        self.state = replace(self.state, settings=replace(self.state.settings, **changes))

    # What the engine would say

    def stage(self, of: AgentId, counts: Counts | None, fingerprint: str = "", partition: str = PART) -> None:
        self.staged[of] = {partition: PendingSet(counts=counts, fingerprint=fingerprint)}

    def pend(self, of: AgentId, counts: Counts | None, fingerprint: str = "", partition: str = PART) -> None:
        self.pending[of] = {partition: PendingSet(counts=counts, fingerprint=fingerprint)}

    def answer(self, of: AgentId) -> Inspected:
        found = Pending(
            agent=of,
            imports=self.staged.get(of, {}),
            exports=self.pending.get(of, {}),
            population=self.population.get(of, {}),
        )
        return Inspected(agent=of, pending=found)

    # What is seen

    def run(self, of: AgentId) -> Run:
        return next(each for each in self.state.runs.values() if each.agent == of)

    def request(self, of: AgentId, name: str) -> Request:
        return next(each for each in self.state.requests.values() if (each.agent, each.profile) == (of, name))

    def hold(self) -> Hold:
        [found] = self.state.holds.values()
        return found

    @property
    def going(self) -> set[str]:
        return {f"{each.agent}: {each.profile}" for each in self.state.runs.values()}

    @property
    def waiting(self) -> set[str]:
        return {f"{each.agent}: {each.profile}" for each in self.state.requests.values()}

    @property
    def started(self) -> list[str]:
        return [f"{each.agent}: {each.profile}" for each in self.commands if isinstance(each, StartRun)]

    def facts_of(self, kind: FactKind) -> list[Fact]:
        return [each for each in self.facts if each.kind is kind]

    def why(self, of: AgentId, name: str) -> Waiting:
        """Return the first reason why a request waits."""
        return explain(self.state, self.now)[self.request(of, name).id][0]

    def waits_for(self, of: AgentId, name: str) -> WaitKind:
        return self.why(of, name).kind

    # How it is done

    def _decide(self, stimuli: Sequence[Stimulus]) -> Decision:
        made = decide(self.state, stimuli, self.now, self.chance)
        self.store.apply(made.rows)
        self.state = made.state
        self.facts.extend(made.facts)
        self.commands.extend(made.commands)
        return made

    @staticmethod
    def _inspections(made: Decision) -> list[AgentId]:
        return [each.agent for each in made.commands if isinstance(each, Inspect)]


def trigger(of: AgentId, name: str = "watch") -> TriggerId:
    return TriggerId(f"{of}#{name}")


def commands_of(made: Decision, kind: type[C]) -> list[C]:
    return [each for each in made.commands if isinstance(each, kind)]
