"""The ways into a synchronization server under the suites that each of them must pass."""

from collections.abc import Callable
from random import Random

import pytest

from autosync.testing.clock import SimulatedClock
from autosync.testing.contracts.mim_access import (
    SERVICE_CASES,
    TOOLS_CASES,
    EngineToolsContract,
    MimAccessStage,
    SyncServiceContract,
)
from autosync.testing.contracts.mim_access_faults import FAULT_CASES, MimAccessFaultContract
from autosync.testing.mim.direct import DirectService, DirectTools
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated

SUITES = (
    (SyncServiceContract, SERVICE_CASES),
    (EngineToolsContract, TOOLS_CASES),
    (MimAccessFaultContract, FAULT_CASES),
)
CASES = [(suite, case) for suite, cases in SUITES for case in cases]


@pytest.mark.parametrize(("suite", "case"), CASES, ids=[f"{suite.__name__}-{case}" for suite, case in CASES])
def test_the_stand_in_without_a_network_keeps_the_promises(suite: Callable, case: str) -> None:
    async def main(clock: SimulatedClock, random: Random) -> None:
        server = MimProvider(company(), clock, random)
        stage = MimAccessStage(
            make=lambda: DirectService(server),
            make_tools=lambda: DirectTools(server),
            agent="HR",
            imports="DI",
            provider=server,
        )
        await getattr(suite(stage), case)()

    run_simulated(main)
