"""The embedded engine, its worker process included, under the suite that every engine must pass."""

import asyncio
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from autosync.adapters.engines.embedded.engine import EmbeddedEngine
from autosync.adapters.engines.embedded.options import EmbeddedKind, EmbeddedOptions, setup_of
from autosync.adapters.secrets.sources import Secrets
from autosync.model.errors import EngineUnavailable
from autosync.model.ids import AgentId, EngineName, ProfileName, RunId
from autosync.ports.engine import Engine
from autosync.testing.contracts.engine import CASES, EngineContract, EngineStage

SECTION: dict[str, object] = {
    "metaverse": {"person": {"attributes": {"id": {"key": True}, "name": {}}}},
    "agents": {
        "hr": {
            "connector": {"type": "csv", "path": "hr.csv", "anchor": "id"},
            "person": {"project": "always", "import": {"id": "id", "name": "name"}},
        },
        "phone": {
            "connector": {"type": "csv", "path": "phone.csv", "anchor": "id"},
            "person": {"join": {"id": "id"}, "provision": {"dn": "{id}"}, "export": {"id": "id", "name": "name"}},
        },
    },
}


def make_engine(folder: Path) -> EmbeddedEngine:
    parsed = EmbeddedKind().parse(SECTION, folder)
    assert not parsed.mistakes
    assert isinstance(parsed.options, EmbeddedOptions)
    options = parsed.options
    return EmbeddedEngine(EngineName("home"), lambda: setup_of(options, Secrets({}, folder)))


def stage_in(folder: Path) -> EngineStage:
    people = folder / "hr.csv"
    people.write_text("id,name\n0,Person 0\n", encoding="utf-8")
    (folder / "phone.csv").write_text("id,name\n", encoding="utf-8")

    def make() -> Engine:
        return make_engine(folder)

    def change() -> None:
        number = int(people.read_text(encoding="utf-8").split()[-1])
        people.write_text(f"id,name\n0,Person {number + 1}\n", encoding="utf-8")

    return EngineStage(
        make=make,
        agent=AgentId("home/hr"),
        imports=ProfileName("delta import"),
        syncs=ProfileName("delta sync"),
        change=change,
    )


@pytest.mark.parametrize("case", CASES)
def test_the_embedded_engine_keeps_its_promises(case: str, tmp_path: Path) -> None:
    asyncio.run(getattr(EngineContract(stage_in(tmp_path)), case)())


def test_a_worker_that_dies_is_told_and_replaced(tmp_path: Path) -> None:
    async def scenario() -> None:
        stage_in(tmp_path).change()
        engine = make_engine(tmp_path)
        await engine.open()
        assert engine._worker._process is not None
        engine._worker._process.kill()
        with pytest.raises(EngineUnavailable, match="worker process of engine home"):
            await engine.wait(AgentId("home/hr"), "1")
        with pytest.raises(EngineUnavailable):
            await anext(engine.sightings())

        await engine.open()

        handle = await engine.start(AgentId("home/hr"), ProfileName("delta import"), RunId(1))
        assert (await engine.wait(AgentId("home/hr"), handle)).status == "success"
        await engine.close()

    asyncio.run(scenario())


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX: signals to every process of a service")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_service_is_not_for_the_worker(tmp_path: Path, number: signal.Signals) -> None:
    async def scenario() -> None:
        stage_in(tmp_path)
        engine = make_engine(tmp_path)
        await engine.open()
        assert engine._worker._process is not None
        worker = engine._worker._process.pid
        assert os.getpgid(worker) != os.getpgid(0)
        os.kill(worker, number)

        handle = await engine.start(AgentId("home/hr"), ProfileName("delta import"), RunId(1))
        assert (await engine.wait(AgentId("home/hr"), handle)).status == "success"
        await engine.close()
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)

    asyncio.run(scenario())


def test_two_workers_cannot_run_one_store(tmp_path: Path) -> None:
    async def scenario() -> None:
        stage_in(tmp_path)
        first, second = make_engine(tmp_path), make_engine(tmp_path)
        await first.open()
        with pytest.raises(EngineUnavailable, match="engine"):
            await second.open()
        await second.close()
        await first.close()

    asyncio.run(scenario())


def wait_begun(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection:
        while not connection.execute("SELECT count(*) FROM run").fetchone()[0]:
            pass


def stores(folder: Path) -> list[Path]:
    return list(folder.glob("engine.db*"))


@pytest.mark.parametrize("people", [5, 20_000], ids=["at rest", "in the middle of a run"])
def test_an_orderly_end_leaves_the_store_as_one_file_and_the_run_as_unfinished(tmp_path: Path, people: int) -> None:
    async def scenario() -> str:
        stage = stage_in(tmp_path)
        rows = "".join(f"{number},Person {number}\n" for number in range(people))
        (tmp_path / "hr.csv").write_text("id,name\n" + rows, encoding="utf-8")
        engine = make_engine(tmp_path)
        await engine.open()
        handle = await engine.start(stage.agent, ProfileName("full import"), RunId(1))
        if people < 100:
            await engine.wait(stage.agent, handle)
        await asyncio.to_thread(wait_begun, tmp_path / "engine.db")
        await engine.close()
        assert {path.name for path in await asyncio.to_thread(stores, tmp_path)} <= {"engine.db", "engine.db.lock"}
        await engine.open()
        status = (await engine.wait(stage.agent, handle)).status
        await engine.close()
        return status

    assert asyncio.run(scenario()) == ("success" if people < 100 else "stopped-service-shutdown")
