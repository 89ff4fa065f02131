"""The schema's versions: each is a file of SQL that leads from the version before."""

import sqlite3
from importlib import resources
from typing import Final

from autosync.model.errors import StoreDamaged

NEWEST: Final = 1
_APPLICATION_ID: Final = 0x4153594E  # "ASYN": tells our file from any other SQLite database


def migrate(connection: sqlite3.Connection, place: str) -> None:
    """Bring the database to the newest version, one transaction a version; raise ``StoreDamaged`` for a foreign file."""
    version = _checked_version(connection, place)
    for number in range(version + 1, NEWEST + 1):
        script = resources.files(__package__).joinpath(f"sql/schema_{number}.sql").read_text(encoding="utf-8")
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\n"
            f"PRAGMA application_id = {_APPLICATION_ID};\nCOMMIT;"
        )


def _checked_version(connection: sqlite3.Connection, place: str) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if tables and application != _APPLICATION_ID:
        raise StoreDamaged(f"{place} is a SQLite database of another program. Give service: store: another file.")
    if version > NEWEST:
        raise StoreDamaged(
            f"{place} was written by a newer AutoSync (schema {version}, this one knows {NEWEST}). "
            "Install that version again, or restore the backup made before the upgrade."
        )
    return version
