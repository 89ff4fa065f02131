"""Every configuration that was in force, for comparison and the way back."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from autosync.adapters.stores.sqlite.writing import text_of
from autosync.ports.store import Revision


def add(connection: sqlite3.Connection, wanted: Revision) -> Revision:
    """Store ``wanted`` under the next number; a text that is in force already keeps its revision."""
    last = newest(connection, 1)
    if last and last[0].text == wanted.text:
        return last[0]
    number = last[0].number + 1 if last else 1
    connection.execute(
        "INSERT INTO revision (number, applied, person, reason, text) VALUES (?, ?, ?, ?, ?)",
        (number, text_of(wanted.applied), wanted.by, wanted.reason, wanted.text),
    )
    return Revision(number=number, text=wanted.text, applied=wanted.applied, by=wanted.by, reason=wanted.reason)


def newest(connection: sqlite3.Connection, limit: int) -> Sequence[Revision]:
    """Return revisions, newest first."""
    rows = connection.execute(
        "SELECT number, text, applied, person, reason FROM revision ORDER BY number DESC LIMIT ?", (limit,)
    )
    return [
        Revision(number=number, text=text, applied=datetime.fromisoformat(applied), by=person, reason=reason)
        for number, text, applied, person, reason in rows
    ]
