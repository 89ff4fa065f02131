"""When to look: rarely before a run can have ended, densely when it should, and never more often than agreed."""

from itertools import pairwise

import pytest

from autosync.adapters.engines.mim.pace import Budget, Durations, until_next_look


@pytest.mark.parametrize(
    ("age", "expected", "wait"),
    [
        (0.0, None, 0.25),
        (10.0, None, 1.0),
        (3600.0, None, 2.0),
        (0.0, 100.0, 2.0),
        (59.0, 100.0, 1.0),
        (95.0, 100.0, 1.0),
        (9.5, 10.0, 0.25),
        (17.0, 10.0, 0.25),
        (162.5, 100.0, 2.0),
        (0.0, 1.0, 0.6),
        (2.0, 1.0, 0.25),
    ],
)
def test_looks_are_dense_around_the_expected_end(age, expected, wait):
    assert until_next_look(age, expected) == pytest.approx(wait)


def test_a_budget_allows_one_look_a_second_and_saves_a_few():
    budget, now, looks = Budget(), 0.0, []
    while now < 100:
        now += budget.delay(now, is_news=False)
        budget.spend(now)
        looks.append(now)

    assert looks[:3] == [0.0, 0.0, 0.0]
    assert len(looks) <= 103
    assert all(later - earlier >= 0.999 for earlier, later in pairwise(looks[3:]))


def test_a_budget_keeps_one_look_back_for_news():
    budget = Budget()
    for _ in range(3):
        budget.spend(0.0)

    assert budget.delay(0.0, is_news=False) == 1.0
    assert budget.delay(0.0, is_news=True) == 0.0


def test_the_expected_duration_is_the_median_of_the_last_runs():
    durations = Durations()
    assert durations.expected("a", "DI") is None
    for seconds in (10, 12, 500, 11, 9):
        durations.learn("a", "DI", seconds)

    assert durations.expected("a", "di") == 11
    assert durations.expected("b", "DI") is None
    for seconds in [100] * 9:
        durations.learn("a", "DI", seconds)
    assert durations.expected("a", "DI") == 100
