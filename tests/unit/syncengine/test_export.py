"""Pending exports, their order, their errors, and their confirmation."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from autosync.syncengine.connectors.port import AttributeType, ChangeKind, ReferenceBy
from tests.unit.syncengine.memory import MemorySystem
from tests.unit.syncengine.worlds import counted, open_engine, run, settle

RULES: dict[str, Any] = {
    "metaverse": {
        "person": {
            "attributes": {
                "id": {"key": True}, "name": {}, "active": {"type": "boolean"}, "age": {"type": "integer"},
                "boss": {"reference": "person"},
            }
        }
    },
    "agents": {
        "hr": {
            "person": {
                "project": "always",
                "import": {
                    "id": "id", "name": "name", "active": {"equals": ["status", "A"]}, "age": "age",
                    "boss": {"ref": "boss"},
                },
            }
        },
        "directory": {
            "person": {
                "provision": {"dn": "cn={id}", "initial": {"password": {"constant": "secret"}}},
                "export": {
                    "cn": "name",
                    "kind": {"constant": "staff"},
                    "mark": {"template": "{id}-{name}"},
                    "state": {"table": "active", "values": {True: "on", False: "off"}},
                    "enabled": "active",
                    "age": {"attribute": "age", "suppress-null": True},
                    "manager": "boss",
                },
                "deprovision": "delete",
            }
        },
    },
}  # fmt: skip


def world(tmp_path: Path, **settings: Any) -> tuple[Any, MemorySystem, MemorySystem]:
    hr = MemorySystem()
    directory = MemorySystem(names=True, reference_by=ReferenceBy.DN, ignore={"password"}, **settings)
    hr.put("ann", id="ann", name="Ann", status="A", age="30", boss="bob")
    hr.put("bob", id="bob", name="Bob", status="L")
    engine = open_engine(tmp_path, RULES, {"hr": hr, "directory": directory})
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")
    return engine, hr, directory


def test_every_kind_of_flow_arrives(tmp_path: Path) -> None:
    types = {"enabled": AttributeType.BOOLEAN, "age": AttributeType.INTEGER}
    engine, _, directory = world(tmp_path, types=types)
    assert engine.pending("directory")["default"].exports.adds == 2
    assert counted(run(engine, "directory", "export").export) == {"export_add": 2}

    assert directory.values()["cn=ann"] == {
        "cn": "Ann", "kind": "staff", "mark": "ann-Ann", "state": "on", "enabled": True, "age": 30, "manager": "cn=bob",
    }  # fmt: skip
    assert directory.values()["cn=bob"]["enabled"] is False


def test_a_reference_to_an_object_of_the_same_export_follows_in_that_export(tmp_path: Path) -> None:
    engine, _, directory = world(tmp_path)
    run(engine, "directory", "export")

    kinds = [(change.kind, change.dn) for change in directory.written]
    assert kinds == [(ChangeKind.ADD, "cn=ann"), (ChangeKind.ADD, "cn=bob"), (ChangeKind.UPDATE, "cn=ann")]
    assert engine.pending("directory")["default"].exports.total == 0


def test_initial_values_go_out_once(tmp_path: Path) -> None:
    engine, hr, directory = world(tmp_path)
    run(engine, "directory", "export")
    assert all(change.attributes["password"] == "secret" for change in directory.written[:2])
    settle(engine)
    hr.put("ann", id="ann", name="Anna", status="A", boss="bob")
    directory.written.clear()
    settle(engine)

    assert [change.attributes for change in directory.written] == [{"cn": "Anna", "mark": "ann-Anna"}]


def test_a_confirmed_export_stages_nothing(tmp_path: Path) -> None:
    engine, _, _ = world(tmp_path)
    run(engine, "directory", "export")

    assert counted(run(engine, "directory", "full import").staging) == {"stage_no_change": 2}


def test_what_the_connected_system_adds_by_itself_is_staged(tmp_path: Path) -> None:
    engine, _, directory = world(tmp_path)
    run(engine, "directory", "export")
    for entry in directory.entries.values():
        entry.attributes["sid"] = "S-1"

    assert counted(run(engine, "directory", "full import").staging) == {"stage_update": 2}


def test_an_export_that_was_not_kept_is_told_and_sent_again(tmp_path: Path) -> None:
    engine, _, directory = world(tmp_path)
    directory.ignore.add("kind")
    run(engine, "directory", "export")
    result = engine.run("directory", "full import")
    assert result.status == "completed-warnings"
    assert {error.error_type for error in result.steps[0].sync_errors} == {"exported-change-not-reimported"}
    assert engine.pending("directory")["default"].exports.updates == 2
    directory.ignore.clear()
    run(engine, "directory", "export")

    assert run(engine, "directory", "full import").error_count == 0
    assert directory.values()["cn=ann"]["kind"] == "staff"


def test_a_refused_object_stays_pending_and_the_others_go_on(tmp_path: Path) -> None:
    engine, _, directory = world(tmp_path, refuse={"cn=bob": "permission-issue"})
    result = engine.run("directory", "export")
    assert result.status == "completed-export-errors"
    assert counted(result.steps[0].export) == {"export_add": 1, "export_failure": 1}
    assert result.steps[0].export_errors[0].error_type == "permission-issue"
    assert engine.pending("directory")["default"].exports.adds == 1
    again = engine.run("directory", "export").steps[0].export_errors[0]
    assert again.retry_count == 1
    directory.refuse.clear()
    settle(engine)

    assert directory.values()["cn=ann"]["manager"] == "cn=bob"


def test_an_export_that_breaks_off_is_pending_again(tmp_path: Path) -> None:
    engine, _, directory = world(tmp_path, fail_close=True)
    result = engine.run("directory", "export")
    assert result.status == "stopped-export-write"
    assert engine.pending("directory")["default"].exports.adds == 2
    directory.fail_close = False
    settle(engine)

    assert directory.values()["cn=ann"]["manager"] == "cn=bob"


def test_drift_in_a_target_is_set_right(tmp_path: Path) -> None:
    engine, _, directory = world(tmp_path)
    settle(engine)
    entry = next(entry for entry in directory.entries.values() if entry.dn == "cn=ann")
    entry.attributes["cn"] = "meddled"
    settle(engine)

    assert directory.values()["cn=ann"]["cn"] == "Ann"


def test_a_null_is_suppressed_where_asked(tmp_path: Path) -> None:
    engine, hr, directory = world(tmp_path)
    settle(engine)
    hr.put("ann", id="ann", status="A", boss="bob")
    settle(engine)

    values = directory.values()["cn=ann"]
    assert values["age"] == "30"
    assert "cn" not in values


def test_a_reference_to_somebody_who_goes_is_taken_away(tmp_path: Path) -> None:
    engine, hr, directory = world(tmp_path)
    settle(engine)
    hr.remove("bob")
    settle(engine)

    assert "manager" not in directory.values()["cn=ann"]


def test_fingerprints_name_exactly_the_pending_set(tmp_path: Path) -> None:
    engine, hr, _ = world(tmp_path)
    first = engine.fingerprint_pending_exports("directory")["default"]
    assert engine.fingerprint_pending_exports("directory")["default"] == first
    hr.put("ann", id="ann", name="Other", status="A", age="30", boss="bob")
    run(engine, "hr", "full import")
    staged = engine.fingerprint_pending_imports("hr")["default"]
    run(engine, "hr", "delta sync")
    second = engine.fingerprint_pending_exports("directory")["default"]

    assert first.counts == second.counts
    assert first.digest != second.digest
    assert staged.counts.updates == 1
    assert engine.fingerprint_pending_imports("hr")["default"].digest == ""


def test_a_sample_names_objects_and_attributes_but_no_values(tmp_path: Path) -> None:
    engine, _, _ = world(tmp_path)
    sample = engine.sample_pending("directory", 1)

    assert [(each.kind, each.dn) for each in sample] == [("add", "cn=ann")]
    assert "cn" in sample[0].attributes
    assert "Ann" not in str(sample)


def test_an_add_whose_answer_was_lost_is_mended_by_an_import_although_the_person_changed_since(tmp_path: Path) -> None:
    engine, _, directory = world(tmp_path)
    directory.put("cn=ann", dn="cn=ann", cn="An", kind="staff")
    settled = settle(engine)

    assert settled < 30
    assert directory.values()["cn=ann"]["cn"] == "Ann"
    assert engine.pending("directory")["default"].exports.total == 0
    assert [change.kind for change in directory.written if change.dn == "cn=ann"][-1] is ChangeKind.UPDATE


def test_somebody_who_comes_back_is_disabled_no_longer(tmp_path: Path) -> None:
    rules = deepcopy(RULES)
    rules["agents"]["directory"]["person"] |= {
        "provision": {"dn": "cn={id}", "when": "active"},
        "deprovision": {"then": {"disable": {"kind": "former"}}},
    }
    hr, directory = MemorySystem(), MemorySystem(names=True, reference_by=ReferenceBy.DN)
    engine = open_engine(tmp_path, rules, {"hr": hr, "directory": directory})
    seen = []
    for status in ("A", "L", "A", None, "A"):
        if status is None:
            hr.remove("ann")
        else:
            hr.put("ann", id="ann", name="Ann", status=status)
        settle(engine)
        seen.append(directory.values()["cn=ann"]["kind"])

    assert seen == ["staff", "former", "staff", "former", "staff"]
