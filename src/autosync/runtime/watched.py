"""An engine that is only watched: the one place where nothing gets through that would do anything in it."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from autosync.model.agents import BOTH_SIDES, Agent, Pending, PendingSide, Sighting
from autosync.model.counts import RunResult
from autosync.model.errors import EngineRejected
from autosync.model.ids import AgentId, EngineName, ProfileName, RunId
from autosync.ports.engine import Engine


class WatchedEngine:
    """Passes on every question, and no start, stop or clearing of history."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def name(self) -> EngineName:
        """Return the engine's name."""
        return self._engine.name

    async def open(self) -> None:
        """Connect."""
        await self._engine.open()

    async def close(self) -> None:
        """Let go."""
        await self._engine.close()

    async def agents(self) -> Sequence[Agent]:
        """Return all agents."""
        return await self._engine.agents()

    async def start(self, agent: AgentId, profile: ProfileName, run: RunId) -> str:
        """Refuse."""
        del run
        raise EngineRejected("no-start-server", f"{self.name} is only watched: {profile} of {agent} is not started")

    async def wait(self, agent: AgentId, handle: str) -> RunResult:
        """Wait for the end of somebody else's run."""
        return await self._engine.wait(agent, handle)

    async def stop(self, agent: AgentId) -> None:
        """Refuse."""
        raise EngineRejected("not-stopped", f"{self.name} is only watched: the run of {agent} is not stopped")

    async def newest(self, agent: AgentId) -> Sighting | None:
        """Return the agent's newest run."""
        return await self._engine.newest(agent)

    async def pending(self, agent: AgentId, sides: frozenset[PendingSide] = BOTH_SIDES) -> Pending:
        """Count what is pending."""
        return await self._engine.pending(agent, sides)

    def sightings(self) -> AsyncIterator[Sighting]:
        """Yield runs as they begin and end."""
        return self._engine.sightings()

    async def clear_history(self, before: datetime) -> int:
        """Clear nothing."""
        del before
        return 0
