"""A preview says what would happen, and nothing happens."""

from pathlib import Path
from typing import Any

import pytest

from autosync.syncengine.connectors.port import ReferenceBy
from autosync.syncengine.errors import UnknownName
from tests.unit.syncengine.memory import MemorySystem
from tests.unit.syncengine.test_groups import RULES as GROUPS
from tests.unit.syncengine.worlds import open_engine, run, settle

RULES: dict[str, Any] = {
    "metaverse": {"person": {"attributes": {"id": {"key": True}, "name": {}, "active": {"type": "boolean"}}}},
    "agents": {
        "hr": {
            "person": {
                "project": "always",
                "import": {"id": "id", "name": "name", "active": {"equals": ["status", "A"]}},
            }
        },
        "other": {"person": {"join": {"id": "id"}, "import": {"name": "name"}}},
        "flat": {
            "person": {
                "provision": {"when": "active", "dn": "{id}"},
                "export": {"id": "id", "name": "name"},
                "deprovision": "delete",
            }
        },
    },
}


def world(tmp_path: Path) -> tuple[Any, MemorySystem]:
    hr, other = MemorySystem(), MemorySystem()
    hr.put("1", id="ann", name="Ann", status="A")
    other.put("x", id="ann", name="Anna")
    engine = open_engine(tmp_path, RULES, {"hr": hr, "other": other, "flat": MemorySystem()})
    run(engine, "hr", "full import")
    return engine, hr


def test_a_new_object_shows_projection_flow_and_provisioning(tmp_path: Path) -> None:
    engine, _ = world(tmp_path)
    before = engine.fingerprint_pending_imports("hr")
    shown = engine.preview("hr", "1")

    assert (shown.connects, shown.metaverse_type, shown.staged) == ("projected", "person", "add")
    assert {each.attribute: each.after for each in shown.imports} == {"id": "ann", "name": "Ann", "active": True}
    assert [(each.agent, each.does, each.dn) for each in shown.targets] == [("flat", "add", "ann")]
    assert shown.targets[0].changes == (("id", None, "ann"), ("name", None, "Ann"))
    assert engine.fingerprint_pending_imports("hr") == before
    assert engine.search("metaverse", "id", "ann") == []


def test_winner_and_losers_of_precedence_are_named(tmp_path: Path) -> None:
    engine, hr = world(tmp_path)
    settle(engine)
    hr.put("1", id="ann", name="Annie", status="A")
    run(engine, "hr", "full import")
    (name,) = [each for each in engine.preview("hr", "1").imports if each.changes]

    assert (name.attribute, name.before, name.after) == ("name", "Ann", "Annie")
    assert name.winner is not None
    assert (name.winner.agent, name.winner.value) == ("hr", "Annie")
    assert [(each.agent, each.value) for each in name.losers] == [("other", "Anna")]


def test_deprovisioning_is_foreseen(tmp_path: Path) -> None:
    engine, hr = world(tmp_path)
    settle(engine)
    hr.put("1", id="ann", name="Ann", status="L")
    run(engine, "hr", "full import")
    assert [(each.agent, each.does) for each in engine.preview("hr", "1").targets] == [("flat", "delete")]
    hr.remove("1")
    engine.run("hr", "full import")
    shown = engine.preview("hr", "1")

    assert shown.connects == "deleted"
    assert [(each.agent, each.does) for each in shown.targets] == [("flat", "delete")]


def test_an_error_is_foreseen_too(tmp_path: Path) -> None:
    rules = {**RULES, "agents": {**RULES["agents"], "flat": {"person": {
        "provision": {"dn": "{name}"}, "export": {"id": "id"}}}}}  # fmt: skip
    hr = MemorySystem()
    hr.put("1", id="ann", status="A")
    engine = open_engine(tmp_path, rules, {"hr": hr})
    run(engine, "hr", "full import")
    shown = engine.preview("hr", "1")

    assert shown.error is not None
    assert shown.error.algorithm_step == "provisioning"


def test_who_is_not_there_cannot_be_previewed(tmp_path: Path) -> None:
    engine, _ = world(tmp_path)

    with pytest.raises(UnknownName, match="agent hr has no object 'nobody'"):
        engine.preview("hr", "nobody")
    with pytest.raises(UnknownName, match="there is no agent"):
        engine.preview("nobody", "1")


def test_objects_are_found_by_attribute(tmp_path: Path) -> None:
    engine, _ = world(tmp_path)
    settle(engine)

    assert engine.search("hr", "anchor", "1")[0].attributes["name"] == "Ann"
    assert engine.search("hr", "name", "ANN")[0].anchor == "1"
    assert engine.search("metaverse", "name", "ann")[0].connectors == (("hr", "1"), ("other", "x"), ("flat", "ann"))
    assert engine.search("metaverse", "id", "nobody") == []


def test_members_that_come_and_go_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    source, directory = MemorySystem(), MemorySystem(names=True, reference_by=ReferenceBy.DN)
    people = [f"p{number:02}" for number in range(30)]
    for name in people:
        source.put(name, id=name)
    engine = open_engine(tmp_path, GROUPS, {"source": source, "directory": directory})
    settle(engine)
    source.put("staff", object_type="group", name="staff", member=people[:20])
    run(engine, "source", "full import")
    new = engine.preview("source", "staff")
    settle(engine)
    source.put("staff", object_type="group", name="staff", member=[*people[2:20], *people[20:]])
    run(engine, "source", "full import")
    before = engine.fingerprint_pending_exports("directory")
    (target,) = engine.preview("source", "staff").targets

    assert new.connects == "projected"
    assert [(each.attribute, each.added, each.removed) for each in new.targets[0].references] == [("member", 20, 0)]
    assert (target.does, target.dn, target.changes) == ("update", "cn=staff", ())
    (members,) = target.references
    assert (members.attribute, members.added, members.removed) == ("member", 10, 2)
    assert members.first_added == tuple(f"uid={name}" for name in people[20:])
    assert members.first_removed == ("uid=p00", "uid=p01")
    assert engine.fingerprint_pending_exports("directory") == before
    run(engine, "source", "delta sync")
    assert engine.preview("source", "staff").targets[0].references == (members,), "what waits already is shown, too"
    settle(engine)
    assert engine.preview("source", "staff").targets[0].references == ()
