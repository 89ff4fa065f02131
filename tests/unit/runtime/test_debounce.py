from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from autosync.model.steps import Slot
from autosync.ports.trigger import Firing
from autosync.runtime.debounce import Debounce

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_without_a_quiet_time_everything_is_due_at_once():
    held = Debounce()
    held.add(5.0, Firing(token="1"))

    assert held.due == 5.0


def test_each_firing_puts_the_end_of_the_burst_off():
    held = Debounce(quiet=3.0, longest=60.0)
    held.add(0.0, Firing(token="1"))
    held.add(2.0, Firing(token="2"))

    assert held.due == 5.0


def test_a_burst_without_end_fires_after_the_longest_delay():
    held = Debounce(quiet=3.0, longest=10.0)
    for second in range(10):
        held.add(float(second), Firing(token=str(second)))

    assert held.due == 10.0


def test_w2_the_last_change_of_a_burst_is_in_what_fires():
    held = Debounce(quiet=3.0)
    held.add(0.0, Firing(token="1", changed=NOON, text="first"))
    held.add(1.0, Firing(token="2", changed=NOON + timedelta(seconds=1)))

    (fired,) = held.take()
    assert (fired.token, fired.changed, fired.count, fired.text) == ("2", NOON, 2, "first")
    assert held.due is None


def test_firings_that_want_different_runs_stay_apart():
    held = Debounce(quiet=3.0)
    held.add(0.0, Firing(slot=Slot.FULL_IMPORT))
    held.add(0.0, Firing())
    held.add(0.0, Firing(full=True))

    assert len(held.take()) == 3


def test_a_new_burst_counts_from_its_own_first_firing():
    held = Debounce(quiet=3.0, longest=5.0)
    held.add(0.0, Firing())
    held.take()
    held.add(100.0, Firing())

    assert held.due == 103.0


@given(st.lists(st.floats(0, 20), min_size=1, max_size=40), st.floats(0, 5), st.floats(0, 30))
def test_nothing_waits_longer_than_the_longest_delay_and_nothing_is_lost(gaps, quiet, longest):
    held, now, fired, first = Debounce(quiet, longest), 0.0, 0, None
    for gap in gaps:
        now += gap
        if held.due is not None and held.due <= now:
            assert first is not None
            assert held.due <= first + longest + 1e-9
            fired += sum(firing.count for firing in held.take())
            first = None
        held.add(now, Firing())
        first = now if first is None else first

    assert fired + sum(firing.count for firing in held.take()) == len(gaps)
