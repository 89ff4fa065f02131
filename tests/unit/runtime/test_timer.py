import asyncio
from datetime import timedelta

from autosync.runtime.timer import Timer
from autosync.testing.simulation import run_simulated


def rings(play, *, hours: float = 5.0, look_again: float = 60.0) -> list[float]:
    """Return the elapsed seconds of every ring while ``play(timer, clock)`` goes on, and some hours."""

    async def main(clock, _random):
        rung: list[float] = []
        timer = Timer(clock, lambda _passed: rung.append(clock.elapsed()), look_again=look_again)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(timer.run())
            await play(timer, clock)
            await clock.sleep(hours * 3600)
            task.cancel()
        return rung

    return run_simulated(main)


def test_it_rings_once_at_the_moment():
    async def play(timer, clock):
        timer.set(clock.now() + timedelta(hours=2))

    assert rings(play) == [7200.0]


def test_a_new_moment_replaces_the_one_before():
    async def play(timer, clock):
        timer.set(clock.now() + timedelta(hours=2))
        await clock.sleep(10)
        timer.set(clock.now() + timedelta(seconds=20))
        await clock.sleep(1)
        timer.set(clock.now() + timedelta(seconds=9))

    assert rings(play) == [20.0]


def test_none_is_never():
    async def play(timer, clock):
        timer.set(clock.now() + timedelta(hours=2))
        timer.set(None)

    assert rings(play) == []


def test_a_clock_that_is_set_forward_makes_it_ring_within_a_look():
    async def play(timer, clock):
        timer.set(clock.now() + timedelta(hours=2))
        await clock.sleep(30)
        clock.shift(timedelta(hours=3))

    assert rings(play) == [60.0]


def test_a_clock_that_is_set_back_makes_it_wait_for_the_wall_time():
    async def play(timer, clock):
        timer.set(clock.now() + timedelta(hours=2))
        await clock.sleep(30)
        clock.shift(timedelta(hours=-1))

    assert [round(each) for each in rings(play)] == [10800]


def test_a_moment_that_is_left_in_the_past_does_not_spin():
    async def play(timer, clock):
        moment = clock.now()
        for _ in range(50):
            timer.set(moment)
            await clock.sleep(0.1)

    assert len(rings(play)) <= 6
