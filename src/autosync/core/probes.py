"""An early probe: an agent that rests after failures is tried once before its time when its source visibly changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from autosync.core import retry
from autosync.core.narration import duration
from autosync.core.state import AgentState
from autosync.core.turn import Turn
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, ProfileName
from autosync.model.requests import Request
from autosync.model.stimuli import TriggerFired

APART = timedelta(minutes=1)
"""Least time between two early probes without a success between: a source that changes all the time is no repair."""


def is_due(turn: Turn, firing: TriggerFired, profiles: Sequence[ProfileName]) -> bool:
    """Return whether what the trigger saw lets its agent be tried before its rest is over. Ask before it is queued.

    Only content that nobody saw before counts: the same firing again is no sign that anything was repaired.
    """
    agent = firing.wanted.agent
    waiting = [request for profile in profiles if (request := turn.waiting(agent, profile)) is not None]
    is_new = firing.token is not None and firing.token not in _seen(turn, firing, waiting)
    return is_new and _may(turn, agent, waiting)


def is_due_after(turn: Turn, failed: Request) -> bool:
    """Return whether a trigger saw something new while the run failed whose request comes back. Ask before it does."""
    newer = turn.waiting(failed.agent, failed.profile)
    if newer is None:
        return False
    is_new = any(failed.tokens.get(trigger) != token for trigger, token in newer.tokens.items())
    return is_new and _may(turn, failed.agent, [failed])


def allow(turn: Turn, agent: AgentId, requests: Sequence[Request]) -> None:
    """End the agent's rest and that of the requests: the next run is the probe, and its failure brings the rest back.

    Where there was a probe a moment ago the rest ends when the next one may come.
    """
    known = turn.agent(agent)
    at = _next(turn, known)
    row = known.row
    if row.breaker_until is not None and at < row.breaker_until:
        row = replace(row, breaker_until=at)
    turn.put_agent(replace(known, row=row, probed=at))
    for request in requests:
        if request.not_before is not None and at < request.not_before:
            turn.put_request(replace(request, not_before=at if turn.now < at else None))
    when = "now" if at <= turn.now else f"in {duration(at - turn.now)}"
    text = f"{agent} is tried once {when}, before its rest is over: what is imported there has changed since it failed"
    turn.record(FactKind.RETRY_PLANNED, text, agent=agent)


def _may(turn: Turn, agent: AgentId, requests: Sequence[Request]) -> bool:
    known = turn.agent(agent)
    planned = known.probed is not None and turn.now < known.probed <= turn.now + APART
    resting = retry.is_resting(known.row, turn.now) or any(_rests(turn, request) for request in requests)
    return resting and not planned


def _next(turn: Turn, known: AgentState) -> datetime:
    """Return when the next probe may come."""
    if known.probed is None or known.probed > turn.now:  # the latter: the clock was set back
        return turn.now
    return max(turn.now, known.probed + APART)


def _rests(turn: Turn, request: Request) -> bool:
    """Return whether a series of attempts is over and the request waits for the next: no mere back-off."""
    waits = request.not_before is not None and turn.now < request.not_before
    return waits and request.attempt == 1 and bool(request.setback)


def _seen(turn: Turn, firing: TriggerFired, waiting: Sequence[Request]) -> set[str | None]:
    trigger = firing.trigger
    stored = turn.tokens.now.get(trigger)
    seen = {request.tokens.get(trigger) for request in waiting}
    return {*seen, turn.agent(firing.wanted.agent).row.tokens.get(trigger), stored.token if stored else None}
