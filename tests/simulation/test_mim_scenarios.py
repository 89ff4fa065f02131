"""The whole service on a synchronization server: whatever happens, every change arrives, and nothing overlaps wrongly."""

import asyncio
from random import Random

import pytest

from autosync.model.steps import StepKind
from autosync.testing.clock import SimulatedClock
from autosync.testing.simulation import run_simulated
from tests.simulation.mim_play import SOURCES, TROUBLES, MimWorld, Trouble


def play(trouble: Trouble | None, *, seed: int = 0, crash: bool = False) -> MimWorld:
    async def main(clock: SimulatedClock, random: Random) -> MimWorld:
        world = MimWorld(clock, random)
        async with asyncio.TaskGroup() as group:
            world.begin_life(group)
            await world.quiet()
            for source in SOURCES:
                world.change(source)
            await clock.sleep(random.uniform(0, 6))
            if trouble is not None:
                async with asyncio.TaskGroup() as both:
                    both.create_task(trouble(world), name="trouble")
                    both.create_task(_changes(world, random), name="changes")
            if crash:
                await world.end_life(crash=True)
                await clock.sleep(random.choice((0, 30, 600)))
                world.begin_life(group)
            await world.quiet()
            await world.end_life(crash=False)
        return world

    return run_simulated(main, seed=seed)


async def _changes(world: MimWorld, random: Random) -> None:
    for _ in range(8):
        world.change(random.choice(SOURCES))
        await world.clock.sleep(random.uniform(1, 20))


def test_changes_arrive_everywhere():
    world = play(None)

    kinds = {step.kind for run in world.provider.executed for step in run.profile.steps}
    assert kinds >= {StepKind.DELTA_IMPORT, StepKind.DELTA_SYNC, StepKind.EXPORT}
    assert world.referee.violations == []
    assert world.facts["run-abandoned"] == world.facts["run-lost"] == world.facts["unknown-status"] == 0


def check(name: str, seed: int, *, crash: bool) -> None:
    world = play(TROUBLES[name], seed=seed, crash=crash)

    assert world.referee.violations == []
    assert world.referee.starts > 10


@pytest.mark.parametrize("crash", [False, True], ids=["one life", "two lives"])
@pytest.mark.parametrize("name", TROUBLES)
def test_troubles_lose_nothing(name, crash):
    check(name, 0, crash=crash)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("name", TROUBLES)
def test_troubles_of_other_seeds_lose_nothing_either(name, seed):
    check(name, seed, crash=seed % 2 == 1)
