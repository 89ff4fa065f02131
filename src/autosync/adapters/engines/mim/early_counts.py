"""What is pending, counted beside the reading of the run that changed it: the answer is there when the guards ask.

What the last run of a profile made worth counting is counted again at once when the next one has ended, and the rest as soon
as the run's details are read. Nothing is handed out that was counted before the last start or end of a run that is known.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from autosync.adapters.engines.mim.reading.values import guid
from autosync.adapters.engines.mim.rows import HistoryRow
from autosync.adapters.engines.mim.starting import Calls
from autosync.model.agents import Pending, PendingSide
from autosync.model.counts import RunResult
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.model.ids import AgentId
from autosync.ports.clock import Clock

Sides: TypeAlias = frozenset[PendingSide]
Count: TypeAlias = Callable[[AgentId, Sides], Awaitable[Pending]]
_IMPORTS: Final = frozenset({PendingSide.IMPORTS})
_EXPORTS: Final = frozenset({PendingSide.EXPORTS})
_GOOD_FOR_S: Final = 2.0
_MOST: Final = 8
"""Agents that are counted for one run without having been asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A count that was begun when a run had ended."""

    sides: Sides
    at: float
    counting: "asyncio.Task[Pending]"


class EarlyCounts:
    """Counts before it is asked, and counts anew where that is too old."""

    def __init__(self, count: Count, clock: Clock, calls: Calls) -> None:
        self._count = count
        self._clock = clock
        self._calls = calls
        self._begun: dict[AgentId, _Begun] = {}
        self._after: str | None = None
        self._learned: dict[tuple[str, str], Mapping[AgentId, Sides]] = {}

    async def of(self, agent: AgentId, sides: Sides) -> Pending:
        """Return what is pending. Raises ``EngineUnavailable``, ``EngineRejected``."""
        begun = self._begun.pop(agent, None)
        if begun is None:
            return await self._count(agent, sides)
        if not sides <= begun.sides or self._clock.elapsed() - begun.at > _GOOD_FOR_S:
            begun.counting.cancel()
            return await self._count(agent, sides)
        try:
            return await begun.counting
        except (EngineUnavailable, EngineRejected):
            return await self._count(agent, sides)  # what went wrong before anybody asked is no answer

    def overtaken(self, row: HistoryRow | None = None) -> None:
        """Hand out nothing that was begun by now: a run starts, or its row has changed; but for that of the end we know."""
        if row is None or row.key != self._after:
            self._forget()

    def ended(self, row: HistoryRow) -> None:
        """Begin to count what the last run of the profile made worth counting."""
        self._forget()
        self._after = row.key
        self._begin(self._learned.get(_profile_of(row), {}))

    def told(self, row: HistoryRow, agent: AgentId, result: RunResult) -> None:
        """Learn from what a run did, and begin to count what is not being counted yet, if it was the last that ended."""
        worth = _worth_counting(agent, result)
        self._learned[_profile_of(row)] = worth
        if self._after == row.key:
            self._begin(worth)

    def _forget(self) -> None:
        for begun in self._begun.values():
            begun.counting.cancel()  # nobody waits for it: who does has taken it away
        self._begun.clear()

    def _begin(self, worth: Mapping[AgentId, Sides]) -> None:
        for agent, sides in list(worth.items())[:_MOST]:
            if agent not in self._begun:
                counting = self._calls.begin(_counted(self._count, agent, sides), f"counts what is pending on {agent}")
                self._begun[agent] = _Begun(sides=sides, at=self._clock.elapsed(), counting=counting)


async def _counted(count: Count, agent: AgentId, sides: Sides) -> Pending:
    return await count(agent, sides)


def _profile_of(row: HistoryRow) -> tuple[str, str]:
    return guid(row.guid), row.profile.casefold()


def _worth_counting(agent: AgentId, result: RunResult) -> Mapping[AgentId, Sides]:
    """Return what the guards will ask for: staged imports before a synchronization, exports of those that it reached."""
    found: dict[AgentId, Sides] = {}
    for place, step in enumerate(result.steps):
        is_synced = any(later.kind.syncs and later.partition == step.partition for later in result.steps[place:])
        if step.kind.imports and not is_synced and (step.staged is None or step.staged.total):
            found[agent] = found.get(agent, frozenset()) | _IMPORTS
        for target, count in (step.outbound or {}).items():
            if count:
                found[target] = found.get(target, frozenset()) | _EXPORTS
    return found
