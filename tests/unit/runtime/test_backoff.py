from random import Random

import pytest

from autosync.runtime.backoff import BackOff


def test_delays_grow_up_to_the_longest():
    delays = BackOff(random=Random(1), first=1.0, factor=2.0, longest=10.0, jitter=0.0)

    assert [delays.next_delay() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@pytest.mark.parametrize("seed", range(20))
def test_chance_moves_a_delay_by_no_more_than_the_jitter(seed):
    assert 8.0 <= BackOff(random=Random(seed), first=10.0, jitter=0.2).next_delay() <= 12.0


def test_a_good_try_begins_anew():
    delays = BackOff(random=Random(1), jitter=0.0)
    delays.next_delay()
    delays.next_delay()
    delays.reset()

    assert delays.next_delay() == 1.0


def test_a_thousand_tries_do_not_overflow():
    assert BackOff(random=Random(1), tries=5000, jitter=0.0).next_delay() == 60.0
