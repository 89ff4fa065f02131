"""The engine port for the Synchronization Service of Microsoft Identity Manager."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from autosync.adapters.engines.mim.access.port import EngineTools, SyncService
from autosync.adapters.engines.mim.discovery import AgentBook, KnownAgent
from autosync.adapters.engines.mim.early_counts import EarlyCounts
from autosync.adapters.engines.mim.history import RunHistory
from autosync.adapters.engines.mim.options import MimOptions
from autosync.adapters.engines.mim.pending import MayBeHeld, PendingChangesReader
from autosync.adapters.engines.mim.results import Results, cleared
from autosync.adapters.engines.mim.rows import HistoryRow, history_row, number_of
from autosync.adapters.engines.mim.starting import Calls, Starter
from autosync.adapters.engines.mim.told import Told
from autosync.adapters.engines.mim.watch import RunWatch
from autosync.model.agents import BOTH_SIDES, MIM_SERVICE, Agent, Pending, PendingSide, Sighting
from autosync.model.counts import RunResult
from autosync.model.errors import ConfigError, EngineRejected, EngineUnavailable
from autosync.model.ids import AgentId, EngineName, ProfileName, RunId, agent_id, name_of
from autosync.ports.clock import Clock

DESCRIBE_EVERY: Final = timedelta(seconds=20)
"""How often the host asks for the agents: one small question, and a share of the exports that are due."""
WORST_SKEW: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The ways in to one server."""

    service: SyncService
    tools: EngineTools | None = None


class MimEngine:
    """One synchronization server."""

    def __init__(
        self,
        name: EngineName,
        access: Callable[[], Access],
        options: MimOptions,
        clock: Clock,
        may_be_held: MayBeHeld,
    ) -> None:
        self._name = name
        self._make_access = access
        self._options = options
        self._clock = clock
        self._may_be_held = may_be_held
        self._told = Told(name)
        self._inside: _Inside | None = None

    @property
    def name(self) -> EngineName:
        """Return the engine's name in the configuration."""
        return self._name

    async def open(self) -> None:
        """Reach the server and sign in. What was known of agents and runs before a lost contact is kept."""
        if self._inside is None:
            try:
                access = self._make_access()
            except ConfigError as error:  # a secret that is not there (yet)
                raise EngineUnavailable(str(error)) from error
            self._inside = _Inside(access, self._told, self._options, self._clock, self._may_be_held)
        inside = self._inside
        await inside.access.service.open()
        server_time = await inside.access.service.time()
        skew = server_time - self._clock.now() if server_time is not None else timedelta(0)
        if abs(skew) > WORST_SKEW:
            self._told.once(
                "clock-skew",
                seconds=round(skew.total_seconds()),
                means="the server's clock and this machine's differ; schedules go by this one, run history by the server's",
            )
        inside.watch.begin(skew)

    async def close(self) -> None:
        """Let go of connections; runs go on."""
        inside, self._inside = self._inside, None
        if inside is None:
            return
        await inside.calls.close()
        if inside.access.tools is not None:
            await inside.access.tools.close()
        await inside.access.service.close()

    async def agents(self) -> Sequence[Agent]:
        """Return all agents; of those that may have changed a few are read anew each time."""
        found = await self._in.book.described(self._options.refresh, DESCRIBE_EVERY)
        return tuple(self._as_configured(agent) for agent in found)

    async def start(self, agent: AgentId, profile: ProfileName, run: RunId) -> str:  # noqa: ARG002 - runs carry no label here
        """Start a run profile and return the key of its row in the run history."""
        inside, known = self._in, await self._agent(agent)
        inside.counts.overtaken()
        try:
            row = await inside.starter.start(known.listed, profile)
        except EngineRejected as no:
            if no.status == "no-start-unknown-profile-name":
                inside.book.suspect(known)
            raise
        return row.key

    async def wait(self, agent: AgentId, handle: str) -> RunResult:
        """Wait until the run has ended, by its row in the run history."""
        inside = self._in
        row = inside.watch.known.row(handle) or await self._row(agent, handle)
        ended = await inside.watch.end_of(row) if row is not None else None
        if ended is None:
            return cleared(handle, name_of(agent))
        inside.book.saw(ended.guid, ended.profile)
        inside.counts.ended(ended)
        result = await inside.results.of(ended, inside.book.resolver)
        inside.counts.told(ended, agent, result)
        return result

    async def stop(self, agent: AgentId) -> None:
        """Ask the engine to stop the agent's current run."""
        await self._in.starter.stop((await self._agent(agent)).listed.name)

    async def newest(self, agent: AgentId) -> Sighting | None:
        """Return the agent's newest run."""
        row = await self._in.starter.newest((await self._agent(agent)).listed)
        return self._sighting(row) if row is not None else None

    async def pending(self, agent: AgentId, sides: frozenset[PendingSide] = BOTH_SIDES) -> Pending:
        """Count staged imports and pending exports."""
        return await self._in.counts.of(agent, sides)

    async def sightings(self) -> AsyncIterator[Sighting]:
        """Yield every run of the server as it begins and ends."""
        inside = self._in
        async for row in inside.watch.changes():
            inside.book.saw(row.guid, row.profile)
            yield self._sighting(row)

    async def clear_history(self, before: datetime) -> int:
        """Delete run history that ended before the moment, saved first where the configuration says so."""
        return await self._in.history.clear(before)

    @property
    def _in(self) -> "_Inside":
        if self._inside is None:
            raise EngineUnavailable(f"{self._name} is not open")
        return self._inside

    async def _agent(self, agent: AgentId) -> KnownAgent:
        return await self._in.book.named(name_of(agent))

    def _sighting(self, row: HistoryRow) -> Sighting:
        return row.sighting(agent_id(self._name, self._in.book.name_by(row.guid) or row.agent))

    def _as_configured(self, agent: Agent) -> Agent:
        if name_of(agent.id).casefold() in self._options.mim_service_agents:
            return replace(agent, category=MIM_SERVICE)
        return agent

    async def _row(self, agent: AgentId, handle: str) -> HistoryRow | None:
        """Return the row of a run that was not seen in this life; None when its row is gone from the history."""
        number = number_of(handle)
        if number is None:
            raise EngineRejected("no-such-run", f"{handle} is no run of {agent}")
        listed = await self._in.access.service.run(handle)
        if listed is not None:
            return history_row(listed)
        newest = await self._in.starter.newest((await self._agent(agent)).listed)
        if newest is not None and newest.number < number:
            raise EngineRejected("no-such-run", f"{agent} has not had a run {number} yet")
        return newest if newest is not None and newest.key == handle and newest.goes_on else None


class _Inside:
    """Everything that is made from one access."""

    def __init__(self, access: Access, told: Told, options: MimOptions, clock: Clock, may_be_held: MayBeHeld) -> None:
        service = access.service
        self.access = access
        self.calls = Calls()
        self.counts = EarlyCounts(self._count, clock, self.calls)
        self.watch = RunWatch(service, clock, self.counts.overtaken)
        self.book = AgentBook(told.engine, service, access.tools, clock, told)
        self.starter = Starter(service, self.watch, clock, self.calls)
        self.results = Results(service, clock, told)
        self.pending = PendingChangesReader(service, told, fingerprints=options.fingerprints, may_be_held=may_be_held)
        self.history = RunHistory(service, clock, told, options.save_run_history)

    async def _count(self, agent: AgentId, sides: frozenset[PendingSide]) -> Pending:
        return await self.pending.of(await self.book.named(name_of(agent)), self.book.tools, sides)
