"""A process that dies at any commit loses nothing: run again, and everything ends as if it had never died."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autosync.syncengine.engine import SyncEngine
from autosync.syncengine.errors import StoreInUse
from autosync.syncengine.store import sqlite_writing
from autosync.syncengine.store.rows import WriteBatch
from autosync.syncengine.store.sqlite import SqliteStore
from tests.unit.syncengine.memory import MemorySystem
from tests.unit.syncengine.test_groups import RULES
from tests.unit.syncengine.worlds import open_engine, settle


class Killed(BaseException):
    """Not an Exception: nothing in the engine may catch it."""


def systems() -> dict[str, MemorySystem]:
    source = MemorySystem(batch=2)
    for number in range(5):
        source.put(f"p{number}", id=f"p{number}")
    source.put("staff", object_type="group", name="staff", member=["p0", "p2", "p4"])
    return {"source": source, "directory": MemorySystem(names=True)}


def change(world: dict[str, MemorySystem]) -> None:
    source = world["source"]
    source.remove("p1")
    source.put("p9", id="p9")
    source.put("staff", object_type="group", name="staff", member=["p0", "p9"])


def open_killed(
    folder: Path, world: dict[str, MemorySystem], survives: int, *, after: bool, together: int
) -> SyncEngine:
    """Open an engine that dies at its batch number ``survives``, before it or right after it."""
    engine = open_engine(folder, RULES, world)
    engine.batch_size, engine.together = 2, together
    store: Any = engine._store
    write, left = store.apply, iter(range(survives, -1, -1))

    def apply(batch: WriteBatch) -> None:
        dies = next(left, 0) == 0
        if dies and not after:
            raise Killed
        write(batch)
        if dies:
            raise Killed

    store.apply = apply
    return engine


def outcome(folder: Path, survives: int | None, *, after: bool, together: int) -> tuple[dict[str, Any], bool]:
    """Load, change and settle, dying once; return what the directory has, and whether it died at all."""
    folder.mkdir(parents=True)
    world, died = systems(), False
    for stage in (lambda: None, lambda: change(world)):
        stage()
        if survives is not None:
            engine = open_killed(folder, world, survives, after=after, together=together)
            try:
                settle(engine)
            except Killed:
                died = True
            finally:
                engine.close()
        engine = open_engine(folder, RULES, world)
        settle(engine)
        engine.close()
    values = world["directory"].values()
    return {name: {key: sorted(each) if isinstance(each, list) else each for key, each in of.items()}
            for name, of in values.items()}, died  # fmt: skip


@pytest.mark.parametrize(
    ("after", "together"), [pytest.param(False, 1, marks=pytest.mark.slow), (True, 1), (True, 2), (True, 10)]
)
def test_dying_at_any_batch_changes_nothing_in_the_end(tmp_path: Path, after: bool, together: int) -> None:
    wanted, _ = outcome(tmp_path / "whole", None, after=after, together=together)
    deaths = 0
    for survives in range(40):
        found, died = outcome(tmp_path / f"{survives}", survives, after=after, together=together)
        assert found == wanted, f"died at batch {survives}"
        deaths += died
        if not died:
            break

    assert deaths > 10
    assert len(wanted["cn=staff"]["member"]) == 2


def test_a_dead_run_is_closed_when_the_store_is_opened_again(tmp_path: Path) -> None:
    world = systems()
    engine = open_killed(tmp_path, world, 2, after=True, together=2)
    with pytest.raises(Killed):
        engine.run("source", "full import", run_id="label")
    running = engine.newest_run("source")
    assert running is not None
    assert (running.status, running.ended, running.run_id) == ("in-progress", None, "label")
    engine.close()
    engine = open_engine(tmp_path, RULES, world)
    closed = engine.newest_run("source")

    assert closed is not None
    assert closed.status == "stopped-service-shutdown"
    assert closed.ended is not None
    assert engine.pending("source")["default"].imports.adds == 4, "the two committed batches stay, the third goes"


def test_run_numbers_grow_even_when_the_history_was_cleared(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, RULES, systems())
    numbers = [engine.run("source", profile).run_number for profile in ("full import", "delta sync")]
    assert [run.run_number for run in engine.history("source", after_number=1)] == [2]
    newest = engine.newest_run("source")
    assert newest is not None
    assert newest.ended is not None
    assert engine.clear_history(newest.ended) == 2
    numbers.append(engine.run("source", "full import").run_number)

    assert numbers == [1, 2, 3]
    assert [run.run_number for run in engine.history("source")] == [3]


def test_only_one_engine_runs_on_a_store_and_others_may_look(tmp_path: Path) -> None:
    world = systems()
    engine = open_engine(tmp_path, RULES, world)
    settle(engine)

    with pytest.raises(StoreInUse):
        SqliteStore(tmp_path / "engine.db")
    looking = SqliteStore(tmp_path / "engine.db", for_running=False)
    assert len(looking.scan_metaverse(0, 100)) == 6
    looking.close()


def test_a_store_of_an_older_version_gets_the_indexes_of_this_one(tmp_path: Path) -> None:
    path, younger = tmp_path / "engine.db", tmp_path / "younger.db"
    for each in (path, younger):
        SqliteStore(each).close()
    with closing(sqlite3.connect(path)) as store:
        store.executescript("""
            DROP INDEX cs_dn;
            DROP INDEX ref_value;
            CREATE INDEX ref_value ON ref (agent, value);
            INSERT INTO cs (id, agent, space, type, anchor) VALUES (1, 1, 1, 'person', 'uid=ann'), (2, 1, 1, 'person', 'ann');
            CREATE INDEX cs_dn ON cs (agent, dn) WHERE dn IS NOT NULL;
            CREATE INDEX cs_nameless ON cs (agent, dn) WHERE anchor IS NULL;
            PRAGMA user_version = 2;
        """)
    SqliteStore(path).close()
    shapes = []
    with closing(sqlite3.connect(path)) as store:
        assert store.execute("SELECT dn FROM cs ORDER BY id").fetchall() == [("uid=ann",), (None,)]
    for each in (path, younger):
        with closing(sqlite3.connect(each)) as store:
            shapes.append(set(store.execute("SELECT name, sql FROM sqlite_master")))

    assert shapes[0] == shapes[1]


def staged(engine: SyncEngine) -> int:
    return sum(each.imports.total for each in engine.pending("source").values())


def test_batches_of_a_commit_that_could_not_be_written_all_come_again(tmp_path: Path) -> None:
    """A full disk takes the whole transaction, names of attributes that it brought included."""
    world = systems()
    engine = open_engine(tmp_path, RULES, world)
    store: Any = engine._store
    write, batches = store.apply, iter(range(10))

    def apply(batch: WriteBatch) -> None:
        if next(batches) == 2:
            batch.tally[1, "objects"] = 2**70  # what SQLite cannot take
        store.attribute_number("brought by this run")
        write(batch)

    store.apply = apply
    assert engine.run("source", "full import").status == "stopped-server"
    assert staged(engine) == 0
    engine.close()
    engine = open_engine(tmp_path, RULES, world)
    assert engine.run("source", "full import").status == "success"
    assert staged(engine) == 6
    engine.close()


def test_a_number_that_went_with_its_transaction_is_given_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "engine.db")

    class Gone(Exception):
        pass

    def fails() -> None:
        with store.together(10):
            store.apply(WriteBatch(keys_new=[("name", "value", 1)]))
            store.attribute_number("member")
            store.apply(WriteBatch(keys_new=[("name", "value", 2**70)]))

    with pytest.raises(OverflowError):
        fails()
    other = store.attribute_number("owner")

    assert store.attribute_number("member") != other
    store.close()


def test_batches_are_committed_together_and_the_rest_when_a_run_stops(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, RULES, systems())
    engine.together = 2
    seen: list[int] = []
    looking = open_engine(tmp_path, RULES, {}, for_running=False)

    def should_stop() -> bool:
        seen.append(staged(looking))
        return len(seen) == 4

    assert engine.run("source", "full import", should_stop=should_stop).status.startswith("stopped-user")
    assert seen == [0, 0, 4, 4]
    assert staged(looking) == 6
    looking.close()
    engine.close()


def test_a_transaction_is_not_kept_open_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_writing, "LONGEST", 0.0)
    engine = open_engine(tmp_path, RULES, systems())
    looking = open_engine(tmp_path, RULES, {}, for_running=False)
    seen: list[int] = []
    engine.run("source", "full import", on_progress=lambda *_: seen.append(staged(looking)))

    assert seen[:3] == [2, 4, 6]
    looking.close()
    engine.close()


def test_whoever_looks_does_not_wait_for_a_runs_commit(tmp_path: Path) -> None:
    world = systems()
    engine = open_engine(tmp_path, RULES, world)
    settle(engine)
    store = engine._store
    with store.together(10):
        store.apply(WriteBatch(keys_new=[("name", "value", 1)]))
        looking = open_engine(tmp_path, RULES, {}, for_running=False)  # would fail after 30 seconds
        assert looking.preview("source", "p0").connects == "connector"
        looking.close()
    engine.close()
