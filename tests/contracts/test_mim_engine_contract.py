"""The MIM engine on the stand-in server, straight at the ports, under the suite that every engine must pass."""

from random import Random

import pytest

from autosync.model.ids import AgentId, ProfileName
from autosync.testing.clock import SimulatedClock
from autosync.testing.contracts.engine import CASES, EngineContract, EngineStage
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated
from tests.unit.mim_engine.stage import made


@pytest.mark.parametrize("tools", [True, False], ids=["with tools", "without tools"])
@pytest.mark.parametrize("case", CASES)
def test_the_mim_engine_keeps_its_promises(case: str, tools: bool) -> None:
    if not tools and case == "agents_are_described_with_partitions_and_profiles":
        pytest.skip("without tools an agent that never ran has no profiles to tell")

    async def main(clock: SimulatedClock, random: Random) -> None:
        provider = MimProvider(company(), clock, random)
        provider.knobs.tools = tools
        stage = EngineStage(
            make=lambda: made(provider, clock),
            agent=AgentId("mim/HR"),
            imports=ProfileName("DI"),
            syncs=ProfileName("DS"),
            change=lambda: provider.change("HR"),
            patience_s=600,
        )
        await getattr(EngineContract(stage), case)()

    run_simulated(main)
