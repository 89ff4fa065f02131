"""A made-up company with AutoSync as its own process, for stories of users and of accidents."""

import csv
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from typer.testing import CliRunner

from autosync.cli.demo.company import Person, employee_id, found_company, read_people, write_people
from autosync.cli.demo.folder import make_folder
from autosync.cli.main import app
from autosync.cli.session import Wiring

PROGRAM = (sys.executable, "-c", "from autosync.cli.main import main; main()")
LOOK_S = 0.05


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], what: Callable[[], object], limit_s: float = 30) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"not within {limit_s} s: {what()}"
        time.sleep(LOOK_S)


class Said(NamedTuple):
    """What a command said, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


class Company:
    """A folder with an HR file, its targets and a configuration; ``autosync run`` on it, killed and started at will."""

    def __init__(self, folder: Path, people: int = 60) -> None:
        self.folder = folder
        self.configuration = make_folder(folder, found_company(people=people))
        self.hr = folder / "hr.csv"
        self.port = free_port()
        listen = next(line for line in self.text.splitlines() if "listen:" in line)
        self.text = self.text.replace(listen, f"  listen: 127.0.0.1:{self.port}")
        self.log = folder / "service.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def text(self) -> str:
        return self.configuration.read_text(encoding="utf-8")

    @text.setter
    def text(self, text: str) -> None:
        self.configuration.write_text(text, encoding="utf-8", newline="\n")

    def edit(self, old: str, new: str) -> None:
        """Replace exactly one place of the configuration."""
        assert self.text.count(old) == 1, f"{self.text.count(old)} times in the configuration: {old}"
        self.text = self.text.replace(old, new)

    # The process

    def start(self, environ: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> None:
        """Start the service; ``before`` goes before its command."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*before, *PROGRAM, "run", "--config", str(self.configuration)],
                cwd=self.folder, env={**os.environ, **(environ or {})}, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def start_and_wait(self, environ: Mapping[str, str] | None = None) -> None:
        """Start the service and wait until all that it found to do is done."""
        self.start(environ)
        wait_until(self.is_answering, self.told)
        self.wait_quiet()

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, f"the service ended by itself: {self.whole_story()}"
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask the service to stop and return its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=20)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def workers(self) -> list[int]:
        """Return the process ids of the engines' workers."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [int(child) for child in children.split()]

    # Asking

    def autosync(self, *words: str) -> Said:
        """Say something on the command line as somebody in another shell does (in this process: it is quicker)."""
        environ = {"AUTOSYNC_CONFIG": str(self.configuration), "XDG_STATE_HOME": str(self.folder)}
        wiring = Wiring(environ=environ, folder=self.folder, zone=UTC)
        ended = CliRunner().invoke(app, list(words), obj=wiring, catch_exceptions=False)
        return Said(returncode=ended.exit_code, stdout=ended.stdout, stderr=ended.stderr)

    def program(self, *words: str) -> Said:
        """Run a command as a process of its own."""
        ended = subprocess.run(
            [*PROGRAM, *words], cwd=self.folder, capture_output=True, encoding="utf-8", check=False, timeout=60
        )
        return Said(returncode=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)

    def ask(self, path: str, body: object = None, method: str = "", headers: Mapping[str, str] | None = None) -> Any:
        """Ask the API and return what it says, also when it says no."""
        return self.answer(path, body, method, headers)[1]

    def answer(
        self, path: str, body: object = None, method: str = "", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Ask the API and return the status and what it says."""
        token = (self.folder / "state" / "autosync.token").read_text(encoding="ascii").strip()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", **(headers or {})},
            method=method or ("GET" if body is None else "POST"),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def is_answering(self) -> bool:
        try:
            self.ask("/status")
        except (OSError, ValueError):
            return False
        return True

    def holds(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("/holds")["items"]
        return found

    def wait_hold(self) -> dict[str, Any]:
        """Wait until somebody must decide, and return what about."""
        wait_until(self.holds, self.whole_story)
        return self.holds()[0]

    def wait_quiet(self, limit_s: float = 30) -> None:
        """Wait until the targets say what the HR file says and nothing waits."""
        wait_until(self.is_in_step, self.whole_story, limit_s)

    # Looking

    def people(self) -> list[Person]:
        return read_people(self.hr)

    def write(self, people: list[Person]) -> None:
        write_people(self.hr, people)

    def write_bytes(self, content: bytes) -> None:
        """Write the HR file as a whole, whatever it says."""
        new = self.hr.with_name("hr.new")
        new.write_bytes(content)
        new.replace(self.hr)

    def phonebook(self) -> dict[str, tuple[str, str, str]]:
        with (self.folder / "phonebook.csv").open(encoding="utf-8", newline="") as file:
            return {row["id"]: (row["name"], row["phone"], row["department"]) for row in csv.DictReader(file)}

    def badges(self) -> dict[str, tuple[str, str]]:
        # Not read-only: after a kill in the middle of a transaction whoever reads first must be able to take it back.
        with closing(sqlite3.connect(self.folder / "badge.db")) as badge:
            rows = badge.execute("SELECT employee_id, holder, department FROM badge")
            return {str(row[0]): (str(row[1]), str(row[2])) for row in rows}

    def directory(self) -> dict[str, tuple[str, bool]]:
        """Return the directory: employee number → title, and whether it is disabled."""
        entries = (self.folder / "directory.ldif").read_text(encoding="utf-8").replace("\n ", "").split("\n\n")
        found = {}
        for entry in entries:
            values = dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line)
            if "employeeNumber" in values:
                found[values["employeeNumber"]] = values.get("title", ""), values.get("employeeType") == "disabled"
        return found

    def targets(self) -> tuple[object, ...]:
        """Return all that the targets say, to be compared with another time."""
        return self.phonebook(), self.badges(), self.directory()

    def is_in_step(self) -> bool:
        """Return whether all targets say what the HR file says, and nothing waits or runs."""
        staff = {person.employee_id: person for person in self.people() if person.status == "A"}
        in_directory = {key: title for key, (title, disabled) in self.directory().items() if not disabled}
        return (
            self.phonebook() == {key: (one.name, one.phone, one.department) for key, one in staff.items()}
            and self.badges() == {key: (one.name, one.department) for key, one in staff.items()}
            and in_directory == {key: one.title for key, one in staff.items()}
            and self.is_idle()
        )

    def is_idle(self) -> bool:
        return (self.folder / "state" / "autosync.db").exists() and not self.unfinished()

    def unfinished(self) -> list[str]:
        """Return what still waits or runs, as the store says."""
        try:
            waiting = self.stored("SELECT 'request ' || agent || ' ' || profile FROM request WHERE state = 'waiting'")
            running = self.stored("SELECT 'run ' || agent || ' ' || profile FROM run WHERE state <> 'ended'")
        except sqlite3.OperationalError as error:  # the store is just being made
            return [str(error)]
        return [str(row[0]) for row in (*waiting, *running)]

    def stored(self, sql: str) -> list[tuple[Any, ...]]:
        return self.query("state/autosync.db", sql)

    def query(self, database: str, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.folder / database}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()

    def runs(self) -> list[dict[str, Any]]:
        return [json.loads(row[0]) for row in self.stored("SELECT body FROM run ORDER BY id")]

    def facts(self, kind: str) -> list[str]:
        return [json.loads(row[0])["text"] for row in self.stored(f"SELECT body FROM fact WHERE kind = '{kind}'")]

    def told(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def whole_story(self) -> str:
        return f"unfinished {self.unfinished()}; the log ends\n" + "\n".join(
            line[:200] for line in self.told().splitlines()[-15:]
        )

    def check_stores(self) -> None:
        for name in ("autosync.db", "engine.db"):
            assert self.query(f"state/{name}", "PRAGMA integrity_check") == [("ok",)], name


def someone_changes(people: list[Person], draw: Random) -> list[Person]:
    """Hire somebody, or let go, move or rename one; never more than the guards let pass."""
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
