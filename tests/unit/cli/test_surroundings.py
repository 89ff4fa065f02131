import http.server
import io
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autosync.cli.client import Answer, Call, Client, HttpTransport, Rejected
from autosync.cli.exits import Exit, Failure
from autosync.cli.looks import Looks
from autosync.cli.place import DEFAULT_URL, find_place
from autosync.cli.root import Root
from autosync.cli.terminal import Terminal, bar, safe
from autosync.cli.words import ago, clock, duration, parse_duration, spoken, stopwatch
from autosync.model.errors import ConfigError, Refused
from autosync.model.wording import number
from tests.unit.cli.driving import Ended, Nobody, Shell, shell

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class Console(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Page(io.TextIOWrapper):
    """A stream with a code page of its own."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)

    def shown(self) -> str:
        self.flush()
        self.seek(0)
        return self.read()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (0.14, "0.14 s"), (45.2, "45 s"), (60, "1 min"), (64, "1 min 4 s"),
        (12000, "3 h 20 min"), (86400, "1 d"), (93600, "1 d 2 h"),
    ],
)  # fmt: skip
def test_durations_are_told_in_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(5, "0:05"), (65, "1:05"), (3723, "1:02:03")])
def test_a_stopwatch_counts_like_one(seconds: float, text: str) -> None:
    assert stopwatch(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h30m", 5400), ("2d", 172800), ("1 min", 60)]
)
def test_durations_are_read_as_people_write_them(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "10", "5 parsecs", "-1h"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None


def test_a_moment_of_another_day_has_its_date() -> None:
    assert clock("2026-01-05T10:00:00Z", NOON, UTC) == "10:00:00"
    assert clock("2026-01-04T10:00:00Z", NOON, UTC) == "2026-01-04 10:00:00"
    assert clock(None, NOON, UTC) == ""


@pytest.mark.parametrize(
    ("at", "text"),
    [("2026-01-05T11:59:58Z", "2 s ago"), ("2026-01-05T11:56:00Z", "4 min ago"), ("2026-01-03T12:00:00Z", "2 d ago")],
)
def test_how_long_ago_is_rough(at: str, text: str) -> None:
    assert ago(at, NOON) == text


def test_words_of_the_engine_are_spoken() -> None:
    assert spoken("full-import-delta-sync") == "full import and delta sync"
    assert spoken("delta-import+export") == "delta import and export"
    assert (number(1, "hold"), number(2000, "hold")) == ("1 hold", "2,000 holds")


def test_the_bar_is_never_quite_full_before_the_end() -> None:
    assert [bar(part) for part in (0, 0.5, 0.99, 3)] == ["░░░░", "▓▓░░", "▓▓▓░", "▓▓▓░"]


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp1252"])
def test_signs_that_a_console_lacks_become_plain_ones(encoding: str) -> None:
    page = Page(encoding)

    Terminal(out=page, err=page, environ={}).line("✓ valid · 212 → 340 ▓░ ─▶ 漢")

    shown = page.shown()
    assert "valid" in shown
    assert "340" in shown
    assert "?" in shown
    assert safe("→", io.TextIOWrapper(io.BytesIO(), encoding="ascii")) == "->"


def test_json_stays_whole_on_a_console_without_the_letters() -> None:
    page = Page("ascii")

    Terminal(out=page, err=page, environ={}).json({"name": "Ünal 漢"})

    assert json.loads(page.shown()) == {"name": "Ünal 漢"}


def test_a_table_on_a_terminal_is_coloured_and_without_colour_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")  # rich looks at the process's own
    coloured, plain = Console(), Console()

    Terminal(out=coloured, err=coloured, environ={"TERM": "xterm"}).table(("AGENT", "STATE"), [("HR", "held")])
    Terminal(out=plain, err=plain, environ={"TERM": "xterm", "NO_COLOR": "1"}).table(
        ("AGENT", "STATE"), [("HR", "held")]
    )

    assert "\x1b[" in coloured.getvalue()
    assert plain.getvalue() == "AGENT  STATE\nHR     held\n"


def test_progress_is_shown_on_a_terminal_alone_and_taken_away() -> None:
    console, pipe = Console(), io.StringIO()
    for stream in (console, pipe):
        terminal = Terminal(out=pipe, err=stream, environ={})
        terminal.progress("delta sync 0:12")
        terminal.end_progress()

    assert "delta sync 0:12" in console.getvalue()
    assert console.getvalue().endswith("\r")
    assert pipe.getvalue() == ""


def test_the_place_is_said_found_or_usual(tmp_path: Path) -> None:
    usual = find_place(None, None, {}, tmp_path)
    assert (usual.url, usual.token_file) == (DEFAULT_URL, tmp_path / "autosync.token")

    (tmp_path / "autosync.yaml").write_text(
        "service: {listen: '0.0.0.0:9000', token-file: secret/t}\nengines: {}\n", encoding="utf-8"
    )
    found = find_place(None, None, {}, tmp_path)
    assert (found.url, found.token_file) == ("http://127.0.0.1:9000", tmp_path / "secret/t")

    environ = {"AUTOSYNC_URL": "https://a.example/", "AUTOSYNC_TOKEN_FILE": "/t"}
    said = find_place(None, None, environ, tmp_path)
    assert (said.url, said.token_file) == ("https://a.example", Path("/t"))
    assert find_place("http://b", Path("x"), environ, tmp_path).url == "http://b"


@pytest.mark.parametrize("content", [b"service: [", b"\xff\xfe", b"- a list", b"service: text"])
def test_a_broken_configuration_does_not_keep_the_service_from_being_found(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "autosync.yaml").write_bytes(content)

    assert find_place(None, None, {}, tmp_path).url == DEFAULT_URL


def test_an_address_needs_its_scheme(tmp_path: Path) -> None:
    with pytest.raises(Failure) as told:
        find_place("localhost:8480", None, {}, tmp_path)
    assert told.value.code is Exit.USAGE


def test_a_look_is_remembered_for_one_service_and_forgotten_by_no_failure(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    hold = {"id": "H-7", "fingerprint": "abc", "counts": {"deletes": 2, "total": 2}}

    Looks(environ, "http://a").remember(hold)

    assert Looks(environ, "http://a").at("h7") == {"fingerprint": "abc", "seen": {"deletes": 2}}
    assert Looks(environ, "http://b").at("H-7") is None
    (tmp_path / "autosync" / "looks.json").write_text("broken", encoding="utf-8")
    assert Looks(environ, "http://a").at("H-7") is None
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    Looks({"XDG_STATE_HOME": str(blocked), "LOCALAPPDATA": str(blocked)}, "http://a").remember(hold)


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        bodies = {"/api/v1/status": b'{"revision": 17}', "/api/v1/events": b"id: 1\ndata: {}\n\n"}
        body = bodies.get(self.path.partition("?")[0], b"<html>not found</html>")
        self.send_response(200 if self.path.partition("?")[0] in bodies else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def client_of(url: str, folder: Path) -> Client:
    return Client(find_place(url, folder / "none", {}, folder), HttpTransport(url), "Jürgen")


def test_the_way_over_http_works_and_knows_what_is_not_autosync(url: str, tmp_path: Path) -> None:
    client = client_of(url, tmp_path)

    assert client.get("/status", limit=3, agent=None) == {"revision": 17}
    assert client.running_revision() == 17
    assert list(client.events(None)) == [{}]
    with pytest.raises(Failure, match="not as AutoSync does"):
        client.get("/queue")
    with pytest.raises(Rejected):
        list(HttpTransport(url).lines(Call(method="GET", path="/nothing")))


def test_nobody_there_is_told_with_the_address(tmp_path: Path) -> None:
    with pytest.raises(Failure) as told:
        client_of("http://127.0.0.1:9", tmp_path).get("/status")

    assert told.value.code is Exit.NOT_REACHABLE
    assert client_of("http://127.0.0.1:9", tmp_path).running_revision() is None


def test_an_answer_in_a_foreign_shape_is_told(tmp_path: Path) -> None:
    class Foreign(Nobody):
        def send(self, _call: Call) -> Answer:
            return Answer(status=500, headers={}, body=b'{"detail": "x"}')

    with pytest.raises(Failure, match="answers 500"):
        Client(find_place(None, None, {}, tmp_path), Foreign()).get("/status")


MISTAKE = SimpleNamespace(
    file="autosync.yaml", line=31, column=18, where="agents › mim/HR", message="bad",
    place="autosync.yaml:31:18", said="agents › mim/HR: bad",
)  # fmt: skip


class Files(Root):
    """A composition root whose configuration is right or wrong as the test likes."""

    def __init__(self, *mistakes: Any, error: Exception | None = None) -> None:
        self.mistakes = mistakes
        self.error = error
        self.served: list[Path] = []

    def load_configuration(self, path: Path) -> Any:
        if self.error is not None:
            raise self.error
        return SimpleNamespace(
            text="", configuration=None if self.mistakes else object(), mistakes=self.mistakes, warnings=()
        )

    def shown(self, _loaded: Any) -> str:
        return "service:\n  listen: 127.0.0.1:8480\n"

    async def serve(self, path: Path) -> None:
        self.served.append(path)
        raise ExceptionGroup("tasks", [ExceptionGroup("more", [ConfigError("cannot listen on 127.0.0.1:8480")])])

    def preview(self, _path: Path, agent: str, anchor: str) -> Any:
        if agent == "mim/HR":
            raise Refused("mim is no embedded engine")
        winner, loser = ({"agent": name, "dn": anchor, "value": value} for name, value in (("hr", "B"), ("ad", "C")))
        title = {"attribute": "title", "before": "A", "after": "B", "winner": winner, "losers": [loser]}
        member = {"attribute": "member", "added": 2000, "removed": 0, "first_added": ["cn=a"], "first_removed": []}
        target = {
            "agent": "ldap", "does": "update", "dn": "cn=x", "new_dn": "cn=y", "changes": [["title", None, "B"]],
            "references": [member],
        }  # fmt: skip
        return {
            "agent": "hr", "dn": anchor, "connects": "connector", "staged": "update", "metaverse_id": 7,
            "metaverse_type": "person", "error": None, "imports": [title], "targets": [target], "notes": ["half"],
        }  # fmt: skip


def with_file(folder: Path, root: Root, *words: str) -> Ended:
    (folder / "autosync.yaml").write_text("engines: {}\n", encoding="utf-8")
    typed = shell(folder)
    typed.root = root
    return typed.type(*words)


def test_validate_tells_every_mistake_and_that_nothing_changed(tmp_path: Path) -> None:
    ended = with_file(tmp_path, Files(MISTAKE, MISTAKE), "config", "validate")

    assert ended.code == Exit.FAILED
    assert ended.out == (
        "autosync.yaml:31:18  agents › mim/HR: bad\n"
        "autosync.yaml:31:18  agents › mim/HR: bad\n"
        "2 mistakes. The running configuration (revision 17) is unchanged.\n"
    )


def test_validate_works_without_a_service(tmp_path: Path) -> None:
    typed = Shell(folder=tmp_path, transport=Nobody(), root=Files(MISTAKE))
    ended = typed.type("config", "validate", "x.yaml", "--json")

    assert ended.code == Exit.FAILED
    assert json.loads(ended.out)["revision"] is None
    assert json.loads(ended.out)["mistakes"][0]["column"] == 18


def test_a_good_configuration_is_valid(tmp_path: Path) -> None:
    ended = with_file(tmp_path, Files(), "config", "validate")

    assert (ended.code, ended.out) == (Exit.OK, "✓ valid\n")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    ended = with_file(tmp_path, Files(error=ConfigError("x.yaml: there is no such file")), "config", "validate")

    assert (ended.code, ended.err) == (Exit.FAILED, "x.yaml: there is no such file\n")


def test_without_any_configuration_it_is_asked_for(tmp_path: Path) -> None:
    ended = Shell(folder=tmp_path, transport=Nobody()).type("config", "validate")

    assert ended.code == Exit.USAGE
    assert "--config" in ended.err


def test_show_fills_in_the_defaults(tmp_path: Path) -> None:
    assert "listen" in with_file(tmp_path, Files(), "config", "show").out
    assert with_file(tmp_path, Files(MISTAKE), "config", "show").code == Exit.FAILED


def test_a_plan_says_what_would_change(tmp_path: Path) -> None:
    assert with_file(tmp_path, Files(), "config", "plan").out == "~ agents › mim/HR › enabled: true → false\n"


def test_a_plan_with_mistakes_fails(tmp_path: Path) -> None:
    typed = shell(tmp_path)
    (tmp_path / "new.yaml").write_text("bad", encoding="utf-8")

    ended = typed.type("config", "plan", str(tmp_path / "new.yaml"))

    assert ended.code == Exit.FAILED
    assert "1 mistake. Revision 17 stays in force." in ended.out
    assert typed.type("config", "plan", "nowhere.yaml").code == Exit.FAILED


def test_the_service_is_not_started_with_mistakes(tmp_path: Path) -> None:
    root = Files(MISTAKE)
    ended = with_file(tmp_path, root, "run")

    assert (ended.code, root.served) == (Exit.FAILED, [])
    assert "autosync.yaml:31:18" in ended.err


def test_what_stops_the_service_is_told_in_its_words(tmp_path: Path) -> None:
    root = Files()
    ended = with_file(tmp_path, root, "run", "--config", "other.yaml")

    assert (ended.code, root.served) == (Exit.FAILED, [Path("other.yaml")])
    assert ended.err == "cannot listen on 127.0.0.1:8480\n"


def test_a_preview_is_told_as_the_engine_tells_it(tmp_path: Path) -> None:
    ended = with_file(tmp_path, Files(), "preview", "home/hr", "17")

    assert ended.out == (
        "17 in hr: connector, person 7 of the metaverse; staged: update\n"
        "import    title: A → B, from hr (outranked: ad says C)\n"
        "target    ldap  update  cn=x → cn=y\n"
        "            title: – → B\n"
        "            member: 2,000 added (cn=a, …), 0 removed\n"
        "note      half\n"
    )
    assert with_file(tmp_path, Files(), "preview", "mim/HR", "17").code == Exit.HELD


def test_a_wrong_configuration_is_not_rehearsed(tmp_path: Path) -> None:
    assert with_file(tmp_path, Files(MISTAKE), "simulate").code == Exit.FAILED


def test_the_demos_service_is_found_from_the_folder_above_it(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "autosync.yaml").write_text(
        "service: {listen: 127.0.0.1:8499, token-file: state/token}\n", encoding="utf-8"
    )

    place = find_place(None, None, {}, tmp_path)

    assert place.url == "http://127.0.0.1:8499"
    assert place.token_file == tmp_path / "demo" / "state" / "token"
