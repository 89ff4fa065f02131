"""First steps: an old configuration is taken over, and what is wrong is found before anything runs."""

import json
from pathlib import Path

import pytest

from autosync.cli.exits import Exit
from tests.unit.cli.driving import Nobody, Shell

DATA = Path(__file__).resolve().parents[2] / "data" / "lithnet"
OLD = str(DATA / "config-0.xml")
GOOD = """
service: {{store: "sqlite:///{store}"}}
engines:
  home:
    type: embedded
    metaverse: {{person: {{attributes: {{id: {{key: true}}}}}}}}
    agents:
      hr: {{connector: {{type: csv, path: hr.csv, anchor: id}}, person: {{project: always, import: {{id: id}}}}}}
"""


@pytest.fixture
def typed(tmp_path: Path) -> Shell:
    return Shell(folder=tmp_path, transport=Nobody())


def configured(folder: Path, store: str = "autosync.db") -> str:
    path = folder / "autosync.yaml"
    path.write_text(GOOD.format(store=store), encoding="utf-8")
    return str(path)


def test_an_old_configuration_becomes_a_new_one_and_a_report(typed: Shell, tmp_path: Path) -> None:
    output, report = tmp_path / "new.yaml", tmp_path / "report.md"
    ended = typed.type("import-lithnet", OLD, "--output", str(output), "--report", str(report), "--server", "sync01")

    assert "type: mim" in output.read_text(encoding="utf-8")
    assert "server: sync01" in output.read_text(encoding="utf-8")
    assert report.read_text(encoding="utf-8").startswith("# Report on taking over Lithnet AutoSync")
    assert "Taken over" in ended.out
    assert f"{output} was written" in ended.out


def test_a_file_that_is_there_is_not_overwritten_unasked(typed: Shell, tmp_path: Path) -> None:
    output = tmp_path / "new.yaml"
    output.write_text("mine", encoding="utf-8")

    refused = typed.type("import-lithnet", OLD, "--output", str(output))
    assert (refused.code, output.read_text(encoding="utf-8")) == (Exit.USAGE, "mine")
    assert "--force" in refused.err
    typed.type("import-lithnet", OLD, "--output", str(output), "--force")
    assert output.read_text(encoding="utf-8") != "mine"


def test_the_report_of_an_import_is_json_when_asked_for(typed: Shell, tmp_path: Path) -> None:
    ended = typed.type("import-lithnet", OLD, "--output", str(tmp_path / "new.yaml"), "--json")

    assert {note["fate"] for note in json.loads(ended.out)["notes"]} >= {"Taken over", "Better now"}


@pytest.mark.parametrize(("name", "code"), [("nothing.xml", Exit.NOT_FOUND), ("empty.xml", Exit.FAILED)])
def test_a_file_that_cannot_be_taken_over_writes_nothing(typed: Shell, tmp_path: Path, name: str, code: Exit) -> None:
    (tmp_path / "empty.xml").write_bytes(b"")
    ended = typed.type("import-lithnet", str(tmp_path / name), "--output", str(tmp_path / "new.yaml"))

    assert ended.code == code
    assert not (tmp_path / "new.yaml").exists()


def test_init_asks_which_server(typed: Shell) -> None:
    assert typed.type("init", "mim").code == Exit.USAGE
    assert typed.type("init", "mim", "--server", "sync01", "--local").code == Exit.USAGE


def test_the_doctor_reports_what_was_looked_at_and_the_way_out(typed: Shell, tmp_path: Path) -> None:
    config = configured(tmp_path)
    (tmp_path / "hr.csv").write_text("id\n1\n", encoding="utf-8")
    report = tmp_path / "report.txt"
    ended = typed.type("doctor", "--config", config, "--output", str(report))

    assert ended.code == Exit.OK
    assert ended.out == report.read_text(encoding="utf-8")
    assert "home · embedded, engine.db" in ended.out
    assert "file of hr" in ended.out
    assert ended.out.rstrip().splitlines()[-1].endswith("checks: 5 in order")


def test_the_doctor_fails_where_a_check_failed(typed: Shell, tmp_path: Path) -> None:
    config = configured(tmp_path, store="nowhere/autosync.db")
    ended = typed.type("doctor", "--config", config, "--json")

    failed = [check for check in json.loads(ended.out)["checks"] if check["state"] == "fail"]
    assert ended.code == Exit.FAILED
    assert [check["name"] for check in failed] == ["store"]
    assert failed[0]["way_out"]


def test_the_doctor_looks_at_one_engine(typed: Shell, tmp_path: Path) -> None:
    config = configured(tmp_path)

    assert "store" in typed.type("doctor", "home", "--config", config).out
    assert typed.type("doctor", "nowhere", "--config", config).code == Exit.NOT_FOUND


def test_the_doctor_tells_mistakes_with_their_place(typed: Shell, tmp_path: Path) -> None:
    (tmp_path / "autosync.yaml").write_text("engines: {home: {type: embeded}}\n", encoding="utf-8")
    ended = typed.type("doctor", "--config", str(tmp_path / "autosync.yaml"))

    assert ended.code == Exit.FAILED
    assert "autosync.yaml:1:" in ended.out
