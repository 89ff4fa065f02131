import json
from pathlib import Path

import pytest

from autosync.cli.exits import Exit
from tests.unit.cli.driving import Nobody, Shell

CONFIGURATION = """\
engines:
  home:
    type: embedded
    metaverse:
      person:
        attributes: {employeeID: {key: true}, title: {}}
    agents:
      hr:
        connector: {type: csv, path: hr.csv, anchor: employee_id}
        person:
          project: always
          import: {employeeID: employee_id, title: title}
      book:
        connector: {type: csv, path: book.csv, anchor: employee_id}
        person:
          join: {employee_id: employeeID}
          provision: {dn: "uid={employeeID}"}
          export: {employee_id: employeeID, title: title}
agents:
  home/hr:
    triggers: [{type: file, path: hr.csv}]
"""


@pytest.fixture
def typed(tmp_path: Path) -> Shell:
    (tmp_path / "autosync.yaml").write_text(CONFIGURATION, encoding="utf-8")
    return Shell(folder=tmp_path, transport=Nobody())


def test_a_rehearsal_tells_runs_latency_holds_and_waits(typed: Shell) -> None:
    ended = typed.type("simulate", "--days", "0.2", "--json")

    assert ended.code == Exit.OK, ended.err
    told = json.loads(ended.out)
    assert told["quiet"] is True
    assert told["changes"] > 10
    assert told["latency"]["count"] > 0
    assert 0 < told["latency"]["p50_s"] <= told["latency"]["p95_s"] <= told["latency"]["longest_s"]
    assert {one["agent"] for one in told["agents"]} == {"home/hr", "home/book"}
    assert sum(one["runs"] for one in told["agents"]) == told["runs"]


def test_the_same_seed_gives_the_same_days_and_another_other_ones(typed: Shell) -> None:
    def days(seed: str) -> str:
        return typed.type("simulate", "--days", "0.1", "--seed", seed, "--json").out

    assert days("7") == days("7") != days("8")


def test_without_changes_nothing_runs_but_what_the_start_looks_for(typed: Shell) -> None:
    told = json.loads(typed.type("simulate", "--days", "0.1", "--changes-per-hour", "0", "--json").out)

    assert (told["changes"], told["latency"]["count"], told["latency"]["p95_s"]) == (0, 0, None)


def test_an_exclusion_makes_changes_wait(typed: Shell) -> None:
    def longest(configuration: str) -> float:
        (typed.folder / "autosync.yaml").write_text(configuration, encoding="utf-8")
        latency = json.loads(typed.type("simulate", "--days", "0.3", "--json").out)["latency"]
        return float(latency["longest_s"])

    freeze = CONFIGURATION + "exclusions:\n  - {name: noon, weekly: 'Mon 09:00-11:00', agents: all}\n"

    assert longest(CONFIGURATION) < 1800 < longest(freeze)


def test_people_are_told_in_sentences(typed: Shell) -> None:
    out = typed.type("simulate", "--days", "0.1").out

    assert out.startswith("0.1 days, seed 0: ")
    assert "latency   p50 " in out
    assert "AGENT      RUNS" in out
