import asyncio
from datetime import UTC, datetime, timedelta

from autosync.model.ids import AgentId, EngineName, TriggerId
from autosync.model.requests import Wanted
from autosync.model.stimuli import EngineConnected, TimePassed, TriggerFired, TriggerHealth
from autosync.runtime.inbox import Inbox

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def fired(agent: str = "sim/hr", token: str | None = None, **more) -> TriggerFired:
    return TriggerFired(trigger=TriggerId(f"{agent}#file"), wanted=Wanted(agent=AgentId(agent)), token=token, **more)


def stimuli(inbox: Inbox, most: int = 100):
    return [entry.stimulus for entry in inbox.take(most)]


def test_equal_firings_are_one_with_a_count_the_newest_token_and_the_earliest_change():
    inbox = Inbox()
    inbox.put(fired(token="1", changed=NOON + timedelta(seconds=1), text="one"))
    inbox.put(fired(token="2", changed=NOON))
    inbox.put(fired())

    (one,) = stimuli(inbox)
    assert isinstance(one, TriggerFired)
    assert (one.token, one.changed, one.count, one.text) == ("2", NOON, 3, "one")


def test_firings_of_different_triggers_and_full_ones_stay_apart():
    inbox = Inbox()
    for each in (fired(), fired("sim/ad"), fired(full=True)):
        inbox.put(each)

    assert len(inbox) == 3


def test_order_of_arrival_is_kept():
    inbox = Inbox()
    connected = EngineConnected(engine=EngineName("sim"))
    inbox.put(fired())
    inbox.put(connected)
    inbox.put(fired("sim/ad"))

    assert [type(each) for each in stimuli(inbox)] == [TriggerFired, EngineConnected, TriggerFired]


def test_what_an_engine_reports_is_never_drawn_together():
    inbox = Inbox()
    inbox.put(EngineConnected(engine=EngineName("sim")))
    inbox.put(EngineConnected(engine=EngineName("sim")))

    assert len(inbox) == 2


def test_the_passing_of_time_and_a_trigger_s_last_word_are_enough_once():
    inbox = Inbox()
    inbox.put(TimePassed())
    inbox.put(TriggerHealth(trigger=TriggerId("t"), alive=False))
    inbox.put(TimePassed())
    inbox.put(TriggerHealth(trigger=TriggerId("t"), alive=True))

    assert stimuli(inbox) == [TimePassed(), TriggerHealth(trigger=TriggerId("t"), alive=True)]


def test_a_full_inbox_refuses_firings_that_fit_nowhere_but_takes_equal_ones_and_every_report():
    inbox = Inbox(capacity=1)
    assert inbox.put(fired())

    assert not inbox.put(fired("sim/ad"))
    assert inbox.put(fired())
    assert inbox.put(EngineConnected(engine=EngineName("sim")))


def test_a_full_inbox_refuses_who_waits_for_an_answer():
    async def main():
        inbox = Inbox(capacity=1)
        inbox.put(fired())
        return inbox.put(TimePassed(), asyncio.get_running_loop().create_future())

    assert asyncio.run(main()) is False


def test_taking_some_leaves_the_rest_in_order():
    inbox = Inbox()
    for place in range(5):
        inbox.put(fired(f"sim/{place}"))

    assert [each.wanted.agent for each in stimuli(inbox, 2)] == ["sim/0", "sim/1"]
    assert [each.wanted.agent for each in stimuli(inbox)] == ["sim/2", "sim/3", "sim/4"]


def test_waiting_ends_with_a_stimulus_and_with_the_end():
    async def main():
        inbox = Inbox()
        async with asyncio.timeout(1), asyncio.TaskGroup() as group:
            group.create_task(inbox.wait_something())
            await asyncio.sleep(0)
            inbox.put(TimePassed())
        inbox.take(1)
        async with asyncio.timeout(1), asyncio.TaskGroup() as group:
            group.create_task(inbox.wait_something())
            await asyncio.sleep(0)
            inbox.close()
        return True

    assert asyncio.run(main())
