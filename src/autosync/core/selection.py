"""Which of the requests that could run start now: order, fairness, windows for synchronizations, and a look ahead.

For the caller (``core/planning.py``): pass *every* request of one engine that only other runs keep from starting, those
whose locks are taken now included (a synchronization that waits for its window must be seen to wait), and leave out what
is held, backs off, is excluded, or belongs to a stopped agent. ``Choice.starts`` may start together as they are; a start
that the guards then delay (an inspection, a script) keeps its place: start the others, and pass it again at once when the
answer is there. Keep the rows of ``History.estimates`` up to date with ``estimates.learned`` after each run that ended
well. Call again after every stimulus, and at ``revisit``.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from autosync.core.admission import LockSet, Occupied, first_blocker
from autosync.core.alternatives import least_costly
from autosync.core.foresight import Foresight, is_urgent
from autosync.core.lookahead import Part, Play, Prospect, Work
from autosync.core.windows import best_alone, phases, shadow
from autosync.model.causes import Cascade, CauseKind
from autosync.model.ids import AgentId, CascadeId, ProfileName, RequestId
from autosync.model.requests import Request, Waiting, WaitKind
from autosync.model.rows import EstimateRow
from autosync.model.runs import Run
from autosync.model.settings import EngineSettings
from autosync.model.steps import Profile, Step


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A request that only other runs can keep from starting. Made anew for each choice, like ``Going``."""

    request: Request
    profile: Profile | None
    locks: LockSet
    is_sync: bool
    """Whether it takes the synchronization lock."""
    alone: bool
    imports: bool
    exports: bool
    waiting_since: datetime
    expected: int | None


@dataclass(slots=True, kw_only=True)
class Going:
    """A run that has not ended, managed or not."""

    run: Run
    locks: LockSet
    is_sync: bool
    alone: bool
    profile: Profile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known from before: learned rows, open cascades, and when the engine's last run began."""

    estimates: Mapping[tuple[AgentId, ProfileName], EstimateRow] = field(default_factory=dict)
    cascades: Mapping[CascadeId, Cascade] = field(default_factory=dict)
    last_start: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What starts now, when to choose again without a stimulus, and why each other candidate waits."""

    starts: tuple[RequestId, ...] = ()
    revisit: datetime | None = None
    reasons: Mapping[RequestId, Waiting] = field(default_factory=dict)


LONGEST_WAIT: Final = timedelta(seconds=240)
"""A request that waited so long ends the look ahead, which might put it off for ever: phases follow, nothing starves."""
LONGEST_GATHERING: Final = timedelta(seconds=90)
"""So does a synchronization that waited so long and gathered from several runs: each further import looks worth its wait,
one at a time, without end."""
MOST_WORK: Final = 40
"""With more requests and runs than this there is no look ahead."""
LONGEST_REST: Final = timedelta(hours=6)
"""So long may what helps nobody now (scheduled full imports, synchronizations without outbound work) wait for quiet."""
ROUTINE: Final = frozenset({CauseKind.SCHEDULE, CauseKind.SAFETY_NET})
"""Why a full import may wait for quiet; one that repairs something, or that a person asked for, may not."""
FIRST_QUIET: Final = timedelta(seconds=120)
"""So long it should have been quiet before a full import runs for the first time, at rest."""
GATHERS: Final = timedelta(seconds=60)
"""So long an agent whose changes already wait for a synchronization may gather more before it imports again."""


def choose(
    engine: EngineSettings, candidates: Sequence[Candidate], going: Sequence[Going], history: History, now: datetime
) -> Choice:
    """Return which candidates start now; see the module's text for what a caller owes.

    Where nothing was learned yet every default is one that starts what may start: ignorance costs time, never work.
    """
    taken = Occupied.of(run.locks for run in going)
    blocked = {each.request.id: first_blocker(each.locks, taken, engine) for each in candidates}
    if all(blocked.values()):
        return Choice(reasons={request: reason for request, reason in blocked.items() if reason is not None})
    foresight = Foresight(engine, history.estimates, history.cascades, now)
    due, resting = _divide(foresight, candidates, now)
    able = due or resting
    foresight.to_the_end = ahead = bool(due) and _may_look_ahead(due, going, now)
    matter = able if ahead else [each for each in able if each.is_sync or not blocked[each.request.id]]
    waiting = [foresight.waiting(each.request, each.profile, each.locks) for each in matter]
    by_id = {each.request.id: each for each in able}
    running = [foresight.going(run.run, run.profile, run.locks) for run in going]
    prospect = foresight.prospect(running, waiting)
    if due:
        chosen = least_costly(prospect) if ahead else phases(Play(prospect))
        later = _gathering(prospect, chosen)
    else:
        chosen = _at_rest(prospect)
        later = _too_soon(
            {work.request: _quiet_for(work, by_id[work.request], history) for work in chosen}, history, now
        )
    admitted = _admitted([by_id[work.request] for work in chosen if work.request not in later], taken, engine)
    if not (admitted or later or going):  # an engine never stands still beside work that it could do
        admitted = _admitted(sorted(able, key=lambda each: each.waiting_since), taken, engine)
    until = {each.request.id: each.waiting_since + LONGEST_REST for each in resting}
    until |= {request: now + timedelta(seconds=left) for request, left in later.items()}
    starts = tuple(each.request.id for each in admitted)
    others = [each for each in candidates if each.request.id not in starts]
    for each in others:
        blocked[each.request.id] = blocked[each.request.id] or first_blocker(each.locks, taken, engine)
    revisit = min((now + timedelta(seconds=left) for left in later.values()), default=None)
    return Choice(starts=starts, revisit=revisit, reasons=_reasons(others, blocked, until))


def _may_look_ahead(due: Sequence[Candidate], going: Sequence[Going], now: datetime) -> bool:
    """Return whether a look ahead pays: a choice, little to do, nothing urgent, and nothing that waits too long already."""
    if not 1 < len(due) + len(going) <= MOST_WORK:  # what is alone starts, whatever would follow
        return False
    return not any(is_urgent(each.request) or _waits_too_long(each, now) for each in due)


def _waits_too_long(candidate: Candidate, now: datetime) -> bool:
    gathered = candidate.is_sync and sum(cause.kind is CauseKind.RUN for cause in candidate.request.causes) > 1
    return now - candidate.waiting_since > (LONGEST_GATHERING if gathered else LONGEST_WAIT)


def _divide(
    foresight: Foresight, candidates: Sequence[Candidate], now: datetime
) -> tuple[list[Candidate], list[Candidate]]:
    """Return what is due, and what can wait for a quiet moment."""
    due: list[Candidate] = []
    resting: list[Candidate] = []
    for each in candidates:
        (resting if _may_rest(foresight, each, now) else due).append(each)
    return due, resting


def _may_rest(foresight: Foresight, candidate: Candidate, now: datetime) -> bool:
    """Return whether a request helps nobody now: a full import, or a synchronization that will not reach any target."""
    if candidate.profile is None or now - candidate.waiting_since > LONGEST_REST or is_urgent(candidate.request):
        return False
    if any(step.kind.is_full_import for step in candidate.profile.steps):
        return all(cause.kind in ROUTINE for cause in candidate.request.causes)
    is_plain_sync = candidate.profile.syncs and not candidate.profile.imports and not candidate.profile.exports
    return is_plain_sync and foresight.reaches_nobody(candidate.request.agent)


def _at_rest(prospect: Prospect) -> list[Work]:
    """Choose among what can wait for a quiet moment: everything when there is one, else what fits beside what goes on."""
    play = Play(prospect)
    return phases(play) if not play.going or best_alone(play) is None else shadow(play)


def _too_soon(quiet_for: Mapping[RequestId, float], history: History, now: datetime) -> dict[RequestId, float]:
    """Return which of the chosen should wait until it has been quiet for longer, and for how many more seconds."""
    if history.last_start is None:
        return {}
    quiet = (now - history.last_start).total_seconds()
    return {request: seconds - quiet for request, seconds in quiet_for.items() if 0 <= quiet < seconds}


def _quiet_for(work: Work, candidate: Candidate, history: History) -> float:
    """Return for how many seconds it should have been quiet before it starts.

    A long import keeps every window shut. Where it was quiet for as long as it will take, it will probably stay quiet. What
    never ran waits a little only: nobody knows how long it takes, and what it learns is worth more than the wait.
    """
    if work.part is not Part.IMPORT:
        return 0.0
    known = (candidate.request.agent, candidate.request.profile) in history.estimates
    return work.seconds if known else min(work.seconds, FIRST_QUIET.total_seconds())


def _gathering(prospect: Prospect, chosen: Sequence[Work]) -> dict[RequestId, float]:
    """Return which of the chosen imports should rather gather changes, and for how many more seconds.

    Their agent's changes already wait for a synchronization, and something else goes on: one import just before the window
    does the work of several. It is what keeps the number of runs down under load.
    """
    staged = {work.agent for work in prospect.waiting if work.part is Part.SYNC}
    patient = {
        work.request: GATHERS.total_seconds() + work.since
        for work in chosen
        if work.part is Part.IMPORT and not work.confirms and not work.urgent and work.agent in staged
    }
    patient = {request: left for request, left in patient.items() if left > 0}
    return patient if prospect.going or len(patient) < len(chosen) else {}


def _admitted(chosen: Sequence[Candidate], taken: Occupied, engine: EngineSettings) -> list[Candidate]:
    """Return the chosen that admission lets start together, and take their locks: choices order, admission decides."""
    admitted: list[Candidate] = []
    for candidate in chosen:
        if first_blocker(candidate.locks, taken, engine) is None:
            taken.take(candidate.locks)
            admitted.append(candidate)
    return admitted


def _reasons(
    waiting: Sequence[Candidate], in_the_way: Mapping[RequestId, Waiting | None], until: Mapping[RequestId, datetime]
) -> dict[RequestId, Waiting]:
    """Return for each candidate that does not start the first thing in its way."""
    confirming = {each.request.agent for each in waiting if each.request.confirms}
    return {each.request.id: in_the_way[each.request.id] or _order(each, confirming, until) for each in waiting}


def _order(candidate: Candidate, confirming: AbstractSet[AgentId], until: Mapping[RequestId, datetime]) -> Waiting:
    """Return why a candidate that nothing blocks does not start."""
    agent = candidate.request.agent
    at_latest = until.get(candidate.request.id)
    if candidate.exports and agent in confirming:
        text = f"the last export of {agent} is confirmed before the next"
    elif at_latest is None:
        text = "it would keep others waiting that are more urgent or shorter"
    elif candidate.imports and not any(step.kind.is_full_import for step in _steps(candidate)):
        text = f"changes of {agent} already wait for their synchronization; it gathers more"
    else:
        text = "it brings nothing to anybody now and waits for a quiet moment"
    return Waiting(kind=WaitKind.ORDER, text=text, until=at_latest)


def _steps(candidate: Candidate) -> tuple[Step, ...]:
    return candidate.profile.steps if candidate.profile is not None else ()
