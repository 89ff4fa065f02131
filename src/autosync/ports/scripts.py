"""The promise of a controller script: a user's own code that may keep a run back, and hears how each run ended.

Obligations of every adapter (contract suite: ``autosync.testing.contracts.scripts``):

- Nothing here blocks the event loop. Every call ends within its time limit: then ``ScriptFailed`` is raised, what still runs is
  stopped, and the next call finds a fresh script.
- A function that the script does not have is no error: ``should_execute`` then allows, ``execution_complete`` does nothing.
- What the script prints, warns and logs goes to AutoSync's log, never to the caller; its errors come with file and line.
- State that the script keeps between calls survives as long as the script lives.
"""

from dataclasses import dataclass
from typing import Protocol

from autosync.model.agents import Agent
from autosync.model.counts import RunResult
from autosync.model.ids import AgentId, ProfileName
from autosync.model.scripts import UnexpectedChange

__all__ = ["ControllerScript", "EndedRun", "UnexpectedChange", "Verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a script said."""

    allowed: bool = True
    """Of ``ShouldExecute``: whether the run may start. A no holds or drops it: the configuration says which."""
    text: str = ""
    """Why, where the script says so."""
    unexpected: UnexpectedChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """What ``ExecutionComplete`` gets to see."""

    agent: Agent
    profile: ProfileName
    result: RunResult
    managed: bool
    """False for a run that somebody else started."""


class ControllerScript(Protocol):
    """The script of one agent."""

    @property
    def agent(self) -> AgentId:
        """Return whose script it is."""
        ...

    async def open(self) -> None:
        """Load the script; raise ``ScriptFailed`` with file, line and what is wrong. May be called again."""
        ...

    async def close(self) -> None:
        """End the script's process; idempotent, bounded in time."""
        ...

    async def should_execute(self, profile: ProfileName) -> Verdict:
        """Ask whether a run may start now. Raises ``ScriptFailed``."""
        ...

    async def execution_complete(self, run: EndedRun) -> Verdict:
        """Tell how a run ended; ``unexpected`` may come back. Raises ``ScriptFailed``."""
        ...
