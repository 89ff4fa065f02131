"""What this machine does at this moment without an engine: figures are worth quoting only beside these."""

import csv
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path


def csv_rows_per_second(path: Path) -> float:
    """Return how many rows ``csv.reader`` reads in a second of processor time."""
    started, rows = time.process_time(), 0
    with path.open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            rows += 1
    return rows / (time.process_time() - started)


def sqlite_inserts_per_second(folder: Path, rows: int = 100_000) -> float:
    """Return how many rows of half a KB with one unique index SQLite inserts in a second of processor time."""
    path = folder / "reference.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, anchor TEXT UNIQUE, blob BLOB)")
    blob = bytes(517)
    started = time.process_time()
    for batch in _batches(rows):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", [(n, f"E{n:07d}", blob) for n in batch])
        connection.execute("COMMIT")
    seconds = time.process_time() - started
    connection.close()
    path.unlink()
    return rows / seconds


def _batches(rows: int) -> Iterator[range]:
    for start in range(0, rows, 5000):
        yield range(start, min(start + 5000, rows))
