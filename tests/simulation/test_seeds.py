"""The whole runtime on a simulated engine: seeded topologies, policies, causes and troubles, judged from outside.

What is judged: ``autosync.testing.verdict`` and the engine's referee. A failure prints the seed and how to replay it.
"""

from collections import Counter

import pytest

from autosync.testing.play import Report, play_seed

EVERYDAY, CHUNK = 96, 8

MUST_BE_SEEN = frozenset(
    {
        "agent-found",
        "breaker-opened",
        "cascade-opened",
        "cascade-quiet",
        "engine-connected",
        "engine-lost",
        "hold-decided",
        "hold-opened",
        "pending-found",
        "request-merged",
        "request-queued",
        "retry-planned",
        "run-abandoned",
        "run-adopted",
        "run-ended",
        "run-lost",
        "run-refused",
        "run-seen",
        "run-started",
        "schedule-fired",
        "service-started",
        "store-recovered",
        "token-stored",
        "trigger-fired",
        "unknown-status",
    }
)


WALKED = (7004, 7009, 7034, 7038, 7049, 7103)
"""Seeds that meet every kind of trouble between them."""


@pytest.mark.parametrize("first", range(0, EVERYDAY, CHUNK))
def test_nothing_forbidden_happens_and_everything_necessary_does(first: int):
    for seed in range(first, first + CHUNK):
        report = play_seed(seed, hours=1.5, changes=10)
        assert not report.wrong, str(report)


def test_the_seeds_go_where_things_can_go_wrong():
    """Proof that the plays above are no walk in the park: their union meets every kind of trouble."""
    reports = [play_seed(seed, hours=2.0, changes=12) for seed in WALKED]
    facts = sum((report.facts for report in reports), Counter[str]())

    assert set(facts) >= MUST_BE_SEEN, f"never seen: {sorted(MUST_BE_SEEN - set(facts))}"
    assert sum(report.lives for report in reports) > 2 * len(reports), "too few deaths"
    assert sum(report.overlaps for report in reports) > 50, "the referee had nothing to judge"
    assert sum(report.states for report in reports) > 1000


@pytest.mark.slow
@pytest.mark.parametrize("first", range(10_000, 10_600, 20))
def test_many_more_seeds(first: int):
    for seed in range(first, first + 20):
        report = play_seed(seed)
        assert not report.wrong, str(report)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20_000, 20_006))
def test_a_month_of_troubles(seed: int):
    report: Report = play_seed(seed, hours=24.0 * 30, changes=300)

    assert not report.wrong, str(report)
    assert report.hours > 24 * 29, "it ends after the last trouble, at latest at the end of the month"
