"""Distinguished names in capitals and in small letters are the same wherever somebody refers to them."""

from pathlib import Path
from typing import Any

import pytest

from autosync.syncengine.connectors.port import AttributeType, ReferenceBy
from autosync.syncengine.engine import SyncEngine
from tests.unit.syncengine.memory import MemorySystem
from tests.unit.syncengine.worlds import counted, open_engine, run, settle

PEOPLE = {"id": {"key": True}, "boss": {"reference": "person"}}
RULES: dict[str, Any] = {
    "metaverse": {
        "person": {"attributes": PEOPLE},
        "group": {"attributes": {"name": {"key": True}, "members": {"reference": "person", "multivalued": True}}},
    },
    "agents": {
        "corp": {
            "person": {"project": "always", "import": {"id": "uid", "boss": {"ref": "manager"}}},
            "group": {"project": "always", "import": {"name": "cn", "members": {"ref": "member"}}},
        },
        "copy": {
            "person": {"provision": {"dn": "uid={id},o=copy"}, "export": {"uid": "id", "manager": "boss"}},
            "group": {"provision": {"dn": "cn={name},o=copy"}, "export": {"cn": "name", "member": "members"}},
        },
    },
}


def directory(**settings: Any) -> MemorySystem:
    return MemorySystem(names=True, reference_by=ReferenceBy.DN, types={"manager": AttributeType.REFERENCE}, **settings)


@pytest.fixture(params=["anchors of its own", "names as anchors"])
def corp(request: pytest.FixtureRequest) -> MemorySystem:
    system = directory()
    for number, uid in enumerate(["ann", "ben", "cid"]):
        dn = f"uid={uid},o=corp"
        anchor = dn if request.param == "names as anchors" else f"a{number}"
        system.put(anchor, dn, uid=uid, manager="UID=Ann,O=Corp" if uid == "ben" else None)
    system.put("g", "cn=staff,o=corp", "group", cn="staff", member=["UID=ANN,O=CORP", "uid=Ben,o=corp"])
    return system


def world(folder: Path, corp: MemorySystem) -> tuple[SyncEngine, MemorySystem]:
    copy = directory()
    engine = open_engine(folder, RULES, {"corp": corp, "copy": copy})
    settle(engine)
    copy.written.clear()
    return engine, copy


def entry(system: MemorySystem, dn: str) -> Any:
    return next(each for each in system.entries.values() if each.dn == dn)


def test_references_in_other_letters_find_their_object(tmp_path: Path, corp: MemorySystem) -> None:
    _, copy = world(tmp_path, corp)

    assert copy.values()["uid=ben,o=copy"]["manager"] == "uid=ann,o=copy"
    assert sorted(copy.values()["cn=staff,o=copy"]["member"]) == ["uid=ann,o=copy", "uid=ben,o=copy"]  # type: ignore[arg-type]


def test_whom_somebody_refers_to_in_other_letters_may_come_later(tmp_path: Path, corp: MemorySystem) -> None:
    late = {anchor: each for anchor, each in corp.entries.items() if each.dn == "uid=ann,o=corp"}
    for anchor in late:
        del corp.entries[anchor]
    engine, copy = world(tmp_path, corp)
    assert "manager" not in copy.values()["uid=ben,o=copy"]
    corp.entries.update(late)
    settle(engine)

    assert copy.values()["uid=ben,o=copy"]["manager"] == "uid=ann,o=copy"
    assert sorted(copy.values()["cn=staff,o=copy"]["member"]) == ["uid=ann,o=copy", "uid=ben,o=copy"]  # type: ignore[arg-type]


def test_a_member_written_in_other_letters_is_no_change(tmp_path: Path, corp: MemorySystem) -> None:
    engine, copy = world(tmp_path, corp)
    entry(corp, "cn=staff,o=corp").attributes["member"] = ["uid=ann,o=corp", "UID=BEN,O=CORP"]
    settle(engine)

    assert copy.written == []


def test_a_target_that_shows_references_in_other_letters_is_left_alone(tmp_path: Path, corp: MemorySystem) -> None:
    engine, copy = world(tmp_path, corp)
    entry(copy, "cn=staff,o=copy").attributes["member"] = ["UID=Ann,O=copy", "UID=Ben,O=copy"]
    entry(copy, "uid=ben,o=copy").attributes["manager"] = "UID=Ann,O=copy"
    settle(engine)
    run(engine, "corp", "full sync")
    run(engine, "copy", "full sync")

    assert engine.pending("copy")["default"].exports.total == 0
    assert copy.written == []


def test_a_member_that_goes_is_taken_away_as_the_target_writes_it(tmp_path: Path, corp: MemorySystem) -> None:
    engine, copy = world(tmp_path, corp)
    entry(copy, "cn=staff,o=copy").attributes["member"] = ["UID=Ann,O=copy", "UID=Ben,O=copy"]
    settle(engine)
    entry(corp, "cn=staff,o=corp").attributes["member"] = ["uid=ann,o=corp", "uid=cid,o=corp"]
    settle(engine)

    assert [(change.added, change.removed) for change in copy.written] == [
        ({"member": ["uid=cid,o=copy"]}, {"member": ["UID=Ben,O=copy"]})
    ]


def test_references_that_a_target_writes_in_its_own_letters_are_confirmed(tmp_path: Path, corp: MemorySystem) -> None:
    engine, copy = world(tmp_path, corp)
    entry(corp, "uid=cid,o=corp").attributes["manager"] = "uid=ben,o=corp"
    entry(corp, "cn=staff,o=corp").attributes["member"] = ["uid=ann,o=corp", "uid=ben,o=corp", "uid=cid,o=corp"]
    run(engine, "corp", "full import")
    run(engine, "corp", "delta sync")
    run(engine, "copy", "export")
    entry(copy, "uid=cid,o=copy").attributes["manager"] = "UID=Ben,O=copy"
    entry(copy, "cn=staff,o=copy").attributes["member"] = ["UID=Ann,O=copy", "UID=Ben,O=copy", "UID=Cid,O=copy"]
    result = engine.run("copy", "full import")

    assert result.status == "success", result
    run(engine, "copy", "delta sync")
    assert engine.pending("copy")["default"].exports.total == 0


def test_other_names_are_different_in_capitals_and_in_small_letters(tmp_path: Path) -> None:
    corp = MemorySystem()
    corp.put("a1", uid="small", manager="A1")
    corp.put("A1", uid="capital", manager="a1")
    corp.put("b", uid="b", manager="B")
    corp.put("g", object_type="group", cn="staff", member=["A1", "B"])
    _, copy = world(tmp_path, corp)

    assert copy.values()["uid=small,o=copy"]["manager"] == "uid=capital,o=copy"
    assert copy.values()["uid=capital,o=copy"]["manager"] == "uid=small,o=copy"
    assert "manager" not in copy.values()["uid=b,o=copy"]
    assert copy.values()["cn=staff,o=copy"]["member"] == ["uid=capital,o=copy"]


def test_an_unchanged_import_stages_nothing(tmp_path: Path, corp: MemorySystem) -> None:
    engine, _ = world(tmp_path, corp)

    assert counted(run(engine, "corp", "full import").staging) == {"stage_no_change": 4}
