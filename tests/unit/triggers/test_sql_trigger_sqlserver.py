"""The SQL trigger through the real driver to a server that speaks SQL Server's protocol: rowversion and change tracking."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.sql.options import SqlOptions, VersionKind
from autosync.adapters.triggers.sql.questions import look
from autosync.adapters.triggers.sql.sights import Sight, sight_of, token_of
from autosync.adapters.triggers.sql.watching import SqlTrigger
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.ports.secrets import SecretKind, SecretReference
from autosync.ports.trigger import Firing
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage
from tests.unit.triggers.sql_server import Database, SqlServer

BY_VERSION = SqlOptions(
    url=SecretReference(kind=SecretKind.ENV, name="HR"),
    table="dbo.People",
    version_column="Version",
    version=VersionKind.ROWVERSION,
    every=timedelta(milliseconds=20),
)
BY_TRACKING = SqlOptions(url=BY_VERSION.url, table="dbo.People", change_tracking=True, every=timedelta(milliseconds=20))
WAYS = pytest.mark.parametrize("options", [BY_VERSION, BY_TRACKING], ids=["rowversion", "change-tracking"])


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def server(database: Database) -> Iterator[SqlServer]:
    with closing(SqlServer(database)) as listening:
        yield listening


def trigger(options: SqlOptions, url: str) -> SqlTrigger:
    return SqlTrigger(options, SystemClock(), Secrets({"HR": url}))


def seen(server: SqlServer, options: SqlOptions, before: Sight | None = None) -> Sight:
    engine = create_engine(server.url())
    try:
        with engine.connect() as connection:
            return look(connection, options, before)
    finally:
        engine.dispose()


def failure(options: SqlOptions, url: str) -> str:
    """Return what the trigger says when it cannot watch."""

    async def main() -> None:
        async with asyncio.timeout(40):
            async for _ in trigger(options, url).watch(None):
                pass

    with pytest.raises(TriggerFailed) as caught:
        asyncio.run(main())
    return str(caught.value)


@WAYS
@pytest.mark.parametrize("case", CASES)
def test_a_sql_trigger_keeps_its_promises_on_sql_server(
    case: str, options: SqlOptions, server: SqlServer, database: Database
) -> None:
    stage = TriggerStage(make=lambda: trigger(options, server.url()), change=database.add, patience_s=10, quiet_s=0.4)

    asyncio.run(getattr(TriggerContract(stage), case)())


@WAYS
@pytest.mark.parametrize("change", [Database.add, Database.remove], ids=["insert", "delete"])
def test_what_changes_is_seen_and_what_was_seen_is_not(
    options: SqlOptions, change: Callable[[Database], None], server: SqlServer, database: Database
) -> None:
    database.add()
    database.add()
    before = seen(server, options)
    quiet = seen(server, options, before)
    change(database)

    assert quiet == before
    assert seen(server, options, before) != before


@WAYS
def test_a_sight_goes_through_the_token_and_back_to_the_server(
    options: SqlOptions, server: SqlServer, database: Database
) -> None:
    database.add()
    before = sight_of(token_of(seen(server, options)))

    assert seen(server, options, before) == before
    database.add()
    assert seen(server, options, before) != before


def test_a_row_that_is_committed_late_is_seen(server: SqlServer, database: Database) -> None:
    """It has a lower rowversion than a row that everybody sees: nothing is read beyond the oldest open transaction."""
    taken = database.begin()
    database.add()
    during = seen(server, BY_VERSION)
    database.commit(taken)
    after = seen(server, BY_VERSION, during)

    assert during.rows == 0
    assert after.rows == 2
    assert after != during


def test_what_change_tracking_has_forgotten_asks_for_a_full_import(server: SqlServer, database: Database) -> None:
    before = seen(server, BY_TRACKING)
    database.forgotten = 5

    with pytest.raises(TokenUnknown, match="no longer knows version 0; a full import replaces it"):
        seen(server, BY_TRACKING, before)


def test_change_tracking_that_is_off_is_told(server: SqlServer, database: Database) -> None:
    database.tracked = False

    assert "change tracking is off for dbo.People" in failure(BY_TRACKING, server.url())


def test_a_table_that_is_not_there_is_told(server: SqlServer) -> None:
    assert "change tracking is off for dbo.Nobody" in failure(replace(BY_TRACKING, table="dbo.Nobody"), server.url())


@WAYS
def test_a_wrong_password_and_a_missing_right_are_told_without_the_password(
    options: SqlOptions, server: SqlServer, database: Database
) -> None:
    refused = failure(options, server.url(password="Wrong-Passw0rd"))
    database.may_look = False
    denied = failure(BY_VERSION, server.url())

    assert "Login failed for user 'autosync'" in refused
    assert "The SELECT permission was denied" in denied
    assert "Wrong-Passw0rd" not in refused
    assert "Secr3t" not in denied


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database_name", "port", "said"),
    [("Elsewhere", None, 'Cannot open database "Elsewhere"'), ("HR", 1, "cannot be reached: .*refused")],
)
def test_what_the_driver_tries_again_and_again_is_told_in_the_end(
    database_name: str, port: int | None, said: str, server: SqlServer
) -> None:
    """For 15 seconds; then its own error says nothing, and the one behind it everything."""
    url = server.url(database=database_name)
    if port is not None:
        url = url.replace(f":{server.server_address[1]}/", f":{port}/")

    assert re.search(said, failure(BY_VERSION, url))


def test_a_server_that_went_is_told_and_found_again(database: Database) -> None:
    async def fired_until(url: str, gone: Callable[[], None]) -> int:
        fired = 0
        async for each in trigger(BY_VERSION, url).watch(None):
            if isinstance(each, Firing):
                fired += 1
                gone()
        return fired

    server = SqlServer(database)
    url = server.url()
    with pytest.raises(TriggerFailed, match="cannot be"):
        asyncio.run(fired_until(url, server.close))
    with closing(SqlServer(database, server.server_address[1])) as again:
        assert seen(again, BY_VERSION).rows == 0
