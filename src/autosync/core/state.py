"""What is known now. Rebuilt from the store at start; changed by decisions alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from autosync.model.agents import Agent, Pending
from autosync.model.causes import Cascade
from autosync.model.holds import Hold
from autosync.model.ids import AgentId, CascadeId, EngineName, HoldId, ProfileName, RequestId, RunId, TriggerId
from autosync.model.requests import Request
from autosync.model.rows import AgentRow, EstimateRow, ScheduleRow, TokenRow
from autosync.model.runs import Run
from autosync.model.settings import Settings


class Inspection(StrEnum):
    """How much is known about what is pending on an agent."""

    UNKNOWN = "unknown"
    ASKED = "asked"
    KNOWN = "known"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """One engine as it is known now."""

    connected: bool = False
    lost_since: datetime | None = None
    error: str = ""
    last_start: datetime | None = None


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
