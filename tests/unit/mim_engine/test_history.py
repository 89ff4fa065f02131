"""Old runs are deleted in the engine after they were saved, never before."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.engines.mim.reading.run_history import Known, read_runs
from autosync.model.errors import EngineUnavailable
from autosync.model.ids import AgentId, EngineName, ProfileName, RunId
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from tests.unit.mim_engine.stage import made

HR = AgentId("mim/HR")


async def with_runs(folder, test):
    provider = MimProvider(company(), SystemClock())
    engine = made(provider, SystemClock(), save_run_history=folder)
    await engine.open()
    for number, profile in enumerate(("DI", "DS", "DI")):
        await engine.wait(HR, await engine.start(HR, ProfileName(profile), RunId(number)))
    try:
        await test(provider, engine)
    finally:
        await engine.close()


def later():
    return SystemClock().now() + timedelta(seconds=5)


def test_runs_are_saved_before_they_go_and_can_be_read_again(tmp_path):
    folder = tmp_path / "saved"

    async def test(provider, engine):
        cleared = await engine.clear_history(later())

        assert cleared == 3
        assert await engine.newest(HR) is None

    asyncio.run(with_runs(folder, test))
    (file,) = folder.iterdir()
    runs = list(read_runs(file.read_bytes(), Known(engine=EngineName("mim"))))
    assert [(run.agent, run.profile, run.result.status) for run in runs] == [
        ("HR", "DI", "success"), ("HR", "DS", "success"), ("HR", "DI", "success"),
    ]  # fmt: skip
    written = datetime.strptime(file.name, "history-%Y-%m-%dT%H.%M.%SZ.xml").replace(tzinfo=UTC)
    assert abs(written - SystemClock().now()) < timedelta(minutes=1)


def test_what_cannot_be_saved_is_not_deleted(tmp_path):
    (tmp_path / "saved").write_text("a file, no folder", encoding="utf-8")

    async def test(provider, engine):
        with pytest.raises(EngineUnavailable, match="is not cleared, since it cannot be saved"):
            await engine.clear_history(later())
        assert await engine.newest(HR) is not None

    asyncio.run(with_runs(tmp_path / "saved", test))


def test_younger_runs_stay(tmp_path):
    async def test(provider, engine):
        assert await engine.clear_history(SystemClock().now() - timedelta(days=1)) == 0
        assert (await engine.newest(HR)).handle.endswith("-3")

    asyncio.run(with_runs(tmp_path, test))
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_nothing_is_written(tmp_path):
    async def test(provider, engine):
        assert await engine.clear_history(later()) == 3

    asyncio.run(with_runs(None, test))
    assert list(tmp_path.iterdir()) == []
