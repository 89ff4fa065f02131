"""An engine host on a simulated engine, with what it reported: no core, no store."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from autosync.adapters.engines.simulated import AgentPlan, EnginePlan, Faults, Flow, SimulatedEngine
from autosync.model.ids import AgentId, ProfileName, RunId
from autosync.model.runs import Run, RunState
from autosync.model.stimuli import Stimulus
from autosync.runtime.engine_host import EngineHost
from autosync.runtime.link import Limits
from autosync.testing.clock import SimulatedClock

HR, AD = AgentId("sim/hr"), AgentId("sim/ad")
PLAN = EnginePlan(agents=(AgentPlan(name="hr", flows=(Flow(agent="ad"),)), AgentPlan(name="ad")), spread=0.0)


@dataclass
class Stage:
    clock: SimulatedClock
    engine: SimulatedEngine
    host: EngineHost
    said: list[Stimulus]
    runs: dict[RunId, Run]

    def of(self, kind) -> list:
        return [each for each in self.said if isinstance(each, kind)]

    def kinds(self, *without) -> list[str]:
        return [type(each).__name__ for each in self.said if not isinstance(each, without)]

    def known(self, number: int, *, handle_before: str | None = None) -> None:
        """Let the state hold a run that is starting."""
        self.runs[RunId(number)] = Run(
            id=RunId(number),
            agent=HR,
            profile=ProfileName("DI"),
            state=RunState.STARTING,
            started=self.clock.now(),
            handle_before=handle_before,
        )


@asynccontextmanager
async def hosting(
    clock: SimulatedClock, *, faults: Faults | None = None, labels: bool = False, limits: Limits | None = None
) -> AsyncGenerator[Stage]:
    """Run a host beside the body."""
    engine = SimulatedEngine(replace(PLAN, labels=labels), clock, Random(1), faults=faults)
    said: list[Stimulus] = []
    runs: dict[RunId, Run] = {}
    host = EngineHost(
        engine,
        clock,
        Random(2),
        said.append,
        find_run=runs.get,
        limits=limits or Limits(describe_every=timedelta(hours=1)),
    )
    stage = Stage(clock, engine, host, said, runs)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(host.run())
        await clock.sleep(1)
        try:
            yield stage
        finally:
            task.cancel()
