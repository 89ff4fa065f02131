"""Messages to the outside that wait for delivery."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

import msgspec

from autosync.ports.store import Message


def due(connection: sqlite3.Connection, now: str, limit: int) -> Sequence[Message]:
    """Return the messages that are due, oldest first."""
    rows = connection.execute(
        "SELECT number, channel, body, created, attempts, due FROM message WHERE due <= ? ORDER BY due, number LIMIT ?",
        (now, limit),
    )
    return [
        Message(
            number=number,
            channel=channel,
            body=msgspec.json.decode(body, type=dict[str, object]),
            created=datetime.fromisoformat(created),
            attempts=attempts,
            due=datetime.fromisoformat(when),
        )
        for number, channel, body, created, attempts, when in rows
    ]


def forget(connection: sqlite3.Connection, number: int) -> None:
    """Remove a delivered message."""
    connection.execute("DELETE FROM message WHERE number = ?", (number,))


def postpone(connection: sqlite3.Connection, number: int, due_at: str, error: str) -> None:
    """Count a failed attempt."""
    connection.execute(
        "UPDATE message SET attempts = attempts + 1, due = ?, error = ? WHERE number = ?", (due_at, error, number)
    )
