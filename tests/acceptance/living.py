"""A whole AutoSync on a simulated engine, for stories that are told from outside."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from random import Random

from autosync.adapters.engines.simulated import AgentPlan, EnginePlan
from autosync.adapters.engines.simulated.plans import DEFAULT
from autosync.model.ids import AgentId, TriggerId
from autosync.model.settings import AgentSettings, EngineSettings, ScheduleSettings, Settings
from autosync.model.stimuli import Stimulus
from autosync.ports.store import StoredFact
from autosync.testing.clock import EPOCH, SimulatedClock
from autosync.testing.scenario import ENGINE, Scenario
from autosync.testing.verdict import Watcher, judge
from autosync.testing.world import World


def agent(name: str) -> AgentId:
    return AgentId(f"{ENGINE}/{name}")


class Story:
    """A world with one life, and short words for what a story says."""

    def __init__(self, world: World, group: asyncio.TaskGroup) -> None:
        self.world = world
        self.engine = world.engine
        self.clock = world.clock
        self._group = group
        self._watcher = Watcher(world)

    @property
    def state(self):
        return self.world.supervisor.dispatcher.state

    def change(self, name: str) -> None:
        self.world.change(name, DEFAULT)

    async def say(self, stimulus: Stimulus) -> list[StoredFact]:
        return list(await self.world.supervisor.dispatcher.submit_and_wait(stimulus))

    async def after(self, seconds: float) -> None:
        """Let time pass; nothing forbidden may be seen meanwhile."""
        await self.clock.sleep(seconds)
        self._watcher.look()

    async def restart(self, *, away_s: float = 0.0) -> None:
        await self.world.stop()
        await self.clock.sleep(away_s)
        self.world.begin_life(self._group)
        await self.clock.sleep(1)

    def ran(self, *, after: float = 0.0) -> list[str]:
        """Return what began in the engine, as ``hr DI``, oldest first."""
        return [f"{run.agent} {run.profile.name}" for run in self.engine.begun if run.began >= after]

    def facts(self, kind: str) -> list[StoredFact]:
        return [stored for stored in self.world.store.told if stored.fact.kind.value == kind]

    async def is_finished(self) -> list[str]:
        """Return what is left undone."""
        return await judge(self.world)


@asynccontextmanager
async def story(
    *plans: AgentPlan,
    engine: EngineSettings | None = None,
    agents: Mapping[str, AgentSettings] | None = None,
    schedules: tuple[ScheduleSettings, ...] = (),
    epoch: datetime = EPOCH,
) -> AsyncGenerator[Story]:
    """Let AutoSync live on an engine of these agents while the body tells its story."""
    given = agents or {}
    settings = Settings(
        revision=1,
        engines={ENGINE: replace(engine or EngineSettings(name=ENGINE), name=ENGINE)},
        agents={agent(plan.name): given.get(plan.name) or AgentSettings(id=agent(plan.name)) for plan in plans},
        schedules={schedule.id: schedule for schedule in schedules},
    )
    plan = EnginePlan(name=ENGINE, agents=plans, spread=0.0)
    world = World(Scenario(seed=0, plan=plan, settings=settings), SimulatedClock(epoch), Random(0))
    async with asyncio.TaskGroup() as group:
        world.begin_life(group)
        await world.clock.sleep(1)
        yield Story(world, group)
        await world.stop()


def trigger(name: str, what: str) -> TriggerId:
    return TriggerId(f"{agent(name)}#{what}")
