"""Local COM and local programs under the suites of the ways in: over copies of WMI's objects and of the programs."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.engines.mim.access.com.door import ComDoor
from autosync.adapters.engines.mim.access.com.tools import LocalTools
from autosync.adapters.engines.mim.access.service import TimeLimits, WmiService
from autosync.testing.contracts.mim_access import (
    SERVICE_CASES,
    TOOLS_CASES,
    EngineToolsContract,
    MimAccessStage,
    SyncServiceContract,
)
from autosync.testing.contracts.mim_access_faults import FAULT_CASES, MimAccessFaultContract
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from tests.contracts.com_objects import FakeCom
from tests.contracts.programs import programs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs' stand-ins are scripts with #!")

NOT_OVER_COM = {
    "a_server_may_cancel_a_run_with_its_execute": "COM has no time limit of the server's own that could cancel a run",
}
SUITES = (
    (SyncServiceContract, SERVICE_CASES),
    (EngineToolsContract, TOOLS_CASES),
    (MimAccessFaultContract, tuple(case for case in FAULT_CASES if case not in NOT_OVER_COM)),
)
CASES = [(suite, case) for suite, cases in SUITES for case in cases]
LIMITS = TimeLimits(execute_s=0.3, stop_s=2, answer_s=5, spare_s=0)


@pytest.mark.parametrize(("suite", "case"), CASES, ids=[f"{suite.__name__}-{case}" for suite, case in CASES])
def test_by_com_the_promises_are_kept(
    suite: Callable, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = MimProvider(company(), SystemClock(), Random(1))
    for name, module in FakeCom(provider).modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    with programs(provider, tmp_path) as folder:
        stage = MimAccessStage(
            make=lambda: WmiService("this machine", ComDoor, LIMITS),
            make_tools=lambda: LocalTools(
                WmiService("this machine", ComDoor, LIMITS).agents, lambda: [folder] if provider.knobs.tools else []
            ),
            agent="HR",
            imports="DI",
            provider=provider,
        )
        asyncio.run(getattr(suite(stage), case)())
