import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_cli_simulate import CONFIGURATION

PROGRAM = [sys.executable, "-c", "from autosync.cli.main import main; main()"]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are of another kind there")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def autosync(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "XDG_STATE_HOME": str(folder)}
    return subprocess.run(
        [*PROGRAM, *words], cwd=folder, env=environ, capture_output=True, encoding="utf-8", check=False, timeout=60
    )


def wait_answer(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.02)
        else:
            return
        finally:
            connection.close()
    raise AssertionError(f"it did not answer; exit status {process.poll()}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    listen = f"service: {{listen: 127.0.0.1:{free_port()}}}\n"
    triggers = CONFIGURATION.replace("{type: file, path: hr.csv}", "{type: interval, every: 1h}")
    (tmp_path / "autosync.yaml").write_text(listen + triggers, encoding="utf-8")
    (tmp_path / "hr.csv").write_text("employee_id,title\n1,Director\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def service(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*PROGRAM, "run"], cwd=folder, stdout=log, stderr=log)
        try:
            port = int((folder / "autosync.yaml").read_text(encoding="utf-8").partition("}")[0].rpartition(":")[2])
            wait_answer(port, process)
            yield process
        finally:
            process.kill()
            process.wait()


@posix
@pytest.mark.slow
def test_the_service_answers_the_command_line_and_ends_cleanly(folder: Path, service: subprocess.Popen[bytes]) -> None:
    told = json.loads(autosync(folder, "status", "--json").stdout)
    follower = subprocess.Popen(
        [*PROGRAM, "events", "--follow", "--jsonl", "--after", "0"], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert follower.stdout is not None
    first = json.loads(follower.stdout.readline())
    again = autosync(folder, "run")
    began = time.monotonic()
    service.send_signal(signal.SIGTERM)
    code = service.wait(timeout=20)
    took = time.monotonic() - began
    follower.kill()
    follower.communicate()

    assert [engine["name"] for engine in told["engines"]] == ["home"]
    assert first["kind"] == "service-started"
    assert again.returncode == 1
    assert "Traceback" not in again.stderr
    assert "unexpected" not in again.stderr
    assert code == 0
    assert took < 10
    token = (folder / "autosync.token").read_text(encoding="ascii").strip()
    assert stat.S_IMODE((folder / "autosync.token").stat().st_mode) == 0o600
    assert token not in (folder / "log").read_text(encoding="utf-8")


def test_a_client_command_loads_neither_server_nor_database() -> None:
    # pydantic is not among them: typer itself reads options with it.
    heavy = ["fastapi", "starlette", "sqlalchemy", "uvicorn", "httpx", "structlog", "asyncio", "rich", "yaml"]
    script = f"""
import sys
from autosync.cli.main import main
try:
    main(["status", "--url", "http://127.0.0.1:9", "--token-file", "none"])
except SystemExit as end:
    print(end.code, [name for name in {heavy!r} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=False, timeout=60
    )

    assert done.stdout.strip() == "4 []", done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(folder: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "config", "schema"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read().decode()
    process.stderr.close()

    assert process.wait(timeout=60) == 0, told
    assert "Traceback" not in told
