"""How many changes are too many."""

import pytest

from autosync.core.guards import UNCOUNTED, breaches, has_limits
from autosync.model.agents import PendingSet
from autosync.model.counts import ChangeKind, Counts
from autosync.model.settings import Guards, Limit, Thresholds


def passed(counts: Counts | None, population: int | None = None, **limits: object) -> list[tuple[str, int, str]]:
    found = breaches(PendingSet(counts=counts), population, Thresholds(**limits))
    return [(each.what, each.count, each.limit) for each in found]


@pytest.mark.parametrize("kind", ChangeKind)
@pytest.mark.parametrize(("count", "breached"), [(9, False), (10, False), (11, True)])
def test_an_absolute_limit_is_breached_by_more_than_it(kind: ChangeKind, count: int, breached: bool) -> None:
    counts = Counts(**{kind.name.lower(): count})

    assert bool(passed(counts, kinds={kind: Limit(absolute=10)})) == breached


@pytest.mark.parametrize(("count", "breached"), [(5, False), (6, True)])
def test_a_percentage_is_of_the_connector_space(count: int, breached: bool) -> None:
    limit = {ChangeKind.DELETES: Limit(percent=5.0)}

    assert passed(Counts(deletes=count), 100, kinds=limit) == ([("deletes", count, "5%")] if breached else [])


@pytest.mark.parametrize("population", [None, 19])
def test_a_percentage_counts_only_above_its_minimum(population: int | None) -> None:
    assert passed(Counts(deletes=15), population, kinds={ChangeKind.DELETES: Limit(percent=5.0, minimum=20)}) == []


def test_absolute_and_percent_are_both_told() -> None:
    limit = {ChangeKind.UPDATES: Limit(absolute=10, percent=2.5)}

    assert passed(Counts(updates=50), 100, kinds=limit) == [("updates", 50, "10"), ("updates", 50, "2.5%")]


def test_the_total_has_a_limit_of_its_own() -> None:
    assert passed(Counts(adds=3, deletes=3), total=Limit(absolute=5)) == [("changes", 6, "5")]


@pytest.mark.parametrize(
    ("deletes", "population", "breached"), [(2, 3, True), (2, 4, True), (1, 4, False), (2, 2, False), (9, None, False)]
)
def test_an_emptied_connector_space_is_a_breach_in_itself(deletes: int, population: int | None, breached: bool) -> None:
    assert bool(passed(Counts(deletes=deletes), population, emptied=True)) == breached


def test_nothing_pending_and_nothing_limited_pass() -> None:
    assert breaches(None, 10, Guards().staged) == ()
    assert passed(Counts(deletes=10_000), 10_000) == []


def test_w42_changes_that_cannot_be_counted_are_held_only_where_something_is_limited() -> None:
    assert breaches(PendingSet(counts=None), None, Guards().staged) == (UNCOUNTED,)
    assert passed(None) == []


def test_a_mass_deletion_needs_a_person_without_any_settings() -> None:
    guards = Guards()

    assert breaches(PendingSet(counts=Counts(deletes=501)), 100_000, guards.exports) != ()
    assert breaches(PendingSet(counts=Counts(deletes=11)), 100, guards.staged) != ()
    assert breaches(PendingSet(counts=Counts(adds=100_000)), 100_000, guards.staged) == ()


@pytest.mark.parametrize(
    ("thresholds", "limited"),
    [
        (Thresholds(), False),
        (Thresholds(emptied=True), True),
        (Thresholds(total=Limit(absolute=0)), True),
        (Thresholds(kinds={ChangeKind.ADDS: Limit(absolute=0)}), True),
    ],
)
def test_it_is_known_whether_anything_is_limited(thresholds: Thresholds, limited: bool) -> None:
    assert has_limits(thresholds) == limited
