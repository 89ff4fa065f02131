"""The simulated loop itself: if time is wrong there, every other simulation proves nothing."""

import asyncio
from datetime import timedelta

import pytest

from autosync.testing.clock import EPOCH
from autosync.testing.simulation import Deadlock, SimulatedLoop, run_simulated

DAY_S = 86_400.0


def test_waiting_takes_no_time_and_time_passes_exactly():
    async def main(clock, _random):
        await clock.sleep(7 * DAY_S)
        return clock.elapsed(), clock.now()

    assert run_simulated(main) == (7 * DAY_S, EPOCH + timedelta(days=7))


def test_timers_fire_in_order_of_their_moments():
    async def main(clock, _random):
        seen = []

        async def ring(at):
            await clock.sleep(at)
            seen.append((at, clock.elapsed()))

        async with asyncio.TaskGroup() as group:
            for at in (3.0, 1.0, 2.0):
                group.create_task(ring(at))
        return seen

    assert run_simulated(main) == [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]


@pytest.mark.parametrize("day", [100, 194.18, 194.19, 400, 4000])
def test_short_timers_still_fire_late_in_a_long_simulation(day):
    """From 2**24 s on, a float cannot hold the nanosecond by which asyncio compares: every long simulation hung there."""

    async def main(clock, _random):
        await clock.sleep(day * DAY_S)
        before = clock.elapsed()
        for _ in range(1000):
            await clock.sleep(0.001)
        return clock.elapsed() - before

    assert run_simulated(main) == pytest.approx(1.0, abs=0.01)


def test_waiting_for_nothing_is_an_error_and_not_a_hang():
    async def main(_clock, _random):
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock):
        run_simulated(main)


def test_equal_seeds_draw_alike():
    async def main(_clock, random):
        return [random.random() for _ in range(5)]

    assert run_simulated(main, seed=7) == run_simulated(main, seed=7) != run_simulated(main, seed=8)


def test_the_wall_clock_can_be_set_without_touching_elapsed_time():
    async def main(clock, _random):
        await clock.sleep(10)
        clock.shift(timedelta(hours=-2))
        return clock.elapsed(), clock.now()

    assert run_simulated(main) == (10.0, EPOCH + timedelta(seconds=10) - timedelta(hours=2))


def test_what_looks_at_each_step_may_end_the_simulation():
    async def main(clock, _random):
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)

        def look(step):
            if step > 50:
                raise AssertionError("seen enough")

        loop.each_step = look
        while True:
            await clock.sleep(1)

    with pytest.raises(AssertionError, match="seen enough"):
        run_simulated(main)


def test_time_outs_work():
    async def main(clock, _random):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await clock.sleep(6)
        return clock.elapsed()

    assert run_simulated(main) == 5.0
