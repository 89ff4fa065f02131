"""What is pending is counted when a run has ended, before anybody asks; nothing is told that is older than an end."""

from random import Random

import pytest

from autosync.adapters.engines.mim.access.port import Question
from autosync.model.agents import PendingSide
from autosync.model.counts import ChangeKind
from autosync.model.errors import EngineUnavailable
from autosync.model.ids import AgentId, PartitionName
from autosync.testing.clock import SimulatedClock
from autosync.testing.mim.direct import DirectService
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated
from tests.unit.mim_engine.stage import made

HR, PORTAL = AgentId("mim/HR"), AgentId("mim/Portal")
DEFAULT = PartitionName("default")
STAGED, EXPORTS = frozenset({PendingSide.IMPORTS}), frozenset({PendingSide.EXPORTS})
COUNTERS = frozenset(each for each in Question if each.value.startswith("Num"))


class Slow(DirectService):
    """A server that takes a moment for details and for each counter, and notes who asked for which."""

    def __init__(self, provider, clock) -> None:
        super().__init__(provider)
        self._clock = clock
        self.counted: list[tuple[str, Question]] = []
        self.fails = 0

    async def ask(self, agent, question):
        if question not in COUNTERS:
            return await super().ask(agent, question)
        self.counted.append((agent, question))
        await self._clock.sleep(0.1)
        if self.fails:
            self.fails -= 1
            raise EngineUnavailable("away for a moment")
        return await super().ask(agent, question)

    async def details(self, key):
        await self._clock.sleep(0.06)
        return await super().details(key)


class Stage:
    """A server, the engine in front of it, and how to run something to its end."""

    def __init__(self, clock, random) -> None:
        self.clock = clock
        self.provider = MimProvider(company(), clock, random)
        self.service = Slow(self.provider, clock)
        self.engine = made(self.provider, clock, service=self.service)

    async def run(self, agent, profile, *changes) -> None:
        for kind in changes:
            self.provider.change(agent, "default", kind)
        handle = await self.engine.start(AgentId(f"mim/{agent}"), profile, 1)
        await self.engine.wait(AgentId(f"mim/{agent}"), handle)

    async def asked_anew(self, agent=HR, sides=STAGED) -> tuple[int, float]:
        """Ask what is pending; return how many counters were asked for only then, and how long it took."""
        before, begin = len(self.service.counted), self.clock.elapsed()
        pending = await self.engine.pending(agent, sides)
        assert all(pending.side(side) is not None for side in sides)
        return len(self.service.counted) - before, round(self.clock.elapsed() - begin, 3)


def simulated(test):
    async def main(clock: SimulatedClock, random: Random):
        stage = Stage(clock, random)
        await stage.engine.open()
        await stage.engine.agents()
        await test(stage)
        await stage.engine.close()

    run_simulated(main)


def test_what_an_import_staged_is_being_counted_when_its_end_is_told():
    async def test(stage):
        await stage.run("HR", "DI", ChangeKind.UPDATES)

        assert await stage.asked_anew() == (3, 0.1)  # begun with the result, so not yet asked when wait() returns
        await stage.run("HR", "DI", ChangeKind.UPDATES)
        assert await stage.asked_anew() == (0, 0.04)  # begun before the details were read

    simulated(test)


def test_what_a_synchronization_reached_is_counted_there():
    async def test(stage):
        await stage.run("HR", "DI", ChangeKind.UPDATES)
        await stage.run("HR", "DS")
        await stage.clock.sleep(0.2)

        assert await stage.asked_anew(PORTAL, EXPORTS) == (0, 0.0)

    simulated(test)


def test_where_nothing_was_staged_nothing_is_counted():
    async def test(stage):
        await stage.run("HR", "FI")
        await stage.run("HR", "FS")
        stage.service.counted.clear()
        await stage.run("HR", "DI")
        await stage.clock.sleep(1)

        assert stage.service.counted == []

    simulated(test)


def start_of_ours(stage):
    return stage.engine.start(PORTAL, "DI", 2)


async def somebody_elses_run(stage):
    sightings = stage.engine.sightings()
    stage.provider.start_foreign("Portal", "DI")
    while (await anext(sightings)).agent != PORTAL:
        pass
    await sightings.aclose()


async def some_time(stage):
    await stage.clock.sleep(2.5)


@pytest.mark.parametrize("happens", [start_of_ours, somebody_elses_run, some_time])
def test_nothing_is_told_that_was_counted_before(happens):
    async def test(stage):
        await stage.run("HR", "DI", ChangeKind.UPDATES)
        await stage.clock.sleep(0.2)
        await happens(stage)

        assert await stage.asked_anew() == (3, 0.1)

    simulated(test)


def test_an_early_count_is_told_once_and_only_for_what_it_counted():
    async def test(stage):
        await stage.run("HR", "DI", ChangeKind.UPDATES)
        await stage.clock.sleep(0.2)

        assert await stage.asked_anew() == (0, 0.0)
        assert await stage.asked_anew() == (3, 0.1)
        await stage.run("HR", "DI", ChangeKind.UPDATES)
        assert await stage.asked_anew(sides=STAGED | EXPORTS) == (6, 0.1)

    simulated(test)


def test_an_early_count_that_failed_is_made_again():
    async def test(stage):
        stage.service.fails = 3
        await stage.run("HR", "DI", ChangeKind.UPDATES)
        await stage.clock.sleep(0.2)
        stage.service.fails = 0

        assert await stage.asked_anew() == (3, 0.1)

    simulated(test)


def test_a_run_that_ended_meanwhile_is_in_the_numbers():
    async def test(stage):
        await stage.run("HR", "DI", ChangeKind.UPDATES)
        sightings = stage.engine.sightings()
        stage.provider.change("HR", "default", ChangeKind.UPDATES)
        stage.provider.start_foreign("HR", "DI")
        while (await anext(sightings)).running:
            pass
        pending = await stage.engine.pending(HR, STAGED)
        await sightings.aclose()

        assert pending.imports[DEFAULT].counts.total == 2

    simulated(test)
