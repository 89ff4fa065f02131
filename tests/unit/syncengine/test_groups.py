"""Multi-valued references: members as differences."""

from pathlib import Path
from typing import Any

from autosync.syncengine.connectors.port import ReferenceBy
from tests.unit.syncengine.memory import MemorySystem
from tests.unit.syncengine.worlds import counted, done, open_engine, run, settle

RULES: dict[str, Any] = {
    "metaverse": {
        "person": {"attributes": {"id": {"key": True}}},
        "group": {"attributes": {"name": {"key": True}, "members": {"reference": "person", "multivalued": True}}},
    },
    "agents": {
        "source": {
            "person": {"project": "always", "import": {"id": "id"}},
            "group": {"project": "always", "import": {"name": "name", "members": {"ref": "member"}}},
        },
        "directory": {
            "person": {"provision": {"dn": "uid={id}"}, "export": {"uid": "id"}, "deprovision": "delete"},
            "group": {
                "provision": {"dn": "cn={name}"},
                "export": {"cn": "name", "member": "members"},
                "deprovision": "delete",
            },
        },
    },
}


def world(tmp_path: Path, *, members: list[str], people: int = 4) -> tuple[Any, MemorySystem, MemorySystem]:
    source, directory = MemorySystem(), MemorySystem(names=True, reference_by=ReferenceBy.DN)
    source.put("staff", object_type="group", name="staff", member=members)
    for number in range(people):
        source.put(f"p{number}", id=f"p{number}")
    engine = open_engine(tmp_path, RULES, {"source": source, "directory": directory})
    settle(engine)
    directory.written.clear()
    return engine, source, directory


def members(directory: MemorySystem) -> list[Any]:
    return sorted(directory.values()["cn=staff"].get("member", ()))


def test_members_that_come_later_than_their_group_arrive(tmp_path: Path) -> None:
    _, _, directory = world(tmp_path, members=["p0", "p1", "nobody"])

    assert members(directory) == ["uid=p0", "uid=p1"]


def test_one_changed_member_is_one_difference(tmp_path: Path) -> None:
    engine, source, directory = world(tmp_path, members=["p0", "p1", "p2"])
    source.put("staff", object_type="group", name="staff", member=["p0", "p1", "p3"])
    assert counted(run(engine, "source", "full import").staging) == {"stage_update": 1, "stage_no_change": 4}
    assert run(engine, "source", "delta sync").outbound["directory"].connector_flow == 1
    run(engine, "directory", "export")

    (change,) = directory.written
    assert (change.added, change.removed) == ({"member": ["uid=p3"]}, {"member": ["uid=p2"]})
    assert change.whole["member"] == ["uid=p0", "uid=p1", "uid=p3"]
    assert change.attributes == {}


def test_a_confirmed_member_is_no_news(tmp_path: Path) -> None:
    engine, source, _ = world(tmp_path, members=["p0"])
    source.put("staff", object_type="group", name="staff", member=["p0", "p1"])
    run(engine, "source", "full import")
    run(engine, "source", "delta sync")
    run(engine, "directory", "export")

    assert counted(run(engine, "directory", "full import").staging) == {"stage_no_change": 5}
    assert engine.pending("directory")["default"].exports.total == 0


def test_somebody_elses_member_is_taken_out_again(tmp_path: Path) -> None:
    engine, _, directory = world(tmp_path, members=["p0"])
    group = next(entry for entry in directory.entries.values() if entry.dn == "cn=staff")
    group.attributes["member"] = ["uid=p0", "uid=p3", "uid=stranger"]
    settle(engine)

    assert members(directory) == ["uid=p0"]


def test_who_leaves_is_no_member_any_more(tmp_path: Path) -> None:
    engine, source, directory = world(tmp_path, members=["p0", "p1"])
    source.remove("p1")
    settle(engine)

    assert members(directory) == ["uid=p0"]


def test_a_member_is_found_again_under_its_new_anchor(tmp_path: Path) -> None:
    """The directory lost the person, and made it anew: the group follows."""
    engine, _, directory = world(tmp_path, members=["p0", "p1"])
    anchor = next(anchor for anchor, entry in directory.entries.items() if entry.dn == "uid=p1")
    directory.remove(anchor)
    group = next(entry for entry in directory.entries.values() if entry.dn == "cn=staff")
    group.attributes["member"] = ["uid=p0"]
    settle(engine)

    assert members(directory) == ["uid=p0", "uid=p1"]


def test_reverting_a_member_before_the_synchronization_stages_nothing(tmp_path: Path) -> None:
    engine, source, _ = world(tmp_path, members=["p0"])
    source.put("staff", object_type="group", name="staff", member=["p0", "p1"])
    run(engine, "source", "full import")
    source.put("staff", object_type="group", name="staff", member=["p0"])
    run(engine, "source", "full import")

    assert engine.pending("source")["default"].imports.total == 0


def test_a_fingerprint_sees_members(tmp_path: Path) -> None:
    engine, source, _ = world(tmp_path, members=["p0"])
    digests = []
    for member in ("p1", "p2"):
        source.put("staff", object_type="group", name="staff", member=["p0", member])
        done(engine.run("source", "full import"))
        digests.append(engine.fingerprint_pending_imports("source")["default"].digest)
        run(engine, "source", "delta sync")
        digests.append(engine.fingerprint_pending_exports("directory")["default"].digest)

    assert len(set(digests)) == 4
