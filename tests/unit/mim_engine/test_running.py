"""A start is only a start: what became of it stands in the run history, whatever was answered."""

import asyncio
from dataclasses import replace
from random import Random

import pytest

from autosync.adapters.engines.simulated.faults import Ending
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.model.ids import AgentId, ProfileName, RunId
from autosync.testing.clock import SimulatedClock
from autosync.testing.mim.direct import DirectService
from autosync.testing.mim.knobs import RunScript, TimedOut
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated
from tests.unit.mim_engine.stage import made

HR, DI = AgentId("mim/HR"), ProfileName("DI")


def simulated(test, **options):
    async def main(clock: SimulatedClock, random: Random):
        provider = MimProvider(company(), clock, random)
        engine = made(provider, clock, service=DirectService(provider, time_limit_s=5.0))
        await engine.open()
        await engine.agents()
        await test(provider, engine, clock)
        await engine.close()

    run_simulated(main)


def takes(provider, seconds, **ending):
    provider.knobs.script("HR", "DI", RunScript(ending=Ending(extra_s=seconds, **ending)))


def test_a_long_run_is_started_and_told_at_once_and_waited_for():
    async def test(provider, engine, clock):
        takes(provider, 3000.0)
        begun = clock.elapsed()
        handle = await engine.start(HR, DI, RunId(1))
        started = clock.elapsed() - begun
        result = await engine.wait(HR, handle)

        assert started < 3
        assert result.status == "success"
        assert 3000 <= clock.elapsed() - begun < 3003
        assert len(provider.executed) == 1

    simulated(test)


@pytest.mark.parametrize("timed_out", TimedOut)
def test_an_execute_that_times_out_starts_nothing_twice(timed_out):
    async def test(provider, engine, clock):
        provider.knobs.timed_out = timed_out
        takes(provider, 60.0)
        result = await engine.wait(HR, await engine.start(HR, DI, RunId(1)))

        assert len(provider.executed) == 1
        goes_on = timed_out is TimedOut.GOES_ON
        assert result.status == ("success" if goes_on else "stopped-user-termination-from-wmi-or-ui")

    simulated(test)


def test_a_lost_answer_is_found_in_the_history():
    async def test(provider, engine, clock):
        provider.knobs.lose("Execute")
        handle = await engine.start(HR, DI, RunId(1))

        assert handle == provider.executed[0].key
        assert (await engine.wait(HR, handle)).status == "success"

    simulated(test)


def test_a_run_that_never_began_is_unknown_and_not_started_again():
    async def test(provider, engine, clock):
        provider.knobs.say("Execute", "call-failure:0x80070005")

        with pytest.raises(EngineUnavailable, match="is not known"):
            await engine.start(HR, DI, RunId(1))
        assert provider.executed == []

    simulated(test)


@pytest.mark.parametrize("word", ["no-start-ma-already-running", "access-denied", "no-start-connection"])
def test_a_refusal_is_the_engines_own_word(word):
    async def test(provider, engine, clock):
        provider.knobs.say("Execute", word)
        begun = clock.elapsed()

        with pytest.raises(EngineRejected) as no:
            await engine.start(HR, DI, RunId(1))
        assert no.value.status == word
        assert clock.elapsed() - begun < 3

    simulated(test)


def test_before_execute_nothing_can_have_begun():
    async def test(provider, engine, clock):
        provider.knobs.lose("RunNumber", times=5)

        with pytest.raises(EngineRejected) as no:
            await engine.start(HR, DI, RunId(1))
        assert no.value.status == "engine-unavailable"
        assert provider.executed == []

    simulated(test)


def test_an_execute_that_never_reached_the_server_is_a_refusal():
    class Cut(DirectService):
        async def execute(self, agent, profile):
            raise EngineUnavailable("SYNC01: connection refused")

    async def main(clock: SimulatedClock, random: Random):
        provider = MimProvider(company(), clock, random)
        engine = made(provider, clock, service=Cut(provider))
        await engine.open()

        with pytest.raises(EngineRejected, match="connection refused") as no:
            await engine.start(HR, DI, RunId(1))
        assert no.value.status == "engine-unavailable"
        assert clock.elapsed() < 5
        await engine.close()

    run_simulated(main)


def test_transitional_statuses_are_no_end():
    async def test(provider, engine, clock):
        takes(provider, 0.0, completing_s=90.0)
        begun = clock.elapsed()
        result = await engine.wait(HR, await engine.start(HR, DI, RunId(1)))

        assert result.status == "success"
        assert clock.elapsed() - begun >= 90

    simulated(test)


def test_a_row_that_was_cleared_while_the_run_was_waited_for_is_an_end_of_unknown_kind():
    async def test(provider, engine, clock):
        takes(provider, 30.0)
        handle = await engine.start(HR, DI, RunId(1))
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(engine.wait(HR, handle), name="waits")
            await clock.sleep(5)
            provider.stop("HR")
            provider.clear_runs("2099-01-01")
        result = waiting.result()

        assert result.status.startswith("completed-")
        assert "cleared" in result.message
        assert result.handle == handle

    simulated(test)


def test_a_history_that_lags_hides_nothing():
    async def test(provider, engine, clock):
        provider.knobs.history_lag_s = 20.0
        handle = await engine.start(HR, DI, RunId(1))
        result = await engine.wait(HR, handle)

        assert handle == provider.executed[0].key
        assert result.status == "success"
        assert len(result.steps) == 1

    simulated(test)


def test_a_stop_ends_the_run_with_the_engines_status():
    async def test(provider, engine, clock):
        takes(provider, 3000.0)
        handle = await engine.start(HR, DI, RunId(1))
        await engine.stop(HR)

        assert (await engine.wait(HR, handle)).status == "stopped-user-termination-from-wmi-or-ui"

    simulated(test)


def test_a_new_life_adopts_the_run_by_its_handle():
    async def test(provider, engine, clock):
        takes(provider, 100.0)
        handle = await engine.start(HR, DI, RunId(1))
        await engine.close()
        other = made(provider, clock)
        await other.open()

        newest = await other.newest(HR)
        assert newest is not None
        assert newest.running
        assert (await other.wait(HR, handle)).status == "success"
        await other.close()

    simulated(test)


def test_details_that_cannot_be_read_leave_the_status_and_say_so():
    async def test(provider, engine, clock):
        provider.knobs.details = "<run-history><run-details>"
        result = await engine.wait(HR, await engine.start(HR, DI, RunId(1)))

        assert (result.status, result.steps) == ("success", ())
        assert "cannot be read" in result.message

    simulated(test)


def test_what_is_not_understood_is_named_in_the_result():
    async def test(provider, engine, clock):
        provider.knobs.script("HR", "DI", RunScript(counters={"stage-frobnicate": "3"}))
        result = await engine.wait(HR, await engine.start(HR, DI, RunId(1)))

        assert "stage-frobnicate" in result.message
        assert any("stage-frobnicate" in each for each in result.doubts)
        assert result.steps[0].staged is None

    simulated(test)


def test_foreign_runs_are_seen_within_seconds_also_those_that_are_over():
    async def test(provider, engine, clock):
        seen = {}

        async def watch():
            async for sighting in engine.sightings():
                seen.setdefault((sighting.handle, sighting.running), clock.elapsed())

        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch(), name="watch")
            await clock.sleep(20)
            begun = clock.elapsed()
            quick = provider.start_foreign("HR", "DI")
            await clock.sleep(10)
            watching.cancel()

        assert seen[quick.key, False] - begun < 3

    simulated(test)


def test_a_row_that_never_ends_because_the_service_died_is_no_run_for_ever():
    class Forgetful(DirectService):
        """The history of a service that died in the middle: the row stays as it was."""

        async def runs(self, **bounds):
            return [replace(row, status="in-progress", ended="") for row in await super().runs(**bounds)]

        async def run(self, key):
            row = await super().run(key)
            return row and replace(row, status="in-progress", ended="")

    async def main(clock: SimulatedClock, random: Random):
        provider = MimProvider(company(), clock, random)
        engine = made(provider, clock, service=Forgetful(provider, time_limit_s=5.0))
        await engine.open()
        result = await engine.wait(HR, await engine.start(HR, DI, RunId(1)))

        assert 600 < clock.elapsed() < 700
        assert result.status == "completed-unknown"
        assert "never told the end" in result.message
        await engine.close()

    run_simulated(main)
