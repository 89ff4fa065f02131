"""A program calls a trigger of a running service: the answer comes when the firing is in the store."""

import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from autosync.adapters.triggers.webhook.checking import sign
from tests.acceptance.test_cli_service import PROGRAM, free_port, wait_answer
from tests.acceptance.test_cli_simulate import CONFIGURATION

SECRET = "whsec_c2Vzc2FtIG9lZmZuZSBkaWNo"
HOOK = "/hooks/home/hr/webhook"


@dataclass(frozen=True)
class Running:
    port: int
    folder: Path

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, object]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def facts(self) -> list[Mapping[str, object]]:
        token = (self.folder / "autosync.token").read_text(encoding="ascii").strip()
        _, told = self.ask("GET", "/api/v1/facts?limit=500", headers={"Authorization": f"Bearer {token}"})
        assert isinstance(told, dict)
        return [event for event in told["items"] if event["kind"] == "trigger-fired"]


def signed(body: bytes, message: str) -> dict[str, str]:
    now = str(int(time.time()))
    return {"webhook-id": message, "webhook-timestamp": now, "webhook-signature": sign(SECRET, message, now, body)}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    tmp_path, port = tmp_path_factory.mktemp("hooks"), free_port()
    hook = CONFIGURATION.replace("{type: file, path: hr.csv}", "{type: webhook, secret: {env: HOOK}}")
    text = f"service: {{listen: 127.0.0.1:{port}}}\n{hook}"
    (tmp_path / "autosync.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "hr.csv").write_text("employee_id,title\n1,Director\n", encoding="utf-8")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*PROGRAM, "run"], cwd=tmp_path, env={**os.environ, "HOOK": SECRET}, stdout=log, stderr=log
        )
        try:
            wait_answer(port, process)
            yield Running(port=port, folder=tmp_path)
        finally:
            process.kill()
            process.wait()


def test_a_call_is_recorded_before_it_is_answered(running: Running) -> None:
    body = b'{"schemas": ["urn:ietf:params:scim:api"], "password": "hunter2", "userName": "Zo\xc3\xab"}'

    before = running.facts()
    status, said = running.ask("POST", HOOK, body, signed(body, "m1"))
    facts = running.facts()[len(before) :]
    again = running.ask("POST", HOOK, body, signed(body, "m1"))

    assert (status, said) == (202, {"status": "recorded"})
    assert again == (202, {"status": "repeated"})
    assert len(facts) == 1
    assert len(running.facts()) == len(before) + 1
    assert "hunter2" not in str(facts)
    assert "Zoë" in str(facts[0]["data"])
    assert "home/hr#webhook fired (a SCIM resource)" in str(facts[0]["text"])


def test_who_has_no_proof_is_turned_away(running: Running) -> None:
    before = running.facts()
    api_token = (running.folder / "autosync.token").read_text(encoding="ascii").strip()

    answers = [
        running.ask("POST", HOOK, b"{}", headers)[0]
        for headers in ({}, {"Authorization": f"Bearer {api_token}"}, {**signed(b"{}", "m"), "webhook-id": "other"})
    ]
    elsewhere = running.ask("POST", "/hooks/home/hr/file", b"{}", signed(b"{}", "m"))[0]
    foreign = running.ask("POST", HOOK, b"{}", {**signed(b"{}", "m"), "Host": "evil.example"})[0]

    assert (answers, elsewhere, foreign) == ([401, 401, 401], 404, 421)
    assert running.ask("GET", "/api/v1/status", headers=signed(b"", "m"))[0] == 401
    assert running.facts() == before
