"""Waiting requests and runs: what they are, why, and what came of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitView:
    """One reason why a request does not start now."""

    kind: str
    text: str
    until: datetime | None = None
    blocker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseView:
    """One reason for a request; ``text`` is complete without the rest."""

    kind: str
    text: str
    at: datetime
    run: int | None = None
    trigger: str | None = None
    person: str | None = None
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsView:
    """Objects by kind of change."""

    adds: int = 0
    updates: int = 0
    renames: int = 0
    deletes: int = 0
    delete_adds: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A wish for a run, and why it waits. ``state`` is ``waiting``, ``started`` or ``gone``."""

    request: int
    agent: str
    profile: str
    state: str
    wished: datetime
    waited_s: float
    """Until now while it waits, else until it started."""
    front: bool
    exclusive: bool
    attempt: int
    not_before: datetime | None
    confirms: bool
    expected: int | None
    hold: str | None
    causes: tuple[CauseView, ...]
    cascades: tuple[int, ...]
    why: tuple[WaitView, ...] = ()
    run: int | None = None
    """The newest run that it became."""
    outcome: str | None = None
    """How that run ended; None while it goes on, or while there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """One object that a run could not handle. Never an attribute value."""

    stage: str
    error_type: str
    dn: str
    message: str
    line: int | None
    retry_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """What one step of a run did; None where the engine did not say."""

    kind: str
    partition: str
    status: str
    started: datetime | None
    ended: datetime | None
    staged: CountsView | None
    exported: CountsView | None
    export_failures: int | None
    outbound: Mapping[str, int] | None
    counters: Mapping[str, int]
    errors: tuple[ErrorView, ...]
    error_count: int
    discovery_errors: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBrief:
    """A run in a line. ``summary`` is what it did, for people: ``3 exported``."""

    run: int
    agent: str
    profile: str
    kind: str
    state: str
    managed: bool
    started: datetime
    ended: datetime | None
    seconds: float
    """Until now while it goes on."""
    expected_s: float | None
    """The median of its recent durations, where known."""
    outcome: str | None
    status: str | None
    summary: str
    cascades: tuple[int, ...]
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareView:
    """A part of a waiting time."""

    text: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run with everything that is known of it."""

    brief: RunBrief
    request: int | None
    handle: str | None
    exclusive: bool
    attempt: int
    wished: datetime | None
    message: str
    stop_asked_by: str | None
    causes: tuple[CauseView, ...]
    waits: tuple[ShareView, ...]
    steps: tuple[StepView, ...]
