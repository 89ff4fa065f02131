"""What the engine's statuses mean. They are an open set: known by exact name, then by prefix, else a failure.

The names are those of Microsoft's synchronization engines (ms699322, the run history schema, MS-UPSMODS); adapters of
other engines use the same ones.
"""

from collections.abc import Mapping
from typing import Final

from autosync.model.runs import OutcomeKind

IN_PROGRESS: Final = ("in-progress", "completing-")
"""Prefixes of statuses of runs that have not ended; adapters wait for their end."""

DISCOVERY_ERRORS: Final = "completed-discovery-errors"

_EXACT: Final[Mapping[str, OutcomeKind]] = {
    "success": OutcomeKind.SUCCESS,
    "completed-no-objects": OutcomeKind.SUCCESS,
    "completed-warnings": OutcomeKind.SUCCESS,
    "completed-skipped-already-completed": OutcomeKind.SUCCESS,
    # Not started: the engine, the agent or the connected system is busy or away.
    "no-start-ma-already-running": OutcomeKind.TRY_LATER,
    "no-start-ma-update-in-progress": OutcomeKind.TRY_LATER,
    "no-start-concurrent-execution-not-support": OutcomeKind.TRY_LATER,
    "no-start-connection": OutcomeKind.TRY_LATER,
    "no-start-server": OutcomeKind.TRY_LATER,
    "no-start-ma": OutcomeKind.TRY_LATER,
    "no-start-no-domain-controller": OutcomeKind.TRY_LATER,
    "no-start-file-not-found": OutcomeKind.TRY_LATER,
    "no-start-file-open": OutcomeKind.TRY_LATER,
    "no-start-file-sharing-violation": OutcomeKind.TRY_LATER,
    "connection-failure": OutcomeKind.TRY_LATER,
    "engine-unavailable": OutcomeKind.TRY_LATER,
    "no-start-full-import-required": OutcomeKind.NEEDS_REPAIR,
    "access-denied": OutcomeKind.MISCONFIGURED,
    "missing-partition-for-run-step": OutcomeKind.MISCONFIGURED,
    # Stopped in the middle by the world: it may go better next time.
    "sql-deadlock": OutcomeKind.TRY_AGAIN,
    "stopped-deadlocked": OutcomeKind.TRY_AGAIN,
    "stopped-database-connection-lost": OutcomeKind.TRY_AGAIN,
    "stopped-connectivity": OutcomeKind.TRY_AGAIN,
    "stopped-server-down": OutcomeKind.TRY_AGAIN,
    "stopped-service-shutdown": OutcomeKind.TRY_AGAIN,
    "stopped-change-log-out-of-order": OutcomeKind.NEEDS_REPAIR,
    # Stopped on purpose.
    "stopped-object-limit": OutcomeKind.STOPPED,
    "stopped-deletion-limit": OutcomeKind.STOPPED,
}

_PREFIXES: Final[tuple[tuple[str, OutcomeKind], ...]] = (
    ("completed-", OutcomeKind.OBJECT_ERRORS),
    ("stopped-user-termination-", OutcomeKind.STOPPED),
    ("no-start-", OutcomeKind.MISCONFIGURED),
    ("call-failure", OutcomeKind.TRY_AGAIN),
    ("stopped-", OutcomeKind.FAILED),
)

WELL: Final = frozenset({OutcomeKind.SUCCESS, OutcomeKind.OBJECT_ERRORS})
"""Outcomes of runs that did their work to the end."""

_BROKEN_OFF: Final = frozenset({OutcomeKind.TRY_AGAIN, OutcomeKind.FAILED, OutcomeKind.STOPPED})


def classify(status: str) -> OutcomeKind:
    """Return what a status means."""
    name = status.strip().casefold()
    if name in _EXACT:
        return _EXACT[name]
    return next((kind for prefix, kind in _PREFIXES if name.startswith(prefix)), OutcomeKind.FAILED)


def is_known(status: str) -> bool:
    """Return whether this version knows the status, by its name or by what it begins with."""
    name = status.strip().casefold()
    return name in _EXACT or any(name.startswith(prefix) for prefix, _ in _PREFIXES)


def ended_well(status: str) -> bool:
    """Return whether a run or step of that status did its work to the end."""
    return classify(status) in WELL


def broke_off(status: str) -> bool:
    """Return whether a run or step of that status had begun and did not come to its end."""
    return classify(status) in _BROKEN_OFF
