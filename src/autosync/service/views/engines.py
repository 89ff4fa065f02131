"""Engines with their agents: what they do, what is held, what watches."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from autosync.service.views.runs import CountsView, RequestView, RunBrief


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachView:
    """One limit that was passed; ``text`` says it whole."""

    what: str
    count: int
    limit: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """A guard's no. ``fingerprint`` names exactly the pending set that ``counts`` and ``sample`` show.

    Whoever decides sends the fingerprint back: a set that has changed since is not decided unseen.
    """

    id: str
    kind: str
    agent: str
    partition: str | None
    state: str
    text: str
    opened: datetime
    age_s: float
    breaches: tuple[BreachView, ...]
    counts: CountsView | None
    fingerprint: str
    sample: tuple[str, ...]
    requests: tuple[int, ...]
    decided: datetime | None
    decided_by: str | None
    reason: str | None
    used_by: int | None
    """The newest run that the approval let pass."""
    story: str
    """What became of it, in words: ``approved by anna, used by run 12``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerView:
    """A trigger and how it is.

    ``kind`` is ``watch`` or ``schedule``; ``state`` is ``live``, ``failed``, ``starting``, ``off`` or ``scheduled``.
    """

    id: str
    agent: str
    name: str
    kind: str
    state: str
    last_event: datetime | None = None
    """When it last gave a sign of life."""
    last_fired: datetime | None = None
    fired: int | None = None
    """How often, in this life of the service; None where nobody counts."""
    since: datetime | None = None
    """Since when it has been in its state, where known."""
    next: datetime | None = None
    error: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """A run profile and its steps (``delta-import default``)."""

    name: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetbackView:
    """The newest run of a profile that did not do (all of) its work, as long as no later run has made it good."""

    profile: str
    kind: str
    run: int
    at: datetime
    outcome: str
    status: str
    message: str
    count: int
    """How many such runs there were in a row."""
    errors: int
    """Objects that failed in it."""
    text: str
    """All of it in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """An agent now. ``state``: running, held, stopped, disabled, resting, disconnected, missing, waiting or idle."""

    id: str
    engine: str
    name: str
    category: str
    state: str
    text: str
    """Why it is in that state, where that is not plain; empty otherwise."""
    now: RunBrief | None
    waiting: tuple[RequestView, ...]
    last: RunBrief | None
    holds: tuple[str, ...]
    triggers: tuple[TriggerView, ...]
    partitions: tuple[str, ...]
    profiles: tuple[ProfileView, ...]
    failures: int
    resting_until: datetime | None
    pending_imports: int | None
    """None while it is not known."""
    pending_exports: int | None
    setbacks: tuple[SetbackView, ...] = ()
    """What failed and was not made good, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineView:
    """An engine and its agents."""

    name: str
    place: str
    connected: bool
    shadow: bool
    """Whether it is only watched."""
    lost_since: datetime | None
    error: str
    running: int
    waiting: int
    quiet_since: datetime | None
    """When its last run ended, if nothing runs or waits."""
    agents: tuple[AgentView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The whole at a glance: is it healthy, what runs, what waits and why, what needs a person."""

    now: datetime
    version: str
    revision: int
    no_export: bool
    engines: tuple[EngineView, ...]
    holds: tuple[HoldView, ...]
    """Holds that need a decision."""
    trouble: str = ""
    """Why nothing can be recorded, and so nothing starts; empty when all is well."""
