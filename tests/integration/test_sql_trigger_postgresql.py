"""The SQL trigger against PostgreSQL: rows that are committed late, and notifications."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import psycopg
import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.sql.options import SqlOptions, VersionKind
from autosync.adapters.triggers.sql.watching import SqlTrigger
from autosync.model.errors import TriggerFailed
from autosync.ports.secrets import SecretKind, SecretReference
from autosync.ports.trigger import Firing
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage
from scripts.services.postgresql import PostgreSQL

NUMBERS = count(1)
INSERT = "insert into changes (number) values (%s)"


@pytest.fixture(scope="module")
def changes(postgresql: PostgreSQL) -> Iterator[psycopg.Connection]:
    """A table whose rows carry the id of the transaction that wrote them, and tell a channel."""
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute("create table changes (number integer, txid xid8 default pg_current_xact_id())")
        connection.execute(
            "create function told() returns trigger language plpgsql as $$ begin notify hr_changed; return null; end $$"
        )
        connection.execute("create trigger told after insert on changes execute function told()")
        yield connection
        connection.execute("drop table changes")


def options(postgresql: PostgreSQL, **more: object) -> SqlOptions:
    usual: dict[str, object] = {"every": timedelta(milliseconds=50), "version": VersionKind.TRANSACTION_ID}
    return SqlOptions(
        url=SecretReference(kind=SecretKind.ENV, name="DATABASE"),
        table="changes",
        version_column="txid",
        **{**usual, **more},
    )


def trigger(postgresql: PostgreSQL, **more: object) -> SqlTrigger:
    url = postgresql.url.replace("postgresql://", "postgresql+psycopg://")
    return SqlTrigger(options(postgresql, **more), SystemClock(), Secrets({"DATABASE": url}))


@pytest.mark.parametrize("listen", [None, "hr_changed"])
@pytest.mark.parametrize("case", CASES)
def test_a_sql_trigger_keeps_its_promises_on_postgresql(
    case: str, listen: str | None, postgresql: PostgreSQL, changes: psycopg.Connection
) -> None:
    stage = TriggerStage(
        make=lambda: trigger(postgresql, listen=listen),
        change=lambda: changes.execute(INSERT, (next(NUMBERS),)),
        patience_s=10,
        quiet_s=0.5,
    )

    asyncio.run(getattr(TriggerContract(stage), case)())


def test_a_row_that_is_committed_late_fires(postgresql: PostgreSQL, changes: psycopg.Connection) -> None:
    async def main(early: psycopg.Connection) -> int:
        fired = 0
        async with asyncio.timeout(20):
            async for seen in trigger(postgresql).watch(None):
                fired += isinstance(seen, Firing)
                if fired == 1 and isinstance(seen, Firing):
                    # The first transaction takes its number first and commits last.
                    early.execute(INSERT, (next(NUMBERS),))
                    changes.execute(INSERT, (next(NUMBERS),))
                elif fired == 1:
                    early.commit()
                elif isinstance(seen, Firing):
                    return fired
        raise AssertionError("ended")

    with psycopg.connect(postgresql.url) as early:
        assert asyncio.run(main(early)) == 2


def test_a_notification_makes_it_look_long_before_its_time(postgresql: PostgreSQL, changes: psycopg.Connection) -> None:
    watched = trigger(postgresql, listen="hr_changed", every=timedelta(minutes=5))

    async def main() -> int:
        fired = 0
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            async for seen in watched.watch(None):
                if isinstance(seen, Firing):
                    fired += 1
                    loop.call_later(1.0, lambda: changes.execute(INSERT, (next(NUMBERS),)))
                if fired == 2:
                    return fired
        raise AssertionError("ended")

    assert asyncio.run(main()) == 2


def test_a_server_that_goes_away_is_told_without_the_password(postgresql: PostgreSQL) -> None:
    elsewhere = postgresql.url.replace("postgresql://", "postgresql+psycopg://").replace(f":{postgresql.port}/", ":1/")
    watched = SqlTrigger(options(postgresql), SystemClock(), Secrets({"DATABASE": elsewhere}))

    async def first() -> None:
        async for _seen in watched.watch(None):
            return

    with pytest.raises(TriggerFailed) as failure:
        asyncio.run(first())
    assert postgresql.password not in str(failure.value)
