"""The agents of a server with their partitions and profiles: read from their exported configuration, a few at a time.

Where the export cannot be run, profiles are learned from the run history, whose steps repeat those of their profiles.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from autosync.adapters.engines.mim.access.port import EngineTools, ListedAgent, SyncService
from autosync.adapters.engines.mim.learning import category_of, learned_profiles
from autosync.adapters.engines.mim.reading.ma_export import AgentReader, ManagementAgent
from autosync.adapters.engines.mim.reading.partitions import PartitionIndex
from autosync.adapters.engines.mim.reading.run_history import Known
from autosync.adapters.engines.mim.reading.values import guid
from autosync.adapters.engines.mim.streams import pieces_of
from autosync.adapters.engines.mim.told import Told
from autosync.model.agents import Agent
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.model.ids import EngineName, PartitionName, agent_id
from autosync.ports.clock import Clock
from autosync.untrusted_xml import XmlRefused

_AT_ONCE: Final = 4
_PATIENCE_S: Final = 90.0
"""For reading the agents in one call; what was read by then is kept, and the next call goes on."""
_SLICE: Final = 16 * 1024
"""Bytes that are parsed before others get their turn: about two milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAgent:
    """An agent as it was read last."""

    listed: ListedAgent
    agent: Agent
    exported: ManagementAgent | None
    """None: learned from the run history."""
    read_at: float
    version: tuple[str, str] | None = None


class AgentBook:
    """Knows the agents, and reads again what may have changed."""

    def __init__(
        self, engine: EngineName, service: SyncService, tools: EngineTools | None, clock: Clock, told: Told
    ) -> None:
        self._engine = engine
        self._service = service
        self._tools = tools
        self._clock = clock
        self._told = told
        self._known: dict[str, KnownAgent] = {}
        self._suspect: set[str] = set()
        self._tools_open = False

    async def described(self, refresh: timedelta, asked_every: timedelta) -> tuple[Agent, ...]:
        """Return all agents as they are now.

        Every agent is read once, and again within ``refresh``: with each call as many as that takes when calls come
        ``asked_every`` so often, and those of which something unknown was seen.
        """
        listed = await self._service.agents()
        if not listed:
            raise EngineUnavailable(
                "the server lists no management agents: the account is in none of the engine's groups (Operators at least), "
                "or there are none yet"
            )
        await self._find_tools()
        self._known = {guid(each.guid): known for each in listed if (known := self._renamed(each)) is not None}
        await self._read_all([each for each in listed if guid(each.guid) not in self._known], whole=True)
        share = math.ceil(len(listed) * asked_every / refresh) if refresh else len(listed)
        oldest = sorted(self._known.values(), key=lambda known: known.read_at)
        due = [each for each in oldest if self._clock.elapsed() - each.read_at >= refresh.total_seconds() / 2][:share]
        await self._read_all([each.listed for each in due], whole=False)
        suspects, self._suspect = self._suspect, set()
        await self._read_all([known.listed for key, known in self._known.items() if key in suspects], whole=True)
        return tuple(self._known[guid(each.guid)].agent for each in listed if guid(each.guid) in self._known)

    def forget_tools(self) -> None:
        """Look for the tools again with the next question."""
        self._tools_open = False

    @property
    def tools(self) -> EngineTools | None:
        """Return the tools where they were found."""
        return self._tools if self._tools_open else None

    def find(self, name: str) -> KnownAgent | None:
        """Return an agent by its name, whatever the case."""
        folded = name.casefold()
        return next((known for known in self._known.values() if known.listed.name.casefold() == folded), None)

    async def named(self, name: str) -> KnownAgent:
        """Return an agent by its name; read it first where nobody has asked for the agents yet.

        Raises ``EngineRejected`` when there is none of that name.
        """
        known = self.find(name)
        if known is not None:
            return known
        listed = next((each for each in await self._service.agents() if each.name.casefold() == name.casefold()), None)
        if listed is None:
            raise EngineRejected("no-such-agent", f"{self._engine} has no agent {name}")
        await self._find_tools()
        await self._read(listed, whole=True)
        return self._known[guid(listed.guid)]

    def name_by(self, agent_guid: str) -> str | None:
        """Return the name that an agent has now: history rows keep the one that it had."""
        known = self._known.get(agent_guid)
        return known.listed.name if known is not None else None

    def saw(self, agent_guid: str, profile: str) -> None:
        """Take note of a run: one of a profile that is not known means that the agent changed."""
        known = self._known.get(agent_guid)
        if known is None or not profile or any(each.casefold() == profile.casefold() for each in known.agent.profiles):
            return
        self._suspect.add(agent_guid)

    def suspect(self, known: KnownAgent) -> None:
        """Read the agent again with the next question."""
        self._suspect.add(guid(known.listed.guid))

    @property
    def resolver(self) -> Known:
        """Return what the readers of the run history need to resolve names."""
        return Known(
            engine=self._engine,
            partitions=self._partitions,
            agents={key: known.listed.name for key, known in self._known.items()},
        )

    @property
    def _partitions(self) -> Mapping[str, PartitionIndex]:
        return {
            known.listed.name.casefold(): known.exported.index
            for known in self._known.values()
            if known.exported is not None
        }

    async def _find_tools(self) -> None:
        if self._tools is None or self._tools_open:
            return
        try:
            await self._tools.open()
        except EngineUnavailable as error:
            self._told.once(
                "tools-missing",
                error=str(error),
                means="run profiles are learned from the run history, and pending changes are not told by partition",
            )
        else:
            self._tools_open = True
            self._suspect |= {key for key, known in self._known.items() if known.exported is None}

    def _renamed(self, listed: ListedAgent) -> KnownAgent | None:
        """Return what is known of a listed agent; None where it is new, or has another name: then it is read."""
        known = self._known.get(guid(listed.guid))
        return known if known is not None and known.listed == listed else None

    async def _read_all(self, agents: Sequence[ListedAgent], *, whole: bool) -> None:
        waiting = list(agents)
        until = self._clock.elapsed() + _PATIENCE_S

        async def read() -> None:
            while waiting and self._clock.elapsed() < until:
                await self._read(waiting.pop(0), whole=whole)

        try:
            async with asyncio.TaskGroup() as readers:
                for number in range(min(_AT_ONCE, len(waiting))):
                    readers.create_task(read(), name=f"{self._engine}: reads agents ({number + 1})")
        except* EngineUnavailable as lost:
            raise EngineUnavailable(str(lost.exceptions[0])) from lost
        if waiting and whole:
            done = len(agents) - len(waiting)
            raise EngineUnavailable(
                f"reading the configuration of {len(agents)} agents takes long: {done} are read, it goes on"
            )

    async def _read(self, listed: ListedAgent, *, whole: bool) -> None:
        key = guid(listed.guid)
        known = self._known.get(key)
        found: KnownAgent | None = None
        if self.tools is not None:
            try:
                found = await self._exported(self.tools, listed, None if whole else known)
            except (EngineRejected, EngineUnavailable, XmlRefused) as error:
                self._told.warn("agent", f"the configuration of {listed.name} cannot be exported: {error}")
                self.forget_tools()
        if found is None and (known is None or known.exported is None):
            found = await self._learned(listed)
        if found is None and known is not None:
            found = replace(known, read_at=self._clock.elapsed())
        if found is not None:
            self._known[key] = found

    async def _exported(self, tools: EngineTools, listed: ListedAgent, known: KnownAgent | None) -> KnownAgent:
        """Read the agent's export; no further than to its version where that is the known one."""
        reader = AgentReader()
        async with aclosing(pieces_of(tools.export_agent(listed.name))) as exported:
            async for piece in exported:
                for begin in range(0, len(piece), _SLICE):
                    reader.feed(piece[begin : begin + _SLICE])
                    await asyncio.sleep(0)
                if known is not None and known.version is not None and reader.version == known.version:
                    return replace(known, read_at=self._clock.elapsed())
        version, found = reader.version, reader.close()
        self._told.warn_all(f"agent {listed.name}", found.warnings)
        return KnownAgent(
            listed=listed,
            agent=found.as_agent(self._engine),
            exported=found,
            read_at=self._clock.elapsed(),
            version=version,
        )

    async def _learned(self, listed: ListedAgent) -> KnownAgent:
        profiles = await learned_profiles(self._service, self._engine, listed, self._clock.now())
        seen = dict.fromkeys(step.partition for profile in profiles.values() for step in profile.steps)
        agent = Agent(
            id=agent_id(self._engine, listed.name),
            category=category_of(listed.type),
            partitions=tuple(seen) or (PartitionName("default"),),
            profiles=profiles,
        )
        return KnownAgent(listed=listed, agent=agent, exported=None, read_at=self._clock.elapsed())
