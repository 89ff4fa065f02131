"""When the engine has something to do although nothing comes: read beside whatever runs, for little."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autosync.syncengine.errors import StoreDamaged
from autosync.syncengine.store import statements as sql


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayedDeprovisioning:
    """How many connectors of an agent are to be deprovisioned now, and when the first of all was or will be due."""

    due: int = 0
    first: datetime | None = None


def delayed_deprovisioning(store: Path, agent: str, now: datetime) -> DelayedDeprovisioning:
    """Return what waits for its moment; nothing where there is no store yet. Raises ``StoreDamaged``."""
    if not store.exists():
        return DelayedDeprovisioning()
    try:
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            if connection.execute("PRAGMA user_version").fetchone() == (0,):
                return DelayedDeprovisioning()  # just being made
            due, first = connection.execute(sql.NEXT_DELAYED, (agent, int(now.timestamp()))).fetchone()
    except sqlite3.Error as error:
        raise StoreDamaged(f"cannot look into {store}: {error}") from error
    return DelayedDeprovisioning(due=due, first=None if first is None else datetime.fromtimestamp(first, UTC))
