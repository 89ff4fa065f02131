"""How a commit becomes SQL. Every row is put whole, so that applying it twice changes nothing."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from autosync.adapters.stores.codec import encode
from autosync.model.causes import Cascade
from autosync.model.facts import Fact
from autosync.model.holds import Hold, HoldState
from autosync.model.ids import engine_of
from autosync.model.requests import Request
from autosync.model.rows import AgentRow, EstimateRow, RequestGone, Row, ScheduleRow, TokenRow
from autosync.model.runs import Run, RunState
from autosync.ports.store import Commit, NewMessage, StoredFact


def text_of(moment: datetime) -> str:
    """Return the moment as text that sorts by time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def write(connection: sqlite3.Connection, commit: Commit) -> Sequence[StoredFact]:
    """Write everything of ``commit`` inside the caller's transaction and return its facts with their numbers."""
    at = text_of(commit.at)
    # What frees a unique place goes first: a run that ended before the one that follows it, whatever their order.
    for row in commit.rows:
        if _frees_a_place(row):
            _put(connection, row, at)
    for row in commit.rows:
        _put(connection, row, at)
    for message in commit.messages:
        _add_message(connection, message, at)
    return [_add_fact(connection, fact) for fact in commit.facts]


def _frees_a_place(row: Row) -> bool:
    match row:
        case RequestGone():
            return True
        case Run():
            return row.state is RunState.ENDED
        case Hold():
            return row.state is not HoldState.OPEN
        case _:
            return False


def _put(connection: sqlite3.Connection, row: Row, at: str) -> None:
    match row:
        case Request():
            _put_request(connection, row, at)
        case RequestGone():
            connection.execute("UPDATE request SET state = 'gone', changed = ? WHERE id = ?", (at, row.id))
        case Run():
            _put_run(connection, row)
        case Hold():
            _put_hold(connection, row)
        case Cascade():
            _put_cascade(connection, row)
        case AgentRow() | ScheduleRow() | TokenRow() | EstimateRow():
            _put_state(connection, row)


def _put_request(connection: sqlite3.Connection, row: Request, at: str) -> None:
    connection.execute(
        "INSERT INTO request (id, agent, profile, state, changed, body) VALUES (?, ?, ?, 'waiting', ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET profile = excluded.profile, state = 'waiting', changed = excluded.changed,"
        " body = excluded.body",
        (row.id, row.agent, row.profile, at, encode(row)),
    )
    _count(connection, "request", row.id)


def _put_run(connection: sqlite3.Connection, row: Run) -> None:
    connection.execute(
        "INSERT INTO run (id, agent, engine, profile, state, managed, outcome, started, ended, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET profile = excluded.profile,"
        " state = excluded.state, outcome = excluded.outcome, ended = excluded.ended, body = excluded.body",
        (
            row.id,
            row.agent,
            engine_of(row.agent),
            row.profile,
            row.state,
            row.managed,
            row.outcome.kind if row.outcome else None,
            text_of(row.started),
            text_of(row.ended) if row.ended else None,
            encode(row),
        ),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO run_cascade (cascade, run) VALUES (?, ?)",
        [(cascade, row.id) for cascade in row.cascades],
    )
    _count(connection, "run", row.id)


def _put_hold(connection: sqlite3.Connection, row: Hold) -> None:
    connection.execute(
        "INSERT INTO hold (id, agent, kind, part, state, opened, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body",
        (row.id, row.agent, row.kind, row.partition or "", row.state, text_of(row.opened), encode(row)),
    )
    _count(connection, "hold", row.id)


def _put_cascade(connection: sqlite3.Connection, row: Cascade) -> None:
    connection.execute(
        "INSERT INTO cascade (id, quiet, body) VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET quiet = excluded.quiet, body = excluded.body",
        (row.id, text_of(row.quiet) if row.quiet else None, encode(row)),
    )
    _count(connection, "cascade", row.id)


def _put_state(connection: sqlite3.Connection, row: AgentRow | ScheduleRow | TokenRow | EstimateRow) -> None:
    table, key = _state_place(row)
    connection.execute(f"INSERT OR REPLACE INTO {table} (id, body) VALUES (?, ?)", (key, encode(row)))  # noqa: S608


def _state_place(row: AgentRow | ScheduleRow | TokenRow | EstimateRow) -> tuple[str, str]:
    match row:
        case AgentRow():
            return "agent", row.id
        case ScheduleRow():
            return "schedule", row.id
        case TokenRow():
            return "token", row.trigger
        case EstimateRow():
            return "estimate", f"{row.agent}\x1f{row.profile}"


def _count(connection: sqlite3.Connection, name: str, value: int) -> None:
    """Remember the highest id ever given: pruning must not make one come back."""
    connection.execute(
        "INSERT INTO counter (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
        (name, value),
    )


def _add_fact(connection: sqlite3.Connection, fact: Fact) -> StoredFact:
    cursor = connection.execute(
        "INSERT INTO fact (at, kind, severity, agent, run, request, hold, cascade, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            text_of(fact.at),
            fact.kind,
            fact.severity,
            fact.agent,
            fact.run,
            fact.request,
            fact.hold,
            fact.cascade,
            encode(fact),
        ),
    )
    assert cursor.lastrowid is not None
    return StoredFact(number=cursor.lastrowid, fact=fact)


def _add_message(connection: sqlite3.Connection, message: NewMessage, at: str) -> None:
    connection.execute(
        "INSERT INTO message (channel, created, due, body) VALUES (?, ?, ?, ?)",
        (message.channel, at, at, encode(message.body)),
    )
