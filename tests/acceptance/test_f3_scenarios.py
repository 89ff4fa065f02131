"""The regression scenarios that the predecessor's users paid for, told to the whole runtime in simulated time.

Names carry the predecessor's issue numbers (#) and weaknesses (W) as the reference numbers them.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from autosync.adapters.engines.simulated import AgentPlan, Ending, Flow
from autosync.adapters.engines.simulated.faults import StartFault
from autosync.model.counts import ChangeKind
from autosync.model.errors import AutoSyncError
from autosync.model.ids import ProfileName
from autosync.model.requests import Wanted
from autosync.model.schedules import Cron, Every
from autosync.model.settings import AgentSettings, EngineSettings, Guards, Limit, ScheduleSettings, Thresholds
from autosync.model.steps import Slot, StepKind
from autosync.model.stimuli import AgentSwitched, HoldDecided, RequestDropAsked, RunAsked, StopAsked
from autosync.ports.store import Commit, NewMessage
from autosync.runtime.outbox import Outbox
from autosync.testing.scenario import ENGINE
from autosync.testing.simulation import run_simulated
from tests.acceptance.living import agent, story, trigger

HR = AgentPlan(name="hr", flows=(Flow(agent="ad"),))
AD = AgentPlan(name="ad")
HOUR = 3600.0


def told(tell, *plans, **given):
    """Tell a story in simulated time."""

    async def main(_clock, _random):
        async with story(*plans, **given) as happens:
            await tell(happens)

    run_simulated(main)


def wish(name: str, profile: str, *, exclusive: bool = False) -> RunAsked:
    wanted = Wanted(agent=agent(name), profile=ProfileName(profile), exclusive=exclusive)
    return RunAsked(wanted=wanted, by="ada")


# 1


def test_1_ten_stops_and_starts_leave_one_fire_per_event_and_live_timers_110_158_w24():
    async def tell(happens):
        tasks = len(asyncio.all_tasks())
        for _ in range(10):
            for started in (False, True):
                await happens.say(AgentSwitched(agent=agent("hr"), started=started, by="ada"))
                await happens.after(5)
        assert len(asyncio.all_tasks()) == tasks

        before = happens.clock.elapsed()
        happens.change("hr")
        await happens.after(600)
        assert len(happens.facts("trigger-fired")) == 1
        assert happens.ran(after=before).count("hr DI") == 1

        await happens.after(3 * HOUR)
        assert len(happens.facts("schedule-fired")) == 3

    hourly = ScheduleSettings(
        id=trigger("hr", "hourly"), agent=agent("hr"), when=Every(interval=timedelta(hours=1)), run=Slot.FULL_IMPORT
    )
    told(tell, HR, AD, schedules=(hourly,))


# 2


@pytest.mark.parametrize("waits_for", ["sync", "lock-with", "foreign-run", "stagger", "back-off"])
def test_2_a_request_that_is_taken_back_while_it_waits_leaves_all_locks_free_w17_129(waits_for):
    async def tell(happens):
        match waits_for:
            case "sync":
                await happens.say(wish("ad", "FS"))
                await happens.after(1)
                await happens.say(wish("hr", "DS"))
            case "lock-with":
                await happens.say(wish("ad", "DI"))
                await happens.after(1)
                await happens.say(wish("hr", "DS"))
            case "foreign-run":
                happens.engine.start_foreign("ad", "FI")
                await happens.after(5)
                await happens.say(wish("hr", "DS"))
            case "stagger":
                await happens.say(wish("ad", "DI"))
                await happens.say(wish("hr", "DS"))
            case "back-off":
                happens.world.faults.script("hr", "DS", Ending(status="stopped-deadlocked", does_its_work=False))
                await happens.say(wish("hr", "DS"))
                await happens.after(22)
        assert [request.profile for request in happens.state.requests.values()] == ["DS"]
        await happens.say(RequestDropAsked(agent=agent("hr"), profile=ProfileName("DS"), by="ada"))
        await happens.after(300)
        assert not happens.state.requests
        assert not happens.state.runs

        before = happens.clock.elapsed()
        await happens.say(wish("ad", "DS"))
        await happens.after(120)
        await happens.say(wish("hr", "DS"))
        await happens.after(120)
        assert happens.ran(after=before) == ["ad DS", "hr DS"]

    engine = EngineSettings(name=ENGINE, stagger=timedelta(minutes=2) if waits_for == "stagger" else timedelta(0))
    locked = AgentSettings(id=agent("hr"), lock_with=frozenset({agent("ad")}))
    told(tell, HR, AD, engine=engine, agents={"hr": locked} if waits_for == "lock-with" else {})


def test_2_a_run_that_is_stopped_while_it_executes_leaves_all_locks_free_w17():
    async def tell(happens):
        await happens.say(wish("hr", "FS"))
        await happens.after(5)
        await happens.say(StopAsked(agent=agent("hr"), by="ada"))
        await happens.after(5)
        before = happens.clock.elapsed()
        await happens.say(wish("ad", "FS"))
        await happens.after(120)
        assert happens.ran(after=before) == ["ad FS"], "the stopped run is not tried again by itself"

    told(tell, HR, AD)


def test_2_a_crash_while_a_result_settles_leaves_all_locks_free_w17():
    async def tell(happens):
        await happens.say(wish("hr", "DS"))
        await happens.after(25)
        await happens.world.crash()
        await happens.restart()
        await happens.after(200)
        before = happens.clock.elapsed()
        await happens.say(wish("ad", "DS"))
        await happens.after(5)
        assert happens.ran(after=before) == ["ad DS"]

    told(tell, HR, AD, engine=EngineSettings(name=ENGINE, settle=timedelta(minutes=1)))


# 3


def test_3_two_agents_that_lock_each_other_an_exclusive_run_and_a_foreign_one_do_not_deadlock_w15_w16_186():
    async def tell(happens):
        happens.engine.start_foreign("sql", "FI")
        await happens.after(5)
        for _ in range(3):
            happens.change("hr")
            happens.change("ad")
            await happens.say(wish("ad", "FI", exclusive=True))
            await happens.after(2)
        await happens.after(HOUR)
        assert not await happens.is_finished()
        assert "ad FI" in happens.ran()

    both = frozenset({agent("hr"), agent("ad")})
    agents = {name: AgentSettings(id=agent(name), lock_with=both - {agent(name)}) for name in ("hr", "ad")}
    told(tell, HR, AgentPlan(name="ad", flows=(Flow(agent="hr"),)), AgentPlan(name="sql"), agents=agents)


# 4


def test_4_a_change_after_the_import_read_its_data_gets_a_second_import_w2():
    async def tell(happens):
        for number in range(10):
            happens.change("hr")
            await happens.after(1 if number < 9 else 0)
        await happens.after(900)
        assert happens.ran().count("hr DI") == 2
        assert not await happens.is_finished()

    told(tell, HR, AD)


# 5


def test_5_a_listener_that_lost_its_server_finds_what_changed_meanwhile_w4_180():
    async def tell(happens):
        happens.change("hr")
        await happens.after(600)
        listener = happens.world.triggers["hr", HR.partitions[0]]
        for _ in range(5):
            listener.fail("the domain controller went away")
            await happens.after(0.5)
            happens.change("hr")
            await happens.after(600)
        assert listener.watches > 5
        assert not await happens.is_finished()
        assert happens.facts("trigger-fired")[-1].fact.at > happens.facts("trigger-fired")[0].fact.at

    told(tell, HR, AD)


# 6

SPRING, AUTUMN = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(("epoch", "hours"), [(SPRING, 24), (AUTUMN, 24)], ids=["spring", "autumn"])
def test_6_schedules_keep_their_hours_when_the_clocks_change_173_156(epoch, hours):
    async def tell(happens):
        await happens.after(2 * hours * HOUR - 60)
        fired = [(stored.fact.trigger, stored.fact.at) for stored in happens.facts("schedule-fired")]
        hourly = [at for which, at in fired if which == trigger("hr", "hourly")]
        daily = [at for which, at in fired if which == trigger("ad", "daily")]
        gaps = {later - earlier for earlier, later in pairwise(hourly)}
        assert {round(gap.total_seconds() / HOUR, 2) for gap in gaps} == {1.0}, "an hour is an hour"
        assert len(hourly) == 2 * hours, "the first fire happens once too"
        assert len(daily) == 2, "once a day, also when 02:30 does not exist, or exists twice"

    told(
        tell,
        HR,
        AD,
        epoch=epoch - timedelta(minutes=30),
        schedules=(
            ScheduleSettings(
                id=trigger("hr", "hourly"),
                agent=agent("hr"),
                when=Cron(expression="0 * * * *", zone="Europe/Brussels"),
                run=Slot.DELTA_IMPORT,
            ),
            ScheduleSettings(
                id=trigger("ad", "daily"),
                agent=agent("ad"),
                when=Cron(expression="30 2 * * *", zone="Europe/Brussels"),
                run=Slot.DELTA_IMPORT,
            ),
        ),
    )


# 7


def test_7_what_was_staged_while_the_service_was_away_is_found_and_carried_on_w6_116():
    async def tell(happens):
        await happens.world.stop()
        happens.change("hr")
        assert happens.engine.start_foreign("hr", "DI")
        await happens.clock.sleep(100)
        assert happens.engine.start_foreign("hr", "DS")
        await happens.clock.sleep(100)
        await happens.restart()
        await happens.after(600)
        assert "ad EX" in happens.ran()
        assert not await happens.is_finished()

    told(tell, HR, AD)


def test_7_staged_deletions_above_the_limit_are_held_across_a_restart_until_a_person_decides_w39():
    async def tell(happens):
        for _ in range(20):
            happens.engine.change("hr", HR.partitions[0], ChangeKind.DELETES)
        happens.world.triggers["hr", HR.partitions[0]].change()
        await happens.after(300)
        (hold,) = happens.state.holds.values()
        assert happens.ran() == ["hr DI"]

        await happens.restart(away_s=600)
        await happens.after(HOUR)
        assert "hr DS" not in happens.ran()
        assert [each.id for each in happens.state.holds.values()] == [hold.id], "the same hold, not a second one"
        assert len(happens.facts("hold-opened")) == 1

        await happens.say(HoldDecided(hold=hold.id, decision="approve", by="ada", fingerprint=hold.fingerprint))
        await happens.after(HOUR)
        assert not await happens.is_finished()

    few = Guards(staged=Thresholds(kinds={ChangeKind.DELETES: Limit(absolute=10)}))
    told(tell, HR, AD, agents={"hr": AgentSettings(id=agent("hr"), guards=few)})


# 8


def test_8_a_profile_that_is_renamed_while_it_waits_is_still_run_167():
    async def tell(happens):
        happens.engine.start_foreign("ad", "FS")
        await happens.after(5)
        happens.change("hr")
        await happens.say(wish("hr", "DI"))
        happens.engine.rename_profile("hr", "DI", "Delta Import")
        await happens.after(HOUR)
        assert "hr Delta Import" in happens.ran()
        assert not await happens.is_finished()

    told(tell, HR, AD)


def test_8_a_profile_that_is_deleted_while_it_waits_keeps_nobody_else_167():
    async def tell(happens):
        happens.engine.start_foreign("ad", "FS")
        await happens.after(5)
        await happens.say(wish("hr", "FI"))
        happens.engine.delete_profile("hr", "FI")
        happens.change("sql")
        await happens.after(HOUR)
        assert "hr FI" not in happens.ran()
        assert "sql DI" in happens.ran()
        assert "ad EX" in happens.ran()

    told(tell, HR, AD, AgentPlan(name="sql", flows=(Flow(agent="ad"),)))


def test_8_agents_come_and_go_without_a_restart_168():
    async def tell(happens):
        happens.engine.delete_agent("hr")
        happens.engine.add_agent(AgentPlan(name="new"))
        await happens.after(HOUR)
        assert [stored.fact.agent for stored in happens.facts("agent-missing")] == [agent("hr")]
        await happens.say(wish("new", "DI"))
        await happens.after(HOUR)
        assert happens.ran() == ["new DI"]

    told(tell, HR, AD)


# 11


def test_11_completing_is_waited_for_and_a_deadlock_is_tried_again_w12():
    async def tell(happens):
        deadlock = Ending(status="stopped-deadlocked", does_its_work=False)
        happens.world.faults.script("hr", "DI", Ending(completing_s=120))
        happens.world.faults.script("hr", "DS", deadlock, deadlock)
        happens.change("hr")
        await happens.after(100)
        assert happens.ran() == ["hr DI"], "the synchronization waits until the import has really ended"
        await happens.after(HOUR)
        assert happens.ran().count("hr DS") == 3
        assert len(happens.facts("retry-planned")) == 2
        assert not await happens.is_finished()

    told(tell, HR, AD)


@pytest.mark.parametrize("status", ["no-start-connection", "no-start-ma-update-in-progress", "no-start-server"])
def test_11_a_start_that_the_engine_refuses_for_now_is_tried_later(status):
    async def tell(happens):
        happens.world.faults.script("hr", "DI", *[Ending(status=status, refused=True)] * 3)
        happens.change("hr")
        await happens.after(HOUR)
        assert happens.ran().count("hr DI") == 1
        assert not await happens.is_finished()

    told(tell, HR, AD)


def test_11_an_engine_that_wants_a_full_import_gets_one():
    async def tell(happens):
        happens.world.faults.script("hr", "DI", Ending(status="no-start-full-import-required", refused=True))
        happens.change("hr")
        await happens.after(HOUR)
        assert happens.ran().count("hr FI") == 1
        assert not await happens.is_finished()

    told(tell, HR, AD)


@pytest.mark.parametrize("begins", [None, 0.0, 3.0], ids=["never-began", "began", "began-late"])
def test_11_a_lost_answer_starts_nothing_twice_and_loses_nothing(begins):
    async def tell(happens):
        happens.world.faults.script_start(StartFault(answer_lost=True, begins_after=begins))
        happens.change("hr")
        await happens.after(HOUR)
        assert happens.ran().count("hr DI") == 1
        assert not await happens.is_finished()

    told(tell, HR, AD)


# 12


def test_12_fifty_intervals_that_pass_during_a_long_exclusive_run_are_one_run_181():
    async def tell(happens):
        happens.world.faults.script("ad", "FI", Ending(extra_s=50 * 60))
        await happens.say(wish("ad", "FI", exclusive=True))
        await happens.after(50 * 60)
        assert happens.ran() == ["ad FI"]
        (request,) = happens.state.requests.values()
        assert sum(cause.count for cause in request.causes) >= 49
        await happens.after(75)
        assert happens.ran() == ["ad FI", "hr DI"]
        assert len([each for each in happens.facts("request-queued") if each.fact.agent == agent("hr")]) == 1

    minutely = ScheduleSettings(
        id=trigger("hr", "minutely"),
        agent=agent("hr"),
        when=Every(interval=timedelta(minutes=1)),
        run=Slot.DELTA_IMPORT,
    )
    told(tell, HR, AD, schedules=(minutely,))


# 13


def test_13_seventy_agents_are_carried_to_quiet_w19():
    async def tell(happens):
        for number in range(69):
            happens.change(f"source{number}")
        await happens.after(3 * HOUR)
        assert not await happens.is_finished()
        assert happens.ran().count("target EX") < 69, "exports of many sources are drawn together"

    quick = dict.fromkeys(StepKind, (1.0, 0.01))
    sources = [AgentPlan(name=f"source{number}", flows=(Flow(agent="target"),), seconds=quick) for number in range(69)]
    told(tell, *sources, AgentPlan(name="target", seconds=quick))


def test_13_seven_days_with_a_mail_server_that_fails_70_108():
    async def tell(happens):
        random, sent = Random(13), []

        class Mail:
            async def send(self, body):
                if random.random() < 0.5:
                    raise AutoSyncError("421 try again later")
                sent.append(body["number"])

        outbox = Outbox(happens.world.store, {"mail": Mail()}, happens.clock, random)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(outbox.run())
            for number in range(7 * 24):
                happens.change("hr")
                message = NewMessage(channel="mail", body={"number": number})
                await happens.world.store.commit(Commit(at=happens.clock.now(), messages=(message,)))
                outbox.wake()
                await happens.after(HOUR)
            await happens.after(24 * HOUR)
            task.cancel()
        assert sorted(sent) == list(range(7 * 24))
        assert happens.ran().count("hr DI") == 7 * 24
        assert not await happens.is_finished()

    told(tell, HR, AD)
