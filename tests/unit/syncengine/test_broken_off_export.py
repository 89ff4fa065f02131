"""An export that broke off: nobody knows what it made, and what is decided meanwhile must not rest on a guess."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autosync.syncengine.connectors.port import Change, ChangeKind, ChangeOutcome
from autosync.syncengine.engine import SyncEngine
from tests.unit.syncengine.memory import MemorySystem, MemoryWriter
from tests.unit.syncengine.worlds import open_engine, run, settle

RULES: dict[str, Any] = {
    "metaverse": {"person": {"attributes": {"id": {"key": True}, "title": {}}}},
    "agents": {
        "hr": {"person": {"project": "always", "import": {"id": "id", "title": "title"}}},
        "directory": {
            "person": {
                "join": {"id": "id"},
                "provision": {"dn": "cn={id}", "initial": {"secret": {"constant": "s"}}},
                "export": {"id": "id", "title": "title"},
                "deprovision": "delete",
            }
        },
    },
}


class Killed(BaseException):
    """Not an Exception: nothing in the engine may catch it."""


class Dying(MemoryWriter):
    """Writes as many changes as are to be made, and takes the process with it before it can tell."""

    def write(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        super().write(changes[: self.system.survives])  # type: ignore[attr-defined]
        raise Killed


class Directory(MemorySystem):
    """Ends the process during an export: ``survives`` changes are made before."""

    survives = -1

    def open_export(self, partition: str) -> MemoryWriter:
        return MemoryWriter(self) if self.survives < 0 else Dying(self)


class World:
    """Ann and Bob are to be made in a directory when the process dies."""

    def __init__(self, folder: Path, *, made: int) -> None:
        self.folder = folder
        self.hr = MemorySystem(delta=True)
        self.directory = Directory(names=True, ignore={"secret"}, delta=True)
        self.directory.put("old", "cn=old", id="old")
        for name in ("ann", "bob"):
            self.hr.put(name, id=name, title="new")
        self.engine = self.opened()
        run(self.engine, "directory", "full import")
        self.directory.survives = made
        self.flow()
        with pytest.raises(Killed):
            self.engine.run("directory", "export")
        self.engine.close()
        self.directory.survives = -1
        self.engine = self.opened()

    def opened(self) -> SyncEngine:
        return open_engine(self.folder, RULES, {"hr": self.hr, "directory": self.directory})

    def flow(self) -> None:
        """Bring what HR says up to the pending exports."""
        run(self.engine, "hr", "full import")
        run(self.engine, "hr", "delta sync")

    def names(self) -> set[str]:
        return set(self.directory.values()) - {"cn=old"}

    def deletions(self) -> list[str]:
        return [change.dn for change in self.directory.written if change.kind is ChangeKind.DELETE]


@pytest.mark.parametrize("made", [0, 1, 2])
@pytest.mark.parametrize("confirms_first", [True, False])
def test_who_leaves_before_anybody_knows_is_nowhere_in_the_end(tmp_path: Path, made: int, confirms_first: bool) -> None:
    world = World(tmp_path, made=made)
    if confirms_first:
        run(world.engine, "directory", "delta import")
    world.hr.remove("ann")
    world.flow()
    run(world.engine, "directory", "export")
    run(world.engine, "directory", "delta import")
    run(world.engine, "directory", "export")
    run(world.engine, "directory", "delta import")

    assert world.names() == {"cn=bob"}
    assert not world.engine.pending("directory")["default"].exports.total
    assert world.engine.preview("directory", "cn=bob").connects == "connector"


def test_what_nobody_has_seen_is_not_deleted(tmp_path: Path) -> None:
    world = World(tmp_path, made=1)
    world.hr.remove("ann")
    world.flow()
    step = run(world.engine, "directory", "export")

    assert world.deletions() == []
    assert "wait for an import" in step.message
    assert world.engine.pending("directory")["default"].exports.deletes == 1


def test_what_was_not_made_is_forgotten_once_an_import_has_not_shown_it(tmp_path: Path) -> None:
    world = World(tmp_path, made=0)
    world.hr.remove("ann")
    world.flow()
    run(world.engine, "directory", "delta import")

    assert not world.engine.pending("directory")["default"].exports.deletes
    run(world.engine, "directory", "export")
    assert (world.names(), world.deletions()) == ({"cn=bob"}, [])


@pytest.mark.parametrize("made", [0, 2])
def test_who_comes_back_meanwhile_is_there_once_with_everything(tmp_path: Path, made: int) -> None:
    world = World(tmp_path, made=made)
    world.hr.remove("ann")
    world.flow()
    world.hr.put("ann", id="ann", title="boss")
    world.flow()
    settle(world.engine)

    assert world.directory.values()["cn=ann"] == {"id": "ann", "title": "boss"}
    assert world.names() == {"cn=ann", "cn=bob"}
    adds = [change for change in world.directory.written if change.kind is ChangeKind.ADD and change.dn == "cn=ann"]
    assert all(change.attributes["secret"] == "s" for change in adds)


def test_an_add_that_is_repeated_keeps_what_is_for_new_objects_only(tmp_path: Path) -> None:
    world = World(tmp_path, made=0)
    run(world.engine, "directory", "delta import")
    run(world.engine, "directory", "export")

    last = world.directory.written[-2:]
    assert [(change.dn, change.attributes["secret"]) for change in last] == [("cn=ann", "s"), ("cn=bob", "s")]


def test_the_next_delta_import_reads_everything_and_the_one_after_it_changes_only(tmp_path: Path) -> None:
    world = World(tmp_path, made=2)

    first, second = (run(world.engine, "directory", "delta import") for _ in range(2))

    assert first.message == "an export had broken off: everything was read to see what it did"
    assert (second.message, second.staging.stage_no_change) == ("", 0)


def test_only_what_was_on_its_way_is_in_doubt(tmp_path: Path) -> None:
    """Cay is to be made by the export that broke off, and was not yet sent: she is forgotten when she goes."""
    world = World(tmp_path, made=0)
    run(world.engine, "directory", "delta import")
    world.hr.put("cay", id="cay", title="new")
    world.flow()
    world.engine.batch_size = 2
    world.directory.survives = 0
    with pytest.raises(Killed):
        world.engine.run("directory", "export")
    world.engine.close()
    world.directory.survives = -1
    world.engine = world.opened()
    for name in ("ann", "cay"):
        world.hr.remove(name)
    world.flow()

    assert world.engine.pending("directory")["default"].exports.deletes == 1


def test_a_refusal_leaves_no_doubt(tmp_path: Path) -> None:
    hr, directory = MemorySystem(), MemorySystem(names=True, refuse={"cn=ann": "permission-issue"})
    for name in ("ann", "bob"):
        hr.put(name, id=name)
    engine = open_engine(tmp_path, RULES, {"hr": hr, "directory": directory})
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")
    engine.run("directory", "export")
    hr.remove("ann")
    run(engine, "hr", "full import")
    run(engine, "hr", "delta sync")

    assert not engine.pending("directory")["default"].exports.total
    assert set(directory.values()) == {"cn=bob"}
    engine.close()


def test_an_object_in_doubt_gives_way_to_one_that_is_there(tmp_path: Path) -> None:
    """An import with gaps shows what somebody made by hand, and leaves open what the export made."""
    world = World(tmp_path, made=0)
    world.directory.put("own", "cn=ann by hand", id="ann", title="new")
    world.directory.complete = False
    world.engine.run("directory", "delta import")
    run(world.engine, "directory", "delta sync")
    assert world.engine.pending("directory")["default"].exports.deletes == 1
    run(world.engine, "directory", "export")
    world.directory.complete = True
    settle(world.engine)

    assert [anchor for anchor, entry in world.directory.entries.items() if entry.dn == "cn=ann"] == ["own"]
    assert world.deletions() == []


def test_a_name_that_changes_before_the_object_was_made_is_the_name_that_it_gets(tmp_path: Path) -> None:
    world = World(tmp_path, made=0)
    run(world.engine, "directory", "delta import")
    world.hr.put("ann", id="anna", title="new")
    world.flow()
    run(world.engine, "directory", "export")

    assert world.directory.values()["cn=anna"] == {"id": "anna", "title": "new"}
    assert world.names() == {"cn=anna", "cn=bob"}


def test_a_name_that_another_has_by_then_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path, made=0)
    world.directory.put("own", "cn=anna", id="somebody else")
    run(world.engine, "directory", "delta import")
    world.hr.put("ann", id="anna", title="new")
    run(world.engine, "hr", "full import")
    result = world.engine.run("hr", "delta sync")
    run(world.engine, "directory", "export")

    assert [error.error_type for error in result.steps[0].sync_errors] == ["object-already-exists"]
    assert world.directory.values()["cn=anna"] == {"id": "somebody else"}


@pytest.mark.parametrize("made", [0, 2])
def test_what_changes_while_nobody_knows_is_decided_once_somebody_does(tmp_path: Path, made: int) -> None:
    """In doubt, neither name nor content of what was sent changes: it is how the object is known again."""
    world = World(tmp_path, made=made)
    world.hr.put("ann", id="anna", title="boss")
    world.flow()
    run(world.engine, "directory", "delta import")
    run(world.engine, "directory", "delta sync")
    run(world.engine, "directory", "export")
    run(world.engine, "directory", "delta import")

    assert world.directory.values()["cn=anna"] == {"id": "anna", "title": "boss"}
    assert world.names() == {"cn=anna", "cn=bob"}
