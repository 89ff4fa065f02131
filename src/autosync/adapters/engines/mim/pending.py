"""What waits in an agent's connector space: cheap counters for the agent, ``csexport`` only where they do not say enough."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from enum import StrEnum
from typing import Final, TypeAlias

from autosync.adapters.engines.mim.access.port import EngineTools, Question, SyncService
from autosync.adapters.engines.mim.discovery import KnownAgent
from autosync.adapters.engines.mim.reading import answers
from autosync.adapters.engines.mim.reading.csexport import EXPORTS, IMPORTS, PendingChanges, PendingReader
from autosync.adapters.engines.mim.reading.values import whole
from autosync.adapters.engines.mim.streams import pieces_of
from autosync.adapters.engines.mim.told import Told
from autosync.model.agents import Pending, PendingSet, PendingSide
from autosync.model.counts import Counts
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.model.ids import AgentId, PartitionName
from autosync.untrusted_xml import XmlRefused

_SLICE: Final = 16 * 1024
_COUNTERS: Final[Mapping[PendingSide, tuple[Question, Question, Question]]] = {
    PendingSide.IMPORTS: (Question.IMPORT_ADDS, Question.IMPORT_UPDATES, Question.IMPORT_DELETES),
    PendingSide.EXPORTS: (Question.EXPORT_ADDS, Question.EXPORT_UPDATES, Question.EXPORT_DELETES),
}
_SIDES: Final = {PendingSide.IMPORTS: IMPORTS, PendingSide.EXPORTS: EXPORTS}


class Fingerprints(StrEnum):
    """When exactly the pending set of changes is told, object by object."""

    WHEN_HELD = "when-held"
    ALWAYS = "always"


MayBeHeld: TypeAlias = Callable[[AgentId, PendingSide, Counts, int | None], bool]
"""Whether a guard may hold a set of so many changes, with so many objects in the connector space (None: however many)."""


class PendingChangesReader:
    """Answers what is pending on an agent."""

    def __init__(self, service: SyncService, told: Told, *, fingerprints: Fingerprints, may_be_held: MayBeHeld) -> None:
        self._service = service
        self._told = told
        self._fingerprints = fingerprints
        self._may_be_held = may_be_held

    async def of(self, known: KnownAgent, tools: EngineTools | None, sides: frozenset[PendingSide]) -> Pending:
        """Count staged imports and pending exports, whichever is asked for.

        How many objects there are is asked only where a guard in percent may depend on it. Raises ``EngineUnavailable``,
        ``EngineRejected``.
        """
        counts = await self._counts(known.listed.name, sides)
        held = {side for side, each in counts.items() if self._may_be_held(known.agent.id, side, each, None)}
        population = await self._population(known.listed.name) if held else None
        sets = {
            side: await self._sets_of(
                known, side, tools, each, must_tell=self._must_tell(known, side, each, population)
            )
            for side, each in counts.items()
        }
        # The engine counts objects by agent alone: of several partitions each is given the sum, since a limit in percent
        # of more objects is better than none.
        return Pending(
            agent=known.agent.id,
            imports=sets.get(PendingSide.IMPORTS),
            exports=sets.get(PendingSide.EXPORTS),
            population={} if population is None else dict.fromkeys(known.agent.partitions, population),
        )

    def _must_tell(self, known: KnownAgent, side: PendingSide, counts: Counts, population: int | None) -> bool:
        """Return whether exactly this set must be known, object by object."""
        always = self._fingerprints is Fingerprints.ALWAYS
        return always or self._may_be_held(known.agent.id, side, counts, population)

    async def _sets_of(
        self, known: KnownAgent, side: PendingSide, tools: EngineTools | None, counts: Counts, *, must_tell: bool
    ) -> Mapping[PartitionName, PendingSet]:
        if not counts.total:
            return {}
        partitions = known.agent.partitions
        if len(partitions) == 1 and not must_tell:
            return {partitions[0]: PendingSet(counts=counts)}
        if tools is not None and known.exported is not None:
            told = await self._told_by_export(known, side, tools, must_tell=must_tell)
            if told is not None:
                return self._sets(known, counts, told)
        return dict.fromkeys(partitions, _upper_bound(counts, len(partitions)))

    async def _population(self, agent: str) -> int | None:
        """Return how many objects the agent's connector space has."""
        return whole(await self._service.ask(agent, Question.OBJECTS))

    async def _counts(self, agent: str, sides: frozenset[PendingSide]) -> Mapping[PendingSide, Counts]:
        """Return the agent's counters, all asked at the same time: a start waits for them.

        Renames count as updates there, and delete-adds as what they are made of.
        """
        wanted = [side for side in _COUNTERS if side in sides]
        said = await self._answers(agent, [question for side in wanted for question in _COUNTERS[side]])
        found: dict[PendingSide, Counts] = {}
        for side in wanted:
            adds, updates, deletes = (answers.counted(said[question]) for question in _COUNTERS[side])
            found[side] = Counts(adds=adds, updates=updates, deletes=deletes)
        return found

    async def _answers(self, agent: str, questions: Sequence[Question]) -> Mapping[Question, str]:
        try:
            async with asyncio.TaskGroup() as group:
                asked = {
                    question: group.create_task(self._service.ask(agent, question), name=f"{question} of {agent}")
                    for question in questions
                }
        except* (EngineRejected, EngineUnavailable) as failed:
            raise failed.exceptions[0] from None
        return {question: task.result() for question, task in asked.items()}

    async def _told_by_export(
        self, known: KnownAgent, side: PendingSide, tools: EngineTools, *, must_tell: bool
    ) -> PendingChanges | None:
        """Return what ``csexport`` tells; None when it cannot be run or read. Without need read only to where it is known."""
        assert known.exported is not None
        reader = PendingReader(_SIDES[side], known.exported.index, stop_when_all_seen=not must_tell)
        try:
            async with aclosing(pieces_of(tools.export_pending(known.listed.name, side))) as written:
                async for piece in written:
                    for begin in range(0, len(piece), _SLICE):
                        reader.feed(piece[begin : begin + _SLICE])
                        await asyncio.sleep(0)
                    if reader.is_enough:
                        break
            told = reader.close()
        except (EngineRejected, EngineUnavailable, XmlRefused) as error:
            self._told.warn("pending", f"what is pending on {known.listed.name} cannot be exported: {error}")
            return None
        self._told.warn_all(f"pending changes of {known.listed.name}", told.warnings)
        return told

    def _sets(self, known: KnownAgent, counts: Counts, told: PendingChanges) -> Mapping[PartitionName, PendingSet]:
        """Return the sets by partition; what cannot be placed, and what was not counted, counts everywhere."""
        partitions = known.agent.partitions
        if told.unplaced_count:
            return dict.fromkeys(partitions, _upper_bound(counts, len(partitions)))
        return {
            name: each if each.counts is not None else replace(each, counts=counts) for name, each in told.sets.items()
        }


def _upper_bound(counts: Counts, partitions: int) -> PendingSet:
    """Return a set of which only the sum over all partitions is known: a guard then rather holds too early."""
    sample = ("all partitions of the agent together: what each of them has is not known",) if partitions > 1 else ()
    return PendingSet(counts=counts, sample=sample)
