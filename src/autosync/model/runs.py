"""Executions of run profiles, ours and other people's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from autosync.model.causes import Cause
from autosync.model.counts import RunResult
from autosync.model.ids import AgentId, CascadeId, ProfileName, RequestId, RunId, TriggerId
from autosync.model.requests import Request, Token


class RunState(StrEnum):
    """The life of a run."""

    STARTING = "starting"
    """Committed, and the engine is being asked; after a crash the engine tells whether it began."""
    RUNNING = "running"
    STOPPING = "stopping"
    LOST = "lost"
    """The engine cannot be reached; the run keeps its locks until it can be asked."""
    ENDED = "ended"


class OutcomeKind(StrEnum):
    """What an ended run means. The engine's statuses are an open set; each falls into one of these."""

    SUCCESS = "success"
    OBJECT_ERRORS = "object-errors"
    """Ended, but objects failed; follow-ups apply."""
    TRY_LATER = "try-later"
    """Did not start; nothing was done (engine busy, agent busy, connected system away)."""
    MISCONFIGURED = "misconfigured"
    """Did not start and will not until a person changes something."""
    TRY_AGAIN = "try-again"
    """Stopped by the world in the middle (deadlock, lost connection)."""
    STOPPED = "stopped"
    """Stopped by a person or a limit: never tried again by itself."""
    NEEDS_REPAIR = "needs-repair"
    """The engine wants a full import first."""
    FAILED = "failed"
    """Everything else, unknown statuses included."""
    ABANDONED = "abandoned"
    """Never began: the start was committed, but the engine knows of no run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended: the meaning, and the engine's own words."""

    kind: OutcomeKind
    status: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a run profile. An unmanaged run was started by somebody else and has no request."""

    id: RunId
    agent: AgentId
    profile: ProfileName
    state: RunState
    started: datetime
    request: RequestId | None = None
    request_as_started: Request | None = None
    """The request as it was, so that a retry or a recovery can put it back."""
    handle: str | None = None
    handle_before: str | None = None
    """The agent's newest run in the engine when the start was committed: anything newer may be ours."""
    managed: bool = True
    exclusive: bool = False
    causes: tuple[Cause, ...] = ()
    cascades: frozenset[CascadeId] = frozenset()
    tokens: Mapping[TriggerId, Token] = field(default_factory=dict)
    attempt: int = 1
    wished: datetime | None = None
    ended: datetime | None = None
    outcome: Outcome | None = None
    result: RunResult | None = None
    waits: tuple[tuple[str, float], ...] = ()
    """Where its request's waiting time went: (reason as text, seconds)."""
    stop_asked_by: str | None = None
    comes_back: bool = False
    """Whether its request waits again although it was stopped: a script stopped it for all, no person this one."""
