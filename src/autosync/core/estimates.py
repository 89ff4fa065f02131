"""What past runs say about the next: how long it takes, and what it leaves to do.

Durations are medians of recent runs of a similar size, so that one outlier moves nothing; a profile that never ran gets a
cautious default. What a run leads to (which targets a synchronization reaches, whether a confirming import stages
generated attributes) is a moving share. Estimates order starts; nothing is ever refused or lost because of one.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from statistics import median

from autosync.model.causes import CauseKind
from autosync.model.ids import AgentId
from autosync.model.requests import Request
from autosync.model.rows import EstimateRow
from autosync.model.runs import Run
from autosync.model.steps import Profile, StepKind

KEPT = 32
"""Runs that a row remembers."""
NEWEST = 0.25
"""Weight of the newest run in a moving share."""
EVEN = 0.5
NO_ECHO = -1.0
SOON_S = 2.0
LATEST_ECHO_S = 120.0
"""What changes on a target later than this is not called an echo of the export."""
ECHO_SPREAD_S = 10.0
KNOWN_ECHOES = 2
KEPT_ECHOES = 8
FULL_IMPORT_S = 300.0
SYNC_S = 60.0
OTHER_S = 30.0


def learned(row: EstimateRow | None, run: Run) -> EstimateRow | None:
    """Return the row after a run that ended with a result; None when the run says nothing about the next.

    Call it once for every ended run whose outcome is SUCCESS or OBJECT_ERRORS.
    """
    result = run.result
    ended = (result and result.ended) or run.ended
    if result is None or ended is None or not result.steps:
        return row
    began = result.started or run.started
    old = row or EstimateRow(agent=run.agent, profile=run.profile)
    steps = tuple(step.kind for step in result.steps)
    seconds = max(0.0, (ended - began).total_seconds())
    if old.exported is not None:
        old = unheard(old)
    exports = any(kind.exports for kind in steps)
    return replace(
        old,
        durations=(*old.durations, (seconds, changes_of(run)))[-KEPT:],
        steps=steps,
        outbound=_outbound(old, run),
        confirming=_confirming(old, run),
        exported=ended if exports else None,
        fed_by=feeders(run.request_as_started) if exports else (),
    )


def feeders(request: Request | None) -> tuple[AgentId, ...]:
    """Return whose synchronizations led to an export."""
    causes = request.causes if request is not None else ()
    own = request.agent if request is not None else None
    return tuple(dict.fromkeys(each.agent for each in causes if each.agent is not None and each.agent != own))


def heard(row: EstimateRow, at: datetime) -> EstimateRow | None:
    """Return the row after a trigger told that the target of an export changed at a moment; None: it tells nothing.

    A change right at the export's end is the export itself, seen by a trigger that cannot tell it from others.
    """
    after = (at - row.exported).total_seconds() if row.exported is not None else NO_ECHO
    return _with_echo(row, after) if SOON_S < after <= LATEST_ECHO_S else None


def unheard(row: EstimateRow) -> EstimateRow:
    """Return the row when the next export ends and nothing was heard of what the last one set off."""
    return _with_echo(row, NO_ECHO)


def echo_after(row: EstimateRow, feeder: AgentId) -> float | None:
    """Return how many seconds after an export that ``feeder`` led to its target changes again; None: it does not.

    Chance does not keep time: most exports must have been followed by a change after nearly the same time.
    """
    times = row.echoes.get(feeder, ())
    known = [each for each in times if each >= 0]
    if len(known) < KNOWN_ECHOES:
        return None
    usual = median(known)
    near = [each for each in known if abs(each - usual) <= max(ECHO_SPREAD_S, usual / 4)]
    return usual if len(near) >= EVEN * len(times) else None


def _with_echo(row: EstimateRow, after: float) -> EstimateRow:
    told = {each: (*row.echoes.get(each, ()), after)[-KEPT_ECHOES:] for each in row.fed_by}
    return replace(row, echoes={**row.echoes, **told}, exported=None, fed_by=())


def changes_of(run: Run) -> int:
    """Return how many changes the run carried: staged or exported, or for a synchronization what waited for it."""
    steps = run.result.steps if run.result is not None else ()
    counted = sum(counts.total for step in steps for counts in (step.staged, step.exported) if counts is not None)
    if counted == 0 and any(step.kind.syncs for step in steps) and run.request_as_started is not None:
        return run.request_as_started.expected or 0
    return counted


def _outbound(old: EstimateRow, run: Run) -> Mapping[AgentId, float]:
    reached: set[AgentId] = set()
    synchronized = False
    for step in run.result.steps if run.result is not None else ():
        if step.kind.syncs and step.outbound is not None:
            synchronized = True
            reached.update(agent for agent, count in step.outbound.items() if count)
    if not synchronized:
        return old.outbound
    if not old.outbound:
        return dict.fromkeys(sorted(reached), 1.0)
    return {
        agent: old.outbound.get(agent, 0.0) * (1 - NEWEST) + (NEWEST if agent in reached else 0.0)
        for agent in sorted(old.outbound.keys() | reached)
    }


def _confirming(old: EstimateRow, run: Run) -> float | None:
    request = run.request_as_started
    if request is None or not request.confirms or run.result is None:
        return old.confirming
    staged = [step.staged for step in run.result.steps if step.kind.imports]
    if not staged or None in staged:
        return old.confirming
    found = 1.0 if any(counts is not None and counts.total for counts in staged) else 0.0
    old_share = old.confirming
    if old_share is None:
        return found
    if found and old_share < EVEN and any(cause.kind is not CauseKind.RUN for cause in request.causes):
        return old_share  # a trigger fired too: what it staged was somebody's change, not the target's own
    return old_share * (1 - NEWEST) + found * NEWEST


def seconds_of(row: EstimateRow | None, profile: Profile | None, changes: int | None) -> float:
    """Return how long the next run may take, in seconds: the median of past runs of a similar size."""
    if row is None or not row.durations:
        return _default(row.steps if row is not None else (), profile)
    if changes is None:
        return median(seconds for seconds, _ in row.durations)
    size = _size(changes)
    distances = [abs(_size(carried) - size) for _, carried in row.durations]
    near = max(1, min(distances))
    return median(seconds for (seconds, _), distance in zip(row.durations, distances, strict=True) if distance <= near)


def _size(changes: int) -> int:
    """Return the bucket of a number of changes: 0, 1-3, 4-15, 16-63, and so on."""
    return (changes.bit_length() + 1) // 2


def _default(steps: tuple[StepKind, ...], profile: Profile | None) -> float:
    kinds = steps or (tuple(step.kind for step in profile.steps) if profile is not None else ())
    total = 0.0
    for kind in kinds:
        total += FULL_IMPORT_S if kind.is_full_import else SYNC_S if kind.syncs else OTHER_S
    return total or SYNC_S
