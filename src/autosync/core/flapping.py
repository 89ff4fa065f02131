"""Flapping: an agent that exports the same again and again although nothing new came from outside."""

from collections.abc import Mapping

from autosync.model.counts import Counts
from autosync.model.ids import AgentId
from autosync.model.requests import Trail


def lengthened(trail: Mapping[AgentId, Trail], agent: AgentId, exported: Counts | None) -> Mapping[AgentId, Trail]:
    """Return the trail after an export of the agent; an export of nothing, or of an unknown number, leaves it alone."""
    if exported is None or exported.total == 0:
        return trail
    known = trail.get(agent)
    repeats = known.repeats + 1 if known is not None and known.counts == exported else 1
    return {**trail, agent: Trail(counts=exported, repeats=repeats)}


def is_flapping(trail: Mapping[AgentId, Trail], agent: AgentId, after: int | None) -> bool:
    """Return whether the agent has exported the same ``after`` times in a row."""
    known = trail.get(agent)
    return after is not None and known is not None and known.repeats >= after
