"""Retention: old facts and ended runs go, a bounded number at a time; nothing that waits, runs or is held is touched."""

import sqlite3

from autosync.ports.store import Pruned

_STATEMENTS = {
    "facts": "DELETE FROM fact WHERE number IN (SELECT number FROM fact WHERE at < ? ORDER BY at LIMIT ?)",
    "runs": "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE ended IS NOT NULL AND ended < ? ORDER BY ended LIMIT ?)",
    "requests": "DELETE FROM request WHERE id IN"
    " (SELECT id FROM request WHERE state = 'gone' AND changed < ? ORDER BY changed LIMIT ?)",
    "cascades": "DELETE FROM cascade WHERE id IN"
    " (SELECT id FROM cascade WHERE quiet IS NOT NULL AND quiet < ? ORDER BY quiet LIMIT ?)",
    "holds": "DELETE FROM hold WHERE id IN"
    " (SELECT id FROM hold WHERE state IN ('lifted', 'settled') AND opened < ? LIMIT ?)",
}


def prune(connection: sqlite3.Connection, before: str, limit: int) -> Pruned:
    """Delete up to ``limit`` rows of each kind, inside the caller's transaction."""
    gone = {name: connection.execute(sql, (before, limit)).rowcount for name, sql in _STATEMENTS.items()}
    return Pruned(
        facts=gone["facts"],
        runs=gone["runs"],
        others=gone["requests"] + gone["cascades"] + gone["holds"],
        details=gone,
    )
