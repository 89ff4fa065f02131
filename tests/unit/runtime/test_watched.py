"""The one place where nothing gets through to an engine that is only watched."""

import asyncio
from datetime import timedelta
from random import Random

import pytest

from autosync.adapters.engines.simulated import AgentPlan, EnginePlan, SimulatedEngine
from autosync.model.errors import EngineRejected
from autosync.model.ids import AgentId, ProfileName, RunId
from autosync.runtime.watched import WatchedEngine
from autosync.testing.clock import SimulatedClock
from autosync.testing.simulation import run_simulated

HR = AgentId("sim/hr")


def test_questions_get_through_and_deeds_do_not() -> None:
    async def main(clock: SimulatedClock, random: Random) -> None:
        inner = SimulatedEngine(EnginePlan(agents=(AgentPlan(name="hr"),)), clock, random)
        engine = WatchedEngine(inner)
        await engine.open()
        inner.start_foreign("hr", "DI")
        with pytest.raises(EngineRejected, match="only watched: DI of sim/hr is not started"):
            await engine.start(HR, ProfileName("DI"), RunId(1))
        with pytest.raises(EngineRejected, match="only watched"):
            await engine.stop(HR)
        seen = await engine.newest(HR)
        assert seen is not None
        assert seen.running
        assert (await engine.wait(HR, seen.handle)).status == "success"
        assert await engine.clear_history(clock.now() + timedelta(days=1)) == 0
        assert await inner.newest(HR) is not None
        assert (await engine.pending(HR)).agent == HR
        assert [agent.id for agent in await engine.agents()] == [HR]
        assert [run.label for run in inner.begun] == [None]
        async with asyncio.timeout(10):
            await anext(aiter(engine.sightings()))
        await engine.close()

    run_simulated(main)
