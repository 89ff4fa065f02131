"""Which of the requests that could run start now: order, fairness, windows for synchronizations, and a look ahead.

For the caller (``core/planning.py``): pass *every* request of one engine that only other runs keep from starting, those
whose locks are taken now included (a synchronization that waits for its window must be seen to wait), and leave out what
is held, backs off, is excluded, or belongs to a stopped agent. ``Choice.starts`` may start together as they are; a start
that the guards then delay (an inspection, a script) keeps its place: start the others, and pass it again at once when the
answer is there. ``estimates`` are rows kept up to date with ``estimates.learned`` after each run that ended well;
``cascades`` are those of the state. Call again after every stimulus, and at ``revisit``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from autosync.core.admission import LockSet, blockers
from autosync.core.foresight import Foresight
from autosync.core.lookahead import Part, Play, Work
from autosync.core.windows import ORDERS, phases, shadow, worth
from autosync.model.causes import Cascade
from autosync.model.ids import AgentId, CascadeId, ProfileName, RequestId
from autosync.model.requests import Request, Waiting
from autosync.model.rows import EstimateRow
from autosync.model.runs import Run
from autosync.model.settings import EngineSettings
from autosync.model.steps import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A request that only other runs can keep from starting."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A run that has not ended, managed or not."""

    run: Run
    locks: LockSet
    is_sync: bool
    alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What starts now, when to choose again without a stimulus, and why each other candidate waits."""

    starts: tuple[RequestId, ...] = ()
    revisit: datetime | None = None
    reasons: Mapping[RequestId, Waiting] = field(default_factory=dict)


LONGEST_WAIT: Final = timedelta(seconds=180)
"""A run that waited so long for its window ends the look ahead: phases follow, in which nothing starves."""
LONGEST_REST: Final = timedelta(hours=1)
"""So long may what helps nobody (full imports, synchronizations without outbound work) wait for a quiet moment."""
MOST_WORK: Final = 40
"""With more requests and runs than this there is no look ahead."""
MOST_WINDOWS: Final = 5
MOST_FREE: Final = 8


def choose(
    engine: EngineSettings,
    candidates: Sequence[Candidate],
    going: Sequence[Going],
    estimates: Mapping[tuple[AgentId, ProfileName], EstimateRow],
    now: datetime,
    cascades: Mapping[CascadeId, Cascade] | None = None,
) -> Choice:
    """Return which candidates start now."""
    foresight = Foresight(engine, estimates, cascades or {}, now)
    running = [_going_work(foresight, run) for run in going]
    lazy = [each for each in candidates if _may_rest(foresight, each, now)]
    resting = {each.request.id for each in lazy}
    due = [each for each in candidates if each.request.id not in resting]
    if not due:
        due = [] if going else (lazy_first(lazy))
    works = {}
    for each in due:
        work = foresight.work(each.request, each.profile, each.locks, each.expected)
        works[work.key] = (work, each)
    prospect = foresight.prospect(running, [work for work, _ in works.values()])
    chosen = _choose(prospect, due, now)
    chosen, revisit = just_in_time(prospect, chosen)
    taken = [run.locks for run in going]
    starts = []
    for work in chosen:
        candidate = works[work.key][1]
        if not blockers(candidate.locks, taken, engine):
            taken.append(candidate.locks)
            starts.append(candidate.request.id)
    return Choice(starts=tuple(starts), revisit=now + timedelta(seconds=revisit) if revisit else None)


def lazy_first(lazy):
    syncs = [each for each in lazy if each.alone]
    return syncs[:1] or lazy


def _going_work(foresight, run):
    request = run.run.request_as_started
    work = foresight.work(request, PROFILES[request.profile], run.locks, request.expected)
    foresight._keys.discard(work.key)
    return foresight.left(run.run.started, work), work


def _may_rest(foresight, each, now):
    if now - each.waiting_since > LONGEST_REST:
        return False
    if each.profile and any(step.kind.is_full_import for step in each.profile.steps):
        return True
    return each.is_sync and foresight.targets(each.request.agent) == ()


def _choose(prospect, due, now):
    import os
    play = Play(prospect)
    mode = os.environ.get("MODE", "look")
    cap = float(os.environ.get("CAP", "180"))
    oldest = max((now - each.waiting_since for each in due if each.alone), default=timedelta(0))
    if mode == "phases" or len(prospect.waiting) + len(prospect.going) > MOST_WORK or oldest.total_seconds() > cap:
        return phases(play)
    if mode == "shadow":
        return shadow(play)
    best, cost = [], float("inf")
    for action in actions(prospect):
        for order in ORDERS:
            price = Play(prospect).run(action, order)
            if price < cost - 1e-6:
                best, cost = action, price
    return best


def just_in_time(prospect, chosen):
    import os
    from dataclasses import replace
    jit = os.environ.get("JIT", "1")
    if jit == "0":
        return chosen, None
    syncs = {w.agent for w in prospect.waiting if w.part is Part.SYNC}
    defer = [w for w in chosen if w.part is Part.IMPORT and not w.confirms and (w.agent in syncs or (jit == "2" and syncs))]
    if not defer:
        return chosen, None
    keys = {w.key for w in defer}
    stay = [w for w in chosen if w.key not in keys]
    allkeys = keys if jit != "3" else {w.key for w in prospect.waiting if w.part is Part.IMPORT and not w.confirms and w.agent in syncs}
    if jit == "4" and (prospect.going or stay):
        return stay, None
    if jit == "5" and (prospect.going or stay):
        old = [w for w in defer if -w.since > float(os.environ.get("JW", 60))]
        nxt = [float(os.environ.get("JW", 60)) + w.since for w in defer if w not in old]
        return stay + old, min(nxt, default=None)
    rest = replace(prospect, waiting=[w for w in prospect.waiting if w.key not in allkeys])
    opens = Play(rest).until_window(stay, phases)
    out, revisit = list(stay), None
    for w in defer:
        slack = opens - w.seconds * 1.1
        if slack > 2.0:
            revisit = min(revisit or 1e9, slack)
        else:
            out.append(w)
    return out, revisit


def actions(prospect):
    play = Play(prospect)
    if play.alone:
        return
    from autosync.core.windows import must_confirm_first
    free = [w for w in sorted(prospect.waiting, key=lambda w: (w.seconds)) if not w.alone and play.admits(w) and not must_confirm_first(play, w)]
    wins = sorted((w for w in prospect.waiting if play.admits(w) and w.alone), key=lambda w: -worth(w, 0))[:MOST_WINDOWS]
    free = free[:MOST_FREE]
    n = len(free)
    if free:
        yield list(free)
    for w in wins:
        yield [w]
    for k in range(n - 1, 0, -1):
        yield free[:k]
    if n > 2:
        for i in range(n):
            yield free[:i] + free[i + 1:]
    if play.going:
        yield []
from autosync.core.estimates import *
from autosync.model.steps import Step, StepKind
KINDS = {"DI": StepKind.DELTA_IMPORT, "FI": StepKind.FULL_IMPORT, "DS": StepKind.DELTA_SYNC, "EX": StepKind.EXPORT}
PROFILES = {k: Profile(name=k, steps=(Step(kind=v, partition="default"),)) for k, v in KINDS.items()}
