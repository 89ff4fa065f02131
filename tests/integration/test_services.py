"""The servers that scripts/services starts."""

import subprocess
import sys
from pathlib import Path

import psycopg

from scripts.services.postgresql import PostgreSQL
from scripts.services.slapd import Slapd, running_slapd

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


def test_the_command_line_says_what_there_is() -> None:
    answer = subprocess.run(
        [sys.executable, "scripts/services", "start", "nothing"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip

    assert answer.returncode == 2
    assert "slapd" in answer.stderr
