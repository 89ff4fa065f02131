"""What the shell must now do. Each can be repeated, or carries an id that the engine can be asked about."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from autosync.model.agents import BOTH_SIDES, PendingSide
from autosync.model.ids import AgentId, EngineName, ProfileName, RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """Start the profile; report ``RunAccepted`` or ``RunRefused``, then ``RunEnded``."""

    run: RunId
    agent: AgentId
    profile: ProfileName
    settle: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowRun:
    """A run is known to go on in the engine (adopted or foreign): wait for its end and report ``RunEnded``."""

    run: RunId
    agent: AgentId
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InquireRun:
    """Nothing is known about a run since the start was committed: ask the engine.

    Report ``RunAccepted`` and go on following it, ``RunEnded`` or ``RunNeverBegan``. ``handle`` where it was known;
    else any run of the agent after ``handle_before`` with this profile (or with this run's label) is ours.
    """

    run: RunId
    agent: AgentId
    profile: ProfileName
    handle: str | None
    handle_before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRun:
    """Ask the engine to stop the agent's current run."""

    run: RunId
    agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Ask the engine what is pending on the agent; report ``Inspected``."""

    agent: AgentId
    sides: frozenset[PendingSide] = BOTH_SIDES
    """What somebody needs to know: the fewer, the sooner the engine answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskScript:
    """Ask the agent's controller script ``ShouldExecute``; report ``ScriptAnswered``."""

    agent: AgentId
    profile: ProfileName


@dataclass(frozen=True, slots=True, kw_only=True)
class TellScript:
    """Tell the agent's controller script how a run ended (``ExecutionComplete``); report ``ScriptHeard``.

    The run is in the store. Told at least once: again after a crash, and after a failure.
    """

    agent: AgentId
    run: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe:
    """Ask the engine for its agents; report ``AgentsDescribed``."""

    engine: EngineName


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimer:
    """Send ``TimePassed`` at ``at``; replaces the timer set before. None: no timer is needed."""

    at: datetime | None


Command: TypeAlias = (
    StartRun | FollowRun | InquireRun | StopRun | Inspect | AskScript | TellScript | Describe | SetTimer
)
