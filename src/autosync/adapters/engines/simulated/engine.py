"""The simulated engine as AutoSync sees it: the port, with latencies and everything that goes wrong on the way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random

from autosync.adapters.engines.simulated.execution import Execution
from autosync.adapters.engines.simulated.faults import Faults
from autosync.adapters.engines.simulated.history import EngineRun
from autosync.adapters.engines.simulated.plans import DEFAULT, AgentPlan, EnginePlan, usual_profiles
from autosync.adapters.engines.simulated.referee import Referee
from autosync.adapters.engines.simulated.spaces import Change, Partition, Spaces, counts_of, fingerprint_of
from autosync.model.agents import BOTH_SIDES, Agent, Pending, PendingSet, PendingSide, Sighting
from autosync.model.counts import ChangeKind, RunResult
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.model.ids import AgentId, EngineName, PartitionName, ProfileName, RunId, agent_id, name_of
from autosync.ports.clock import Clock


class SimulatedEngine:
    """Implements ``ports.engine.Engine``; what is not in the port is for those who play the world around it."""

    def __init__(
        self,
        plan: EnginePlan,
        clock: Clock,
        random: Random,
        *,
        faults: Faults | None = None,
        referee: Referee | None = None,
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._random = random
        self.faults = faults or Faults()
        self.referee = referee or Referee()
        self.spaces = Spaces(plan.agents, random)
        self.execution = Execution(plan, self.spaces, clock, random, self.referee)
        self.execution.changed = self._run_changed
        self._plans = {each.name: each for each in plan.agents}
        self._agents = {each.name: self._described(each) for each in plan.agents}
        self._down_until = 0.0
        self._unseen: set[str] = set()
        self._news = asyncio.Event()
        self.begun: list[EngineRun] = []
        """Every run that ever began, also those whose history was cleared."""

    # The port

    @property
    def name(self) -> EngineName:
        """Return the engine's name in the configuration."""
        return self._plan.name

    async def open(self) -> None:
        """Connect."""
        await self._reach("open")

    async def close(self) -> None:
        """Do nothing: runs go on."""

    async def agents(self) -> Sequence[Agent]:
        """Return all agents as they are now."""
        await self._reach("agents")
        return tuple(self._agents.values())

    async def start(self, agent: AgentId, profile: ProfileName, run: RunId) -> str:
        """Start a run; the answer, or the question, may get lost."""
        fault, asked = self.faults.of_start(), self._clock.elapsed()
        if fault.begins_after is None:
            raise await self._lost_contact("start")
        await self._reach("start")
        if fault.begins_after > 0:
            late = self._clock.elapsed() + fault.begins_after
            self.execution.at(late, lambda _moment: self._begin_quietly(name_of(agent), profile, run, asked))
            raise await self._lost_contact("start")
        begun = self._begin(name_of(agent), profile, run, asked)
        if fault.answer_lost:
            raise await self._lost_contact("start")
        await self._pause()
        return begun.handle

    async def wait(self, agent: AgentId, handle: str) -> RunResult:
        """Wait for a run's real end."""
        await self._reach("wait")
        lost = self.faults.happens(self.faults.rates.result_lost)
        while True:
            run = self.execution.history.get(name_of(agent), {}).get(handle)
            if run is None:
                raise EngineRejected("no-such-run", f"{self.name} knows no run {handle} of {agent}")
            if run.ended is not None and not lost:
                return run.result()
            if lost and (run.ended is not None or self._random.random() < 0.5):
                raise await self._lost_contact("wait")
            await self._until(run.news, run.due)
            await self._reach("wait")

    async def stop(self, agent: AgentId) -> None:
        """Stop what the agent runs."""
        await self._reach("stop")
        self.execution.stop(name_of(agent))

    async def newest(self, agent: AgentId) -> Sighting | None:
        """Return the agent's newest run."""
        await self._reach("newest")
        self._check_agent(name_of(agent))
        return self._newest(name_of(agent))

    async def pending(self, agent: AgentId, sides: frozenset[PendingSide] = BOTH_SIDES) -> Pending:
        """Count what waits in the agent's connector spaces: what was asked for, and no more."""
        await self._reach("pending")
        name = name_of(agent)
        self._check_agent(name)
        places = {each: self.spaces.of(name, each) for each in self._plans[name].partitions}
        return Pending(
            agent=agent,
            imports={each: _pending(place.staged) for each, place in places.items() if place.staged}
            if PendingSide.IMPORTS in sides
            else None,
            exports={each: _pending(place.exports) for each, place in places.items() if place.exports}
            if PendingSide.EXPORTS in sides
            else None,
            population={each: place.population for each, place in places.items()},
        )

    async def sightings(self) -> AsyncIterator[Sighting]:
        """Yield the newest run of each agent where one began or ended."""
        while True:
            if not self._unseen:
                await self._until(self._news, self.execution.next_at)
            await self._clock.sleep(self._plan.notice)
            await self._reach("sightings")
            unseen, self._unseen = self._unseen, set()
            for name in sorted(unseen):
                seen = self._newest(name)
                if seen is not None:
                    yield seen

    async def clear_history(self, before: datetime) -> int:
        """Forget runs that ended before the moment."""
        await self._reach("clear_history")
        old = [
            (name, handle)
            for name, runs in self.execution.history.items()
            for handle, run in runs.items()
            if run.ended_at is not None and run.ended_at < before
        ]
        for name, handle in old:
            del self.execution.history[name][handle]
        return len(old)

    # The world around it

    def change(self, agent: str, partition: PartitionName = DEFAULT, kind: ChangeKind = ChangeKind.UPDATES) -> Change:
        """Let one object change in the system behind an agent, now."""
        change = self.spaces.new_change(agent, self._clock.elapsed(), kind)
        self.spaces.of(agent, partition).source[change.id] = change
        return change

    def start_foreign(self, agent: str, profile: str) -> bool:
        """Let somebody else start a run now; return whether the engine did."""
        self.execution.advance()
        return self._begin_quietly(agent, ProfileName(profile), None, self._clock.elapsed())

    def go_down(self, seconds: float) -> None:
        """Let nobody reach the engine for a while; what runs goes on."""
        self._down_until = max(self._down_until, self._clock.elapsed() + seconds)
        self._wake_all()

    def rename_profile(self, agent: str, old: str, new: str) -> None:
        """Let an administrator rename a profile."""
        profiles = dict(self._agents[agent].profiles)
        profiles[ProfileName(new)] = replace(profiles.pop(ProfileName(old)), name=ProfileName(new))
        self._agents[agent] = replace(self._agents[agent], profiles=profiles)

    def delete_profile(self, agent: str, profile: str) -> None:
        """Let an administrator delete a profile."""
        profiles = dict(self._agents[agent].profiles)
        del profiles[ProfileName(profile)]
        self._agents[agent] = replace(self._agents[agent], profiles=profiles)

    def delete_agent(self, agent: str) -> None:
        """Let an administrator delete an agent; its run, if any, is stopped."""
        self.execution.stop(agent)
        del self._plans[agent], self._agents[agent]

    def add_agent(self, plan: AgentPlan) -> None:
        """Let an administrator create an agent."""
        self._plans[plan.name] = plan
        self._agents[plan.name] = self._described(plan)
        self.spaces.add(plan)

    def forget_history(self) -> None:
        """Let an administrator clear the whole run history; what runs stays."""
        for name, runs in self.execution.history.items():
            self.execution.history[name] = {key: run for key, run in runs.items() if run.ended is None}

    def service_died(self) -> None:
        """Forget what AutoSync has noticed: the next life has to look again."""
        for run in self.execution.running.values():
            run.noticed = None

    def places(self) -> dict[tuple[str, PartitionName], Partition]:
        """Return the connector spaces of the agents that exist, as they are now."""
        self.execution.advance()
        return {key: place for key, place in self.spaces.all().items() if key[0] in self._plans}

    # Inside

    async def _pause(self) -> None:
        slow = 10.0 if self.faults.happens(self.faults.rates.slow) else 0.0
        await self._clock.sleep(self._random.uniform(*self._plan.latency) + slow)

    async def _reach(self, question: str) -> None:
        await self._pause()
        if question not in {"start", "wait", "sightings"} and self.faults.happens(self.faults.rates.question_lost):
            raise await self._lost_contact(question)
        if self._clock.elapsed() < self._down_until:
            raise EngineUnavailable(f"{self.name} cannot be reached ({question})")
        self.execution.advance()

    async def _lost_contact(self, question: str) -> EngineUnavailable:
        await self._pause()
        return EngineUnavailable(f"{self.name}: no answer to {question}")

    async def _until(self, news: asyncio.Event, moment: float | None) -> None:
        left = None if moment is None else max(0.0, moment - self._clock.elapsed())
        try:
            async with asyncio.timeout(left):
                await news.wait()
        except TimeoutError:
            pass

    def _begin(self, agent: str, profile: ProfileName, label: RunId | None, asked: float) -> EngineRun:
        self._check_agent(agent)
        if profile not in self._agents[agent].profiles:
            raise EngineRejected("no-start-no-such-profile", f"{agent} has no run profile {profile}")
        if agent in self.execution.running:
            raise EngineRejected("no-start-ma-already-running", f"{agent} is running already")
        ending = self.faults.of_run(agent, profile)
        if ending.refused:
            raise EngineRejected(ending.status)
        run = self.execution.begin(self._plans[agent], self._agents[agent].profiles[profile], ending, label, asked)
        self.begun.append(run)
        return run

    def _begin_quietly(self, agent: str, profile: ProfileName, label: RunId | None, asked: float) -> bool:
        try:
            self._begin(agent, profile, label, asked)
        except EngineRejected:
            return False
        return True

    def _check_agent(self, agent: str) -> None:
        if agent not in self._plans:
            raise EngineRejected("no-such-agent", f"{self.name} has no agent {agent}")

    def _described(self, plan: AgentPlan) -> Agent:
        return Agent(
            id=agent_id(self.name, plan.name),
            category=plan.category,
            partitions=plan.partitions,
            profiles=dict(plan.profiles or usual_profiles(plan.partitions)),
        )

    def _newest(self, agent: str) -> Sighting | None:
        runs = self.execution.history.get(agent)
        if not runs:
            return None
        run = next(reversed(runs.values()))
        run.noticed = self._clock.elapsed() if run.noticed is None else run.noticed
        return run.sighting(agent_id(self.name, agent), labels=self._plan.labels)

    def _run_changed(self, run: EngineRun) -> None:
        self._unseen.add(run.agent)
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _wake_all(self) -> None:
        for run in self.execution.running.values():
            run.tell()
        news, self._news = self._news, asyncio.Event()
        news.set()


def _pending(changes: dict[int, Change]) -> PendingSet:
    return PendingSet(
        counts=counts_of(changes.values()),
        fingerprint=fingerprint_of(changes.values()),
        sample=tuple(f"{change.kind.value} {change.origin} {change.id}" for change in list(changes.values())[:5]),
    )
