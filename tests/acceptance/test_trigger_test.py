"""``autosync trigger test``: real triggers of a real configuration, tried out without a service."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from autosync.cli.exits import Exit
from autosync.testing.mim.provider import ACCOUNT
from tests.unit.cli.driving import Ended, Nobody, Shell
from tests.unit.scripts.remote_pwsh import HOST_PASSWORD, script_server

SIGNED_IN = f"{{method: ntlm, user: '{ACCOUNT}', password: {{env: HOST_PASSWORD}}}}"
CONFIGURATION = """\
engines:
  home:
    type: embedded
    metaverse: {person: {attributes: {id: {key: true}}}}
    agents:
      hr: {connector: {type: csv, path: hr.csv, anchor: id}, person: {project: always, import: {id: id}}}
      crm: {connector: {type: csv, path: crm.csv, anchor: id}, person: {join: {id: id}}}
agents:
  home/hr:
    triggers:
      - {type: file, path: hr.csv}
      - {type: python, script: poll.py, every: 1s, run: {profile: DI}}
      - {type: schedule, cron: "0 2 * * sat"}
  home/crm: {triggers: [{type: file, path: crm.csv}]}
"""

POLL = """\
def run_profile_to_execute(maname, token, state):
    state["calls"] = state.get("calls", 0) + 1
    if state["calls"] == 1:
        return [{"type": "full-import", "exclusive": True, "text": f"{maname} after {token}", "token": "8"}, "EX", 5]
    raise RuntimeError("it went away")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "autosync.yaml").write_text(CONFIGURATION, encoding="utf-8")
    (tmp_path / "hr.csv").write_text("id\n1\n", encoding="utf-8")
    (tmp_path / "poll.py").write_text(POLL, encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """Take back what the command set up for its own error stream."""
    handlers = list(logging.root.handlers)
    yield
    logging.root.handlers[:] = handlers
    structlog.reset_defaults()


def typed(folder: Path, *words: str) -> Ended:
    return Shell(folder=folder, transport=Nobody()).type("trigger", "test", *words)


def test_a_file_trigger_shows_what_it_would_fire(folder: Path) -> None:
    ended = typed(folder, "hr#file", "--for", "1s")

    assert ended.code == Exit.OK
    assert "home/hr#file (file), without the service; nothing is stored or run" in ended.out
    assert "would fire  delta import: hr.csv was seen for the first time" in ended.out
    assert ended.out.endswith("  1 firing\n")
    assert {path.name for path in folder.iterdir()} == {"autosync.yaml", "hr.csv", "poll.py"}


def test_a_script_shows_its_firings_and_its_failure(folder: Path) -> None:
    ended = typed(folder, "python", "--for", "20s", "--token", "7", "--json")

    told = json.loads(ended.out)
    fires = [event for event in told["events"] if event["kind"] == "fires"]
    assert ended.code == Exit.FAILED
    assert [(event["slot"], event["profile"], event["exclusive"], event["token"]) for event in fires] == [
        ("full-import", None, True, "8"),
        (None, "EX", False, None),
    ]
    assert fires[0]["text"] == "hr after 7"
    assert (told["firings"], told["failed"]) == (2, True)
    assert told["events"][-1]["text"] == "poll.py:5: RuntimeError: it went away"


REMOTE = """\
#fake Get-RunProfileToExecute => {"outputs": ["DI", {"RunProfileType": "FullImport", "Exclusive": true}]}
function Get-RunProfileToExecute {
    param($maname)
    'DI'
    New-Object Lithnet.Miiserver.AutoSync.ExecutionParameters([Lithnet.Miiserver.AutoSync.MARunProfileType]'FullImport', $true)
}
"""


def test_a_script_on_another_machine_shows_what_it_would_fire(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_PASSWORD", HOST_PASSWORD)
    (folder / "poll.ps1").write_text(REMOTE, encoding="utf-8")
    with script_server() as server:
        host = f"{{server: {server.host}, port: {server.port}, transport: http, sign-in: {SIGNED_IN}}}"
        trigger = f"{{type: powershell, script: poll.ps1, every: 1s, host: {host}}}"
        configuration = CONFIGURATION.replace("{type: file, path: hr.csv}", trigger)
        (folder / "autosync.yaml").write_text(configuration, encoding="utf-8")
        ended = typed(folder, "powershell", "--for", "2s", "--json")

    told = json.loads(ended.out)
    fires = [event for event in told["events"] if event["kind"] == "fires"]
    assert ended.code == Exit.OK, told
    assert [(each["profile"], each["slot"], each["exclusive"]) for each in fires[:2]] == [
        ("DI", None, False),
        (None, "full-import", True),
    ]


def test_a_machine_that_is_not_there_is_told(folder: Path) -> None:
    trigger = "{type: powershell, script: poll.ps1, host: {server: 127.0.0.1, port: 1}}"
    (folder / "poll.ps1").write_text(REMOTE, encoding="utf-8")
    configuration = CONFIGURATION.replace("{type: file, path: hr.csv}", trigger)
    (folder / "autosync.yaml").write_text(configuration, encoding="utf-8")
    ended = typed(folder, "powershell", "--for", "5s")

    assert ended.code == Exit.FAILED
    assert (
        "the session on 127.0.0.1 cannot run it: 127.0.0.1:1 refuses connections: WinRM does not listen there"
        in ended.out
    )


def test_a_schedule_shows_its_next_times(folder: Path) -> None:
    ended = typed(folder, "home/hr#schedule")

    assert ended.code == Exit.OK
    assert ended.out.count("02:00:00 UTC: scheduled-import") == 5


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("nothing",), Exit.NOT_FOUND, "there is no trigger nothing; there are: home/crm#file, home/hr#file"),
        (("file",), Exit.NOT_FOUND, "file may be any of home/crm#file, home/hr#file: say which"),
        (("hr#file", "--for", "soon"), Exit.USAGE, "--for soon: write it as 30s"),
        (("hr#file", "--config", "nowhere.yaml"), Exit.FAILED, "nowhere.yaml"),
    ],
)
def test_what_cannot_be_tried_is_told(words: tuple[str, ...], code: Exit, says: str, folder: Path) -> None:
    ended = typed(folder, *words)

    assert ended.code == code
    assert says in ended.err


def test_a_configuration_with_mistakes_is_told(folder: Path) -> None:
    (folder / "autosync.yaml").write_text(CONFIGURATION.replace("every: 1s", "every: fast"), encoding="utf-8")

    ended = typed(folder, "python")

    assert ended.code == Exit.FAILED
    assert 'autosync.yaml:12:48  agents › home/hr › triggers › 2 › every: "fast" is no duration' in ended.err
