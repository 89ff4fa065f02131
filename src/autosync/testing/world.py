"""The world around AutoSync in simulated time: its engine, its triggers, its people, and its lives and deaths."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from autosync.adapters.engines.simulated import Faults, Referee, SimulatedEngine
from autosync.adapters.stores.memory import MemoryStore
from autosync.model.errors import Refused, StoreUnavailable
from autosync.model.holds import HoldState
from autosync.model.ids import AgentId, PartitionName, TriggerId
from autosync.model.requests import Wanted
from autosync.model.settings import RunMode
from autosync.model.steps import Slot
from autosync.model.stimuli import HoldDecided, RunAsked, Stimulus
from autosync.ports.store import Commit, StoredFact
from autosync.runtime.engine_hosts import EnginePart
from autosync.runtime.link import Limits
from autosync.runtime.retention import Keep
from autosync.runtime.script_hosts import ScriptPart
from autosync.runtime.supervisor import Options, Parts, Supervisor
from autosync.runtime.trigger_watch import TriggerPart
from autosync.testing.clock import SimulatedClock
from autosync.testing.controller_scripts import PlayedScript
from autosync.testing.mortal import Mortal
from autosync.testing.scenario import ENGINE, Scenario
from autosync.testing.triggers import ScriptedTrigger

LIMITS = Limits(describe_every=timedelta(hours=1))
"""Nobody changes agents here, and the watch of the runs notices an engine that is down: looking more often shows nothing."""
_PATIENCE_S = 60.0
OPTIONS = Options(keep=Keep(history=timedelta(days=2)), log_facts=False, look_again_s=900.0)


class MoodyStore(MemoryStore):
    """A store in memory that cannot be written for a while when told so. Keeps every fact that was ever stored."""

    def __init__(self) -> None:
        super().__init__()
        self.is_sulking = False
        self.told: list[StoredFact] = []

    async def commit(self, commit: Commit) -> list[StoredFact]:
        """Store, or refuse as a full disk would."""
        if self.is_sulking:
            raise StoreUnavailable("the disk is full")
        stored = list(await super().commit(commit))
        self.told.extend(stored)
        return stored


@dataclass(slots=True)
class Life:
    """One life of the service."""

    supervisor: Supervisor
    mortal: Mortal
    task: asyncio.Task[None]
    started: float
    failed: list[BaseException] = field(default_factory=list)


class World:
    """Holds what outlives the service, and gives it one life after the other."""

    def __init__(self, scenario: Scenario, clock: SimulatedClock, random: Random) -> None:
        self.scenario = scenario
        self.clock = clock
        self.random = random
        self.store = MoodyStore()
        settings = scenario.settings
        self.referee = Referee(
            syncs_run_alone=settings.engines[ENGINE].run_mode is not RunMode.UNSUPPORTED,
            all_run_alone=settings.engines[ENGINE].run_mode is RunMode.EXCLUSIVE,
            most_at_once=settings.engines[ENGINE].max_parallel,
            locked_together=frozenset(
                frozenset((_short(one), _short(other)))
                for one, agent in settings.agents.items()
                for other in agent.lock_with
            ),
            mim_service=frozenset(plan.name for plan in scenario.plan.agents if plan.category == "mim-service"),
        )
        self.faults = Faults(scenario.troubles.rates, Random(random.random()))
        self.engine = SimulatedEngine(
            scenario.plan, clock, Random(random.random()), faults=self.faults, referee=self.referee
        )
        self.triggers = {
            (plan.name, partition): ScriptedTrigger() for plan in scenario.plan.agents for partition in plan.partitions
        }
        self.scripts = {
            agent: PlayedScript(agent=agent, clock=clock, random=Random(random.random()), whims=whims)
            for agent, whims in scenario.scripts.items()
        }
        self.life: Life | None = None
        self.lives = 0
        self.moments = 0
        self.wishes: list[tuple[float, AgentId]] = []
        """When persons asked for an import and were told that it is queued."""

    @property
    def supervisor(self) -> Supervisor:
        """Return the service that lives now."""
        assert self.life is not None, "nothing lives"
        return self.life.supervisor

    def begin_life(self, group: asyncio.TaskGroup, *, dies_at: int | None = None) -> None:
        """Start the service on what the last life left; ``dies_at`` counts moments, see ``Mortal``."""
        mortal = Mortal(dies_at=dies_at, on_death=self._buried)
        supervisor = Supervisor(self._parts(mortal))
        self.lives += 1
        task = group.create_task(self._live(supervisor, mortal), name=f"life {self.lives}")
        self.life = Life(supervisor, mortal, task, self.clock.elapsed())

    async def crash(self) -> None:
        """Kill the service, and wait until its tasks are gone."""
        if self.life is not None:
            life = self.life
            life.mortal.die()
            await asyncio.wait([life.task])

    async def stop(self) -> None:
        """Stop the service in order."""
        if self.life is not None:
            life = self.life
            life.supervisor.stop()
            await asyncio.wait([life.task])
            self._forget(life)

    def change(self, agent: str, partition: PartitionName) -> None:
        """Let one object change in a connected system; its trigger notices."""
        self.engine.change(agent, partition)
        self.triggers[agent, partition].change(changed=self.clock.now())

    async def wish(self, agent: AgentId) -> None:
        """Let a person ask for an import."""
        asking = self.clock.elapsed()
        facts = await self._ask(
            RunAsked(wanted=Wanted(agent=agent, slot=Slot.DELTA_IMPORT, front=True), by="ada", reason="to see")
        )
        if any(stored.fact.kind.value in {"request-queued", "request-merged"} for stored in facts):
            self.wishes.append((asking, agent))

    async def decide_holds(self) -> None:
        """Let a person look at each open hold, and approve what was seen."""
        if self.life is None:
            return
        for hold in tuple(self.supervisor.dispatcher.state.holds.values()):
            if hold.state is HoldState.OPEN:
                await self._ask(HoldDecided(hold=hold.id, decision="approve", by="ada", fingerprint=hold.fingerprint))

    async def _ask(self, stimulus: Stimulus) -> Sequence[StoredFact]:
        """Ask the service that lives now; an answer that never comes is none (it died, or its store sulks)."""
        if self.life is None:
            return ()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self.supervisor.dispatcher.submit_and_wait(stimulus)
        except (Refused, TimeoutError):
            return ()

    def _buried(self) -> None:
        if self.life is not None:
            self.life.task.cancel()
            self._forget(self.life)
        self.engine.service_died()

    def _forget(self, life: Life) -> None:
        if self.life is life:
            self.moments += life.mortal.moments
            self.life = None

    async def _live(self, supervisor: Supervisor, mortal: Mortal) -> None:
        try:
            await supervisor.run()
        except asyncio.CancelledError:
            if not mortal.is_dead:
                raise

    def _parts(self, mortal: Mortal) -> Parts:
        return Parts(
            store=mortal.store(self.store),
            settings=self.scenario.settings,
            clock=self.clock,
            random=Random(self.random.random()),
            engines={ENGINE: EnginePart(engine=mortal.engine(self.engine), limits=LIMITS)},
            triggers=tuple(
                TriggerPart(
                    id=trigger_id(agent, partition),
                    agent=AgentId(f"{ENGINE}/{agent}"),
                    trigger=trigger,
                    partition=partition,
                )
                for (agent, partition), trigger in self.triggers.items()
            ),
            scripts={
                agent: ScriptPart(script=mortal.script(script), time_limit=timedelta(seconds=60))
                for agent, script in self.scripts.items()
            },
            options=OPTIONS,
        )


def trigger_id(agent: str, partition: PartitionName) -> TriggerId:
    """Return the id of the trigger that watches a partition's source."""
    return TriggerId(f"{ENGINE}/{agent}#{partition}")


def _short(agent: AgentId) -> str:
    return agent.partition("/")[2]
