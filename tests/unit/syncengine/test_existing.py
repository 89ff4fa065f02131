"""Objects that a target has already, and two that claim the same person: found, joined or told, never doubled."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from autosync.syncengine.connectors.port import ChangeKind, ReferenceBy
from autosync.syncengine.engine import SyncEngine
from tests.unit.syncengine.memory import MemorySystem
from tests.unit.syncengine.worlds import counted, open_engine, run, settle

AMBIGUOUS = "ambiguous-import-flow-from-multiple-connectors"
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
        "directory": {
            "person": {
                "provision": {"dn": "uid={id},ou=people"},
                "export": {"number": "id", "cn": "name", "manager": "boss"},
                "deprovision": "delete",
            },
            "group": {"provision": {"dn": "cn={name}"}, "export": {"cn": "name", "member": "members"}},
        },
    },
}
JOINING = deepcopy(RULES)
JOINING["agents"]["directory"]["person"]["join"] = {"number": "id"}
PEOPLE = {"ann": "bob", "bob": None, "cyd": "ann"}
WANTED = {
    f"uid={name},ou=people": {
        "number": name,
        "cn": name.title(),
        **({"manager": f"uid={boss},ou=people"} if boss else {}),
    }
    for name, boss in PEOPLE.items()
}


def sources() -> MemorySystem:
    hr = MemorySystem()
    for name, boss in PEOPLE.items():
        hr.put(name, id=name, name=name.title(), boss=boss)
    hr.put("g", object_type="group", name="all", member=sorted(PEOPLE))
    return hr


def world(tmp_path: Path, rules: dict[str, Any] = RULES) -> tuple[SyncEngine, MemorySystem, MemorySystem]:
    hr, directory = sources(), MemorySystem(names=True, reference_by=ReferenceBy.DN)
    return open_engine(tmp_path, rules, {"hr": hr, "directory": directory}), hr, directory


def source_first(engine: SyncEngine) -> None:
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")


def people_of(directory: MemorySystem) -> dict[str, Any]:
    return {dn: values for dn, values in directory.values().items() if dn != "cn=all"}


@pytest.mark.parametrize("exported_before", [False, True])
@pytest.mark.parametrize("capitals", [False, True])
def test_a_pending_add_becomes_an_update_when_an_import_shows_the_object(
    tmp_path: Path, *, capitals: bool, exported_before: bool
) -> None:
    engine, _, directory = world(tmp_path)
    for name in PEOPLE:
        dn = f"UID={name},OU=People" if capitals else f"uid={name},ou=people"
        directory.put(f"old-{name}", dn, number=name, cn="somebody", manager=None)
    source_first(engine)
    if exported_before:
        directory.refuse = {f"uid={name},ou=people": "cd-existing-object" for name in PEOPLE}
        failed = engine.run("directory", "export")
        assert [error.error_type for error in failed.steps[0].export_errors] == ["cd-existing-object"] * 3
        directory.refuse = {}
    directory.written.clear()
    run(engine, "directory", "full import")
    step = run(engine, "directory", "delta sync")
    settle(engine)

    assert counted(step.outbound["directory"])["connector_flow"] >= 3
    assert {change.kind for change in directory.written if change.dn != "cn=all"} == {ChangeKind.UPDATE}
    assert {dn.lower(): {**values, **({"manager": values["manager"].lower()} if "manager" in values else {})}
            for dn, values in people_of(directory).items()} == WANTED  # fmt: skip
    assert len(directory.values()["cn=all"]["member"]) == 3
    assert engine.pending("directory")["default"].exports.total == 0


def test_the_object_that_a_join_finds_takes_the_place_of_one_that_was_only_to_be_made(tmp_path: Path) -> None:
    engine, _, directory = world(tmp_path, JOINING)
    for name in PEOPLE:
        directory.put(f"old-{name}", f"cn=Old {name}", number=name, cn="somebody")
    source_first(engine)
    assert engine.pending("directory")["default"].exports.adds == 4
    run(engine, "directory", "full import")
    run(engine, "directory", "delta sync")
    assert engine.pending("directory")["default"].exports.adds == 1, "the group alone is still to be made"
    settle(engine)

    assert people_of(directory) == WANTED
    assert sorted(directory.entries) == ["id-1", "old-ann", "old-bob", "old-cyd"], "nobody was made twice"
    assert directory.values()["cn=all"]["member"] == sorted(WANTED)


def test_two_that_fit_one_person_are_told_and_the_first_stays(tmp_path: Path) -> None:
    engine, _hr, directory = world(tmp_path, JOINING)
    source_first(engine)
    directory.put("one", "cn=one", number="ann", cn="first")
    directory.put("two", "cn=two", number="ann", cn="second")
    run(engine, "directory", "full import")
    result = engine.run("directory", "delta sync")
    (error,) = result.steps[0].sync_errors

    assert (error.error_type, error.algorithm_step, error.dn) == (AMBIGUOUS, "join", "cn=two")
    assert "cn=one" in error.message
    assert "cn=two" in error.message
    for _ in range(2):
        engine.run("directory", "export")
        engine.run("directory", "full import")
        again = engine.run("directory", "delta sync")
        assert [each.dn for each in again.steps[0].sync_errors] == ["cn=two"]
    assert directory.values()["uid=ann,ou=people"]["cn"] == "Ann"
    assert directory.values()["cn=two"] == {"number": "ann", "cn": "second"}, "nothing flows to the second"
    directory.remove("two")
    settle(engine)
    assert people_of(directory) == WANTED


def test_a_second_object_of_a_source_does_not_decide_what_the_person_is(tmp_path: Path) -> None:
    engine, hr, _directory = world(tmp_path)
    settle(engine)
    hr.put("ann-2", id="ann", name="Impostor")
    run(engine, "hr", "full import")
    result = engine.run("hr", "delta sync")

    assert [(each.error_type, each.dn) for each in result.steps[0].sync_errors] == [(AMBIGUOUS, "ann-2")]
    assert engine.search("metaverse", "id", "ann")[0].attributes["name"] == "Ann"
    hr.remove("ann")
    run(engine, "hr", "full import")
    engine.run("hr", "delta sync")
    assert engine.search("metaverse", "id", "ann")[0].attributes["name"] == "Impostor", "the only one now"


def test_of_two_that_waited_for_a_person_the_second_is_told_and_follows_when_the_first_goes(tmp_path: Path) -> None:
    engine, _, directory = world(tmp_path, JOINING)
    directory.put("one", "cn=one", number="ann", cn="first")
    directory.put("two", "cn=two", number="ann", cn="second")
    run(engine, "directory", "full import")
    run(engine, "directory", "delta sync")
    run(engine, "hr", "full import")
    result = engine.run("hr", "delta sync")
    (error,) = result.steps[0].sync_errors
    assert (error.error_type, error.dn) == (AMBIGUOUS, "cn=two")
    assert "cn=one" in error.message
    directory.remove("one")
    settle(engine)

    assert people_of(directory) == WANTED
    assert "two" in directory.entries, "taken, and no third one made"


def test_a_preview_names_the_rival(tmp_path: Path) -> None:
    engine, hr, _ = world(tmp_path)
    settle(engine)
    hr.put("ann-2", id="ann", name="Impostor")
    run(engine, "hr", "full import")
    error = engine.preview("hr", "ann-2").error

    assert error is not None
    assert error.error_type == AMBIGUOUS
