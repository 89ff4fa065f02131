"""The simulated engine under the suite that every engine must pass."""

from collections.abc import Callable
from random import Random

import pytest

from autosync.adapters.engines.simulated import AgentPlan, EnginePlan, Flow, SimulatedEngine
from autosync.model.ids import AgentId, ProfileName
from autosync.ports.engine import Engine
from autosync.testing.clock import SimulatedClock
from autosync.testing.contracts.engine import CASES, EngineContract, EngineStage
from autosync.testing.simulation import run_simulated

PLAN = EnginePlan(agents=(AgentPlan(name="hr", flows=(Flow(agent="ad"),)), AgentPlan(name="ad")))


@pytest.mark.parametrize("labels", [False, True], ids=["nameless", "labelled"])
@pytest.mark.parametrize("case", CASES)
def test_a_simulated_engine_keeps_its_promises(case: str, labels: bool) -> None:
    async def main(clock: SimulatedClock, random: Random) -> None:
        plan = EnginePlan(agents=PLAN.agents, labels=labels)
        engine = SimulatedEngine(plan, clock, random)
        make: Callable[[], Engine] = lambda: engine  # noqa: E731
        stage = EngineStage(
            make=make,
            agent=AgentId("sim/hr"),
            imports=ProfileName("DI"),
            syncs=ProfileName("DS"),
            change=lambda: engine.change("hr"),
            patience_s=600,
        )
        await getattr(EngineContract(stage), case)()

    run_simulated(main)
