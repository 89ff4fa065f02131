"""The SQL trigger: what it asks, what it takes for a change, and what it says when it cannot ask."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.dialects import mssql, postgresql

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.sql.options import SqlOptions, VersionKind
from autosync.adapters.triggers.sql.questions import look, newest_and_counts
from autosync.adapters.triggers.sql.sights import Sight, Version, lowered, sight_of, token_of
from autosync.adapters.triggers.sql.watching import SQL_KIND, SqlTrigger
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.ports.trigger import Firing
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage

EVERY = timedelta(milliseconds=20)


class People:
    """A SQLite database with people that have a version."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'people.db'}"
        self._engine = create_engine(self.url)
        self._versions = count(1)
        self.run("create table people (id integer primary key, name text, version integer)")

    def run(self, statement: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(text(statement), values)

    def add(self, version: int | None = None) -> None:
        number = next(self._versions) if version is None else version
        self.run("insert into people (name, version) values ('x', :version)", version=number)

    def look(self, options: SqlOptions, before: Sight | None = None) -> Sight:
        with self._engine.connect() as connection:
            return look(connection, options, before)


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


def watching_versions(people: People, **more: object) -> SqlOptions:
    return SqlOptions(url=people.url, table="people", version_column="version", every=EVERY, **more)


def trigger(options: SqlOptions) -> SqlTrigger:
    return SqlTrigger(options, SystemClock(), Secrets({}))


@pytest.mark.parametrize("way", ["version", "query"])
@pytest.mark.parametrize("case", CASES)
def test_a_sql_trigger_keeps_its_promises(case: str, way: str, people: People) -> None:
    query = SqlOptions(url=people.url, query="select max(version), count(*) from people", every=EVERY)
    options = query if way == "query" else watching_versions(people)
    stage = TriggerStage(make=lambda: trigger(options), change=people.add, patience_s=5, quiet_s=0.2)

    asyncio.run(getattr(TriggerContract(stage), case)())


# What is a change


@pytest.mark.parametrize(
    "change",
    [
        lambda people: people.add(7),
        lambda people: people.run("update people set version = 9 where id = 1"),
        lambda people: people.run("delete from people where id = 1"),
    ],
    ids=["insert", "update", "delete"],
)
def test_an_insert_an_update_and_a_delete_are_changes(people: People, change: Callable[[People], None]) -> None:
    options = watching_versions(people)
    people.add()
    people.add()
    before = people.look(options)
    change(people)

    assert people.look(options, before) != before


def test_the_overlap_sees_a_row_that_was_committed_late(people: People) -> None:
    blind, sharp = watching_versions(people), watching_versions(people, overlap=5)
    people.add(1)
    people.add(100)
    before = {options.overlap: people.look(options) for options in (blind, sharp)}
    people.run("update people set version = 98 where version = 1")

    assert people.look(blind, before[0]) == before[0]
    assert people.look(sharp, before[5]) != before[5]


def test_equal_sights_are_equal_however_they_came_about(people: People) -> None:
    options = watching_versions(people, overlap=5)
    for version in (1, 97, 100):
        people.add(version)
    first = people.look(options)

    assert first == Sight(values=(100,), rows=3, recent=2)
    assert people.look(options, first) == first
    people.add(103)
    assert people.look(options, first) == people.look(options) == Sight(values=(103,), rows=4, recent=2)


def test_an_empty_table_is_seen_and_its_first_row_is_a_change(people: People) -> None:
    options = watching_versions(people, overlap=5)
    empty = people.look(options)
    people.add()

    assert empty == Sight(values=(None,))
    assert people.look(options, empty) != empty


def test_a_query_of_several_rows_is_refused(people: People) -> None:
    people.add()
    people.add()

    with pytest.raises(TriggerFailed, match="more than one row"):
        people.look(SqlOptions(url=people.url, query="select id from people"))


# Statements for databases that are not here


def test_rowversion_is_read_below_the_oldest_open_transaction() -> None:
    options = SqlOptions(url="", table="dbo.People", version_column="Version", version=VersionKind.ROWVERSION)
    statement = str(newest_and_counts(options, None).compile(dialect=mssql.dialect()))

    assert "max([Version])" in statement
    assert "FROM dbo.[People]" in statement
    assert "< min_active_rowversion()" in statement


def test_transaction_ids_are_read_below_the_oldest_open_transaction() -> None:
    options = SqlOptions(url="", table="changes", version_column="txid", version=VersionKind.TRANSACTION_ID)
    statement = str(newest_and_counts(options, None).compile(dialect=postgresql.dialect()))

    assert "txid < pg_snapshot_xmin(pg_current_snapshot())" in statement


class Tracking:
    """A connection that answers as SQL Server's change tracking does."""

    dialect = mssql.dialect()

    def __init__(self, current: int | None, oldest: int | None, *, changed: bool = False) -> None:
        self.answers: list[object] = [(current, oldest), (1,) if changed else None]
        self.statements: list[str] = []

    def execute(self, statement: object, _values: object) -> "Tracking":
        self.statements.append(str(statement))
        return self

    def one(self) -> object:
        return self.answers[0]

    def first(self) -> object:
        return self.answers[1]


TRACKED = SqlOptions(url="", table="dbo.Pe]ople", change_tracking=True)


def ask_tracking(connection: Tracking, before: Sight | None) -> Sight:
    as_connection: Connection = connection
    return look(as_connection, TRACKED, before)


def test_change_tracking_fires_only_for_changes_of_the_table() -> None:
    before = Sight(values=(5,))

    assert ask_tracking(Tracking(9, 1), before) == before
    changed = Tracking(9, 1, changed=True)
    assert ask_tracking(changed, before) == Sight(values=(9,))
    assert "changetable(changes [dbo].[Pe]]ople], :since)" in changed.statements[1]


def test_change_tracking_that_forgot_asks_for_a_full_import() -> None:
    with pytest.raises(TokenUnknown, match="no longer knows version 5"):
        ask_tracking(Tracking(90, 50), Sight(values=(5,)))


def test_change_tracking_that_is_off_says_so() -> None:
    with pytest.raises(TriggerFailed, match="change tracking is off"):
        ask_tracking(Tracking(None, None), None)


# Tokens

VALUES: list[Version] = [
    None,
    5,
    2.5,
    "2026-01-31",
    b"\x00\x00\x07\xd1",
    datetime(2026, 1, 31, 12, 0, 0, 5),  # noqa: DTZ001
    datetime(2026, 1, 31, 12, tzinfo=UTC),
    datetime(2026, 1, 31).date(),  # noqa: DTZ001
    Decimal("10.50"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_token_keeps_every_kind_of_version(value: Version) -> None:
    sight = Sight(values=(value,), rows=3, recent=1)

    assert sight_of(token_of(sight)) == sight


@pytest.mark.parametrize("token", ["", "5", "{}", '{"values": [{"bytes": "zz"}], "rows": 0, "recent": 0}', "[1]"])
def test_a_token_of_another_make_asks_for_a_full_import(token: str) -> None:
    with pytest.raises(TokenUnknown):
        sight_of(token)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (10, 7),
        (10.5, 7.5),
        (Decimal(10), Decimal(7)),
        (datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        ("text", "text"),
    ],
)
def test_the_overlap_counts_in_the_columns_unit(value: Version, expected: object) -> None:
    assert lowered(value, 3.0) == expected


# What cannot be asked


async def first_firing(watched: SqlTrigger) -> Firing:
    async with asyncio.timeout(5):
        async for seen in watched.watch(None):
            if isinstance(seen, Firing):
                return seen
    raise AssertionError("ended")


def test_a_missing_column_is_named(people: People) -> None:
    options = SqlOptions(url=people.url, table="people", version_column="changed")

    with pytest.raises(TriggerFailed, match="no such column: changed"):
        asyncio.run(first_firing(trigger(options)))


def test_a_failure_never_shows_the_password(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql+psycopg://hr:hunter2@127.0.0.1:1/hr", encoding="utf-8")
    secret.chmod(0o600)
    parsed = SQL_KIND.parse({"url": {"file": "url"}, "query": "select 1"}, tmp_path)
    assert not parsed.mistakes
    watched = SqlTrigger(parsed.options, SystemClock(), Secrets({}, tmp_path))

    with pytest.raises(TriggerFailed) as failure:
        asyncio.run(first_firing(watched))
    assert "hunter2" not in str(failure.value)
    assert "127.0.0.1" in str(failure.value)


def test_a_secret_that_is_missing_is_named(tmp_path: Path) -> None:
    parsed = SQL_KIND.parse({"url": {"env": "HR_DATABASE"}, "query": "select 1"}, tmp_path)

    with pytest.raises(TriggerFailed, match="HR_DATABASE"):
        asyncio.run(first_firing(SqlTrigger(parsed.options, SystemClock(), Secrets({}))))


# In the configuration


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"url": "sqlite:///x.db"}, "needs one of"),
        ({"url": "sqlite:///x.db", "query": "select 1", "table": "t", "version-column": "v"}, "needs one of"),
        ({"url": "sqlite:///x.db", "query": "select 1", "table": "t"}, "table belongs to"),
        ({"url": "postgresql://u:secret@h/d", "query": "select 1"}, "holds a password"),
        ({"url": "no url", "query": "select 1"}, "no database URL"),
        ({"url": "sqlite:///x.db", "query": "select 1", "listen": "news"}, "only PostgreSQL"),
        (
            {"url": "sqlite:///x.db", "table": "t", "version-column": "v", "version": "rowversion", "overlap": 1},
            "not needed",
        ),
        ({"query": "select 1"}, "url is missing"),
    ],
)
def test_mistakes_are_told(data: dict[str, object], says: str, tmp_path: Path) -> None:
    mistakes = SQL_KIND.parse(data, tmp_path).mistakes

    assert any(says in mistake.message for mistake in mistakes), mistakes
    assert not any("secret@" in mistake.message for mistake in mistakes)
