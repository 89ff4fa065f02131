"""The whole service drives the stand-in server in simulated time, through troubles, until it is quiet."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from autosync.adapters.engines.simulated.faults import Ending
from autosync.adapters.engines.simulated.referee import Referee
from autosync.adapters.stores.memory import MemoryStore
from autosync.bootstrap.mim import LIMITS, may_be_held
from autosync.model.ids import AgentId, EngineName
from autosync.model.settings import EngineSettings, Settings
from autosync.ports.engine import Engine
from autosync.ports.store import Commit, StoredFact
from autosync.runtime.engine_hosts import EnginePart
from autosync.runtime.supervisor import Options, Parts, Supervisor
from autosync.runtime.trigger_watch import TriggerPart
from autosync.testing.clock import SimulatedClock
from autosync.testing.mim.direct import DirectService
from autosync.testing.mim.knobs import Rights, RunScript, TimedOut
from autosync.testing.mim.plan import BRISK, MimAgent, company
from autosync.testing.mim.provider import MimProvider, ProviderFault
from autosync.testing.triggers import ScriptedTrigger
from tests.unit.mim_engine.stage import ENGINE, made

SETTINGS = Settings(engines={ENGINE: EngineSettings(name=ENGINE)})
SOURCES = ("HR", "Portal")
_LONGEST_S = 6 * 3600.0


class RememberingStore(MemoryStore):
    """Keeps every fact that was ever stored."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[StoredFact] = []

    async def commit(self, commit: Commit) -> list[StoredFact]:
        stored = list(await super().commit(commit))
        self.told.extend(stored)
        return stored


@dataclass(slots=True)
class MimWorld:
    """A server, a store, a trigger for each source, and one life of the service after the other."""

    clock: SimulatedClock
    random: Random
    provider: MimProvider = field(init=False)
    referee: Referee = field(init=False)
    store: RememberingStore = field(default_factory=RememberingStore)
    triggers: dict[str, ScriptedTrigger] = field(init=False)
    supervisor: Supervisor | None = None
    _life: Any = None

    def __post_init__(self) -> None:
        self.provider = MimProvider(company(BRISK), self.clock, self.random)
        self.provider.referee = self.referee = Referee(mim_service=frozenset({"Portal"}))
        self.triggers = {name: ScriptedTrigger() for name in SOURCES}

    @property
    def facts(self) -> Counter[str]:
        return Counter(stored.fact.kind.value for stored in self.store.told)

    def engine(self) -> Engine:
        service = DirectService(self.provider, time_limit_s=5.0)
        return made(self.provider, self.clock, service=service, may_be_held=may_be_held(SETTINGS))

    def begin_life(self, group: asyncio.TaskGroup) -> None:
        supervisor = Supervisor(
            Parts(
                store=self.store,
                settings=SETTINGS,
                clock=self.clock,
                random=Random(self.random.random()),
                engines={EngineName(ENGINE): EnginePart(engine=self.engine(), limits=LIMITS)},
                triggers=tuple(
                    TriggerPart(id=f"mim/{name}#t", agent=AgentId(f"mim/{name}"), trigger=trigger)
                    for name, trigger in self.triggers.items()
                ),
                options=Options(log_facts=False, look_again_s=900.0),
            )
        )
        self.supervisor = supervisor
        self._life = group.create_task(_live(supervisor), name="life")

    async def end_life(self, *, crash: bool) -> None:
        assert self.supervisor is not None
        if crash:
            self._life.cancel()
        else:
            self.supervisor.stop()
        await asyncio.wait([self._life])
        self.supervisor = None

    def change(self, agent: str) -> None:
        self.provider.change(agent)
        self.triggers[agent].change(changed=self.clock.now())

    @property
    def is_quiet(self) -> bool:
        if self.supervisor is None or self.provider.waiting() or self.provider.running():
            return False
        state = self.supervisor.dispatcher.state
        known = state.engines.get(ENGINE)
        return known is not None and known.connected and not (state.requests or state.runs or state.cascades)

    async def quiet(self) -> float:
        """Wait until nothing is left to do anywhere; return the simulated seconds."""
        begun = self.clock.elapsed()
        while not self.is_quiet:
            assert self.clock.elapsed() - begun < _LONGEST_S, self.left()
            await self.clock.sleep(1.0)
        return self.clock.elapsed() - begun

    def left(self) -> str:
        state = self.supervisor.dispatcher.state if self.supervisor else None
        known = (state.requests, state.runs, state.holds) if state else None
        return f"waiting {self.provider.waiting()}, running {self.provider.running()}, known {known}"


async def _live(supervisor: Supervisor) -> None:
    with suppress(asyncio.CancelledError):
        await supervisor.run()


Trouble = Callable[[MimWorld], Awaitable[None]]


async def lost_answers(world: MimWorld) -> None:
    for method in ("Execute", "Execute", "RunDetails", "RunNumber", "NumExportAdd"):
        world.provider.knobs.lose(method)
        await world.clock.sleep(7)


async def restarted_service(world: MimWorld) -> None:
    world.provider.stop_service()
    await world.clock.sleep(90)
    world.provider.start_service()


async def interrupted_connection(world: MimWorld) -> None:
    world.provider.knobs.reachable = False
    await world.clock.sleep(45)
    world.provider.knobs.reachable = True


async def slow_history(world: MimWorld) -> None:
    world.provider.knobs.history_lag_s = 8.0
    await world.clock.sleep(120)
    world.provider.knobs.history_lag_s = 0.0


async def cleared_history(world: MimWorld) -> None:
    world.provider.clear_runs("2099-01-01")


async def foreign_runs(world: MimWorld) -> None:
    for agent, profile in (("HR", "DI"), ("Portal", "FI"), ("HR", "DS")):
        with suppress(ProviderFault):
            world.provider.start_foreign(agent, profile)
        await world.clock.sleep(11)


async def transitional_statuses(world: MimWorld) -> None:
    for agent in SOURCES:
        world.provider.knobs.script(agent, "DI", RunScript(ending=Ending(completing_s=40.0)))
        world.provider.knobs.script(agent, "DS", RunScript(ending=Ending(completing_s=20.0)))


async def cancelled_by_the_transport(world: MimWorld) -> None:
    world.provider.knobs.timed_out = TimedOut.CANCELLED
    world.provider.knobs.script("HR", "DI", RunScript(ending=Ending(extra_s=30.0)))
    world.change("HR")
    await world.clock.sleep(60)
    world.provider.knobs.timed_out = TimedOut.GOES_ON


async def clock_step(world: MimWorld) -> None:
    world.clock.shift(timedelta(hours=1))
    await world.clock.sleep(30)
    world.clock.shift(timedelta(hours=-2))


async def administrators_work(world: MimWorld) -> None:
    administration = world.provider.administration
    administration.rename_profile("HR", "DI", "Delta from HR")
    await world.clock.sleep(20)
    administration.add_agent(MimAgent(name="Badge"))
    await world.clock.sleep(90)
    administration.rename_profile("HR", "DS", "Delta sync of HR")
    administration.delete_agent("Badge")


async def lack_of_rights(world: MimWorld) -> None:
    world.provider.knobs.rights = Rights.NONE
    await world.clock.sleep(60)
    world.provider.knobs.rights = Rights.BROWSE
    await world.clock.sleep(60)
    world.provider.knobs.rights = Rights.OPERATORS


TROUBLES: dict[str, Trouble] = {
    trouble.__name__: trouble
    for trouble in (
        lost_answers,
        restarted_service,
        interrupted_connection,
        slow_history,
        cleared_history,
        foreign_runs,
        transitional_statuses,
        cancelled_by_the_transport,
        clock_step,
        administrators_work,
        lack_of_rights,
    )
}
