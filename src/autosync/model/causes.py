"""Why something is wanted: the links of the chain from a run back to an outside event, a schedule or a person."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from autosync.model.ids import AgentId, CascadeId, RunId, TriggerId


class CauseKind(StrEnum):
    """The kinds of reason a request can have."""

    TRIGGER = "trigger"
    SCHEDULE = "schedule"
    PERSON = "person"
    SAFETY_NET = "safety-net"
    """No import ran for longer than the agent's ``import-if-none-for``."""
    RUN = "run"
    """A run left work behind: staged changes, outbound changes, unconfirmed exports."""
    RETRY = "retry"
    REPAIR = "repair"
    """The engine asked for a full import."""
    BROKEN_OFF = "broken-off"
    """An export ended without telling what it did: only an import can tell."""
    FOUND = "found"
    """Pending work was found in the engine at start, after a lost connection or behind a foreign run."""
    WAKE = "wake"
    """An export of another engine's agent declared that it wakes this one."""

    @property
    def is_outside(self) -> bool:
        """Return whether such a cause opens a cascade of its own."""
        return self not in _INSIDE


_INSIDE: Final = frozenset({CauseKind.RUN, CauseKind.RETRY, CauseKind.REPAIR, CauseKind.BROKEN_OFF, CauseKind.WAKE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason for a request. ``text`` is what a person reads, complete without the other fields."""

    kind: CauseKind
    text: str
    at: datetime
    run: RunId | None = None
    agent: AgentId | None = None
    """Whose run it was."""
    trigger: TriggerId | None = None
    person: str | None = None
    count: int = 1
    """How many equal events it stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """Everything that came from one outside cause. Quiet when none of its requests waits or runs."""

    id: CascadeId
    cause: Cause
    changed: datetime
    """When the change happened in the connected system where known, else when it was noticed."""
    opened: datetime
    quiet: datetime | None = None
    runs: int = 0
    exported: int = 0
    """Changes exported on its behalf."""
