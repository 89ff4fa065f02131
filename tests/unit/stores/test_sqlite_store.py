"""What only a store in a file can get wrong: locks, damage, a full disk, slow plans."""

import asyncio
import os
import re
import sqlite3
import sys
from pathlib import Path

import pytest

from autosync.adapters.stores.sqlite import SqliteStore
from autosync.adapters.stores.sqlite.reading import LIVE_HOLDS, facts_sql, runs_sql
from autosync.model.errors import StoreDamaged, StoreUnavailable
from autosync.model.ids import AgentId, CascadeId, RunId
from autosync.ports.store import Commit, FactFilter, RunFilter
from autosync.testing.contracts.store import HR, NOON, a_fact, a_request


def test_a_second_autosync_is_kept_off_the_same_store(tmp_path: Path) -> None:
    async def scenario() -> None:
        first, second = SqliteStore(tmp_path / "a.db"), SqliteStore(tmp_path / "a.db")
        await first.open()
        with pytest.raises(StoreUnavailable, match="in use by another AutoSync"):
            await second.open()
        await first.close()
        await second.close()
        third = SqliteStore(tmp_path / "a.db")
        await third.open()
        await third.close()

    asyncio.run(scenario())


def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"this is no database at all, but long enough to be taken for one" * 100)

    async def scenario() -> None:
        store = SqliteStore(tmp_path / "a.db")
        with pytest.raises(StoreDamaged, match=r"a\.db is damaged .* restore the newest backup"):
            await store.open()
        await store.close()

    asyncio.run(scenario())


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()

    async def scenario() -> None:
        store = SqliteStore(tmp_path / "a.db")
        with pytest.raises(StoreDamaged, match="another program"):
            await store.open()
        await store.close()

    asyncio.run(scenario())


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "a.db")
        await store.open()
        await store.close()
        with sqlite3.connect(tmp_path / "a.db") as newer:
            newer.execute("PRAGMA user_version = 99")
        newer.close()
        late = SqliteStore(tmp_path / "a.db")
        with pytest.raises(StoreDamaged, match="newer AutoSync"):
            await late.open()
        await late.close()

    asyncio.run(scenario())


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "a.db")
        await store.open()
        await store.commit(Commit(at=NOON, rows=(a_request(1),)))
        assert store._writer is not None
        pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
        store._writer.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(StoreUnavailable, match="disk is full"):
            await store.commit(Commit(at=NOON, facts=tuple(a_fact("x" * 1000) for _ in range(200))))

        store._writer.execute("PRAGMA max_page_count = 100000")
        await store.commit(Commit(at=NOON, facts=(a_fact("room again"),)))
        assert [request.id for request in (await store.load()).requests] == [1]
        assert [stored.fact.text for stored in await store.facts(FactFilter(after=0))] == ["room again"]
        await store.close()

    asyncio.run(scenario())


def test_a_locked_file_is_said_and_the_commit_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autosync.adapters.stores.sqlite.connection._BUSY_TIMEOUT_S", 0.05)

    async def scenario() -> None:
        store = SqliteStore(tmp_path / "a.db")
        await store.open()
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        commit = Commit(at=NOON, rows=(a_request(1),))
        with pytest.raises(StoreUnavailable, match="another program has locked it"):
            await store.commit(commit)
        other.execute("ROLLBACK")
        other.close()

        await store.commit(commit)

        assert len((await store.load()).requests) == 1
        await store.close()

    asyncio.run(scenario())


def test_a_commit_survives_the_death_of_the_connection(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "a.db")
        await store.open()
        assert store._writer is not None
        assert store._writer.execute("PRAGMA synchronous").fetchone()[0] == 2, "FULL: safe against a power cut"
        assert store._writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        await store.close()

    asyncio.run(scenario())


HOT_QUERIES = {
    "facts after a number": facts_sql(FactFilter(after=10)),
    "facts of a run": facts_sql(FactFilter(run=RunId(1))),
    "facts of an agent": facts_sql(FactFilter(agent=AgentId(HR), after=5)),
    "facts of a cascade": facts_sql(FactFilter(cascade=CascadeId(1))),
    "newest runs": runs_sql(RunFilter()),
    "runs of an agent": runs_sql(RunFilter(agent=HR)),
    "runs of a cascade": runs_sql(RunFilter(cascade=CascadeId(1))),
    "waiting requests": ("SELECT body FROM request WHERE state = 'waiting' ORDER BY id", []),
    "live holds": (LIVE_HOLDS, []),
    "loud cascades": ("SELECT body FROM cascade WHERE quiet IS NULL ORDER BY id", []),
    "due messages": ("SELECT body FROM message WHERE due <= ? ORDER BY due, number LIMIT ?", ["x", 1]),
}


@pytest.mark.parametrize("name", HOT_QUERIES)
def test_hot_queries_never_scan_a_table_or_sort(name: str, tmp_path: Path) -> None:
    sql, values = HOT_QUERIES[name]

    async def plan() -> list[str]:
        store = SqliteStore(tmp_path / "a.db")
        await store.open()
        assert store._writer is not None
        rows = store._writer.execute("EXPLAIN QUERY PLAN " + sql, values).fetchall()
        await store.close()
        return [row[3] for row in rows]

    steps = asyncio.run(plan())
    bounded_scan = name in {"newest runs", "waiting requests"}
    assert not any(re.search(r"USE TEMP B-TREE", step) for step in steps) or name == "runs of a cascade", steps
    assert bounded_scan or not any(step.startswith("SCAN") and "INDEX" not in step for step in steps), steps


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "a.db")
        await store.open()
        await store.commit(Commit(at=NOON, rows=(a_request(1),)))
        assert [name for name in os.listdir(tmp_path) if os.stat(tmp_path / name).st_mode & 0o077] == []  # noqa: PTH116, PTH208
        await store.close()

    asyncio.run(scenario())
