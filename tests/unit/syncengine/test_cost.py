"""What a run may cost: counted statements and written rows, not seconds. Each trap that was measured has its test."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from autosync.syncengine.engine import SyncEngine
from autosync.syncengine.spec.parse import parse_spec
from autosync.syncengine.store import statements as sql
from autosync.syncengine.store.sqlite import SqliteStore
from tests.unit.syncengine.memory import MemorySystem
from tests.unit.syncengine.worlds import Clock, open_engine, run, settle

RULES: dict[str, Any] = {
    "metaverse": {
        "person": {"attributes": {"id": {"key": True}, "name": {}, "boss": {"reference": "person"}}},
        "group": {"attributes": {"name": {"key": True}, "members": {"reference": "person", "multivalued": True}}},
    },
    "agents": {
        "hr": {
            "person": {"project": "always", "import": {"id": "id", "name": "name", "boss": {"ref": "boss"}}},
            "group": {"project": "always", "import": {"name": "name", "members": {"ref": "member"}}},
        },
        **{
            name: {
                "person": {"provision": {"dn": "{id}"}, "export": {"id": "id", "name": "name", "boss": "boss"}},
                "group": {"provision": {"dn": "{name}"}, "export": {"name": "name", "member": "members"}},
            }
            for name in ("flat", "other")
        },
    },
}


class Counting:
    """An engine whose statements are counted."""

    def __init__(self, folder: Path, people: int) -> None:
        self.hr = MemorySystem(delta=True)
        for number in range(people):
            self.hr.put(f"p{number}", id=f"p{number}", name=f"N{number}", boss=f"p{(number * 7) % people}")
        for number in range(people // 100):
            many = [f"p{(number * 31 + each) % people}" for each in range(20)]
            self.hr.put(f"g{number}", object_type="group", name=f"g{number}", member=sorted(set(many)))
        self.store = SqliteStore(folder / "engine.db")
        systems = {"hr": self.hr, "flat": MemorySystem(), "other": MemorySystem()}
        self.engine = SyncEngine(parse_spec(RULES), self.store, systems, Clock())
        self.statements: list[str] = []
        self.store.connection.set_trace_callback(self.statements.append)

    def cost(self, agent: str, profile: str) -> tuple[int, int]:
        """Run; return statements (an executemany counts as one) and rows written, the run's own record aside."""
        self.statements.clear()
        before = self.store.connection.total_changes
        run(self.engine, agent, profile)
        return batched(self.statements), self.store.connection.total_changes - before - RUN_RECORD


RUN_RECORD = 4
"""Rows of the run history that every run writes: its number, twice its beginning, and its end."""


def batched(statements: list[str]) -> int:
    """Count runs of the same statement as one: sqlite3 traces each execution of an executemany."""
    shapes = [re.sub(r"'(?:[^']|'')*'|\bx'[0-9a-f]*'|-?\b\d+(\.\d+)?\b|NULL", "?", text) for text in statements]
    return sum(one != other for one, other in zip(shapes, ["", *shapes], strict=False))


def test_an_unchanged_full_import_writes_no_row(tmp_path: Path) -> None:
    world = Counting(tmp_path, 1000)
    settle(world.engine)

    assert world.cost("hr", "full import")[1] == 0
    assert world.cost("flat", "full import")[1] == 0


def test_an_unchanged_full_sync_writes_no_row(tmp_path: Path) -> None:
    world = Counting(tmp_path, 1000)
    settle(world.engine)
    assert world.cost("flat", "full sync")[1] == 0
    world.store.connection.execute("UPDATE mv SET stamp = 0")
    assert world.cost("flat", "full sync")[1] <= 1000 + 10 * 4, "a stamp each; groups are made due and done"

    assert world.cost("flat", "full sync")[1] == 0


@pytest.mark.parametrize("people", [1000, pytest.param(5000, marks=pytest.mark.slow)])
def test_statements_are_few_in_every_profile(tmp_path: Path, people: int) -> None:
    world = Counting(tmp_path, people)
    runs = [
        ("hr", "full import"), ("hr", "full import"), ("hr", "delta sync"), ("flat", "export"), ("other", "export"),
        ("flat", "full import"), ("flat", "delta sync"), ("hr", "full sync"),
    ]  # fmt: skip
    costs = {
        f"{number} {agent} {profile}": world.cost(agent, profile)[0] for number, (agent, profile) in enumerate(runs)
    }

    assert {name: cost for name, cost in costs.items() if cost > people / 500 + 200} == {}


def test_a_delta_costs_what_changed_however_big_the_space(tmp_path: Path) -> None:
    costs = []
    for people in (300, 3000):
        folder = tmp_path / str(people)
        folder.mkdir()
        world = Counting(folder, people)
        settle(world.engine)
        world.hr.put("p5", id="p5", name="changed", boss="p1")
        costs.append([world.cost("hr", "delta import"), world.cost("hr", "delta sync"), world.cost("flat", "export")])

    assert costs[0] == costs[1]


READS = {name: text for name, text in vars(sql).items() if isinstance(text, str) and text.lstrip().startswith("SELECT")}


@pytest.mark.parametrize("name", sorted(READS))
def test_no_reading_walks_through_a_table(tmp_path: Path, name: str) -> None:
    """Except where walking is the point, and then along an index in the order that it wants."""
    store = SqliteStore(tmp_path / "engine.db")
    parameters = [0] * max([0, *(int(each) for each in re.findall(r"\?(\d)", READS[name]))], default=0)
    parameters = parameters or [0] * READS[name].count("?")
    if "json_each" in READS[name]:
        position = int(re.findall(r"json_each\(\?(\d)\)", READS[name])[0]) - 1
        parameters[position] = "[]"  # type: ignore[call-overload]
    plan = [row[3] for row in store.connection.execute("EXPLAIN QUERY PLAN " + READS[name], parameters)]
    store.close()

    walked = [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
    small = {"TALLIES", "TALLY_OF", "OPEN_RUNS", "ERRORS_OF_AGENT"}
    assert not walked or name in small, plan
    sorted_small = {"BY_MV", "NAMES_OF_MV", "DEPENDENTS", "STAGED_REFS_ALL", "PENDING_REFS_ALL", "SELECT_SPACE"}
    assert not any("TEMP B-TREE" in step for step in plan) or name in sorted_small, plan
    if "json_each" in READS[name]:
        assert "VIRTUAL TABLE" in plan[0], "the list must be the outer loop"


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("KNOWN", "cs_anchor"), ("STAGED", "cs_staged"), ("PENDING", "cs_pending"), ("BY_MV", "cs_mv"),
        ("SCAN", "cs_space"), ("DEPENDENTS", "ref_value"), ("REFS_STAGED", "ref_staged"), ("REFS_AMONG_BY_DN", "ref_value"),
        ("EXPORT_REFS_ABOUT", "export_ref_key"), ("LINKS_BY_ANCHOR", "cs_anchor"), ("LINKS_BY_DN", "cs_dn"),
    ],
)  # fmt: skip
def test_hot_readings_use_their_index(tmp_path: Path, name: str, index: str) -> None:
    store = SqliteStore(tmp_path / "engine.db")
    count = max(int(each) for each in re.findall(r"\?(\d)", READS[name]))
    parameters: list[object] = ["[]" if f"json_each(?{each + 1})" in READS[name] else 0 for each in range(count)]
    plan = " ".join(row[3] for row in store.connection.execute("EXPLAIN QUERY PLAN " + READS[name], parameters))
    store.close()

    assert f"INDEX {index} " in plan


@pytest.mark.parametrize("name", ["BY_DN", "NAMELESS", "LINKS_BY_DN", "DESIRED_BY_DN"])
def test_a_name_is_looked_up_in_capitals_and_small_letters_by_the_whole_index(tmp_path: Path, name: str) -> None:
    store = SqliteStore(tmp_path / "engine.db")
    count = max(int(each) for each in re.findall(r"\?(\d)", READS[name]))
    parameters: list[object] = ["[]" if f"json_each(?{each + 1})" in READS[name] else 0 for each in range(count)]
    plan = " ".join(row[3] for row in store.connection.execute("EXPLAIN QUERY PLAN " + READS[name], parameters))
    store.close()

    assert "INDEX cs_dn (agent=? AND dn=?)" in plan


@pytest.mark.parametrize(
    ("name", "places"),
    [("DEPENDENTS", "agent=? AND value=?"), ("REFS_AMONG_BY_DN", "agent=? AND value=? AND cs=? AND attribute=?")],
)
def test_who_names_whom_is_looked_up_in_capitals_and_small_letters_by_the_whole_index(
    tmp_path: Path, name: str, places: str
) -> None:
    store = SqliteStore(tmp_path / "engine.db")
    parameters: list[object] = ["[]"] if "?2" not in READS[name] else [0, "[]"]
    plan = " ".join(row[3] for row in store.connection.execute("EXPLAIN QUERY PLAN " + READS[name], parameters))
    store.close()

    assert f"INDEX ref_value ({places})" in plan


MOODY: dict[str, Any] = {
    "metaverse": {
        "person": {"attributes": {"id": {"key": True}, "rank": {}, "here": {}, "boss": {"reference": "person"}}}
    },
    "agents": {
        "hr": {
            "person": {
                "project": "always",
                "import": {
                    "id": "id",
                    "here": {"python": "rules.here", "from": ["id"]},
                    "boss": {"ref": "boss"},
                },
            },
        },
        "flat": {
            "person": {
                "provision": {"dn": "{id}", "when": "here"},
                "export": {"id": "id", "boss": "boss"},
                "deprovision": "delete",
            }
        },
        "moody": {"person": {"provision": {"dn": "{id}"}, "export": {"rank": {"python": "rules.rank", "from": ["id"]}}}},
    },
}  # fmt: skip
FUNCTIONS = """
import json, pathlib
def mood():
    return json.loads((pathlib.Path(__file__).parent / "mood.json").read_text())
def here(name):
    return "yes" if name in mood()["here"] else None
def rank(name):
    return mood()["rank"]
"""


def moody_world(folder: Path) -> tuple[SyncEngine, dict[str, MemorySystem]]:
    (folder / "rules.py").write_text(FUNCTIONS, encoding="utf-8")
    be_in_a_mood(folder, here=["a"], rank="low")
    systems = {"hr": MemorySystem(), "flat": MemorySystem(), "moody": MemorySystem()}
    systems["hr"].put("a", id="a", boss="b")
    systems["hr"].put("b", id="b")
    engine = open_engine(folder, MOODY, systems)
    settle(engine)
    return engine, systems


def be_in_a_mood(folder: Path, **mood: object) -> None:
    (folder / "mood.json").write_text(json.dumps(mood), encoding="utf-8")


def test_a_full_sync_asks_python_functions_again_although_nothing_has_come(tmp_path: Path) -> None:
    engine, systems = moody_world(tmp_path)
    assert systems["flat"].values() == {"a": {"id": "a"}}
    be_in_a_mood(tmp_path, here=["a", "b"], rank="high")
    run(engine, "hr", "full sync")
    settle(engine)

    assert systems["flat"].values() == {"a": {"id": "a", "boss": "b"}, "b": {"id": "b"}}, "whoever refers looks again"
    assert systems["moody"].values() == {"a": {"rank": "high"}, "b": {"rank": "high"}}


def test_a_full_sync_whose_functions_say_the_same_writes_no_row_and_asks_no_other_rule(tmp_path: Path) -> None:
    engine, _ = moody_world(tmp_path)
    run(engine, "hr", "full sync")
    before = engine._store.connection.total_changes  # type: ignore[attr-defined]
    step = run(engine, "hr", "full sync")

    assert engine._store.connection.total_changes - before == RUN_RECORD  # type: ignore[attr-defined]
    assert step.inbound.connector_no_flow == 2
    assert "flat" not in step.outbound, "its rules have no function, so they come to the same"
    assert step.outbound["moody"].connector_no_flow == 2
