"""A controller script in a running service: it keeps a run back, hears how runs end, and stops what must not go on."""

import http.client
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.acceptance.test_cli_service import PROGRAM, free_port, wait_answer
from tests.acceptance.test_cli_simulate import CONFIGURATION

SCRIPT = """\
from pathlib import Path
from autosync_scripts import UnexpectedChange

HERE = Path(__file__).parent

def should_execute(profile):
    print("asked about", profile)
    return (False, "the freeze is on") if (HERE / "freeze").exists() else True

def execution_complete(details):
    with (HERE / "heard.txt").open("a", encoding="utf-8") as file:
        print(details.profile, details.status, file=file)
    if any(step.staged and step.staged.adds > 3 for step in details.steps):
        raise UnexpectedChange("too many came at once")
"""


class Service:
    """A service with a controller script at home/hr."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    def get(self, path: str) -> Mapping[str, object]:
        token = (self.folder / "autosync.token").read_text(encoding="ascii").strip()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
            told: Mapping[str, object] = json.loads(connection.getresponse().read())
            return told
        finally:
            connection.close()

    def write(self, people: int) -> None:
        rows = "".join(f"{number},Title\n" for number in range(people))
        new = self.folder / "new"
        new.write_text(f"employee_id,title\n{rows}", encoding="utf-8")
        new.replace(self.folder / "hr.csv")

    def until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not done():
            assert time.monotonic() < deadline, (json.dumps(self.get("/agents/home%2Fhr"), indent=1), self.log())
            time.sleep(0.05)

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def heard(self) -> str:
        path = self.folder / "heard.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.fixture
def service(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Service]:
    service = Service(tmp_path, free_port())
    agent = "    controller-script: {path: control.py}\n"
    text = f"service: {{listen: 127.0.0.1:{service.port}}}\n{CONFIGURATION}{agent}"
    (tmp_path / "autosync.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "control.py").write_text(SCRIPT, encoding="utf-8")
    service.write(request.param)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*PROGRAM, "run"], cwd=tmp_path, env=dict(os.environ), stdout=log, stderr=log)
        try:
            wait_answer(service.port, process)
            yield service
        finally:
            process.kill()
            process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("service", [2], indirect=True)
def test_a_controller_script_hears_how_runs_end_and_keeps_others_back(service: Service) -> None:
    service.until(lambda: "delta import success" in service.heard())
    assert "asked about delta import" in service.log()

    (service.folder / "freeze").touch()
    service.write(3)
    service.until(lambda: "the freeze is on" in json.dumps(service.get("/queue")))


@pytest.mark.slow
@pytest.mark.parametrize("service", [9], indirect=True)
def test_a_controller_script_holds_its_agent_until_a_person_decides(service: Service) -> None:
    service.until(lambda: "too many came at once" in json.dumps(service.get("/facts?limit=500")))
    service.until(lambda: service.get("/agents/home%2Fhr")["state"] == "held")
    assert "sync" not in service.heard()
