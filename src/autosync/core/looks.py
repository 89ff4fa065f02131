"""Looking for work: what is pending on an agent becomes requests, because a run left it or because it was just there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from autosync.core import discovery, holds, inspection, queue
from autosync.core.narration import counts_text
from autosync.core.state import AgentState, EngineState, Look
from autosync.core.turn import Turn
from autosync.model.agents import BOTH_SIDES, Agent, PendingSet, PendingSide
from autosync.model.causes import Cause, CauseKind
from autosync.model.facts import FactKind
from autosync.model.holds import HoldState
from autosync.model.ids import AgentId, PartitionName, engine_of
from autosync.model.steps import Slot

_EXPORTS: Final = frozenset({PendingSide.EXPORTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Pending work of one partition, and what would do it."""

    slot: Slot
    partition: PartitionName
    pending: PendingSet

    @property
    def count(self) -> int | None:
        """Return how many changes wait; None when the engine cannot count."""
        return self.pending.counts.total if self.pending.counts is not None else None


def want(turn: Turn, agent: AgentId, look: Look, *, anew: bool = False) -> None:
    """Remember to look at an agent as soon as that can be done; two reasons to look become one.

    ``anew``: something may have happened that nobody saw, so what is known does not count.
    """
    if anew:
        inspection.overtake(turn, agent, synchronizes=False)
    known = turn.agent(agent)
    before = known.look or Look()
    both = Look(
        causes=queue.united(before.causes, look.causes),
        cascades=before.cascades | look.cascades,
        trail={**before.trail, **look.trail},
        imports=before.imports or look.imports,
        syncs=turn.engine(engine_of(agent)).syncs,
    )
    turn.put_agent(replace(known, look=both))


def advance(turn: Turn) -> None:
    """Look where somebody wants to, and at holds whose set may have changed, on agents where nothing runs."""
    held = {hold.agent for hold in turn.holds.now.values() if hold.state is not HoldState.REJECTED}
    for agent, known in tuple(turn.agents.now.items()):
        if known.agent is None or (known.look is None and agent not in held):
            continue
        engine = turn.engine(engine_of(agent))
        if engine.connected and turn.running(agent) is None:
            _advance(turn, known, known.agent, engine)


def _advance(turn: Turn, known: AgentState, agent: Agent, engine: EngineState) -> None:
    look = known.look
    needed = BOTH_SIDES if look is None or look.imports else _EXPORTS
    is_told = needed <= inspection.sides_known(known)
    if look is not None and is_told and known.syncs_seen >= look.syncs:
        turn.put_agent(replace(known, look=None))
        turn.release(look.cascades)
        for found in _found(known, agent, look):
            _request(turn, agent, look, found)
    elif not (is_told and inspection.exports_known(known, engine)):
        inspection.ask(turn, agent.id, needed)


def _found(known: AgentState, agent: Agent, look: Look) -> list[_Found]:
    slots = (Slot.DELTA_SYNC, Slot.EXPORT) if look.imports else (Slot.EXPORT,)
    work = [
        _Found(slot=slot, partition=partition, pending=pending)
        for slot in slots
        for partition, pending in _sets(known, agent, slot).items()
    ]
    return [found for found in work if found.count != 0]


def _sets(known: AgentState, agent: Agent, slot: Slot) -> Mapping[PartitionName, PendingSet]:
    """Return the pending sets per partition; where the engine cannot say, there may be something in each."""
    side = PendingSide.IMPORTS if slot is Slot.DELTA_SYNC else PendingSide.EXPORTS
    sets = known.pending.side(side) if known.pending is not None else None
    return dict.fromkeys(agent.partitions, holds.UNCOUNTED) if sets is None else sets


def _request(turn: Turn, agent: Agent, look: Look, found: _Found) -> None:
    profile = discovery.profile_for(agent, turn.agent_settings(agent.id), found.slot, found.partition)
    if profile is None:
        queue.unserved(turn, agent.id, found.slot, found.partition)
        return
    if not look.causes and turn.waiting(agent.id, profile) is not None:
        return  # what waits was found by whoever asked for it: no news, and no cascade of its own
    wish = queue.Wish(
        agent=agent.id,
        profile=profile,
        causes=look.causes or (_found_cause(turn, agent.id, found),),
        cascades=look.cascades,
        front=found.slot is Slot.DELTA_SYNC,
        trail=look.trail,
        expected=found.count,
    )
    if look.cascades:
        queue.add(turn, wish)
    else:
        queue.ask(turn, (profile,), wish)


def _found_cause(turn: Turn, agent: AgentId, found: _Found) -> Cause:
    what = "staged imports" if found.slot is Slot.DELTA_SYNC else "pending exports"
    text = f"{what} were found on {agent}: {counts_text(found.pending.counts)}"
    turn.record(FactKind.PENDING_FOUND, text, agent=agent)
    return Cause(kind=CauseKind.FOUND, text=text, at=turn.now)
