"""The real process, the real store, the real engine, and ``kill -9`` at random moments, again and again.

Whatever happens, in the end every target shows what the HR file says, nothing waits, and no agent ever ran twice at once.
"""

import csv
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from autosync.cli.demo.company import Person, employee_id, found_company, read_people, write_people
from autosync.cli.demo.folder import make_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


class Service:
    """``autosync run`` on a folder, killed and started as often as the test likes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = (folder / "service.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "autosync", "run", "--config", str(self._folder / "autosync.yaml")]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL)

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, f"the service ended by itself, see {self._log.name}"
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=20)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._log.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "company"
    configuration = make_folder(folder, found_company(people=60))
    text = configuration.read_text(encoding="utf-8")
    listen = next(line for line in text.splitlines() if "listen:" in line)
    configuration.write_text(text.replace(listen, "  listen: 127.0.0.1:0"), encoding="utf-8")
    return folder


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    service = Service(folder)
    yield service
    service.close()


def change_something(people: list[Person], draw: random.Random) -> list[Person]:
    """Hire, let go, move or rename a few people; never more than the guards let pass."""
    kind = draw.randrange(4)
    if kind == 0:
        number = max(int(person.employee_id[1:]) for person in people) - 10000 + 1
        return [*people, replace(draw.choice(people), employee_id=employee_id(number), status="A")]
    index = draw.randrange(1, len(people))
    edited = {
        1: lambda person: replace(person, status="L" if person.status == "A" else "A"),
        2: lambda person: replace(person, department=draw.choice(["Legal", "Finance"]), title=f"T{draw.random()}"),
        3: lambda person: replace(person, last=f"Name{draw.randrange(1000)}"),
    }[kind](people[index])
    return [*people[:index], edited, *people[index + 1 :]]


def expected(folder: Path) -> dict[str, tuple[str, str, str]]:
    """Return what every target must say: id → name, phone, department of those who have not left."""
    people = [person for person in read_people(folder / "hr.csv") if person.status == "A"]
    return {person.employee_id: (person.name, person.phone, person.department) for person in people}


def phonebook(folder: Path) -> dict[str, tuple[str, str, str]]:
    with (folder / "phonebook.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: (row["name"], row["phone"], row["department"]) for row in csv.DictReader(file)}


def badges(folder: Path) -> dict[str, tuple[str, str]]:
    with closing(sqlite3.connect(folder / "badge.db")) as badge:
        return {row[0]: (row[1], row[2]) for row in badge.execute("SELECT employee_id, holder, department FROM badge")}


def is_in_step(folder: Path) -> bool:
    wanted = expected(folder)
    names = {key: (name, department) for key, (name, _, department) in wanted.items()}
    return phonebook(folder) == wanted and badges(folder) == names and waiting(folder) == []


def waiting(folder: Path) -> list[str]:
    """Return what still waits or runs, as the store says."""
    with closing(sqlite3.connect(f"file:{folder}/state/autosync.db?mode=ro", uri=True)) as store:
        requests = store.execute("SELECT 'request ' || agent || ' ' || profile FROM request WHERE state = 'waiting'")
        runs = store.execute("SELECT 'run ' || agent || ' ' || profile FROM run WHERE state <> 'ended'")
        return [row[0] for row in (*requests.fetchall(), *runs.fetchall())]


def wait_until(condition: Callable[[], bool], limit_s: float, what: Callable[[], object]) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.1)


def stored_runs(folder: Path) -> list[dict[str, object]]:
    with closing(sqlite3.connect(f"file:{folder}/state/autosync.db?mode=ro", uri=True)) as store:
        return [json.loads(row[0]) for row in store.execute("SELECT body FROM run ORDER BY id")]


def check_runs(runs: list[dict[str, object]]) -> None:
    """No agent ran twice at once, and nothing ran beside a synchronization."""
    ended = [run for run in runs if run["ended"] and run["outcome"]["kind"] != "abandoned"]  # type: ignore[index]
    spans = sorted((str(run["started"]), str(run["ended"]), str(run["agent"]), str(run["profile"])) for run in ended)
    for place, (_, end, agent, profile) in enumerate(spans):
        for start, _, other, other_profile in spans[place + 1 :]:
            if start >= end:
                break
            assert agent != other, f"{agent} ran twice at once"
            assert "sync" not in profile + other_profile, f"{agent} {profile} beside {other} {other_profile}"


def kill_again_and_again(folder: Path, service: Service, seed: int, kills: int) -> None:
    draw = random.Random(seed)
    service.start()
    for _ in range(kills):
        for _ in range(draw.randrange(1, 4)):
            write_people(folder / "hr.csv", change_something(read_people(folder / "hr.csv"), draw))
            time.sleep(draw.uniform(0, 0.4))
        time.sleep(draw.choice([0.2, 0.8, 1.5]) * draw.uniform(0.5, 2))
        service.kill()
        service.start()
    wait_until(
        lambda: (folder / "state" / "autosync.db").exists() and is_in_step(folder),
        60,
        lambda: f"seed {seed}: not in step; waiting {waiting(folder)}; see {folder}/service.log",
    )
    check_runs(stored_runs(folder))
    assert service.stop() == 0
    for name in ("autosync.db", "engine.db"):
        with closing(sqlite3.connect(folder / "state" / name)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_kill_minus_nine_loses_nothing(folder: Path, service: Service) -> None:
    kill_again_and_again(folder, service, seed=random.randrange(10**6), kills=4)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(5))
def test_kill_minus_nine_many_times_loses_nothing(folder: Path, service: Service, seed: int) -> None:
    kill_again_and_again(folder, service, seed=seed, kills=25)


def test_a_second_service_on_the_same_store_is_refused(folder: Path, service: Service) -> None:
    service.start()
    wait_until(lambda: (folder / "state" / "autosync.db").exists() and is_in_step(folder), 60, lambda: waiting(folder))
    command = [sys.executable, "-m", "autosync", "run", "--config", str(folder / "autosync.yaml")]

    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert second.returncode != 0
    assert "in use by another AutoSync" in second.stderr
    assert service.stop() == 0
