"""The engine port for the embedded engine."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from autosync.adapters.engines.embedded.process import WorkerProcess
from autosync.model.agents import BOTH_SIDES, Agent, Pending, PendingSide, Sighting
from autosync.model.counts import RunResult
from autosync.model.errors import ConfigError, EngineUnavailable
from autosync.model.ids import AgentId, EngineName, ProfileName, RunId, name_of

T = TypeVar("T")

_ANSWER_LIMIT_S = 60.0
_NEWS_KEPT = 1000


class EmbeddedEngine:
    """One embedded engine. Only this worker runs it: the engine's store is locked, so every run is seen here first."""

    def __init__(self, name: EngineName, setup: Callable[[], dict[str, object]]) -> None:
        self._name = name
        self._setup = setup
        self._news: asyncio.Queue[Sighting | None] = asyncio.Queue(_NEWS_KEPT)
        self._worker = WorkerProcess(name, on_death=lambda: self._tell(None))

    @property
    def name(self) -> EngineName:
        """Return the engine's name in the configuration."""
        return self._name

    async def open(self) -> None:
        """Start the worker; it opens the engine's store and closes what an earlier worker left unfinished."""
        if not self._worker.alive:
            try:
                setup = self._setup()
            except ConfigError as error:  # a secret that is not there (yet)
                raise EngineUnavailable(str(error)) from error
            await self._worker.start({**setup, "engine": self._name})

    async def close(self) -> None:
        """End the worker: a run stops after its batch, which stays valid, and is told as stopped when asked for."""
        await self._worker.stop()

    async def agents(self) -> Sequence[Agent]:
        """Return all agents with partitions and profiles."""
        return await self._ask(list[Agent], "agents")

    async def start(self, agent: AgentId, profile: ProfileName, run: RunId) -> str:
        """Start a run profile and return its run number in the engine."""
        handle = await self._ask(str, "start", agent=name_of(agent), profile=profile, label=str(run))
        self._tell(Sighting(agent=agent, handle=handle, profile=profile, running=True, label=str(run)))
        return handle

    async def wait(self, agent: AgentId, handle: str) -> RunResult:
        """Wait until the run has ended; runs take as long as they take, so there is no limit."""
        result = await self._worker.ask_for(RunResult, "wait", {"agent": name_of(agent), "handle": handle})
        newest = await self.newest(agent)
        if newest is not None:
            self._tell(newest)
        return result

    async def stop(self, agent: AgentId) -> None:
        """Stop the agent's run after its current batch."""
        await self._ask(type(None), "stop", agent=name_of(agent))

    async def newest(self, agent: AgentId) -> Sighting | None:
        """Return the agent's newest run."""
        found = await self._ask(list[Sighting], "newest", agent=name_of(agent))
        return found[0] if found else None

    async def pending(self, agent: AgentId, sides: frozenset[PendingSide] = BOTH_SIDES) -> Pending:  # noqa: ARG002 - tells both
        """Count staged imports and pending exports, with their fingerprints."""
        return await self._ask(Pending, "pending", agent=name_of(agent))

    async def sightings(self) -> AsyncIterator[Sighting]:
        """Yield each start and end as it happens, until the worker dies."""
        while True:
            sighting = await self._news.get()
            if sighting is None:
                raise EngineUnavailable(f"the worker process of engine {self._name} ended; starting another")
            yield sighting

    async def clear_history(self, before: datetime) -> int:
        """Delete run history that ended before the moment."""
        return await self._ask(int, "clear_history", before=before.isoformat())

    async def _ask(self, kind: type[T], method: str, **arguments: object) -> T:
        try:
            async with asyncio.timeout(_ANSWER_LIMIT_S):
                return await self._worker.ask_for(kind, method, arguments)
        except TimeoutError as error:
            raise EngineUnavailable(
                f"the worker process of engine {self._name} did not answer {method} within {_ANSWER_LIMIT_S:.0f} s"
            ) from error

    def _tell(self, sighting: Sighting | None) -> None:
        if self._news.full():
            self._news.get_nowait()
        self._news.put_nowait(sighting)
