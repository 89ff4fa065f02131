import asyncio
import json
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from autosync.cli.exits import Exit
from autosync.model.ids import RequestId
from autosync.model.rows import RequestGone
from autosync.model.runs import Outcome, OutcomeKind
from autosync.model.stimuli import AgentSwitched, HoldDecided, RunAsked
from autosync.ports.store import Commit
from tests.unit.cli.driving import TOKEN, InProcess, Nobody, Shell, every_command, shell
from tests.unit.web.building import ENDED, HELD, HR, NOW, WAITING, exports_pending

LOOKS = [
    ["status"],
    ["agents"],
    ["agent", "show", "hr"],
    ["queue"],
    ["request", "show", "R-13"],
    ["runs"],
    ["run", "show", "4711"],
    ["why"],
    ["hold", "list"],
    ["hold", "show", "H-7"],
    ["trigger", "list"],
    ["cascade", "list"],
    ["cascade", "show", "1290"],
    ["events"],
    ["shadow", "report"],
    ["config", "history"],
    ["config", "show", "--running"],
]


@pytest.fixture
def typed(tmp_path: Path) -> Shell:
    return shell(tmp_path)


def golden(name: str) -> str:
    return (Path(__file__).parent / "golden" / f"{name}.txt").read_text(encoding="utf-8")


def test_status_is_the_whole_at_a_glance(typed: Shell) -> None:
    assert typed.type("status").out == golden("status")


def test_why_reads_like_a_story(typed: Shell) -> None:
    assert typed.type("why", "4711").out == (
        "run 4711  mim/Corp AD  export  started 10:02:40, ended 10:02:58  success, 3 updates\n"
        "because   10:02:20  run 4710  mim/HR delta sync left 3 pending exports here\n"
        "because     10:02:05  run 4708  mim/HR delta import staged 14 changes\n"
        "because       10:01:55  trigger sql on mim/HR fired (version 88123 → 88137)\n"
        "waited    45 s: 31 s for the sync of HR (runs alone), 14 s for the export of SAP (lock-with)\n"
        "then      10:02:58  run 4712  delta import (confirming) → confirmed\n"
        "cascade   1290 quiet after 1 min 4 s, 4 runs\n"
    )


@pytest.mark.parametrize("name", ["queue", "runs", "trigger list", "cascade show 1290", "agent show hr", "why R-13"])
def test_tables_are_plain_and_aligned_in_a_pipe(typed: Shell, name: str) -> None:
    assert typed.type(*name.split()).out == golden(name.replace(" ", "-"))


def test_a_run_shows_what_it_did_and_what_failed(typed: Shell) -> None:
    assert typed.type("run", "show", "4710").out == (
        "run 4710  mim/HR  DS  started 10:02:05, ended 10:02:20  success [success]\n"
        "step      delta sync on default: success\n"
        "            flow: 14\n"
        "  error     sync flow-error CN=Ünal no manager\n"
        "because   run 4708 left work behind\n"
        "more      autosync why 4710\n"
    )


def test_the_history_of_configurations_is_told_in_local_time_and_in_utc_as_json(typed: Shell) -> None:
    (written,) = {one["applied"] for one in json.loads(typed.type("config", "history", "--json").out)["items"]}

    assert "2026-01-05 10:03:50" in typed.type("config", "history").out
    assert datetime.fromisoformat(written) == NOW
    assert written.endswith(("+00:00", "Z"))


def test_a_hold_says_what_to_type_next(typed: Shell) -> None:
    out = typed.type("hold", "show", "h7").out

    assert "why       212 deletes, limit 10" in out
    assert "            delete CN=Ada Lovelace" in out
    assert "decide    autosync hold approve H-7 --reason" in out


def test_events_are_told_with_their_numbers(typed: Shell) -> None:
    lines = typed.type("events", "--limit", "2").out.splitlines()

    assert lines[0].split() == ["2", "10:02:58", "mim/Corp", "AD", "run", "4711", "ended:", "3", "updates"]
    assert "! 212 deletes" in lines[1]


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_every_look_is_also_one_json_document(typed: Shell, words: list[str]) -> None:
    ended = typed.type(*words, "--json")

    assert ended.code == Exit.OK, ended.err
    assert isinstance(json.loads(ended.out), dict)
    assert ended.err == ""


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_no_output_has_the_token_or_colour(typed: Shell, words: list[str]) -> None:
    ended = typed.type(*words)

    assert ended.code == Exit.OK, ended.err
    assert ended.out
    assert TOKEN not in ended.out + ended.err
    assert "\x1b" not in ended.out


def test_events_as_lines_are_one_json_value_each(typed: Shell) -> None:
    lines = typed.type("events", "--jsonl").out.splitlines()

    assert [json.loads(line)["number"] for line in lines] == [1, 2, 3]


def test_following_begins_now_and_survives_a_restart(typed: Shell) -> None:
    transport = typed.transport
    assert isinstance(transport, InProcess)
    event = json.loads(typed.type("events", "--jsonl", "--limit", "1").out)
    transport.streams = [
        [b"retry: 2000", b"", b"id: 4", b"data: " + json.dumps({**event, "number": 4}).encode(), b""],
    ]

    ended = typed.type("events", "--follow", "--jsonl")

    assert [json.loads(line)["number"] for line in ended.out.splitlines()] == [4]
    assert [call.path for call in transport.calls[-2:]] == ["/api/v1/events?after=3", "/api/v1/events?after=4"]
    assert "nothing is missed" in ended.err
    assert typed.paused == [0.5]


def test_following_is_no_one_document(typed: Shell) -> None:
    assert typed.type("events", "--follow", "--json").code == Exit.USAGE


def test_a_run_is_asked_for_in_the_words_of_a_person(typed: Shell) -> None:
    ended = typed.type("run", "start", "hr", "full import", "--front", "--reason", "CHG1")

    assert ended.code == Exit.OK, ended.err
    (asked,) = typed.world.writer.given
    assert isinstance(asked, RunAsked)
    assert (asked.wanted.agent, asked.wanted.slot, asked.wanted.front, asked.reason) == (
        HR,
        "full-import",
        True,
        "CHG1",
    )
    assert "asked for full-import" in ended.out


def test_waiting_for_a_run_that_a_guard_holds_ends_with_its_code(typed: Shell) -> None:
    typed.world.writer.queued = HELD.id

    ended = typed.type("run", "start", "MIM Service", "EX", "--wait", "--timeout", "1s")

    assert ended.code == Exit.HELD
    assert "autosync hold show H-7" in ended.err


def test_waiting_ends_when_its_time_is_over_and_says_that_it_goes_on(typed: Shell) -> None:
    ended = typed.type("run", "start", "corp", "EX", "--wait", "--timeout", "0s")

    assert ended.code == Exit.FAILED
    assert "still waits after 0 s; it goes on: autosync why R-13" in ended.err


@pytest.mark.parametrize("timeout", ["soon", "10", "5x"])
def test_a_duration_has_a_unit(typed: Shell, timeout: str) -> None:
    assert typed.type("run", "start", "hr", "DI", "--wait", "--timeout", timeout).code == Exit.USAGE


def test_a_decision_is_about_what_was_seen_here(typed: Shell) -> None:
    typed.type("hold", "show", "H-7")
    ended = typed.type("hold", "approve", "h7", "--reason", "CHG0042")

    assert ended.code == Exit.OK, ended.err
    (decided,) = typed.world.writer.given
    assert isinstance(decided, HoldDecided)
    assert (decided.fingerprint, decided.reason) == ("set-of-212", "CHG0042")


def test_nobody_decides_what_they_have_not_seen(typed: Shell) -> None:
    ended = typed.type("hold", "approve", "H-7", "--reason", "CHG0042")

    assert ended.code == Exit.HELD
    assert "Look first: autosync hold show H-7" in ended.err
    assert typed.world.writer.given == []


def test_a_set_that_grew_since_is_refused_with_both_numbers(typed: Shell, tmp_path: Path) -> None:
    typed.type("hold", "show", "H-7")
    later = shell(tmp_path, exports_pending("set-of-340", 340))

    ended = later.type("hold", "approve", "H-7", "--reason", "CHG0042")

    assert ended.code == Exit.HELD
    assert ended.err == (
        "refused: the pending set has grown since you looked (212 → 340 deletes). Look again: autosync hold show H-7\n"
    )


def test_stopping_everything_needs_a_yes_where_nobody_can_be_asked(typed: Shell) -> None:
    asked = typed.type("agent", "stop", "--all")
    assert (asked.code, typed.world.writer.given) == (Exit.USAGE, [])
    assert "--yes" in asked.err

    done = typed.type("agent", "stop", "--all", "--yes")
    assert done.code == Exit.OK
    assert all(isinstance(given, AgentSwitched) for given in typed.world.writer.given)
    assert len(typed.world.writer.given) == 4


@pytest.mark.parametrize(
    "words",
    [
        ["agent", "start", "SAP"],
        ["agent", "stop", "SAP"],
        ["run", "stop", "hr"],
        ["request", "drop", "R-13"],
        ["config", "reload"],
    ],
    ids=" ".join,
)
def test_wishes_tell_what_was_recorded(typed: Shell, words: list[str]) -> None:
    ended = typed.type(*words)

    assert ended.code == Exit.OK, ended.err
    assert ended.out.strip()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run", "show", "1"], Exit.NOT_FOUND),
        (["run", "show", "x"], Exit.USAGE),
        (["agent", "show", "nobody"], Exit.NOT_FOUND),
        (["agent", "stop"], Exit.USAGE),
        (["why", "R-99"], Exit.NOT_FOUND),
        (["run", "stop", "SAP"], Exit.HELD),
        (["runs", "--since", "soon"], Exit.USAGE),
        (["runs", "--limit", "0"], Exit.USAGE),
        (["nothing"], Exit.USAGE),
        (["request", "drop", "x"], Exit.USAGE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_exit_codes_say_what_went_wrong(typed: Shell, words: list[str], code: Exit) -> None:
    ended = typed.type(*words)

    assert ended.code == code
    assert ended.err
    assert "Traceback" not in ended.err


def test_errors_are_json_where_json_was_asked_for(typed: Shell) -> None:
    error = json.loads(typed.type("run", "show", "1", "--json").err)["error"]

    assert (error["code"], error["exit"]) == ("not-found", 5)


@pytest.mark.parametrize("words", [*LOOKS, ["events", "--follow"]], ids=" ".join)
def test_a_service_that_does_not_answer_is_told_with_the_way_out(tmp_path: Path, words: list[str]) -> None:
    ended = Shell(folder=tmp_path, transport=Nobody()).type(*words)

    assert ended.code == Exit.NOT_REACHABLE
    assert "AutoSync does not answer at http://127.0.0.1:8480: connection refused." in ended.err
    assert ended.out == ""


def test_a_wrong_token_is_told_with_its_file(typed: Shell) -> None:
    (typed.folder / "autosync.token").write_text("another-token", encoding="ascii")
    ended = typed.type("status")

    assert ended.code == Exit.NOT_ALLOWED
    assert "autosync.token" in ended.err
    assert "another-token" not in ended.err


def test_a_missing_token_is_told_with_its_file(typed: Shell) -> None:
    (typed.folder / "autosync.token").unlink()

    ended = typed.type("status")

    assert ended.code == Exit.NOT_ALLOWED
    assert "there is no such file" in ended.err


def test_who_asks_is_told_to_the_journal(typed: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "Jürgen")

    typed.type("agent", "start", "SAP")

    (given,) = typed.world.writer.given
    assert isinstance(given, AgentSwitched)
    assert given.by == "Jürgen"


def test_an_unexpected_error_has_no_stack_trace_unless_asked(typed: Shell) -> None:
    def broken(_call: object) -> None:
        raise ZeroDivisionError("oh")

    typed.transport.send = broken  # type: ignore[method-assign, assignment]

    plain, full = typed.type("status"), typed.type("status", "--debug")
    assert (plain.code, full.code) == (Exit.FAILED, Exit.FAILED)
    assert "Traceback" not in plain.err
    assert "--debug" in plain.err
    assert "Traceback" in full.err


def test_every_command_and_option_is_in_the_manual() -> None:
    manual = Path("docs/cli.md").read_text(encoding="utf-8")
    commands = every_command()
    options = {
        option
        for command in commands.values()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }

    assert {name for name in commands if f"`autosync {name}" not in manual} == set()
    assert {option for option in options if f"`{option}" not in manual} == set()
    assert len(commands) > 25


def test_every_exit_code_is_in_the_manual() -> None:
    manual = Path("docs/cli.md").read_text(encoding="utf-8")

    assert {code for code in Exit if f"| {int(code)} |" not in manual} == set()


def test_every_command_says_what_it_does() -> None:
    assert {name for name, command in every_command().items() if not command.help} == set()


def test_waiting_for_a_run_shows_it_when_it_has_ended(typed: Shell) -> None:
    typed.world.writer.queued = RequestId(5711)

    ended = typed.type("run", "start", "corp", "EX", "--wait")

    assert ended.code == Exit.OK, ended.err
    assert ended.out.startswith("run 4711  mim/Corp AD  EX  started 10:02:40, ended 10:02:58  success [success]\n")


def test_waiting_for_a_run_that_fails_fails(typed: Shell) -> None:
    typed.world.writer.queued = RequestId(5711)
    failed = replace(ENDED[2], outcome=Outcome(kind=OutcomeKind.FAILED, status="stopped-server-down"))
    asyncio.run(typed.world.store.commit(Commit(at=NOW, rows=(failed,))))

    ended = typed.type("run", "start", "corp", "EX", "--wait")

    assert ended.code == Exit.FAILED
    assert "failed [stopped-server-down]" in ended.out


def test_waiting_for_a_request_that_went_fails(typed: Shell) -> None:
    gone = replace(WAITING, id=RequestId(15))
    asyncio.run(typed.world.store.commit(Commit(at=NOW, rows=(gone, RequestGone(id=gone.id)))))
    typed.world.writer.queued = gone.id

    ended = typed.type("run", "start", "corp", "EX", "--wait")

    assert ended.code == Exit.FAILED
    assert "R-15 was dropped before it started" in ended.err


def test_a_rejection_is_lifted_only_where_there_is_one(typed: Shell) -> None:
    typed.type("hold", "show", "H-7")

    assert typed.type("hold", "reject", "H-7").code == Exit.OK
    lifted = typed.type("hold", "lift", "H-7")
    assert lifted.code == Exit.HELD
    assert "H-7 is open: there is nothing to lift" in lifted.err


def test_runs_are_filtered_as_asked(typed: Shell) -> None:
    assert typed.type("runs", "--agent", "hr", "--outcome", "success", "--outcome", "failed").out.count("mim/HR") == 2
    assert typed.type("runs", "--since", "10s").out == "no runs\n"


def test_where_nothing_is_there_a_sentence_says_so(typed: Shell) -> None:
    typed.world.writer.state = replace(typed.world.writer.state, requests={})

    assert typed.type("queue").out == "nothing waits\n"
    assert typed.type("runs", "--engine", "entra").out == "no runs\n"


def test_the_version_is_told(typed: Shell) -> None:
    assert typed.type("--version").out == version("autosync-identity") + "\n"
