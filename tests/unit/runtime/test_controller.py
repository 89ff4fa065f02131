import asyncio
from datetime import timedelta

import pytest

from autosync.adapters.engines.simulated import Ending, Faults, Rates
from autosync.adapters.engines.simulated.faults import StartFault
from autosync.model.commands import FollowRun, InquireRun, Inspect, StartRun, StopRun
from autosync.model.ids import ProfileName, RunId
from autosync.model.stimuli import (
    AgentsDescribed,
    EngineConnected,
    EngineLost,
    Inspected,
    RunAccepted,
    RunEnded,
    RunLost,
    RunNeverBegan,
    RunRefused,
    Sighted,
)
from autosync.testing.simulation import run_simulated
from tests.unit.runtime.hosting import HR, hosting

CONTACT = (AgentsDescribed, EngineConnected, EngineLost)


def start(number: int = 1, profile: str = "DI") -> StartRun:
    return StartRun(run=RunId(number), agent=HR, profile=ProfileName(profile))


def inquire(number: int = 1, *, handle: str | None = None, before: str | None = None) -> InquireRun:
    return InquireRun(run=RunId(number), agent=HR, profile=ProfileName("DI"), handle=handle, handle_before=before)


def test_a_start_is_accepted_and_ends():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            stage.engine.change("hr")
            stage.host.carry_out(start())
            await clock.sleep(100)
            assert stage.kinds(*CONTACT) == ["RunAccepted", "RunEnded"]
            (ended,) = stage.of(RunEnded)
            assert ended.result.status == "success"
            assert ended.result.steps[0].staged.total == 1

    run_simulated(main)


def test_our_own_run_is_no_sighting():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            for number in range(1, 4):
                stage.host.carry_out(start(number))
                await clock.sleep(100)
            assert not stage.of(Sighted)

    run_simulated(main)


def test_a_refusal_is_the_engine_s_word():
    async def main(clock, _random):
        faults = Faults()
        faults.script("hr", "DI", Ending(status="no-start-connection", refused=True))
        async with hosting(clock, faults=faults) as stage:
            stage.host.carry_out(start())
            await clock.sleep(10)
            assert stage.of(RunRefused)[0].status == "no-start-connection"
            assert not stage.of(RunEnded)

    run_simulated(main)


def test_a_command_that_is_repeated_starts_nothing_twice():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            stage.host.carry_out(start())
            stage.host.carry_out(start())
            await clock.sleep(1)
            stage.host.carry_out(start())
            await clock.sleep(100)
            assert len(stage.engine.begun) == 1
            assert stage.kinds(*CONTACT) == ["RunAccepted", "RunEnded"]

    run_simulated(main)


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("late", [0.0, 3.0], ids=["at-once", "late"])
def test_a_run_that_began_although_the_answer_was_lost_is_found(late, labels):
    async def main(clock, _random):
        faults = Faults()
        faults.script_start(StartFault(answer_lost=True, begins_after=late))
        async with hosting(clock, faults=faults, labels=labels) as stage:
            stage.known(1)
            stage.host.carry_out(start())
            await clock.sleep(200)
            assert stage.kinds(*CONTACT) == ["RunLost", "RunAccepted", "RunEnded"]

    run_simulated(main)


def test_a_run_that_never_began_is_known_not_to_have():
    async def main(clock, _random):
        faults = Faults()
        faults.script_start(StartFault(), StartFault(answer_lost=True, begins_after=None))
        async with hosting(clock, faults=faults) as stage:
            stage.host.carry_out(start(1))
            await clock.sleep(100)
            stage.known(2, handle_before=stage.of(RunEnded)[0].result.handle)
            stage.host.carry_out(start(2))
            await clock.sleep(60)
            assert stage.kinds(*CONTACT)[2:] == ["RunLost", "RunNeverBegan"]

    run_simulated(main)


def test_a_lost_contact_is_told_and_the_end_is_learnt_afterwards():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            stage.host.carry_out(start())
            await clock.sleep(5)
            stage.engine.go_down(7200)
            await clock.sleep(7300)
            told = stage.kinds(*CONTACT)
            assert told[:2] == ["RunAccepted", "RunLost"]
            assert told[-1] == "RunEnded"
            assert len(stage.of(RunLost)) == 1

    run_simulated(main)


def test_an_inquiry_adopts_what_runs_and_takes_the_result_of_what_ended():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            handle = await stage.engine.start(HR, ProfileName("DI"), RunId(1))
            stage.host.carry_out(inquire(before=None))
            await clock.sleep(100)
            assert [each.handle for each in stage.of(RunAccepted)] == [handle]
            assert [each.result.handle for each in stage.of(RunEnded)] == [handle]

            stage.host.carry_out(inquire(2, handle=handle))
            await clock.sleep(10)
            assert [each.result.handle for each in stage.of(RunEnded)] == [handle, handle]

    run_simulated(main)


def test_an_inquiry_waits_for_the_engine():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            stage.engine.go_down(3600)
            await clock.sleep(10)
            stage.host.carry_out(inquire())
            await clock.sleep(1800)
            assert not stage.of(RunNeverBegan)
            await clock.sleep(2000)
            assert len(stage.of(RunNeverBegan)) == 1

    run_simulated(main)


def test_somebody_else_s_run_is_not_taken_for_ours():
    async def main(clock, _random):
        async with hosting(clock, labels=True) as stage:
            assert stage.engine.start_foreign("hr", "FI")
            stage.host.carry_out(inquire())
            await clock.sleep(20)
            assert stage.of(RunNeverBegan)
            assert stage.of(Sighted), "and it is told of once it cannot be ours any more"

    run_simulated(main)


def test_a_result_that_was_cleared_is_an_end_in_the_engine_s_words():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            stage.host.carry_out(inquire(handle="77"))
            await clock.sleep(10)
            assert stage.of(RunEnded)[0].result.status == "no-such-run"

    run_simulated(main)


def test_a_foreign_run_is_followed_to_its_end():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            stage.engine.start_foreign("hr", "DI")
            await clock.sleep(5)
            handle = stage.of(Sighted)[0].sighting.handle
            stage.host.carry_out(FollowRun(run=RunId(9), agent=HR, handle=handle))
            await clock.sleep(100)
            assert [each.run for each in stage.of(RunEnded)] == [9]
            assert len(stage.of(Sighted)) == 1

    run_simulated(main)


def test_completing_is_waited_for():
    async def main(clock, _random):
        faults = Faults()
        faults.script("hr", "DI", Ending(completing_s=600))
        async with hosting(clock, faults=faults) as stage:
            stage.host.carry_out(start())
            await clock.sleep(300)
            assert not stage.of(RunEnded)
            await clock.sleep(400)
            assert stage.of(RunEnded)[0].result.status == "success"

    run_simulated(main)


def test_a_stop_reaches_the_engine_even_if_it_was_away():
    async def main(clock, _random):
        faults = Faults()
        faults.script("hr", "DI", Ending(extra_s=36000))
        async with hosting(clock, faults=faults) as stage:
            stage.known(1)
            stage.host.carry_out(start())
            await clock.sleep(10)
            stage.engine.go_down(60)
            stage.host.carry_out(StopRun(run=RunId(1), agent=HR))
            await clock.sleep(200)
            assert stage.of(RunEnded)[0].result.status.startswith("stopped-user-termination")

    run_simulated(main)


def test_settling_delays_the_result():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            command = start()
            stage.host.carry_out(
                StartRun(run=command.run, agent=HR, profile=command.profile, settle=timedelta(hours=2))
            )
            await clock.sleep(3600)
            assert not stage.of(RunEnded)

    run_simulated(main)


def test_a_count_that_began_before_it_was_asked_for_again_is_not_told():
    async def main(clock, _random):
        async with hosting(clock, faults=Faults(Rates(slow=1.0))) as stage:
            await clock.sleep(100)
            stage.host.carry_out(Inspect(agent=HR))
            await clock.sleep(5)
            stage.host.carry_out(Inspect(agent=HR))
            await clock.sleep(8)
            assert not stage.of(Inspected)
            await clock.sleep(10)
            assert len(stage.of(Inspected)) == 1

    run_simulated(main)


def test_an_agent_that_is_gone_cannot_be_counted():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            stage.engine.delete_agent("hr")
            stage.host.carry_out(Inspect(agent=HR))
            await clock.sleep(5)
            assert stage.of(Inspected)[0].pending is None
            assert "hr" in stage.of(Inspected)[0].error

    run_simulated(main)


def test_never_more_than_one_task_for_each_purpose():
    async def main(clock, _random):
        async with hosting(clock) as stage:
            before = len(asyncio.all_tasks())
            for _ in range(20):
                stage.host.carry_out(start())
                stage.host.carry_out(Inspect(agent=HR))
            assert len(asyncio.all_tasks()) == before + 2

    run_simulated(main)
