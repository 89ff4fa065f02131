"""Thresholds: how many changes of which kind are too many to pass without a person."""

from collections.abc import Iterator

from autosync.model.agents import PendingSet
from autosync.model.counts import ChangeKind, Counts
from autosync.model.holds import Breach
from autosync.model.settings import Limit, Thresholds

UNCOUNTED = Breach(what="changes that the engine cannot count", count=0, limit="any limit")
EMPTIED_FROM = 3
"""A connector space of fewer objects is never called emptied."""


def breaches(pending: PendingSet | None, population: int | None, thresholds: Thresholds) -> tuple[Breach, ...]:
    """Return the limits that a pending set passes, none when it may pass. ``population``: connector space objects."""
    if pending is None or not has_limits(thresholds):
        return ()
    if pending.counts is None:
        return (UNCOUNTED,)
    return tuple(_breaches(pending.counts, population, thresholds))


def has_limits(thresholds: Thresholds) -> bool:
    """Return whether anything is limited."""
    return bool(thresholds.kinds) or thresholds.total is not None or thresholds.emptied


def strictest_populations(thresholds: Thresholds) -> frozenset[int]:
    """Return the sizes of a connector space at which its relative limits are strictest: what passes there always passes."""
    limits = (*thresholds.kinds.values(), *([thresholds.total] if thresholds.total is not None else []))
    sizes = {max(limit.minimum, 1) for limit in limits if limit.percent is not None}
    return frozenset(sizes | {EMPTIED_FROM} if thresholds.emptied else sizes)


def _breaches(counts: Counts, population: int | None, thresholds: Thresholds) -> Iterator[Breach]:
    for kind in ChangeKind:
        limit = thresholds.kinds.get(kind)
        if limit is not None:
            yield from _passed(kind.value, counts.of(kind), population, limit)
    if thresholds.total is not None:
        yield from _passed("changes", counts.total, population, thresholds.total)
    deleted = counts.deletes
    if thresholds.emptied and population is not None and population >= EMPTIED_FROM and deleted * 2 >= population:
        yield Breach(what=ChangeKind.DELETES.value, count=deleted, limit="half or more")


def _passed(what: str, count: int, population: int | None, limit: Limit) -> Iterator[Breach]:
    if limit.absolute is not None and count > limit.absolute:
        yield Breach(what=what, count=count, limit=str(limit.absolute))
    if limit.percent is None or population is None or population < limit.minimum:
        return
    if count * 100 > limit.percent * population:
        yield Breach(what=what, count=count, limit=f"{limit.percent:g}%")
