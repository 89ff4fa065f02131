"""The ways in over a network, when lines break and doors are closed."""

import asyncio
from pathlib import Path

import pytest

from autosync.testing.contracts.mim_access_lines import LINE_CASES, MimAccessLineContract, MimLineStage
from tests.contracts.mim_remote import certificates, over_http, over_https, stage_of, stand_in


@pytest.mark.parametrize("case", LINE_CASES)
def test_over_http_broken_lines_are_mended_or_told(case: str) -> None:
    with stand_in() as server:
        stage = MimLineStage(access=stage_of(server, over_http(server)), server=server)
        asyncio.run(getattr(MimAccessLineContract(stage), case)())


@pytest.mark.parametrize("case", LINE_CASES)
def test_over_https_broken_lines_are_mended_or_told(case: str, tmp_path: Path) -> None:
    context, ca = certificates(tmp_path)
    with stand_in(tls=context) as server:
        stage = MimLineStage(access=stage_of(server, over_https(server, ca)), server=server)
        asyncio.run(getattr(MimAccessLineContract(stage), case)())
