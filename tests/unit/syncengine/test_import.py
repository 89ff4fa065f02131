"""What an import stages, and what it leaves alone."""

from pathlib import Path
from typing import Any

from autosync.syncengine.connectors.port import ReadError
from autosync.syncengine.connectors.registry import make_connector
from tests.unit.syncengine.memory import MemorySystem
from tests.unit.syncengine.worlds import counted, open_engine, run

RULES: dict[str, Any] = {
    "metaverse": {"person": {"attributes": {"id": {"key": True}, "name": {}}}},
    "agents": {"hr": {"person": {"project": "always", "import": {"id": "id", "name": "name"}}}},
}


def limited(**step: object) -> dict[str, Any]:
    agent = {**RULES["agents"]["hr"], "profiles": {"limited": [{"step": "full-import", **step}]}}
    return {**RULES, "agents": {"hr": agent}}


def people(count: int = 3, **settings: Any) -> MemorySystem:
    system = MemorySystem(**settings)
    for number in range(count):
        system.put(f"{number}", id=f"{number}", name=f"N{number}")
    return system


def test_new_objects_are_staged_as_adds(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, RULES, {"hr": people()})

    assert counted(run(engine, "hr", "full import").staging) == {"stage_add": 3}
    assert engine.pending("hr")["default"].imports.adds == 3
    assert engine.pending("hr")["default"].objects == 3


def test_unchanged_objects_are_not_staged(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, RULES, {"hr": people()})
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")

    assert counted(run(engine, "hr", "full import").staging) == {"stage_no_change": 3}
    assert engine.pending("hr")["default"].imports.total == 0


def test_a_change_and_its_reversal_leave_nothing_staged(tmp_path: Path) -> None:
    system = people()
    engine = open_engine(tmp_path, RULES, {"hr": system})
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")
    system.put("1", id="1", name="other")
    assert counted(run(engine, "hr", "full import").staging) == {"stage_no_change": 2, "stage_update": 1}
    system.put("1", id="1", name="N1")
    run(engine, "hr", "full import")

    assert engine.pending("hr")["default"].imports.total == 0


def test_a_rename_and_a_change_of_type_are_told_apart(tmp_path: Path) -> None:
    system = people(2, names=True)
    engine = open_engine(tmp_path, RULES, {"hr": system})
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")
    system.put("0", "cn=new", id="0", name="N0")
    system.put("1", object_type="contact", id="1", name="N1")

    assert counted(run(engine, "hr", "full import").staging) == {"stage_rename": 1, "stage_delete_add": 1}


def test_what_is_not_seen_is_staged_as_deleted(tmp_path: Path) -> None:
    system = people()
    engine = open_engine(tmp_path, RULES, {"hr": system})
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")
    system.remove("1")

    assert counted(run(engine, "hr", "full import").staging) == {"stage_no_change": 2, "stage_delete": 1}
    assert engine.pending("hr")["default"].imports.deletes == 1


def test_an_object_that_comes_back_before_its_deletion_was_synchronized_is_as_it_was(tmp_path: Path) -> None:
    system = people()
    engine = open_engine(tmp_path, RULES, {"hr": system})
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")
    entry = system.entries["1"]
    system.remove("1")
    run(engine, "hr", "full import")
    system.entries["1"] = entry
    run(engine, "hr", "full import")

    assert engine.pending("hr")["default"].imports.total == 0


def test_discovery_errors_keep_the_deletions_back(tmp_path: Path) -> None:
    system = people()
    engine = open_engine(tmp_path, RULES, {"hr": system})
    run(engine, "hr", "full import")
    system.remove("1")
    system.errors = [ReadError(error_type="parse-error", message="line 3 is broken", line=3)]
    result = engine.run("hr", "full import")

    assert result.status == "completed-discovery-errors"
    assert result.steps[0].deletions_skipped
    assert result.steps[0].discovery_errors[0].line == 3
    assert engine.pending("hr")["default"].imports.deletes == 0


def test_a_reading_with_gaps_keeps_the_deletions_back(tmp_path: Path) -> None:
    system = people()
    engine = open_engine(tmp_path, RULES, {"hr": system})
    run(engine, "hr", "full import")
    system.remove("1")
    system.complete = False

    assert engine.run("hr", "full import").status == "completed-discovery-errors"
    assert engine.pending("hr")["default"].objects == 3


def test_an_empty_connected_system_says_so(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, RULES, {"hr": MemorySystem()})

    assert engine.run("hr", "full import").status == "completed-no-objects"


def test_a_delta_import_reads_only_changes(tmp_path: Path) -> None:
    system = people(delta=True)
    engine = open_engine(tmp_path, RULES, {"hr": system})
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")
    system.put("1", id="1", name="other")
    system.remove("2")

    assert counted(run(engine, "hr", "delta import").staging) == {"stage_update": 1, "stage_delete": 1}
    assert counted(run(engine, "hr", "delta import").staging) == {}


def test_the_first_delta_import_of_an_agent_reads_everything(tmp_path: Path) -> None:
    system = people(delta=True)
    engine = open_engine(tmp_path, RULES, {"hr": system})
    first = run(engine, "hr", "delta import")
    assert counted(first.staging) == {"stage_add": 3}
    assert first.message == "nothing had been read before: everything was read"
    system.put("1", id="1", name="other")

    second = run(engine, "hr", "delta import")
    assert counted(second.staging) == {"stage_add": 1}, "still to be synchronized, now with another name"
    assert second.message == ""


def test_after_a_first_reading_that_broke_off_a_delta_import_reads_everything(tmp_path: Path) -> None:
    system = people(delta=True)
    engine = open_engine(tmp_path, RULES, {"hr": system})
    system.complete = False
    assert engine.run("hr", "full import").status == "completed-discovery-errors"
    system.complete = True
    system.remove("2")

    assert counted(run(engine, "hr", "delta import").staging) == {"stage_no_change": 2, "stage_delete": 1}
    system.put("1", id="1", name="other")
    assert sum(counted(run(engine, "hr", "delta import").staging).values()) == 1, "from now on only changes"


def test_new_rules_of_reading_ask_for_a_full_import(tmp_path: Path) -> None:
    system = people(delta=True)
    engine = open_engine(tmp_path, RULES, {"hr": system})
    run(engine, "hr", "full import")
    store: Any = engine._store
    store.connection.execute("UPDATE space SET signature = x'00'")

    assert engine.run("hr", "delta import").status == "no-start-full-import-required"


def test_without_a_delta_the_whole_is_compared(tmp_path: Path) -> None:
    system = people()
    engine = open_engine(tmp_path, RULES, {"hr": system})
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")
    system.remove("2")

    assert counted(run(engine, "hr", "delta import").staging) == {"stage_no_change": 2, "stage_delete": 1}


def test_the_object_limit_stops_the_step(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, limited(**{"object-limit": 2}), {"hr": people(10, batch=2)})
    result = engine.run("hr", "limited")

    assert result.status == "stopped-object-limit"
    assert result.steps[0].staging.stage_add == 2


def test_the_deletion_limit_stops_before_anything_is_staged(tmp_path: Path) -> None:
    system = people(5)
    engine = open_engine(tmp_path, limited(**{"deletion-limit": 1}), {"hr": system})
    run(engine, "hr", "limited")
    system.remove("1")
    system.remove("2")
    result = engine.run("hr", "limited")

    assert result.status == "stopped-deletion-limit"
    assert engine.pending("hr")["default"].imports.deletes == 0


def test_objects_never_exported_do_not_count_as_deleted(tmp_path: Path) -> None:
    rules = limited(**{"deletion-limit": 0})
    rules["agents"]["flat"] = {
        "person": {"provision": {"dn": "{id}"}, "export": {"id": "id"}},
        "profiles": {"limited": [{"step": "full-import", "deletion-limit": 0}]},
    }
    engine = open_engine(tmp_path, rules, {"hr": people(), "flat": MemorySystem()})
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")

    assert engine.run("flat", "limited").status == "completed-no-objects"


def test_a_stop_is_heeded_between_batches(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, RULES, {"hr": people(10, batch=2)})
    asked = iter([False, False, True, True])
    result = engine.run("hr", "full import", should_stop=lambda: next(asked))

    assert result.status == "stopped-user-termination-from-wmi-or-ui"
    assert engine.pending("hr")["default"].imports.adds == 4


def test_unknown_profiles_and_missing_connectors_do_not_start(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, RULES, {})

    assert engine.run("hr", "no such").status == "no-start-unknown-profile-name"
    assert engine.run("hr", "full import").status == "no-start-bad-ma-configuration"


def test_what_the_last_reading_left_is_shown_to_the_next_one(tmp_path: Path) -> None:
    file = tmp_path / "hr.csv"
    system = make_connector({"type": "csv", "path": "hr.csv", "anchor": "id"}, tmp_path)
    engine = open_engine(tmp_path, RULES, {"hr": system})
    file.write_text("id,name\n1,Ann\n2,Bob", encoding="utf-8")
    assert "see whether its last line is whole" in run(engine, "hr", "full import").message
    assert run(engine, "hr", "full import").message == ""
    file.write_text("id,name\n1,Ann\n2,Bob\n", encoding="utf-8")
    run(engine, "hr", "full import")
    file.write_text("id,name\n1,Ann\n2,B", encoding="utf-8")
    for _ in range(2):
        result = engine.run("hr", "full import")

        assert result.status == "completed-discovery-errors"
        assert "may be cut" in result.steps[0].discovery_errors[0].message
        assert engine.search("hr", "anchor", "2")[0].attributes["name"] == "Bob"
