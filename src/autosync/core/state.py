"""What is known now. Rebuilt from the store at start; changed by decisions alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from autosync.core.admission import LockSet
from autosync.model.agents import Agent, Pending, Sighting
from autosync.model.causes import Cascade, Cause
from autosync.model.holds import Hold
from autosync.model.ids import AgentId, CascadeId, EngineName, HoldId, ProfileName, RequestId, RunId, TriggerId
from autosync.model.requests import Request, Trail
from autosync.model.rows import AgentRow, EstimateRow, ScheduleRow, TokenRow
from autosync.model.runs import Run
from autosync.model.settings import Settings


class Inspection(StrEnum):
    """How much is known about what is pending on an agent."""

    UNKNOWN = "unknown"
    ASKED = "asked"
    KNOWN = "known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Why somebody must look at what is pending on an agent: the work that is found carries these on.

    Not stored: at start every agent is looked at anyway.
    """

    causes: tuple[Cause, ...] = ()
    cascades: frozenset[CascadeId] = frozenset()
    trail: Mapping[AgentId, Trail] = field(default_factory=dict)
    imports: bool = False
    """Whether staged imports become requests too, not only pending exports."""
    syncs: int = 0
    """``EngineState.syncs`` when the wish to look arose: an answer to an older question says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptWord:
    """What a controller script said about a profile; ``allowed`` is None while it is being asked."""

    allowed: bool | None
    until: datetime
    """After that it is asked again."""
    text: str = ""
    asked: datetime | None = None
    """When, while it has not answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitLog:
    """Where the waiting time of a request goes, so that its run can tell."""

    reason: str
    since: datetime
    spent: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """One agent as it is known now."""

    row: AgentRow
    agent: Agent | None = None
    """None while the engine has not described it, or no longer does."""
    pending: Pending | None = None
    """Valid only while ``inspection`` is KNOWN: every run that may change the set makes it UNKNOWN again."""
    inspection: Inspection = Inspection.UNKNOWN
    reported: frozenset[str] = frozenset()
    """What has been said once and need not be said again (empty slots, missing profiles)."""
    overtaken: bool = False
    """Whether a run started or ended since the engine was asked: its answer is old when it comes."""
    syncs_seen: int = 0
    """``EngineState.syncs`` when the engine was asked: pending exports are known only while the two are equal."""
    known_since: datetime | None = None
    """When the engine last said what is pending."""
    ask_after: datetime | None = None
    """Set while the engine could not answer: when it is asked again."""
    look: Look | None = None
    script: Mapping[ProfileName, ScriptWord] = field(default_factory=dict)
    sighted: Sighting | None = None
    """Somebody else's run that was seen while our own start was under way; dealt with when that is over."""
    probed: datetime | None = None
    """When it was last tried before its rest was over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """One engine as it is known now."""

    connected: bool = False
    lost_since: datetime | None = None
    error: str = ""
    last_start: datetime | None = None
    described: bool = False
    """Whether the agents were described since the connection was made."""
    syncs: int = 0
    """Grows when a synchronization starts or ends: each time pending exports may have changed on any agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that decisions are made from."""

    settings: Settings = field(default_factory=Settings)
    engines: Mapping[EngineName, EngineState] = field(default_factory=dict)
    agents: Mapping[AgentId, AgentState] = field(default_factory=dict)
    requests: Mapping[RequestId, Request] = field(default_factory=dict)
    """Waiting requests only, in the order in which they were queued."""
    runs: Mapping[RunId, Run] = field(default_factory=dict)
    """Runs that have not ended, managed or not."""
    holds: Mapping[HoldId, Hold] = field(default_factory=dict)
    """Holds that are open, approved or rejected."""
    cascades: Mapping[CascadeId, Cascade] = field(default_factory=dict)
    """Cascades that are not quiet."""
    schedules: Mapping[TriggerId, ScheduleRow] = field(default_factory=dict)
    tokens: Mapping[TriggerId, TokenRow] = field(default_factory=dict)
    estimates: Mapping[tuple[AgentId, ProfileName], EstimateRow] = field(default_factory=dict)
    last_request: int = 0
    last_run: int = 0
    last_hold: int = 0
    last_cascade: int = 0
    timer: datetime | None = None
    waits: Mapping[RequestId, WaitLog] = field(default_factory=dict)
    inquiries: Mapping[RunId, datetime] = field(default_factory=dict)
    """When the engine is asked again about runs of which contact was lost."""
    clock: datetime | None = None
    """The latest time that a decision saw: how a clock that steps back is noticed."""
    lock_sets: dict[tuple[AgentId, ProfileName, bool], tuple[Settings, Agent | None, LockSet]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """What runs lock, and what that was worked out from: a memory that saves time, no part of what is known."""
