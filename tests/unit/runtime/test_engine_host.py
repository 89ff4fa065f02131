from datetime import timedelta

from autosync.adapters.engines.simulated import AgentPlan, Faults, Rates
from autosync.model.commands import Describe, Inspect
from autosync.model.ids import EngineName, ProfileName
from autosync.model.stimuli import AgentsDescribed, EngineConnected, EngineLost, Inspected, RunEnded, Sighted
from autosync.runtime.link import Limits
from autosync.testing.simulation import run_simulated
from tests.unit.runtime.hosting import HR, hosting


def test_agents_and_their_newest_runs_are_told_before_the_contact():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            assert stage.kinds() == ["AgentsDescribed", "EngineConnected"]
            assert [agent.id for agent in stage.of(AgentsDescribed)[0].agents] == ["sim/hr", "sim/ad"]

    run_simulated(main)


def test_a_loss_is_told_once_and_the_return_once():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            stage.engine.go_down(4 * 3600)
            await clock.sleep(3 * 3600)
            assert stage.kinds() == ["AgentsDescribed", "EngineConnected", "EngineLost"]
            assert not stage.host.is_connected

            await clock.sleep(2 * 3600)
            assert stage.kinds()[3:] == ["AgentsDescribed", "EngineConnected"]
            assert stage.host.is_connected

    run_simulated(main)


def test_an_engine_that_is_away_at_first_is_told_of_once():
    async def main(clock, _random):
        async with hosting(clock, faults=Faults(Rates(question_lost=1.0))) as stage:
            await clock.sleep(3600)
            assert stage.kinds() == ["EngineLost"]
            stage.engine.faults.rates = Rates()
            await clock.sleep(60)
            assert len(stage.of(EngineConnected)) == 1

    run_simulated(main)


def test_agents_are_told_again_only_when_they_changed_or_when_asked():
    async def main(clock, _random):
        async with hosting(clock, limits=Limits(describe_every=timedelta(minutes=1))) as stage:
            await clock.sleep(600)
            assert len(stage.of(AgentsDescribed)) == 1

            stage.engine.rename_profile("hr", "DI", "Delta Import")
            stage.engine.delete_agent("ad")
            stage.engine.add_agent(AgentPlan(name="sql"))
            await clock.sleep(61)
            (hr, sql) = stage.of(AgentsDescribed)[1].agents
            assert ProfileName("Delta Import") in hr.profiles
            assert sql.id == "sim/sql"

            stage.host.carry_out(Describe(engine=EngineName("sim")))
            await clock.sleep(1)
            assert len(stage.of(AgentsDescribed)) == 3

    run_simulated(main)


def test_a_foreign_run_is_told_of():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            stage.engine.start_foreign("hr", "DI")
            await clock.sleep(10)
            assert [(each.sighting.agent, each.sighting.running) for each in stage.of(Sighted)] == [(HR, True)]

    run_simulated(main)


def test_what_ran_while_the_engine_was_away_is_told_of_with_the_return():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            stage.engine.go_down(600)
            await clock.sleep(10)
            stage.engine.start_foreign("hr", "DI")
            await clock.sleep(700)
            assert [(each.sighting.agent, each.sighting.running) for each in stage.of(Sighted)] == [(HR, False)]
            assert stage.kinds().index("Sighted") < len(stage.kinds()) - 1

    run_simulated(main)


def test_one_lost_answer_is_not_a_lost_engine():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            stage.engine.faults.rates = Rates(question_lost=0.5)
            for _ in range(20):
                stage.host.carry_out(Inspect(agent=HR))
                await clock.sleep(300)
            stage.engine.faults.rates = Rates()
            await clock.sleep(300)
            assert 15 <= len(stage.of(Inspected)) <= 20
            assert len(stage.of(EngineLost)) < 10
            assert not stage.of(RunEnded)

    run_simulated(main)


def test_an_adapter_s_bug_is_contained():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            working = stage.engine.pending

            async def broken(_agent):
                raise KeyError("a bug")

            stage.engine.pending = broken
            stage.host.carry_out(Inspect(agent=HR))
            await clock.sleep(60)
            assert not stage.of(Inspected)

            stage.engine.pending = working
            await clock.sleep(60)
            assert len(stage.of(Inspected)) == 1

    run_simulated(main)
