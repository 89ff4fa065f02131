"""The real process, the real store, the real engine, and ``kill -9`` at random moments, again and again.

Whatever happens, in the end every target shows what the HR file says, nothing waits, and no agent ever ran twice at once.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autosync.cli.demo.company import employee_id
from tests.acceptance.company import PROGRAM, Company, someone_changes, wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="SIGKILL, and /proc to find the worker")


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    company = Company(tmp_path / "company", people=250)  # so many that what piles up while it is dead is no tenth
    yield company
    company.close()


def kill_all(company: Company) -> None:
    """The machine goes down: the service first, its worker an instant later."""
    workers = company.workers()
    company.kill()
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def kill_service(company: Company) -> None:
    """The service alone: its worker must notice, and make room for the next one."""
    company.kill()


def kill_worker(company: Company) -> None:
    """The worker alone: the service must notice, and start another."""
    for worker in company.workers():
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


KILLS: tuple[Callable[[Company], None], ...] = (kill_all, kill_service, kill_worker)


def check_runs(runs: list[dict[str, Any]]) -> None:
    """No agent ran twice at once, and nothing ran beside a synchronization."""
    ended = [run for run in runs if run["outcome"]["kind"] != "abandoned"]
    spans = sorted((run["started"], run["ended"], run["agent"], run["profile"]) for run in ended)
    assert len(spans) > 3
    for place, (_, end, agent, profile) in enumerate(spans):
        for start, _, other, other_profile in spans[place + 1 :]:
            if start >= end:
                break
            assert agent != other, f"{agent} ran twice at once"
            assert "sync" not in profile + other_profile, f"{agent} {profile} beside {other} {other_profile}"


def check_followups(runs: list[dict[str, Any]]) -> None:
    """Nothing was done twice: every request became at most one run that came to an end, and every staged set one sync."""
    came_to_something = Counter(
        run["request"] for run in runs if run["outcome"]["kind"] in {"success", "object-errors"}
    )
    assert came_to_something
    assert not [request for request, count in came_to_something.items() if count > 1]
    exports = [run for run in runs if run["profile"] == "export" and run["outcome"]["kind"] == "success"]
    imports = [run for run in runs if run["profile"] == "delta import" and run["outcome"]["kind"] == "success"]
    for export in exports:
        if any(step["exported"] and any(step["exported"].values()) for step in export["result"]["steps"]):
            after = [run for run in imports if run["agent"] == export["agent"] and run["started"] >= export["ended"]]
            assert after, f"export {export['id']} of {export['agent']} was never confirmed"


def kill_again_and_again(company: Company, seed: int, kills: int) -> None:
    draw = random.Random(seed)
    company.start()
    for number in range(kills):
        for _ in range(draw.randrange(1, 4)):
            company.write(someone_changes(company.people(), draw))
            time.sleep(draw.uniform(0, 0.4))
        time.sleep(draw.choice([0.2, 0.8, 1.5]) * draw.uniform(0.5, 2))
        KILLS[number % len(KILLS)](company)
        if company.process is None or company.process.poll() is not None:
            company.start()
    wait_until(company.is_answering, company.told)  # a service that only begins knows no signals yet
    wait_until(company.is_in_step, lambda: f"seed {seed}: {company.folder} {company.whole_story()}", 60)
    check_runs(company.runs())
    check_followups(company.runs())
    assert company.stop() == 0, company.whole_story()
    company.check_stores()


def test_kill_minus_nine_loses_nothing(company: Company) -> None:
    kill_again_and_again(company, seed=random.randrange(10**6), kills=len(KILLS))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(5))
def test_kill_minus_nine_many_times_loses_nothing(company: Company, seed: int) -> None:
    kill_again_and_again(company, seed=seed, kills=25)


def test_an_export_whose_answer_was_lost_is_mended_although_the_person_changed_since(company: Company) -> None:
    """The row was written, then the worker died, then the person moved: the add finds another row than it wants."""
    company.start_and_wait()
    people = company.people()
    hired = replace(people[3], employee_id=employee_id(len(people)), department="Legal", last="New")
    with closing(sqlite3.connect(company.folder / "badge.db")) as badge:
        badge.execute("INSERT INTO badge VALUES (?, ?, 'Finance', NULL)", (hired.employee_id, hired.name))
        badge.commit()

    company.write([*people, hired])
    company.wait_quiet()

    assert company.badges()[hired.employee_id] == (hired.name, "Legal")
    assert any(run["outcome"]["status"] == "completed-export-errors" for run in company.runs())
    assert company.stop() == 0


def test_it_ends_well_at_once_when_asked_whoever_listens(company: Company) -> None:
    company.start_and_wait()
    follower = subprocess.Popen(
        [*PROGRAM, "events", "--follow", "--jsonl", "--after", "0"], cwd=company.folder, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert follower.stdout is not None
    assert b"service-started" in follower.stdout.readline()
    workers = company.workers()
    company.write(someone_changes(company.people(), random.Random(1)))
    time.sleep(0.4)  # in the middle of things

    begun = time.monotonic()
    status = company.stop()
    took = time.monotonic() - begun
    follower.terminate()
    follower.communicate()

    assert status == 0
    assert took < 5
    assert all(not Path(f"/proc/{worker}").exists() for worker in workers)
    company.start_and_wait()
    assert company.stop() == 0


def test_a_second_service_on_the_same_store_is_refused(company: Company) -> None:
    company.start_and_wait()
    company.edit(f"127.0.0.1:{company.port}", "127.0.0.1:0")

    second = company.program("run", "--config", str(company.configuration))

    assert second.returncode == 1
    assert "in use by another AutoSync" in second.stderr
    assert company.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_that_reaches_every_process_loses_no_engine(company: Company, number: signal.Signals) -> None:
    """As Ctrl+C at a terminal does, and systemd unless it is told otherwise: the worker may get it first."""
    company.start_and_wait()
    assert company.process is not None
    workers = company.workers()
    for process in (*workers, company.process.pid):
        os.kill(process, number)

    assert company.process.wait(timeout=20) == 0
    assert workers
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
    assert company.facts("engine-lost") == []
    assert "worker" not in company.told()
