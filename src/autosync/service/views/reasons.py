"""Why something is so: cascades, chains of causes, recorded facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from autosync.service.views.runs import CauseView, RunBrief, ShareView, WaitView


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeView:
    """Everything that came from one outside cause. ``latency_s`` runs from the change until it was quiet."""

    id: int
    cause: CauseView
    changed: datetime
    opened: datetime
    quiet: datetime | None
    latency_s: float | None
    runs: int
    exported: int
    members: tuple[RunBrief, ...] = ()
    """Its runs, oldest first; only where one cascade is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """One link of a chain: what happened, when, and which run or request it is. ``depth`` counts from the subject."""

    text: str
    at: datetime | None = None
    depth: int = 1
    run: int | None = None
    request: int | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyView:
    """Why something ran, waits, is held, or does not run: the chain back to its outside cause, and what followed."""

    subject: str
    text: str
    result: str = ""
    """How it ended, and what it did."""
    at: datetime | None = None
    until: datetime | None = None
    because: tuple[LinkView, ...] = ()
    waited_s: float | None = None
    waited: tuple[ShareView, ...] = ()
    waits: tuple[WaitView, ...] = ()
    then: tuple[LinkView, ...] = ()
    cascades: tuple[CascadeView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """A fact of the journal. ``number`` grows; whoever asks for events after it misses none."""

    number: int
    at: datetime
    kind: str
    severity: str
    text: str
    engine: str | None = None
    agent: str | None = None
    run: int | None = None
    request: int | None = None
    hold: str | None = None
    cascade: int | None = None
    trigger: str | None = None
    person: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the journal now says about somebody's wish."""

    text: str
    events: tuple[EventView, ...]
    request: int | None = None
    """The request that waits because of it, where it was a wish for a run."""
