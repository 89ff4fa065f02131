"""SQL databases: reading, watermarks, writing, failures; no secret in any message."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from autosync.syncengine.connectors.port import Change, ChangeKind, ConnectorError, EntryError
from autosync.syncengine.connectors.registry import make_connector, parse_connector
from autosync.syncengine.connectors.sql.failures import DatabaseFailures
from tests.unit.connectors.systems import Reading


class Database:
    def __init__(self, folder: Path, *statements: str) -> None:
        self.folder = folder
        self.run(*statements)

    def run(self, *statements: str) -> list[tuple]:
        connection = sqlite3.connect(self.folder / "x.db")
        with connection:
            rows = [connection.execute(statement).fetchall() for statement in statements]
        connection.close()
        return rows[-1] if rows else []

    def connector(self, **settings):
        given = {"type": "sql", "url": "sqlite:///x.db", "table": "people", "anchor": "id", **settings}
        return make_connector({key: value for key, value in given.items() if value is not None}, self.folder)

    def full(self, partition: str = "default", **settings) -> Reading:
        return Reading(self.connector(**settings).open_full(partition))


@pytest.fixture
def people(tmp_path: Path) -> Database:
    return Database(
        tmp_path,
        "create table people (id integer primary key, name text not null, mail text unique, boss integer references people,"
        " born date, pay numeric(8, 2), kind text, site text, version integer default 0, gone text)",
        "insert into people (id, name, mail, born, pay, kind, site, version) values"
        " (1, 'Ada', 'a@x', '1815-12-10', 10.5, 'staff', 'north', 1), (2, 'Bob', '', null, null, 'guest', 'south', 2)",
    )


def add(anchor: str | None, **attributes) -> Change:
    return Change(kind=ChangeKind.ADD, object_type="person", anchor=anchor, dn=anchor or "", attributes=attributes)


def update(anchor: str, **attributes) -> Change:
    return Change(kind=ChangeKind.UPDATE, object_type="person", anchor=anchor, dn=anchor, attributes=attributes)


def delete(anchor: str) -> Change:
    return Change(kind=ChangeKind.DELETE, object_type="person", anchor=anchor, dn=anchor)


def write(connector, *changes: Change, partition: str = "default"):
    writer = connector.open_export(partition)
    outcomes = writer.write(changes)
    writer.close()
    return outcomes


def test_column_types_become_attribute_types_and_empty_is_missing(people) -> None:
    reading = people.full(types={"boss": "reference"})

    assert reading.objects["1"] == {
        "id": 1, "name": "Ada", "mail": "a@x", "born": "1815-12-10", "pay": "10.50", "kind": "staff", "site": "north",
        "version": 1,
    }  # fmt: skip
    assert reading.objects["2"] == {"id": 2, "name": "Bob", "kind": "guest", "site": "south", "version": 2}
    assert reading.complete


def test_partitions_by_a_column(people) -> None:
    settings = {"partition-column": "site"}

    assert people.connector(**settings).describe().partitions == ("north", "south")
    assert set(people.full("north", **settings).objects) == {"1"}
    write(people.connector(**settings), add("7", name="new"), partition="south")
    assert set(people.full("south", **settings).objects) == {"2", "7"}


def test_a_query_is_read_and_not_written(people) -> None:
    settings = {"table": None, "query": "select id, upper(name) as name from people;", "types": {"id": "integer"}}

    assert people.full(**settings).objects["1"] == {"id": 1, "name": "ADA"}
    assert not people.connector(**settings).describe().writable
    with pytest.raises(ConnectorError, match="give table"):
        people.connector(**settings).open_export("default")


def test_the_object_type_from_a_column(people) -> None:
    people.run("insert into people (id, name) values (3, 'x')")
    reader = people.connector(**{"object-type": {"column": "kind"}}).open_full("default")

    with reader:
        (batch,) = list(reader)
        kinds = [batch.entry(0).object_type, batch.entry(1).object_type]
        with pytest.raises(EntryError) as caught:
            batch.entry(2)

    assert kinds == ["staff", "guest"]
    assert (caught.value.error.error_type, caught.value.error.anchor) == ("missing-object-class", "3")


def test_rows_without_anchor_and_with_the_same_make_the_reading_incomplete(people) -> None:
    people.run("create table loose (id text, name text)", "insert into loose values ('1','a'), (null,'b'), ('1','c')")

    reading = people.full(table="loose")

    assert sorted(error.error_type for error in reading.errors) == ["duplicate-object", "missing-anchor-component"]
    assert reading.objects == {"1": {"id": "1", "name": "a"}}
    assert not reading.complete


def test_a_bad_value_is_the_rows_error(people) -> None:
    reader = people.connector(types={"name": "integer"}).open_full("default")

    with reader, pytest.raises(EntryError) as caught:
        next(iter(reader)).entry(0)

    assert caught.value.error.error_type == "invalid-numeric-value"
    assert "'1'" in caught.value.error.message


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"table": "nothing"}, "no-start-database-table"),
        ({"anchor": "idd"}, "no-start-database-schema-mismatch"),
        ({"types": {"nam": "integer"}}, "no-start-database-schema-mismatch"),
        ({"multi-valued": {"m": {"table": "people", "key": "id", "value": "x"}}}, "no-start-database-schema-mismatch"),
        ({"table": None, "query": "select absent from people"}, "no-start-database-schema-mismatch"),
        ({"url": "sqlite:///missing.db"}, "no-start-connection"),
        ({"url": "nodriver://u:p@h/d"}, "no-start-bad-ma-configuration"),
        ({"change-column": "versio"}, "no-start-database-schema-mismatch"),
    ],
)
def test_what_does_not_fit_does_not_start(people, settings, status) -> None:
    with pytest.raises(ConnectorError) as caught:
        people.full(**settings)

    assert caught.value.status == status


def test_no_secret_is_shown() -> None:
    url = "postgresql://joe:p%40ss%2Fword@db/x"
    _, settings = parse_connector({"type": "sql", "url": url, "table": "t", "anchor": "id"})
    failures = DatabaseFailures(make_url(url), ("id",))
    driver = OperationalError("select", {"x": "value"}, Exception("cannot log in with p@ss/word or p%40ss%2Fword"))

    shown = f"{settings!r} {failures.name} {failures.say(driver)} {failures.run_error(driver, started=False)}"

    assert "p@ss" not in shown
    assert "p%40ss" not in shown
    assert "cannot log in with *** or ***" in shown


def test_a_change_column_tells_each_change_once(people) -> None:
    source = people.connector(**{"change-column": "version", "deleted": {"column": "gone"}})
    token = Reading(source.open_full("default")).token
    ties = Reading(source.open_delta("default", token))
    people.run(
        "update people set name = 'Ada L', version = 3 where id = 1",
        "insert into people (id, name, version) values (5, 'Eve', 3)",
        "update people set gone = 'yes', version = 4 where id = 2",
    )

    delta = Reading(source.open_delta("default", ties.token))
    quiet = Reading(source.open_delta("default", delta.token))

    assert set(ties.objects) == {"2"}  # a tie with the watermark may be a change that was not seen
    assert {anchor: each["name"] for anchor, each in delta.objects.items()} == {"1": "Ada L", "5": "Eve"}
    assert delta.deleted == ["2"]
    assert (quiet.objects, quiet.deleted, quiet.complete) == ({}, [], True)


def test_a_row_committed_late_is_found_in_the_overlap(people) -> None:
    source = people.connector(**{"change-column": {"column": "version", "overlap": 5}})
    people.run("insert into people (id, name, version) values (8, 'x', 20)")
    token = Reading(source.open_delta("default", Reading(source.open_full("default")).token)).token
    people.run("insert into people (id, name, version) values (9, 'late', 17), (10, 'too late', 3)")

    assert set(Reading(source.open_delta("default", token)).objects) == {"9"}


def test_a_time_as_change_column(people) -> None:
    people.run(
        "create table t (id text primary key, at timestamp)",
        "insert into t values ('a', '2026-01-01 10:00:00.000000'), ('b', '2026-01-01 11:00:00.000000')",
    )
    source = people.connector(table="t", **{"change-column": {"column": "at", "overlap": 60}})
    token = Reading(source.open_full("default")).token
    people.run("insert into t values ('c', '2026-01-01 10:59:30.000000'), ('d', '2026-01-01 10:58:00.000000')")

    assert set(Reading(source.open_delta("default", token)).objects) == {"b", "c"}


def test_a_database_that_went_back_in_time_needs_a_full_import(people) -> None:
    source = people.connector(**{"change-column": "version", "deleted": {"column": "gone"}})
    token = Reading(source.open_full("default")).token
    people.run("delete from people where version = 2")

    with pytest.raises(ConnectorError) as caught:
        Reading(source.open_delta("default", token))

    assert caught.value.status == "no-start-full-import-required"


def test_a_token_of_another_partition_or_column_is_not_known(people) -> None:
    one = people.connector(**{"change-column": "version", "partition-column": "site"})
    other = people.connector(**{"change-column": "id", "partition-column": "site"})
    token = Reading(one.open_full("north")).token

    for source, partition in ((one, "south"), (other, "north")):
        with pytest.raises(ConnectorError) as caught:
            source.open_delta(partition, token)
        assert caught.value.status == "no-start-full-import-required"


def test_each_object_has_its_own_outcome(people) -> None:
    outcomes = write(
        people.connector(),
        add("10", name="ok", mail="ok@x"),
        add("11", name="twice", mail="a@x"),
        add("12", mail="noname@x"),
        add("x", name="no number"),
        update("1", born="not a day"),
        update("99", name="nobody"),
        update("1", name="Ada L"),
        delete("2"),
        *(add(str(number), name="many") for number in range(100, 130)),
    )

    assert [outcome.error_type for outcome in outcomes[:8]] == [
        None, "constraint-violation", "constraint-violation", "invalid-attribute-value", "invalid-attribute-value",
        "cd-missing-object", None, None,
    ]  # fmt: skip
    assert {outcome.error_type for outcome in outcomes[8:]} == {None}
    rows = dict(people.run("select id, name from people where id < 100"))
    assert rows == {1: "Ada L", 10: "ok"}


def test_a_reference_to_a_row_that_comes_later_in_the_batch(people) -> None:
    people.run("create table strict (id integer primary key, boss integer references strict(id))")
    connector = people.connector(table="strict")

    outcomes = write(connector, add("1", boss="2"), add("2"))

    assert [outcome.error_type for outcome in outcomes] == [None, None]


def test_the_database_gives_the_anchor(people) -> None:
    outcomes = write(people.connector(), add(None, name="Eve"), add(None, name="Sue"))

    assert [outcome.anchor for outcome in outcomes] == ["3", "4"]
    assert set(people.full().objects) == {"1", "2", "3", "4"}


def test_a_rename_changes_the_key_and_the_childrens(people) -> None:
    people.run("create table tags (person integer, tag text)", "insert into tags values (1, 'a'), (1, 'b'), (2, 'c')")
    connector = people.connector(**{"multi-valued": {"tag": {"table": "tags", "key": "person", "value": "tag"}}})
    rename = Change(kind=ChangeKind.RENAME, object_type="person", anchor="1", dn="9", old_dn="1")

    outcomes = [*write(connector, rename), *write(connector, rename)]

    assert [outcome.anchor for outcome in outcomes] == ["9", "9"]
    assert sorted(people.run("select * from tags")) == [(2, "c"), (9, "a"), (9, "b")]
    assert set(people.full().objects) == {"2", "9"}


def test_one_member_more_costs_one_row(people) -> None:
    people.run("create table tags (person integer, tag text)", "insert into tags values (1, 'a'), (1, 'b')")
    connector = people.connector(**{"multi-valued": {"tag": {"table": "tags", "key": "person", "value": "tag"}}})
    change = update("1")
    change.added, change.removed = {"tag": ["c"]}, {"tag": ["a"]}
    before = dict(people.run("select tag, rowid from tags"))

    write(connector, change)

    after = dict(people.run("select tag, rowid from tags"))
    assert set(after) == {"b", "c"}
    assert after["b"] == before["b"]


def test_a_row_marked_as_deleted_comes_back_by_an_add(people) -> None:
    people.run("update people set gone = 'x' where id = 1")
    connector = people.connector(deleted={"column": "gone"})
    assert set(Reading(connector.open_full("default")).objects) == {"2"}

    outcomes = write(connector, add("1", name="Ada again"))

    assert outcomes[0].error_type is None
    assert Reading(connector.open_full("default")).objects["1"]["name"] == "Ada again"


def test_no_statement_is_executed_once_per_object(people) -> None:
    statements = []
    changes = [add(str(number), name="x", mail=f"{number}@x") for number in range(10, 2010)]
    connector = people.connector()
    writer = connector.open_export("default")

    def note(*args) -> None:
        statements.append(args[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        writer.write(changes)
        writer.write([update(change.anchor or "", name="y") for change in changes])
        writer.write([delete(change.anchor or "") for change in changes])
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert 0 < len(statements) < 30


def test_a_locked_database_ends_the_run_as_a_deadlock(people) -> None:
    writer = people.connector(url="sqlite:///x.db?timeout=0.01").open_export("default")
    other = sqlite3.connect(people.folder / "x.db", isolation_level=None)
    other.execute("begin exclusive")
    try:
        with pytest.raises(ConnectorError) as caught:
            writer.write([add("5", name="x")])
    finally:
        other.close()

    assert caught.value.status == "stopped-deadlocked"
