"""What reaches the core from outside: the first argument of every decision. Past tense: it has happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from autosync.model.agents import Agent, Pending, Sighting
from autosync.model.counts import RunResult
from autosync.model.ids import AgentId, EngineName, HoldId, ProfileName, RunId, TriggerId
from autosync.model.requests import Token, Wanted
from autosync.model.scripts import UnexpectedChange
from autosync.model.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStarted:
    """The service starts with the state that the store held. First stimulus of every life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsApplied:
    """A new, valid configuration revision is in force."""

    settings: Settings
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsDescribed:
    """An engine was asked what agents, partitions and profiles it has; the whole list."""

    engine: EngineName
    agents: tuple[Agent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConnected:
    """An engine answers again, or for the first time."""

    engine: EngineName


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLost:
    """An engine cannot be reached."""

    engine: EngineName
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerFired:
    """A trigger says that a connected system changed. ``count`` equal firings were drawn together."""

    trigger: TriggerId
    wanted: Wanted
    token: Token | None = None
    changed: datetime | None = None
    """When the change happened in the connected system, where known."""
    text: str = ""
    """What was seen, for people: ``version 88123 → 88137``."""
    count: int = 1
    full: bool = False
    """The trigger lost its place (token unknown): only a full import makes good."""
    evidence: str = ""
    """What came with it, for the journal: bounded, secrets masked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAsked:
    """A person, or a script on behalf of one, wants a run."""

    wanted: Wanted
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAsked:
    """A person wants the agent's current run to stop (managed or not)."""

    agent: AgentId
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDropAsked:
    """A person takes a waiting request back."""

    agent: AgentId
    profile: ProfileName
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSwitched:
    """A person started or stopped an agent. A stopped agent keeps its wishes; nothing of it starts."""

    agent: AgentId
    started: bool
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldDecided:
    """A person approved, rejected or lifted a hold. ``fingerprint`` is what that person looked at."""

    hold: HoldId
    decision: str
    """``approve``, ``reject`` or ``lift``."""
    by: str
    reason: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAccepted:
    """The engine accepted a start and named the run."""

    run: RunId
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRefused:
    """The engine did not start the run: ``status`` in its words; nothing was done."""

    run: RunId
    status: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """A run ended, ours or somebody else's, and the engine told its result."""

    run: RunId
    result: RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNeverBegan:
    """After a crash or a lost answer, the engine knows of no run newer than the one before the start."""

    run: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLost:
    """The engine could not be reached while the run went on; it will be asked again."""

    run: RunId
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighted:
    """An agent's newest run in the engine, whoever started it; news only when it is not ours."""

    sighting: Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """The engine was asked what is pending on an agent. ``pending`` None: it could not say."""

    agent: AgentId
    pending: Pending | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAsked:
    """A person looks at an agent and wants to see what is pending on it."""

    agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptAnswered:
    """A controller script answered ``ShouldExecute`` for the agent's request, or failed: then ``error`` says how."""

    agent: AgentId
    profile: ProfileName
    allowed: bool
    text: str = ""
    error: str = ""
    unexpected: UnexpectedChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptHeard:
    """A controller script was told how a run ended (``ExecutionComplete``), or failed: then ``error`` says how."""

    agent: AgentId
    run: RunId
    error: str = ""
    unexpected: UnexpectedChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed:
    """A timer that the core set came due, or the shell looked at the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerHealth:
    """A trigger's own word about itself, kept for display; never a reason to run."""

    trigger: TriggerId
    alive: bool
    error: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


Stimulus: TypeAlias = (
    ServiceStarted
    | SettingsApplied
    | AgentsDescribed
    | EngineConnected
    | EngineLost
    | TriggerFired
    | RunAsked
    | StopAsked
    | RequestDropAsked
    | AgentSwitched
    | HoldDecided
    | RunAccepted
    | RunRefused
    | RunEnded
    | RunNeverBegan
    | RunLost
    | Sighted
    | Inspected
    | PendingAsked
    | ScriptAnswered
    | ScriptHeard
    | TriggerHealth
    | TimePassed
)
