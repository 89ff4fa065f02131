"""The MIM Service trigger: which requests count, how the service is asked, and what it says when it cannot be."""

import asyncio
import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
import spnego

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.mim_service.options import MimServiceOptions
from autosync.adapters.triggers.mim_service.requests import SYNCHRONIZATION_ACCOUNT, Answer, completed_after
from autosync.adapters.triggers.mim_service.rest import RestHistory
from autosync.adapters.triggers.mim_service.watching import MIM_SERVICE_KIND, MimServiceTrigger
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.options.account import Account
from autosync.ports.secrets import SecretKind, SecretReference
from autosync.ports.trigger import Firing
from autosync.testing.clock import SimulatedClock
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage
from autosync.testing.simulation import run_simulated

OPTIONS = MimServiceOptions(rest="http://127.0.0.1/v2", every=timedelta(milliseconds=500))
AFTER = re.compile(r"msidmCompletedTime > '([^']+)'")


class Portal:
    """The requests of a MIM Service, by the time of their completion."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self.completed: list[tuple[datetime, str]] = []
        self.asked_for: list[str] = []

    def complete(self) -> None:
        self.completed.append((self._clock.now(), str(UUID(int=len(self.completed)))))

    async def asked(self, path: str) -> Answer:
        self.asked_for.append(path)
        found = AFTER.search(path)
        assert found
        since = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
        after = [(moment, name) for moment, name in self.completed if moment > since]
        newest = max((moment for moment, _ in after), default=None)
        return Answer(ids=tuple(name for _, name in after), at=self._clock.now(), newest=newest)

    async def close(self) -> None:
        return


@pytest.mark.parametrize("case", CASES)
def test_a_mim_service_trigger_keeps_its_promises(case: str) -> None:
    async def main(clock: SimulatedClock, _random: Random) -> None:
        portal = Portal(clock)
        stage = TriggerStage(make=lambda: MimServiceTrigger(OPTIONS, clock, lambda: portal), change=portal.complete)
        await getattr(TriggerContract(stage), case)()

    run_simulated(main)


def test_a_request_is_told_once_although_the_last_seconds_are_asked_for_again() -> None:
    async def main(clock: SimulatedClock, _random: Random) -> None:
        portal = Portal(clock)
        firings: list[Firing] = []
        async with asyncio.timeout(30):
            async for seen in MimServiceTrigger(OPTIONS, clock, lambda: portal).watch(None):
                if isinstance(seen, Firing):
                    firings.append(seen)
                    portal.complete()
                    portal.complete()
                if len(firings) == 3:
                    break

        assert [firing.count for firing in firings] == [1, 2, 2]
        assert firings[1].changed == portal.completed[1][0]

    run_simulated(main)


def test_own_exports_and_refused_requests_do_not_count() -> None:
    path = completed_after(datetime(2026, 1, 31, 12, 0, 0, 7000, tzinfo=UTC), [SYNCHRONIZATION_ACCOUNT])

    assert path == (
        "/Request[msidmCompletedTime > '2026-01-31T12:00:00.007' and RequestStatus = 'Completed'"
        f" and not(Creator = '{SYNCHRONIZATION_ACCOUNT}')]"
    )


@pytest.mark.parametrize("token", ["", "2026-01-31", '{"since": "x", "seen": []}', '{"seen": []}'])
def test_a_token_of_another_make_asks_for_a_full_import(token: str) -> None:
    async def first() -> None:
        async for _seen in MimServiceTrigger(OPTIONS, SystemClock(), lambda: pytest.fail("asked")).watch(token):
            return

    with pytest.raises(TokenUnknown):
        asyncio.run(first())


# Over HTTP

Answering = Callable[[BaseHTTPRequestHandler], tuple[int, Mapping[str, str], bytes]]


@contextmanager
def serving(answer: Answering) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = answer(self)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v2"
        server.shutdown()
        thread.join()


def ask(address: str, **more: object) -> Answer:
    async def main() -> Answer:
        history = RestHistory(MimServiceOptions(rest=address, **more), SystemClock(), Secrets({"PASSWORD": "Sesame!1"}))
        try:
            return await history.asked("/Request[x]")
        finally:
            await history.close()

    return asyncio.run(main())


FOUND = {
    "Results": [
        {"ObjectID": "urn:uuid:ABCDEF01-0000-0000-0000-000000000000", "msidmCompletedTime": "2026-01-31T12:00:00.000"},
        {"ObjectID": "abcdef02-0000-0000-0000-000000000000"},
    ]
}


def test_the_rest_service_is_asked_and_understood() -> None:
    seen: list[Mapping[str, list[str]]] = []

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, Mapping[str, str], bytes]:
        assert urlsplit(request.path).path == "/v2/resources/"
        seen.append(parse_qs(urlsplit(request.path).query))
        return 200, {}, json.dumps(FOUND).encode()

    with serving(answer) as address:
        found = ask(address)

    assert seen[0]["filter"] == ["/Request[x]"]
    assert found.ids == ("abcdef01-0000-0000-0000-000000000000", "abcdef02-0000-0000-0000-000000000000")
    assert found.newest == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, b"", "sign-in was refused"),
        (403, b"{}", "management policy rule"),
        (404, b"<html>", "no such service"),
        (500, b'{"error": {"code": "internal-server-error", "message": "the service is away"}}', "the service is away"),
        (200, b"<html>", "not what its version 2 gives"),
        (200, b'{"Results": 5}', "no list of results"),
    ],
)
def test_each_refusal_says_what_to_do(status: int, body: bytes, says: str) -> None:
    with serving(lambda _request: (status, {}, body)) as address, pytest.raises(TriggerFailed, match=says):
        ask(address)


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(TriggerFailed, match=r"127\.0\.0\.1:1/v2 cannot be reached"):
        ask("http://127.0.0.1:1/v2")


class NtlmDoor:
    """A server that lets in who signs in by NTLM, connection by connection."""

    def __init__(self) -> None:
        self._contexts: dict[object, spnego.ContextProxy] = {}

    def __call__(self, request: BaseHTTPRequestHandler) -> tuple[int, Mapping[str, str], bytes]:
        _scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token:
            return 401, {"WWW-Authenticate": "NTLM"}, b""
        context = self._contexts.setdefault(request.client_address, spnego.server(protocol="ntlm"))
        try:
            answer = context.step(base64.b64decode(token))
        except spnego.exceptions.SpnegoError:
            return 401, {"WWW-Authenticate": "NTLM"}, b""
        if context.complete:
            return 200, {}, json.dumps(FOUND).encode()
        return 401, {"WWW-Authenticate": f"NTLM {base64.b64encode(answer or b'').decode()}"}, b""


@pytest.mark.parametrize("password", ["Sesame!1", "wrong"])
def test_windows_sign_in_is_answered(password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = tmp_path / "users"
    users.write_text(f"CORP:svc-autosync:{password}", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    account = Account(user="CORP\\svc-autosync", password=SecretReference(kind=SecretKind.ENV, name="PASSWORD"))

    with serving(NtlmDoor()) as address:
        if password == "wrong":
            with pytest.raises(TriggerFailed, match="sign-in was refused") as failure:
                ask(address, sign_in=account)
            assert "Sesame" not in str(failure.value)
        else:
            assert len(ask(address, sign_in=account).ids) == 2


# In the configuration


def test_the_options_are_read(tmp_path: Path) -> None:
    data = {
        "rest": "https://mim.corp.example/v2/",
        "sign-in": {"user": "CORP\\svc", "password": {"env": "MIM_PASSWORD"}},
        "ca": "corp.pem",
        "every": "5s",
    }
    parsed = MIM_SERVICE_KIND.parse(data, tmp_path)

    assert not parsed.mistakes
    assert parsed.options == MimServiceOptions(
        rest="https://mim.corp.example/v2",
        sign_in=Account(user="CORP\\svc", password=SecretReference(kind=SecretKind.ENV, name="MIM_PASSWORD")),
        ca=str(tmp_path / "corp.pem"),
        every=timedelta(seconds=5),
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "host is missing"),
        ({"host": {"server": "mim"}, "rest": "https://mim/v2"}, "give host or rest"),
        ({"host": {"server": "mim"}, "ca": "x.pem"}, "it stands under host"),
        ({"host": {"server": "http://mim"}}, "the server's name alone"),
        ({"host": {"sever": "mim"}}, "did you mean server"),
        ({"host": {}}, "server is missing"),
        ({"host": {"server": "mim", "sign-in": {"user": "x", "password": "hunter2"}}}, "a secret stands here itself"),
        ({"rest": "https://mim/v2", "service": "http://localhost:5725"}, "this needs host"),
        ({"host": {"server": "mim"}, "service": "localhost"}, "expected the address of the MIM Service"),
        ({"rest": "mim.corp.example"}, "expected the address"),
        ({"rest": "https://user:hunter2@mim.corp.example/v2"}, "expected the address"),
        ({"rest": "https://mim/v2", "sign-in": {"user": "x", "password": "hunter2"}}, "a secret stands here itself"),
        ({"rest": "https://mim/v2", "ignore-creators": ["me"]}, "expected the ObjectID"),
    ],
)
def test_mistakes_are_told_without_secrets(data: dict[str, object], says: str, tmp_path: Path) -> None:
    mistakes = MIM_SERVICE_KIND.parse(data, tmp_path).mistakes

    assert any(says in mistake.message for mistake in mistakes), mistakes
    assert not any("hunter2" in mistake.message for mistake in mistakes)
