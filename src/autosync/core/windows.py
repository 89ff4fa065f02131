"""The plain policies: what starts when nobody looks ahead, and how the look ahead continues its plays.

A run that must be alone (in supported mode every synchronization) needs a window: a moment at which nothing runs. While one
waits, other runs start only in the shadow of what goes on; in a window the useful ones run back to back.
"""

from collections.abc import Iterable
from math import inf
from typing import Final

from autosync.core.lookahead import MOST_ROUNDS, Order, Part, Play, Work, key_of

AGE_S = 100.0
"""An age of so many seconds doubles the weight of a synchronization's changes."""


def shadow(play: Play) -> list[Work]:
    """Batch: while a run waits for its window, start only what ends before the runs that keep the window shut."""
    best = best_alone(play)
    if best is None:
        return _start_all(play, play.waiting.values())
    if not play.going:
        return _start_all(play, [best])
    return _start_all(play, [work for work in play.waiting.values() if work.urgent or _fits(play, work)])


def phases(play: Play) -> list[Work]:
    """Gate: everything that waits longer than the oldest window, and every confirmation; then the windows; and so on.

    Nothing starves: what may still start is older than the window or ends a cycle, so the window comes; in it no import
    runs, so the windows end.
    """
    best = best_alone(play)
    if best is None:
        return _start_all(play, play.waiting.values())
    if not play.going:
        return _start_all(play, [best])
    oldest = min(work.since for work in play.waiting.values() if work.alone)
    due = [work for work in play.waiting.values() if _is_due(work, oldest) or _fits(play, work)]
    return _start_all(play, due)


def eager(play: Play) -> list[Work]:
    """Start whatever may start; windows only when there is nothing else."""
    started = _start_all(play, play.waiting.values())
    if not started and not play.going and (best := best_alone(play)) is not None:
        return _start_all(play, [best])
    return started


def reserve(play: Play) -> list[Work]:
    """Foresee the next window: start what leads to it, and beside that only what will be over when it comes."""
    if best_alone(play) is not None:
        return shadow(play)
    started = _start_all(play, [work for work in play.waiting.values() if _leads_to_window(play, work)])
    opens = min((_wants_window(play, end, work) for end, _, work in play.going), default=inf)
    fits = [work for work in play.waiting.values() if play.now + work.seconds <= opens]
    return started + _start_all(play, fits)


ORDERS: Final[tuple[Order, ...]] = (shadow, phases, eager, reserve)


def worth(work: Work, now: float) -> float:
    """Return the waiting changes per second of a run, weighted by age."""
    return work.changes * (1.0 + max(0.0, now - work.born) / AGE_S) / max(work.seconds, 1.0)


def rank(play: Play, work: Work) -> tuple[bool, bool, bool, float]:
    """Order by: wanted at once, confirming, synchronizing (the most useful first), then age."""
    return not work.urgent, not work.confirms, not work.sync, -worth(work, play.now) if work.sync else work.born


def best_alone(play: Play) -> Work | None:
    """Return the most useful of the runs that wait for a window; one that a person wants at once goes before."""
    waiting = [work for work in play.waiting.values() if work.alone and not must_confirm_first(play, work)]
    return max(waiting, key=lambda work: (work.urgent, worth(work, play.now)), default=None)


def must_confirm_first(play: Play, work: Work) -> bool:
    """Return whether an export must let the confirmation of the one before it pass, or confirmations starve."""
    if work.part is not Part.EXPORT or work.urgent:
        return False
    before = play.waiting.get(key_of(work.agent, Part.IMPORT))
    return before is not None and before.confirms


def _leads_to_window(play: Play, work: Work) -> bool:
    return _wants_window(play, 0.0, work) < inf


def _wants_window(play: Play, end: float, work: Work) -> float:
    """Return when a run that ends at ``end`` will have led to a synchronization that waits; never is infinite."""
    reach = play.prospect.reaches[work.agent]
    if reach.targets == () or not play.prospect.rules.syncs_alone or work.rounds >= MOST_ROUNDS:
        return inf
    if work.part is Part.IMPORT:
        return end if work.stages else inf
    if work.part is Part.EXPORT and reach.confirming_stages:
        return end + reach.seconds(Part.IMPORT, work.changes)
    return inf


def _is_due(work: Work, oldest: float) -> bool:
    return work.urgent or work.confirms or work.since < oldest


def _fits(play: Play, work: Work) -> bool:
    return play.now + work.seconds <= play.ends + 1e-9


def _start_all(play: Play, works: Iterable[Work]) -> list[Work]:
    """Start what may start together. A run that must be alone starts only when it is the only one asked for."""
    chosen = list(works)
    only = len(chosen) == 1
    able = [work for work in chosen if (only or not work.alone) and play.admits(work)]
    if len(able) > 1:
        able.sort(key=lambda each: rank(play, each))
    started: list[Work] = []
    for work in able:
        if play.admits(work) and not must_confirm_first(play, work):
            play.start(work)
            started.append(work)
    return started
