"""WS-Management and PowerShell remoting under the suites of the ways in: against a stand-in server, over real sockets."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from autosync.testing.contracts.mim_access import SERVICE_CASES, TOOLS_CASES, EngineToolsContract, SyncServiceContract
from autosync.testing.contracts.mim_access_faults import FAULT_CASES, MimAccessFaultContract
from tests.contracts.mim_remote import certificates, over_http, over_https, stage_of, stand_in

SUITES = (
    (SyncServiceContract, SERVICE_CASES),
    (EngineToolsContract, TOOLS_CASES),
    (MimAccessFaultContract, FAULT_CASES),
)
CASES = [(suite, case) for suite, cases in SUITES for case in cases]
NAMES = [f"{suite.__name__}-{case}" for suite, case in CASES]


@pytest.mark.parametrize(("suite", "case"), CASES, ids=NAMES)
def test_over_http_with_encrypted_messages_the_promises_are_kept(suite: Callable, case: str) -> None:
    with stand_in() as server:
        asyncio.run(getattr(suite(stage_of(server, over_http(server))), case)())


@pytest.mark.parametrize(("suite", "case"), CASES, ids=NAMES)
def test_over_https_the_promises_are_kept(suite: Callable, case: str, tmp_path: Path) -> None:
    context, ca = certificates(tmp_path)
    with stand_in(tls=context) as server:
        asyncio.run(getattr(suite(stage_of(server, over_https(server, ca))), case)())
