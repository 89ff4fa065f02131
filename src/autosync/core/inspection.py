"""What is known to be pending on an agent, when that grows old, and when the engine is asked again."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from autosync.core import discovery
from autosync.core.state import AgentState, EngineState, Inspection
from autosync.core.turn import Turn
from autosync.model.agents import BOTH_SIDES, Agent, Pending, PendingSet, PendingSide
from autosync.model.commands import Inspect
from autosync.model.ids import AgentId, PartitionName, engine_of
from autosync.model.stimuli import Inspected, PendingAsked

ASK_AGAIN = timedelta(seconds=15)
"""After the engine could not answer."""

FRESH = timedelta(minutes=1)
"""How long the guards trust a count: runs that nobody saw may have changed it since."""


def sides_known(agent: AgentState) -> frozenset[PendingSide]:
    """Return which sides the engine told of; both where it said that it cannot count."""
    if agent.inspection is not Inspection.KNOWN:
        return frozenset()
    pending = agent.pending
    return BOTH_SIDES if pending is None else frozenset(each for each in PendingSide if pending.side(each) is not None)


def imports_known(agent: AgentState) -> bool:
    """Return whether the staged imports are known."""
    return PendingSide.IMPORTS in sides_known(agent)


def exports_known(agent: AgentState, engine: EngineState) -> bool:
    """Return whether the pending exports are known: no synchronization started or ended since the engine was asked."""
    return PendingSide.EXPORTS in sides_known(agent) and agent.syncs_seen == engine.syncs


def is_fresh(agent: AgentState, now: datetime) -> bool:
    """Return whether what is known was told a moment ago."""
    return agent.known_since is not None and now - agent.known_since <= FRESH


def overtake(turn: Turn, agent: AgentId, *, synchronizes: bool) -> None:
    """Forget what is pending: a run of the agent starts or ends. A synchronization changes exports of every agent."""
    known = turn.agent(agent)
    if known.inspection is not Inspection.UNKNOWN:
        asked = known.inspection is Inspection.ASKED
        inspection = Inspection.ASKED if asked else Inspection.UNKNOWN
        turn.put_agent(replace(known, inspection=inspection, overtaken=asked, pending=None))
    if synchronizes:
        name = engine_of(agent)
        engine = turn.engine(name)
        turn.put_engine(name, replace(engine, syncs=engine.syncs + 1))


def ask(turn: Turn, agent: AgentId, sides: frozenset[PendingSide]) -> None:
    """Have the engine asked, unless it is being asked already or could not answer a moment ago.

    What was known is asked for again beside ``sides``: somebody else may need it still.
    """
    known = turn.agent(agent)
    if known.inspection is Inspection.ASKED or (known.ask_after is not None and turn.now < known.ask_after):
        return
    seen = turn.engine(engine_of(agent)).syncs
    asked = replace(known, inspection=Inspection.ASKED, overtaken=False, pending=None, syncs_seen=seen, ask_after=None)
    turn.put_agent(asked)
    turn.command(Inspect(agent=agent, sides=sides | sides_known(known)))


def wanted(turn: Turn, wish: PendingAsked) -> None:
    """Have the engine asked because somebody looks: where it is not known, can be told, and no run changes it just now."""
    known = turn.agents.now.get(wish.agent)
    if known is None or known.agent is None or sides_known(known) == BOTH_SIDES:
        return
    if turn.engine(engine_of(wish.agent)).connected and turn.running(wish.agent) is None:
        ask(turn, wish.agent, BOTH_SIDES)


def take_in(turn: Turn, answer: Inspected) -> bool:
    """Take in what the engine says is pending; return False where nobody asked or a run has overtaken the answer."""
    known = turn.agents.now.get(answer.agent)
    if known is None or known.inspection is not Inspection.ASKED:
        return False
    if known.overtaken:
        turn.put_agent(replace(known, inspection=Inspection.UNKNOWN, overtaken=False))
        return False
    if answer.pending is None and answer.error:
        turn.put_agent(replace(known, inspection=Inspection.UNKNOWN, ask_after=turn.now + ASK_AGAIN))
        return False
    pending = _as_described(known.agent, answer.pending)
    turn.put_agent(replace(known, inspection=Inspection.KNOWN, pending=pending, known_since=turn.now))
    return True


def _as_described(agent: Agent | None, pending: Pending | None) -> Pending | None:
    """Return the sets under the names that the guards and the profiles know the partitions by."""
    if agent is None or pending is None:
        return pending

    def named(sets: Mapping[PartitionName, PendingSet] | None) -> Mapping[PartitionName, PendingSet] | None:
        return None if sets is None else {discovery.as_described(agent, each): found for each, found in sets.items()}

    return replace(
        pending,
        imports=named(pending.imports),
        exports=named(pending.exports),
        population={discovery.as_described(agent, each): size for each, size in pending.population.items()},
    )
