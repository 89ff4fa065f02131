"""The servers that scripts/services starts."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from scripts.services.postgresql import PostgreSQL
from scripts.services.processes import JUST_MADE_S, is_listening, private_folder
from scripts.services.slapd import Slapd, running_slapd

DIES = """
import os, signal
from scripts.services.{module} import {running}
with {running}() as server:
    print(server.port, server.folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
ROOT = Path(__file__).resolve().parents[2]


def test_a_database_server_keeps_its_data_over_a_crash(postgresql: PostgreSQL) -> None:
    with psycopg.connect(postgresql.url) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept values (7)")

    postgresql.restart(crash=True)

    with psycopg.connect(postgresql.url) as connection:
        assert connection.execute("select n from kept").fetchall() == [(7,)]


def test_a_server_leaves_nothing_behind(slapd: Slapd) -> None:
    with running_slapd() as other:
        assert other.port != slapd.port
        folder, process = other.folder, other.process
        assert folder.exists()

    assert not folder.exists()
    assert process is not None
    assert process.process.poll() is not None


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
@pytest.mark.parametrize("module", ["slapd", "ds389"])
def test_a_server_does_not_outlive_who_started_it(module: str, request: pytest.FixtureRequest) -> None:
    """The server of the session is asked for so that the test skips where there is none."""
    assert request.getfixturevalue(module).url
    program = DIES.format(module=module, running=f"running_{module}")
    started = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )

    port, folder = started.stdout.split()
    gone = time.monotonic() + 10
    while is_listening("127.0.0.1", int(port)) and time.monotonic() < gone:
        time.sleep(0.05)
    assert not is_listening("127.0.0.1", int(port))
    long_ago = time.time() - 2 * JUST_MADE_S
    os.utime(folder, (long_ago, long_ago))
    with private_folder(Path(folder).name.removeprefix("autosync-").rpartition("-")[0]):
        assert not Path(folder).exists(), "what a killed process left is swept by the next"


def test_the_folder_of_a_running_server_is_not_swept(slapd: Slapd) -> None:
    long_ago = time.time() - 2 * JUST_MADE_S
    os.utime(slapd.folder, (long_ago, long_ago))
    with private_folder("slapd"):
        assert slapd.folder.exists()


def test_the_command_line_says_what_there_is() -> None:
    answer = subprocess.run(
        [sys.executable, "scripts/services", "start", "nothing"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip

    assert answer.returncode == 2
    assert "slapd" in answer.stderr
