"""The look ahead's choice: the sensible sets of starts, and the one whose plays cost least."""

from collections.abc import Iterable, Iterator
from itertools import product
from math import inf
from typing import Final

from autosync.core.lookahead import Part, Play, Prospect, Work
from autosync.core.windows import ORDERS, must_confirm_first, rank, worth

MOST_STEPS: Final = 600
"""Runs that are played in all plays of one look ahead: what bounds its cost."""
EQUAL: Final = 1e-9
MOST_WINDOWS: Final = 5
MOST_FREE: Final = 8


def least_costly(prospect: Prospect) -> list[Work]:
    """Return the set of starts whose best play costs least; the plainest where that makes no difference."""
    alternatives = list(_alternatives(prospect))
    if len(alternatives) < 2:
        return alternatives[0] if alternatives else []
    best: list[Work] = []
    least = inf
    steps = 0
    for starts, order in product(alternatives, ORDERS):
        play = Play(prospect)
        cost = play.run(starts, order)
        steps += play.serial
        # Where it makes no difference, what may start starts.
        if cost < least * (1 - EQUAL) or (len(starts) > len(best) and cost <= least * (1 + EQUAL)):
            best, least = starts, cost
        if steps > MOST_STEPS:
            break
    return best


def _alternatives(prospect: Prospect) -> Iterator[list[Work]]:
    """Yield the sensible sets of starts, the plainest first."""
    play = Play(prospect)
    able = [work for work in prospect.waiting if play.admits(work) and not must_confirm_first(play, work)]
    free = sorted((work for work in able if not work.alone), key=lambda work: rank(play, work))
    together = sorted(_together(prospect, free), key=lambda work: work.seconds)
    if together:
        yield together
    for work in sorted((work for work in able if work.alone), key=lambda work: -worth(work, 0.0))[:MOST_WINDOWS]:
        yield [work]
    if play.going:
        yield []
    imports = [work for work in together if work.part is Part.IMPORT]
    if 0 < len(imports) < len(together):
        yield imports
        yield [work for work in together if work.part is not Part.IMPORT]
    few = together[:MOST_FREE]
    for size in range(len(few) - 1, 0, -1):
        yield few[:size]
    if len(few) > 2:
        for left_out in few[:-1]:
            yield [work for work in few if work is not left_out]


def _together(prospect: Prospect, works: Iterable[Work]) -> list[Work]:
    """Return those that may start together, in this order."""
    play = Play(prospect)
    started: list[Work] = []
    for work in works:
        if play.admits(work):
            play.start(work)
            started.append(work)
    return started
