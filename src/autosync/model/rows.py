"""What a decision changes in the store: whole rows to put, and keys to remove. Applying one twice is harmless."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from autosync.model.causes import Cascade
from autosync.model.holds import Hold
from autosync.model.ids import AgentId, PartitionName, ProfileName, RequestId, RunId, TriggerId
from autosync.model.requests import Request, Token
from autosync.model.runs import OutcomeKind, Run
from autosync.model.steps import StepKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """The newest run of a profile that did not do its work, or not all of it."""

    run: RunId
    at: datetime
    outcome: OutcomeKind
    status: str
    message: str = ""
    count: int = 1
    """How many such runs there were in a row."""
    errors: int = 0
    """Objects that failed in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """A run whose end the controller script has not heard, or not answered: what follows from it waits."""

    again: datetime
    """When the script is told again, if it has not answered until then."""
    targets: frozenset[AgentId] = frozenset()
    """Agents for which the run left exports."""
    error: str = ""
    """Why the script did not answer the last time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """What must survive a restart about an agent beyond requests, runs and holds."""

    id: AgentId
    stopped_by: str | None = None
    stopped_reason: str = ""
    failures: int = 0
    """Consecutive failed runs."""
    breaker_until: datetime | None = None
    last_import: Mapping[PartitionName, datetime] = field(default_factory=dict)
    last_full_import: Mapping[PartitionName, datetime] = field(default_factory=dict)
    last_repair: datetime | None = None
    tokens: Mapping[TriggerId, Token] = field(default_factory=dict)
    """Tokens of imports that did not end well: the next import that does stores them."""
    seen_handle: str | None = None
    """The newest run in the engine that was dealt with."""
    setbacks: Mapping[ProfileName, Setback] = field(default_factory=dict)
    """What went wrong and was not made good by a later run, by profile."""
    unheard: Mapping[RunId, Unheard] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """When a schedule last fired and fires next. ``anchor`` is when it began to count (for intervals)."""

    id: TriggerId
    anchor: datetime
    last: datetime | None = None
    next: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """How far a trigger's changes are known to be imported."""

    trigger: TriggerId
    token: Token
    stored: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateRow:
    """Recent durations of a profile in seconds, newest last (at most 32), with the changes that each carried."""

    agent: AgentId
    profile: ProfileName
    durations: tuple[tuple[float, int], ...] = ()
    steps: tuple[StepKind, ...] = ()
    """What the profile did when it last ran."""
    outbound: Mapping[AgentId, float] = field(default_factory=dict)
    """Share of its recent synchronizations that left exports on that agent; recent ones weigh more."""
    confirming: float | None = None
    """Share of its recent confirming imports that staged changes; None: it never confirmed."""
    echoes: Mapping[AgentId, tuple[float, ...]] = field(default_factory=dict)
    """What its exports set off on the target: after how many seconds a trigger told of changes there, -1 where none did;
    per agent whose synchronization led to the export, newest last (at most 8)."""
    exported: datetime | None = None
    """When the last export ended, while nothing was heard of what it set off."""
    fed_by: tuple[AgentId, ...] = ()
    """Whose synchronizations led to that export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestGone:
    """A request that waits no longer: started as ``run``, or dropped."""

    id: RequestId


Row: TypeAlias = Request | RequestGone | Run | Hold | Cascade | AgentRow | ScheduleRow | TokenRow | EstimateRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything of the store that the core's state is rebuilt from at start."""

    requests: tuple[Request, ...] = ()
    runs: tuple[Run, ...] = ()
    """Runs that have not ended."""
    holds: tuple[Hold, ...] = ()
    """Holds that are open, approved or rejected."""
    cascades: tuple[Cascade, ...] = ()
    """Cascades that are not quiet."""
    agents: tuple[AgentRow, ...] = ()
    schedules: tuple[ScheduleRow, ...] = ()
    tokens: tuple[TokenRow, ...] = ()
    estimates: tuple[EstimateRow, ...] = ()
    last_request: int = 0
    last_run: int = 0
    last_hold: int = 0
    last_cascade: int = 0
