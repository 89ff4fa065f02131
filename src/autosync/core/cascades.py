"""Cascades: everything that came from one outside cause, from the change to the moment when nothing of it is left."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from autosync.core.narration import duration
from autosync.core.turn import Turn
from autosync.model.causes import Cascade, Cause
from autosync.model.facts import FactKind
from autosync.model.ids import CascadeId
from autosync.model.runs import Run
from autosync.model.wording import number


def opened_by(
    turn: Turn, causes: Iterable[Cause], changed: datetime | None, carried: frozenset[CascadeId]
) -> frozenset[CascadeId]:
    """Return the cascade of each outside cause, opened now.

    A trigger that fires again while a request of its last cascade still waits adds to that cascade.
    """
    outside = [cause for cause in causes if cause.kind.is_outside]
    return frozenset(
        again if (again := _again(turn, cause, carried)) is not None else _open(turn, cause, changed or cause.at).id
        for cause in outside
    )


def count_run(turn: Turn, run: Run, exported: int) -> None:
    """Count a run that ended for the cascades that it served."""
    for each in sorted(run.cascades):
        cascade = turn.cascades.now.get(each)
        if cascade is not None:
            turn.put_cascade(replace(cascade, runs=cascade.runs + 1, exported=cascade.exported + exported))


def arrived_with(turn: Turn, run: Run) -> frozenset[CascadeId]:
    """Return the cascades that the run's own outside causes opened: what it brought in beside what it confirmed."""
    reasons = {_key(cause) for cause in run.causes if cause.kind.is_outside}
    own = (turn.cascades.now.get(each) for each in run.cascades)
    return frozenset(each.id for each in own if each is not None and _key(each.cause) in reasons)


def settle(turn: Turn) -> None:
    """Close the cascades that nothing serves any more, of those that something stopped serving in this decision."""
    candidates = {each for each in turn.released if each in turn.cascades.now}
    if not candidates:
        return
    for request in turn.requests.now.values():
        candidates -= request.cascades
    for run in turn.runs.now.values():
        candidates -= run.cascades
    for agent in turn.agents.now.values():
        if agent.look is not None:
            candidates -= agent.look.cascades
    for each in sorted(candidates):
        _close(turn, turn.cascades.now[each])


def _open(turn: Turn, cause: Cause, changed: datetime) -> Cascade:
    cascade = Cascade(id=turn.next_cascade(), cause=cause, changed=min(changed, turn.now), opened=turn.now)
    turn.put_cascade(cascade)
    turn.record(
        FactKind.CASCADE_OPENED,
        f"cascade {cascade.id} was opened: {cause.text}",
        cascade=cascade.id,
        trigger=cause.trigger,
        person=cause.person,
    )
    # Whether anything takes it up is known at the end: a wish that comes to nothing leaves it quiet at once.
    turn.release(frozenset({cascade.id}))
    return cascade


def _close(turn: Turn, cascade: Cascade) -> None:
    latency = turn.now - cascade.changed
    turn.put_cascade(replace(cascade, quiet=turn.now))
    text = f"cascade {cascade.id} is quiet after {duration(latency)}: {number(cascade.runs, 'run')}"
    turn.record(
        FactKind.CASCADE_QUIET,
        f"{text}, {number(cascade.exported, 'change')} exported",
        cascade=cascade.id,
        data={"latency_s": latency.total_seconds(), "runs": cascade.runs, "exported": cascade.exported},
    )


def _again(turn: Turn, cause: Cause, carried: frozenset[CascadeId]) -> CascadeId | None:
    """Return the cascade that the same trigger opened for the request that still waits; the count grows there."""
    if cause.trigger is None:
        return None
    for each in carried:
        cascade = turn.cascades.now.get(each)
        if cascade is not None and cascade.cause.trigger == cause.trigger:
            counted = replace(cascade.cause, count=cascade.cause.count + cause.count)
            turn.put_cascade(replace(cascade, cause=counted))
            return each
    return None


def _key(cause: Cause) -> tuple[object, ...]:
    return (cause.kind, cause.trigger, cause.person, cause.trigger or cause.at)
