"""The store's questions as SQL. Each is answered from an index; the tests look at the query plans."""

import sqlite3
from collections.abc import Sequence
from typing import TypeVar

from autosync.adapters.stores.codec import decode
from autosync.adapters.stores.sqlite.writing import text_of
from autosync.model.causes import Cascade
from autosync.model.facts import Fact
from autosync.model.holds import Hold
from autosync.model.requests import Request
from autosync.model.rows import AgentRow, EstimateRow, ScheduleRow, Snapshot, TokenRow
from autosync.model.runs import Run
from autosync.ports.store import FactFilter, RunFilter, StoredFact

T = TypeVar("T")


def snapshot(connection: sqlite3.Connection) -> Snapshot:
    """Read everything that the core's state is rebuilt from, in one transaction."""
    connection.execute("BEGIN")
    try:
        last = dict(connection.execute("SELECT name, value FROM counter"))
        return Snapshot(
            requests=_all(connection, Request, "SELECT body FROM request WHERE state = 'waiting' ORDER BY id"),
            runs=_all(connection, Run, "SELECT body FROM run WHERE state <> 'ended' ORDER BY id"),
            holds=_all(connection, Hold, LIVE_HOLDS),
            cascades=_all(connection, Cascade, "SELECT body FROM cascade WHERE quiet IS NULL ORDER BY id"),
            agents=_all(connection, AgentRow, "SELECT body FROM agent"),
            schedules=_all(connection, ScheduleRow, "SELECT body FROM schedule"),
            tokens=_all(connection, TokenRow, "SELECT body FROM token"),
            estimates=_all(connection, EstimateRow, "SELECT body FROM estimate"),
            last_request=last.get("request", 0),
            last_run=last.get("run", 0),
            last_hold=last.get("hold", 0),
            last_cascade=last.get("cascade", 0),
        )
    finally:
        connection.execute("COMMIT")


LIVE_HOLDS = "SELECT body FROM hold WHERE state IN ('open', 'approved', 'rejected') ORDER BY id"


def one(connection: sqlite3.Connection, kind: type[T], table: str, key: int) -> T | None:
    """Return the row with this id, or None."""
    row = connection.execute(f"SELECT body FROM {table} WHERE id = ?", (key,)).fetchone()  # noqa: S608 - our table names
    return decode(kind, row[0]) if row else None


def runs(connection: sqlite3.Connection, wanted: RunFilter) -> Sequence[Run]:
    """Return runs, newest first."""
    sql, values = runs_sql(wanted)
    return list(_all(connection, Run, sql, values))


def runs_sql(wanted: RunFilter) -> tuple[str, list[object]]:
    """Return the query for ``wanted`` and its values."""
    source = "run" if wanted.cascade is None else "run_cascade c CROSS JOIN run ON run.id = c.run"
    conditions: list[str] = []
    values: list[object] = []
    for condition, value in (
        ("c.cascade = ?", wanted.cascade),
        ("run.agent = ?", wanted.agent),
        ("run.engine = ?", wanted.engine),
        ("run.id < ?", wanted.before),
        ("run.started >= ?", text_of(wanted.since) if wanted.since else None),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if wanted.outcomes is not None:
        conditions.append(f"run.outcome IN ({','.join('?' * len(wanted.outcomes))})")
        values.extend(sorted(wanted.outcomes))
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT run.body FROM {source}{where} ORDER BY run.id DESC LIMIT ?", [*values, wanted.limit]  # noqa: S608


def facts(connection: sqlite3.Connection, wanted: FactFilter) -> Sequence[StoredFact]:
    """Return facts, oldest first: from ``after`` on, or the newest ones."""
    sql, values = facts_sql(wanted)
    found = [StoredFact(number=row[0], fact=decode(Fact, row[1])) for row in connection.execute(sql, values)]
    return found if wanted.after is not None else found[::-1]


def facts_sql(wanted: FactFilter) -> tuple[str, list[object]]:
    """Return the query for ``wanted`` and its values."""
    conditions: list[str] = []
    values: list[object] = []
    for column in ("agent", "run", "request", "hold", "cascade"):
        value = getattr(wanted, column)
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    for column, chosen in (("kind", wanted.kinds), ("severity", wanted.severities)):
        if chosen is not None:
            conditions.append(f"{column} IN ({','.join('?' * len(chosen))})")
            values.extend(sorted(chosen))
    if wanted.after is not None:
        conditions.append("number > ?")
        values.append(wanted.after)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    direction = "DESC" if wanted.after is None else "ASC"
    return f"SELECT number, body FROM fact{where} ORDER BY number {direction} LIMIT ?", [*values, wanted.limit]  # noqa: S608


def bodies(connection: sqlite3.Connection, kind: type[T], sql: str, limit: int) -> Sequence[T]:
    """Return the decoded bodies that ``sql`` selects, at most ``limit``."""
    return list(_all(connection, kind, f"{sql} LIMIT ?", [limit]))


def _all(connection: sqlite3.Connection, kind: type[T], sql: str, values: Sequence[object] = ()) -> tuple[T, ...]:
    return tuple(decode(kind, row[0]) for row in connection.execute(sql, values))
