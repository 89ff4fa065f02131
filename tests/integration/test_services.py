"""The servers that scripts/services starts."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from scripts.services.postgresql import PostgreSQL
from scripts.services.processes import is_listening
from scripts.services.slapd import Slapd, running_slapd

DIES = """
import os, signal
from scripts.services.slapd import running_slapd
with running_slapd() as server:
    print(server.port, flush=True)
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
def test_a_server_does_not_outlive_who_started_it(slapd: Slapd) -> None:
    """``slapd`` is asked for so that the test skips where there is none."""
    assert slapd.url
    started = subprocess.run(
        [sys.executable, "-c", DIES], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )

    port = int(started.stdout)
    gone = time.monotonic() + 10
    while is_listening("127.0.0.1", port) and time.monotonic() < gone:
        time.sleep(0.05)
    assert not is_listening("127.0.0.1", port)


def test_the_command_line_says_what_there_is() -> None:
    answer = subprocess.run(
        [sys.executable, "scripts/services", "start", "nothing"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip

    assert answer.returncode == 2
    assert "slapd" in answer.stderr
