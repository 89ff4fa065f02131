"""Stores that are damaged, in somebody else's hands, not writable or full: a sentence, and nothing acknowledged is lost."""

import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.company import Company, wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals, and limits of another process")


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    company = Company(tmp_path / "company", people=20)
    yield company
    company.close()


def refused(company: Company) -> str:
    """Return why the service does not start."""
    ended = company.program("run", "--config", str(company.configuration))
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "unexpected" not in ended.stderr
    return ended.stderr


def test_a_store_that_is_no_store_is_left_as_it_is(company: Company) -> None:
    store = company.folder / "state" / "autosync.db"
    store.parent.mkdir()
    store.write_bytes(b"this is no database" * 1000)

    said = refused(company)

    assert "autosync.db is damaged (file is not a database). Stop AutoSync, keep a copy of the file, restore" in said
    assert store.read_bytes() == b"this is no database" * 1000


def test_a_store_that_cannot_be_written_is_told_with_the_way_out(company: Company) -> None:
    (company.folder / "state").write_text("a file where the folder should be", encoding="utf-8")
    company.edit("  token-file: state/autosync.token\n", "")

    assert re.search(r"cannot (make the folder|write) .*state", refused(company))


def test_a_port_that_somebody_uses_is_told_with_the_way_out(company: Company) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", company.port))
        other.listen()

        said = refused(company)

    assert f"port {company.port} on 127.0.0.1 is in use" in said
    assert "give service › listen another port" in said


@pytest.mark.slow
def test_damage_is_told_and_a_new_store_finds_the_work_again_in_the_engine(company: Company) -> None:
    company.start_and_wait()
    assert company.stop() == 0
    store = company.folder / "state" / "autosync.db"
    good = store.read_bytes()
    store.write_bytes(good[: len(good) // 2])
    company.write([replace(person, title="Diver") for person in company.people()])

    said = refused(company)
    store.unlink()
    company.start_and_wait()

    assert "is damaged" in said
    assert "move the file away to start with an empty store" in said
    assert company.stop() == 0


@pytest.mark.slow
def test_an_engine_store_that_cannot_be_opened_is_told_until_it_is_mended(company: Company) -> None:
    engine_store = company.folder / "state" / "engine.db"
    engine_store.parent.mkdir()
    engine_store.write_bytes(b"this is no database" * 1000)
    company.start()
    wait_until(company.is_answering, company.told)
    wait_until(lambda: "lost" in company.autosync("status").stdout, company.whole_story)
    status = company.autosync("status").stdout
    lost = company.facts("engine-lost")

    engine_store.unlink()
    company.wait_quiet(60)

    assert "engine.db" in status
    assert "engine.db is damaged (file is not a database)" in status
    assert len(lost) == 1
    assert company.process is not None
    assert company.process.poll() is None


def test_a_full_disk_loses_nothing_that_was_acknowledged(company: Company) -> None:
    import resource  # noqa: PLC0415 - not on every system

    company.start_and_wait()
    assert company.process is not None
    size = company.log.stat().st_size + 20_000
    limit, hard = resource.prlimit(company.process.pid, resource.RLIMIT_FSIZE)
    people = company.people()

    resource.prlimit(company.process.pid, resource.RLIMIT_FSIZE, (size, hard))
    company.write([*people[:-1], replace(people[-1], title="Diver")])
    wait_until(lambda: "nothing starts: cannot write" in company.autosync("status").stdout, company.whole_story)
    still = company.directory()[people[-1].employee_id][0]
    resource.prlimit(company.process.pid, resource.RLIMIT_FSIZE, (limit, hard))
    company.wait_quiet()

    assert still == people[-1].title
    assert company.directory()[people[-1].employee_id][0] == "Diver"
    assert "nothing starts" not in company.autosync("status").stdout
    assert company.told().count("event=store-lost") == 1
    assert len(company.facts("store-recovered")) == 1
    assert company.stop() == 0
    company.check_stores()
