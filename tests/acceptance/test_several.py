"""Several engines under one roof, waking each other; the clock as a trigger; and people's own Python in the rules."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.company import Company, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stories use signals")

ANNEX = """
  annex:
    type: embedded
    store: state/annex.db
    metaverse: {contact: {attributes: {id: {key: true}, name: {}}}}
    agents:
      phones:
        connector: {type: csv, path: phonebook.csv, anchor: id}
        contact: {project: always, import: {id: id, name: name}}
      list:
        connector: {type: csv, path: list.csv, anchor: id}
        contact:
          join: {id: id}
          provision: {dn: "{id}"}
          export: {id: id, name: name}
          deprovision: delete

agents:
  home/phonebook: {wakes: [annex/phones]}
  annex/list: {lock-with: [home/badge]}
  home/directory:
    triggers:
      - {type: interval, every: 2s, run: delta-import}
"""


class Federation(Company):
    def names_in_the_list(self) -> dict[str, str]:
        with (self.folder / "list.csv").open(encoding="utf-8", newline="") as file:
            return {row["id"]: row["name"] for row in csv.DictReader(file)}

    def is_whole(self) -> bool:
        return self.names_in_the_list() == {key: name for key, (name, _, _) in self.phonebook().items()}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    company = Federation(tmp_path_factory.mktemp("several") / "company", people=20)
    (company.folder / "list.csv").write_text("id,name\n", encoding="utf-8")
    company.edit("\nagents:\n", ANNEX)
    company.start()
    wait_until(company.is_answering, company.told)
    wait_until(lambda: company.phonebook() and company.is_whole(), company.whole_story)
    yield company
    company.close()


def test_an_export_of_one_engine_wakes_an_agent_of_another(company: Federation) -> None:
    before, people = len(company.runs()), company.people()
    company.write([*people[:-1], replace(people[-1], last="Lovelace")])
    wait_until(lambda: f"{people[-1].first} Lovelace" in company.names_in_the_list().values(), company.whole_story)

    woken = next(run for run in company.runs()[before:] if run["agent"] == "annex/phones")
    told = company.autosync("why", str(woken["id"])).stdout
    status = company.autosync("status").stdout
    assert woken["causes"][0]["kind"] == "wake"
    assert "home/phonebook" in told
    assert "hr.csv changed" in told, "back to where it came from, across engines"
    assert "home · embedded, engine.db · connected" in status
    assert "annex · embedded, annex.db · connected" in status


def test_what_is_locked_together_never_runs_together(company: Federation) -> None:
    people = company.people()
    for title in ("A", "B", "C"):
        company.write([replace(person, last=f"{title}{person.employee_id}") for person in people])
        wait_until(lambda: company.is_whole() and title in next(iter(company.badges().values()))[0],  # noqa: B023
                   company.whole_story)  # fmt: skip

    both = [run for run in company.runs() if run["agent"] in {"annex/list", "home/badge"} and run["ended"]]
    assert {run["agent"] for run in both} == {"annex/list", "home/badge"}
    for one, next_one in pairwise(sorted(both, key=lambda run: run["started"])):
        assert one["ended"] <= next_one["started"]


def test_the_clock_fires_again_and_again(company: Federation) -> None:
    def clocked() -> list[dict[str, Any]]:
        return [run for run in company.runs() if run["ended"] and run["causes"][0]["kind"] == "schedule"]

    already = len(clocked())
    wait_until(lambda: len(clocked()) >= already + 2, company.whole_story)

    assert {run["agent"] for run in clocked()} == {"home/directory"}
    assert "interval in" in company.autosync("status").stdout
    assert company.stop() == 0


def rules_company(folder: Path, rules: str) -> Company:
    company = Company(folder / "company", people=10)
    (company.folder / "rules.py").write_text(rules, encoding="utf-8")
    company.edit("            title: title\n            department: department\n            phone: phone\n",
                 "            title: {python: rules.title, from: [title, employee_id]}\n"
                 "            department: department\n            phone: phone\n")  # fmt: skip
    return company


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("def title(value, _):\n    return value +\n", id="a syntax error"),
        pytest.param(
            "import re\n\nWORD = re.compile(undefined)\n", id="an error while loading", marks=pytest.mark.slow
        ),
    ],
)
def test_rules_that_cannot_be_loaded_are_told_with_file_and_line_until_they_are_mended(
    tmp_path: Path, broken: str
) -> None:
    company = rules_company(tmp_path, broken)
    company.start()
    try:
        wait_until(company.is_answering, company.told)
        wait_until(lambda: company.facts("engine-lost"), company.whole_story)
        status = company.autosync("status").stdout
        (company.folder / "rules.py").write_text("def title(value, _):\n    return value\n", encoding="utf-8")
        company.wait_quiet()
    finally:
        company.close()

    line = broken.rstrip("\n").count("\n") + 1
    assert "rules.py" in status
    assert f"line {line}" in status
    # Where the mended file was looked at half-written, that is told, too.
    errors = [told for told in company.told().splitlines() if "level=error" in told]
    assert sum(f"line {line}" in told for told in errors) == 1, errors


def test_a_function_that_fails_for_one_object_leaves_the_others_alone(tmp_path: Path) -> None:
    company = rules_company(
        tmp_path, "def title(value, number):\n    return value if number != 'E10003' else value.no_such_thing\n"
    )
    company.start()
    try:
        wait_until(company.is_answering, company.told)
        wait_until(lambda: len(company.phonebook()) == 9 and company.is_idle(), company.whole_story)
        (failed,) = [run for run in company.runs() if run["profile"] == "delta sync" and run["agent"] == "home/hr"]
        shown = company.autosync("run", "show", str(failed["id"])).stdout
        without = company.phonebook()
        (company.folder / "rules.py").write_text("def title(value, _):\n    return value\n", encoding="utf-8")
        reloaded = company.autosync("config", "reload")
        asked = company.autosync("run", "start", "hr", "full-sync", "--wait")
        company.wait_quiet()
    finally:
        company.close()

    assert failed["outcome"]["kind"] == "object-errors"
    assert "E10003" in shown
    assert "rules.title raised AttributeError" in shown
    assert "E10003" not in without
    assert reloaded.returncode == asked.returncode == 0, reloaded.stderr + asked.stderr


@pytest.mark.slow
def test_a_thousand_people_are_everywhere_within_seconds(tmp_path: Path) -> None:
    company = Company(tmp_path / "company", people=1000)
    company.start()
    try:
        wait_until(company.is_answering, company.told)
        company.wait_quiet(limit_s=30)
        (cascade,) = [one for one in company.ask("/cascades")["items"] if one["runs"] > 5]
        assert company.stop() == 0
    finally:
        company.close()

    assert cascade["latency_s"] < 15
    assert not [run for run in company.runs() if run["outcome"]["kind"] != "success"]
