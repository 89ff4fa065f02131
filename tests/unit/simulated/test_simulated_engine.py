"""The simulated engine is an oracle: what it counts and judges must itself be right."""

from random import Random

import pytest

from autosync.adapters.engines.simulated import AgentPlan, Ending, EnginePlan, Faults, Flow, Referee, SimulatedEngine
from autosync.adapters.engines.simulated.plans import DEFAULT
from autosync.model.agents import Pending, PendingSet
from autosync.model.counts import ChangeKind, Counts
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.model.ids import AgentId, ProfileName, RunId
from autosync.model.steps import StepKind
from autosync.testing.simulation import run_simulated

HR, AD = AgentId("sim/hr"), AgentId("sim/ad")
PLANS = (
    AgentPlan(name="hr", flows=(Flow(agent="ad"),)),
    AgentPlan(name="ad", generates=1.0, flows=(Flow(agent="hr"),)),
)


def staged(pending: Pending) -> PendingSet:
    assert pending.imports is not None
    return pending.imports[DEFAULT]


def engine_on(clock, **more) -> SimulatedEngine:
    return SimulatedEngine(EnginePlan(agents=PLANS, spread=0.0), clock, Random(1), **more)


async def run(engine, agent, profile, number=1):
    return await engine.wait(agent, await engine.start(agent, ProfileName(profile), RunId(number)))


def simulated(main):
    return run_simulated(lambda clock, _random: main(clock))


def test_a_change_goes_all_the_way_and_comes_back_confirmed_with_what_the_target_generated():
    async def main(clock):
        engine = engine_on(clock)
        engine.change("hr", kind=ChangeKind.ADDS)
        imported = await run(engine, HR, "DI")
        synced = await run(engine, HR, "DS")
        exported = await run(engine, AD, "EX")
        confirmed = await run(engine, AD, "DI")

        assert imported.steps[0].staged.adds == 1
        assert synced.steps[0].outbound == {AD: 1}
        assert exported.steps[0].exported.adds == 1
        assert confirmed.steps[0].staged.updates == 1, "the generated attribute"
        assert len(engine.spaces.of("ad", DEFAULT).confirmed) == 1
        assert (await run(engine, AD, "DS")).steps[0].outbound == {HR: 1}
        assert (await run(engine, HR, "EX")).steps[0].exported.total == 1
        assert (await run(engine, HR, "DI")).steps[0].staged.total == 0
        assert all(place.is_quiet for place in engine.places().values())

    simulated(main)


def test_a_change_during_an_import_waits_for_the_next():
    async def main(clock):
        engine = engine_on(clock)
        handle = await engine.start(HR, ProfileName("DI"), RunId(1))
        engine.change("hr")
        assert (await engine.wait(HR, handle)).steps[0].staged == Counts()
        assert (await run(engine, HR, "DI")).steps[0].staged.total == 1

    simulated(main)


def test_a_run_that_is_stopped_in_the_middle_leaves_everything_as_it_was():
    async def main(clock):
        faults = Faults()
        faults.script("hr", "DI", Ending(status="stopped-connectivity", does_its_work=False))
        engine = engine_on(clock, faults=faults)
        engine.change("hr")
        assert (await run(engine, HR, "DI")).status == "stopped-connectivity"
        assert len(engine.spaces.of("hr", DEFAULT).source) == 1

    simulated(main)


def test_an_agent_runs_one_profile_at_a_time():
    async def main(clock):
        engine = engine_on(clock)
        await engine.start(HR, ProfileName("DI"), RunId(1))
        with pytest.raises(EngineRejected, match="running already") as no:
            await engine.start(HR, ProfileName("DI"), RunId(2))
        assert no.value.status == "no-start-ma-already-running"

    simulated(main)


def test_runs_go_on_while_nobody_can_reach_the_engine():
    async def main(clock):
        engine = engine_on(clock)
        handle = await engine.start(HR, ProfileName("DI"), RunId(1))
        engine.go_down(600)
        with pytest.raises(EngineUnavailable):
            await engine.wait(HR, handle)
        await clock.sleep(601)
        result = await engine.wait(HR, handle)
        assert result.ended is not None
        assert result.started is not None
        assert (result.ended - result.started).total_seconds() == pytest.approx(20, abs=1)

    simulated(main)


def test_the_fingerprint_names_exactly_the_pending_set():
    async def main(clock):
        engine = engine_on(clock)
        engine.change("hr")
        await run(engine, HR, "DI")
        first = staged(await engine.pending(HR))
        assert staged(await engine.pending(HR)) == first
        engine.change("hr")
        await run(engine, HR, "DI")
        assert staged(await engine.pending(HR)).fingerprint != first.fingerprint

    simulated(main)


@pytest.mark.parametrize(
    ("given", "first", "second", "word"),
    [
        ({}, (HR, "DS"), (AD, "DS"), "two synchronizations"),
        ({}, (HR, "DS"), (AD, "DI"), "alone"),
        ({}, (HR, "DI"), (AD, "DI"), ""),
        ({"syncs_run_alone": False}, (HR, "DS"), (AD, "DI"), ""),
        ({"syncs_run_alone": False}, (HR, "DS"), (AD, "FS"), "two synchronizations"),
        ({"all_run_alone": True}, (HR, "DI"), (AD, "DI"), "every run"),
        ({"most_at_once": 1}, (HR, "DI"), (AD, "DI"), "beside 1 others"),
        ({"locked_together": frozenset({frozenset({"hr", "ad"})})}, (HR, "DI"), (AD, "DI"), "locked together"),
        ({"mim_service": frozenset({"hr", "ad"})}, (HR, "DI"), (AD, "EX"), "two synchronizations"),
    ],
)
def test_the_referee_sees_what_must_not_overlap(given, first, second, word):
    async def main(clock):
        engine = engine_on(clock, referee=Referee(**given))
        for number, (agent, profile) in enumerate((first, second)):
            await engine.start(agent, ProfileName(profile), RunId(number))
        return engine.referee

    referee = simulated(main)
    assert referee.overlaps == 1
    assert bool(referee.violations) == bool(word)
    assert word in "".join(referee.violations)


def test_the_referee_blames_nobody_for_a_foreign_run_that_could_not_be_known():
    async def main(clock, *, known: bool):
        engine = engine_on(clock)
        engine.start_foreign("ad", "FS")
        if known:
            await engine.newest(AD)
            await clock.sleep(5)
        await engine.start(HR, ProfileName("DS"), RunId(1))
        return bool(engine.referee.violations)

    assert simulated(lambda clock: main(clock, known=True)) is True
    assert simulated(lambda clock: main(clock, known=False)) is False


def test_durations_grow_with_the_work():
    async def main(clock):
        engine = engine_on(clock)
        for _ in range(1000):
            engine.change("hr")
        result = await run(engine, HR, "DI")
        assert result.steps[0].kind is StepKind.DELTA_IMPORT
        assert (result.ended - result.started).total_seconds() == pytest.approx(40, abs=0.1)

    simulated(main)
