import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope

from autosync.model.errors import StoreUnavailable
from autosync.model.facts import Fact, FactKind
from autosync.model.stimuli import RunAsked
from autosync.ports.secrets import Secret
from autosync.ports.store import Commit
from autosync.service.service import Service
from autosync.testing.clock import FixedClock
from autosync.web.app import PREFIX, build_app
from autosync.web.borders import LARGEST_BODY, Access
from autosync.web.errors import Code
from autosync.web.event_stream import EventStreams
from tests.unit.web.building import NOW, World, build_world, exports_pending

TOKEN = "a-token-that-nobody-guesses"
GET_ROUTES = [
    "/status",
    "/agents",
    "/agents/mim/HR",
    "/queue",
    "/requests/13",
    "/runs",
    "/runs/4711",
    "/why/last",
    "/holds",
    "/holds/H-7",
    "/triggers",
    "/cascades",
    "/cascades/1290",
    "/facts",
    "/configuration",
    "/configuration/revisions",
]

Ask = Callable[[httpx.AsyncClient, World], Awaitable[Any]]


@cache
def described_app() -> FastAPI:
    """Build the routes once: they hold nothing; service and streams are the state's."""
    clock = FixedClock()
    return build_app(cast(Service, None), Access(token=Secret(TOKEN)), clock, "1.2.3")


def app_of(world: World) -> FastAPI:
    app = described_app()
    app.state.service = world.service
    app.state.streams = EventStreams(world.clock)
    return app


def with_api(ask: Ask, *, token: str | None = TOKEN, host: str = "127.0.0.1:8480", **world: Any) -> Any:
    async def asked() -> Any:
        made = await build_world(**world)
        app = app_of(made)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}", headers=headers) as client:
            return await ask(client, made)

    return asyncio.run(asked())


def get(path: str, *, headers: Any = None, **options: Any) -> httpx.Response:
    async def ask(client: httpx.AsyncClient, _world: World) -> httpx.Response:
        return await client.get(path, headers=headers)

    response: httpx.Response = with_api(ask, **options)
    return response


def post(path: str, body: object, **options: Any) -> httpx.Response:
    async def ask(client: httpx.AsyncClient, _world: World) -> httpx.Response:
        return await client.post(PREFIX + path, json=body)

    response: httpx.Response = with_api(ask, **options)
    return response


def code_of(response: httpx.Response) -> str:
    return str(response.json()["error"]["code"])


@pytest.mark.parametrize("path", GET_ROUTES)
def test_every_look_is_answered_as_json_in_utc(path: str) -> None:
    response = get(PREFIX + path)

    assert response.status_code == 200, response.text
    assert "+00:00" not in response.text
    assert "Secret" not in response.text


def test_a_listing_goes_on_where_the_page_before_ended() -> None:
    async def ask(client: httpx.AsyncClient, _world: World) -> list[list[int]]:
        pages, cursor = [], None
        while True:
            query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = (await client.get(PREFIX + "/runs", params=query)).json()
            pages.append([run["run"] for run in page["items"]])
            cursor = page["next"]
            if cursor is None:
                return pages

    assert with_api(ask) == [[4713, 4712], [4711, 4710], [4708]]


def test_runs_are_filtered_by_agent_outcome_and_cascade() -> None:
    found = get(PREFIX + "/runs?agent=corp&outcome=success&cascade=1290").json()["items"]

    assert [run["run"] for run in found] == [4712, 4711]


@pytest.mark.parametrize(
    "path",
    ["/runs?limit=0", "/runs?limit=501", "/runs?cursor=x", "/runs?outcom=success", "/runs/x", "/requests/1?wait_s=999"],
)
def test_what_does_not_fit_is_told_without_repeating_it(path: str) -> None:
    response = get(PREFIX + path)

    assert (response.status_code, code_of(response)) == (422, "invalid")


@pytest.mark.parametrize(
    "path", ["/runs/1", "/agents/nobody", "/holds/H-99", "/cascades/7", "/requests/99", "/nothing"]
)
def test_what_does_not_exist_is_404(path: str) -> None:
    response = get(PREFIX + path)

    assert (response.status_code, code_of(response)) == (404, "not-found")


def test_a_wrong_method_is_told() -> None:
    assert code_of(post("/status", {})) == "method-not-allowed"


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "é"])
@pytest.mark.parametrize("path", [*GET_ROUTES, "/openapi.json", "/nothing", "/events"])
def test_without_the_token_nothing_is_told(path: str, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": b"Bearer " + token.encode()}
    response = get(PREFIX + path, token=None, headers=headers)

    assert (response.status_code, code_of(response)) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in response.text


def test_the_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    original = secrets.compare_digest

    def watched(given: Any, known: Any) -> bool:
        compared.append(given)
        return original(given, known)

    monkeypatch.setattr(secrets, "compare_digest", watched)
    get(PREFIX + "/status", token="wrong")

    assert compared == [b"wrong"]


def test_another_scheme_with_the_right_token_is_not_enough() -> None:
    assert get(PREFIX + "/status", token=None, headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8480", "localhost.evil"])
@pytest.mark.parametrize("path", ["/api/v1/status", "/healthz"])
def test_a_name_that_is_not_ours_is_turned_away(host: str, path: str) -> None:
    response = get(path, host=host)

    assert (response.status_code, code_of(response)) == (421, "wrong-host")


@pytest.mark.parametrize("host", ["localhost:8480", "127.0.0.1", "[::1]:8480", "LOCALHOST"])
def test_our_own_names_are_good(host: str) -> None:
    assert get("/healthz", token=None, host=host).json() == {"status": "ok"}


def test_a_service_that_listens_to_others_knows_its_name() -> None:
    assert "sync01.corp.example" in Access.at(Secret(TOKEN), "sync01.corp.example").hosts


def test_too_large_a_body_is_refused_before_it_is_read() -> None:
    response = post("/configuration/plan", {"text": "x" * (LARGEST_BODY + 1)})

    assert (response.status_code, code_of(response)) == (413, "too-large")


def test_too_large_a_body_of_unknown_length_is_refused_too() -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b"x" * 100_000

    async def ask(client: httpx.AsyncClient, _world: World) -> httpx.Response:
        return await client.post(PREFIX + "/configuration/plan", content=endless())

    assert code_of(with_api(ask)) == "too-large"


def test_an_error_that_nobody_expected_is_told_without_details(capsys: pytest.CaptureFixture[str]) -> None:
    async def ask(client: httpx.AsyncClient, world: World) -> httpx.Response:
        def broken(*_arguments: object, **_more: object) -> Any:
            raise ZeroDivisionError("password=hunter2")

        world.store.cascades = broken  # type: ignore[method-assign]
        return await client.get(PREFIX + "/cascades")

    response = with_api(ask)

    assert (response.status_code, code_of(response)) == (500, "internal")
    assert "hunter2" not in response.text
    logged = capsys.readouterr().out
    assert logged.count("request-failed") == 1
    assert "broken" in logged
    assert "hunter2" not in logged


def test_ready_means_that_wishes_can_be_recorded() -> None:
    async def ask(client: httpx.AsyncClient, world: World) -> list[int]:
        good = await client.get("/readyz")
        world.writer.store_trouble = (NOW, "disk full")
        bad = await client.get("/readyz")
        return [good.status_code, bad.status_code]

    assert with_api(ask) == [200, 503]


def test_a_store_that_does_not_answer_is_unavailable() -> None:
    async def ask(client: httpx.AsyncClient, world: World) -> httpx.Response:
        async def broken(**_more: object) -> Any:
            raise StoreUnavailable("the database is locked")

        world.store.cascades = broken  # type: ignore[method-assign]
        return await client.get(PREFIX + "/cascades")

    assert (with_api(ask).status_code, code_of(with_api(ask))) == (503, "unavailable")


def test_a_wish_for_a_run_is_recorded_with_who_wants_it() -> None:
    async def ask(client: httpx.AsyncClient, world: World) -> Any:
        body = {"agent": "hr", "profile": "full-import", "exclusive": True, "reason": "CHG1"}
        answered = await client.post(PREFIX + "/runs", json=body, headers={"AutoSync-Person": "J%C3%BCrgen"})
        return answered, world.writer.given

    response, (asked,) = with_api(ask)
    assert response.status_code == 202
    assert response.json()["request"] == 13
    assert isinstance(asked, RunAsked)
    assert (asked.by, asked.reason, asked.wanted.exclusive) == ("Jürgen", "CHG1", True)


@pytest.mark.parametrize("person", ["x" * 200, "a%0Ab", "a%1Bb"])
def test_a_name_that_would_spoil_the_journal_is_refused(person: str) -> None:
    async def ask(client: httpx.AsyncClient, _world: World) -> httpx.Response:
        body = {"agent": "hr", "profile": "DI"}
        return await client.post(PREFIX + "/runs", json=body, headers={"AutoSync-Person": person})

    assert code_of(with_api(ask)) == "invalid"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/runs/stop", {"target": "HR"}),
        ("/agents/start", {"agent": "SAP"}),
        ("/agents/stop", {"all": True}),
        ("/configuration/plan", {"text": "x"}),
        ("/configuration/reload", {}),
    ],
)
def test_wishes_are_answered_with_what_was_recorded(path: str, body: dict[str, object]) -> None:
    assert post(path, body).status_code in {200, 202}


@pytest.mark.parametrize("body", [{}, {"agent": "HR", "all": True}, {"agnt": "HR"}])
def test_switching_needs_one_agent_or_all(body: dict[str, object]) -> None:
    assert code_of(post("/agents/stop", body)) == "invalid"


def test_a_request_is_taken_back() -> None:
    async def ask(client: httpx.AsyncClient, _world: World) -> httpx.Response:
        return await client.delete(PREFIX + "/requests/13", params={"reason": "no longer"})

    assert with_api(ask).json()["text"] == "dropped"


def test_a_hold_is_decided_with_the_fingerprint_that_was_shown() -> None:
    async def ask(client: httpx.AsyncClient, _world: World) -> httpx.Response:
        seen = (await client.get(PREFIX + "/holds/H-7")).json()["fingerprint"]
        body = {"decision": "approve", "fingerprint": seen, "reason": "CHG0042"}
        return await client.post(PREFIX + "/holds/H-7/decision", json=body)

    assert with_api(ask).status_code == 200


@pytest.mark.parametrize(("fingerprint", "code"), [("stale", "hold-changed"), ("", "invalid")])
def test_a_hold_is_not_decided_unseen(fingerprint: str, code: str) -> None:
    body = {"decision": "approve", "fingerprint": fingerprint}

    assert code_of(post("/holds/H-7/decision", body, portal=exports_pending("set-of-340", 340))) == code


def test_two_editors_cannot_overwrite_each_other() -> None:
    async def ask(client: httpx.AsyncClient, _world: World) -> list[Any]:
        path = PREFIX + "/configuration"
        tag = (await client.get(path)).headers["ETag"]
        blind = await client.put(path, json={"text": "a"})
        first = await client.put(path, json={"text": "b"}, headers={"If-Match": tag})
        second = await client.put(path, json={"text": "c"}, headers={"If-Match": tag})
        bad = await client.put(path, json={"text": "bad"}, headers={"If-Match": first.headers["ETag"]})
        return [blind, first, second, bad]

    blind, first, second, bad = with_api(ask)
    assert (blind.status_code, code_of(blind)) == (428, "precondition-required")
    assert (first.status_code, first.json()["number"], first.headers["ETag"]) == (200, 2, '"2"')
    assert (second.status_code, code_of(second)) == (412, "changed-meanwhile")
    assert (bad.status_code, code_of(bad)) == (422, "invalid-configuration")
    assert bad.json()["error"]["mistakes"][0]["line"] == 31


def openapi() -> dict[str, Any]:
    described: dict[str, Any] = get(f"{PREFIX}/openapi.json").json()
    return described


def test_every_route_is_described_with_what_it_answers_and_who_may_ask() -> None:
    described = openapi()

    for path, methods in described["paths"].items():
        for method, route in methods.items():
            answer = next(route["responses"][code] for code in ("200", "202") if code in route["responses"])
            where = f"{method} {path}"
            assert route["description"], where
            assert answer.get("content"), where
            if path.startswith(PREFIX):
                assert route["security"], where
                assert route["responses"]["default"]["content"]["application/json"]["schema"], where


def test_operation_ids_are_unique_names() -> None:
    names = [route["operationId"] for methods in openapi()["paths"].values() for route in methods.values()]

    assert len(names) == len(set(names)) > 20


def test_there_is_a_described_route_for_every_look() -> None:
    paths = set(openapi()["paths"])

    assert {f"{PREFIX}{path}" for path in GET_ROUTES if path.count("/") == 1} <= paths
    assert {"/healthz", "/readyz", f"{PREFIX}/events"} <= paths


def test_every_route_is_in_the_manual() -> None:
    manual = Path("docs/api.md").read_text(encoding="utf-8")
    routes = {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, methods in openapi()["paths"].items()
        for method in methods
    }

    assert {route for route in routes if f"`{route}`" not in manual} == set()


def test_every_error_code_is_in_the_manual() -> None:
    manual = Path("docs/api.md").read_text(encoding="utf-8")

    assert {code for code in Code if f"`{code}`" not in manual} == set()


class Reader:
    """A reader of the event stream, as a server would carry it: gone when it has read enough."""

    def __init__(self, enough: int = 0) -> None:
        self.body = b""
        self.status = 0
        self.gone = asyncio.Event()
        self.begun = asyncio.Event()
        self.beaten = asyncio.Event()
        self._enough = enough
        self._asked = False

    async def receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.body += message.get("body", b"")
        if self.body:
            self.begun.set()
        if b": still here" in self.body:
            self.beaten.set()
        if self._enough and self.body.count(b"id: ") >= self._enough:
            self.gone.set()

    @property
    def numbers(self) -> list[int]:
        return [int(line[4:]) for line in self.body.splitlines() if line.startswith(b"id: ")]


def follow(
    reader: Reader, query: bytes = b"", headers: dict[str, str] | None = None,
    meanwhile: Callable[[FastAPI, World], Coroutine[Any, Any, None]] | None = None,
) -> Reader:  # fmt: skip
    async def followed() -> None:
        world = await build_world()
        app = app_of(world)
        sent = {"authorization": f"Bearer {TOKEN}", "host": "localhost"} | (headers or {})
        scope: Scope = {
            "type": "http", "method": "GET", "path": f"{PREFIX}/events", "query_string": query, "root_path": "",
            "scheme": "http", "server": ("localhost", 8480), "client": ("127.0.0.1", 1), "http_version": "1.1",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        }  # fmt: skip
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            if meanwhile is not None:
                tasks.create_task(meanwhile(app, world), name="meanwhile")
            await app(scope, reader.receive, reader.send)

    asyncio.run(followed())
    return reader


def test_a_reader_that_comes_back_misses_nothing() -> None:
    assert follow(Reader(), b"after=0").numbers == [1, 2, 3]
    assert follow(Reader(), b"after=0", {"last-event-id": "1"}).numbers == [2, 3]


def test_an_event_carries_its_fact() -> None:
    lines = follow(Reader(), b"after=1").body.decode().splitlines()

    event = json.loads(next(line for line in lines if line.startswith("data: "))[6:])
    assert (event["number"], event["run"], event["text"]) == (2, 4711, "run 4711 ended: 3 updates")
    assert lines[0] == "retry: 2000"


def test_heartbeats_keep_a_quiet_stream_open_until_the_reader_goes() -> None:
    async def wait_then_go(app: FastAPI, world: World) -> None:
        quiet = asyncio.Event()

        async def silent(_after: int | None = None) -> Any:
            await quiet.wait()
            yield

        world.feed.subscribe = silent  # type: ignore[method-assign, assignment]
        await reader.beaten.wait()
        reader.gone.set()

    reader = Reader()
    assert b": still here\n\n" in follow(reader, meanwhile=wait_then_go).body


def test_open_streams_end_when_the_service_stops() -> None:
    async def stop(app: FastAPI, world: World) -> None:
        quiet = asyncio.Event()

        async def silent(_after: int | None = None) -> Any:
            await quiet.wait()
            yield

        world.feed.subscribe = silent  # type: ignore[method-assign, assignment]
        streams: EventStreams = app.state.streams
        await reader.begun.wait()
        streams.stop()

    reader = Reader()
    assert follow(reader, meanwhile=stop).status == 200


def test_there_is_an_end_to_the_number_of_streams() -> None:
    async def ask(client: httpx.AsyncClient, _world: World) -> httpx.Response:
        app: Any = client._transport.app  # type: ignore[attr-defined]
        app.state.streams.open = 100
        return await client.get(PREFIX + "/events")

    assert code_of(with_api(ask)) == "too-many"


def test_a_fact_that_is_recorded_later_is_told_later() -> None:
    async def record(client: httpx.AsyncClient, world: World) -> Any:
        fact = Fact(kind=FactKind.ENGINE_LOST, at=NOW, text="lost")
        await world.store.commit(Commit(at=NOW, facts=(fact,)))
        return (await client.get(PREFIX + "/facts", params={"cursor": "3"})).json()

    page = with_api(record)
    assert [one["text"] for one in page["items"]] == ["lost"]
    assert page["next"] is None
