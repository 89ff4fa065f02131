"""A real AutoSync on the SQLite store, driving a simulated engine in real time."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from autosync.adapters.clocks import SystemClock
from autosync.adapters.engines.simulated import AgentPlan, EnginePlan, SimulatedEngine
from autosync.adapters.stores.sqlite import SqliteStore
from autosync.model.counts import RunResult
from autosync.model.ids import AgentId, EngineName, ProfileName, RunId
from autosync.model.settings import AgentSettings, EngineSettings, ScheduleSettings, Settings
from autosync.runtime.engine_hosts import EnginePart
from autosync.runtime.supervisor import Options, Parts, Supervisor
from autosync.runtime.trigger_watch import TriggerPart

SIM = EngineName("sim")


@dataclass
class Watched(SimulatedEngine):
    """Notes when a run's end was told, and when the next start was asked for."""

    plan: EnginePlan
    ended: float = 0.0
    gaps: list[tuple[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.plan, SystemClock(), Random(1))

    async def wait(self, agent: AgentId, handle: str) -> RunResult:
        """Wait for a run's end."""
        result = await super().wait(agent, handle)
        self.ended = time.perf_counter()
        return result

    async def start(self, agent: AgentId, profile: ProfileName, run: RunId) -> str:
        """Start a run."""
        if self.ended:
            self.gaps.append((str(profile), time.perf_counter() - self.ended))
            self.ended = 0.0
        return await super().start(agent, profile, run)


@asynccontextmanager
async def running(
    engine: SimulatedEngine,
    plans: tuple[AgentPlan, ...],
    folder: Path,
    triggers: tuple[TriggerPart, ...] = (),
    *,
    store: SqliteStore | None = None,
    schedules: tuple[ScheduleSettings, ...] = (),
) -> AsyncGenerator[Supervisor]:
    """Run AutoSync beside the body."""
    ids = [AgentId(f"{SIM}/{plan.name}") for plan in plans]
    settings = Settings(
        revision=1,
        engines={SIM: EngineSettings(name=SIM)},
        agents={each: AgentSettings(id=each) for each in ids},
        schedules={each.id: each for each in schedules},
    )
    supervisor = Supervisor(
        Parts(
            store=store or SqliteStore(folder / "autosync.db"),
            settings=settings,
            clock=SystemClock(),
            random=Random(2),
            engines={SIM: EnginePart(engine=engine)},
            triggers=triggers,
            options=Options(log_facts=False),
        )
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run(), name="autosync")
        await asyncio.sleep(1.0)
        yield supervisor
        supervisor.stop()
