import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import pytest

from autosync.model.errors import NotFound
from autosync.model.ids import AgentId, TriggerId
from autosync.model.requests import Token, Wanted
from autosync.model.steps import Slot
from autosync.model.stimuli import TriggerFired, TriggerHealth
from autosync.ports.trigger import Firing
from autosync.runtime.inbox import Inbox
from autosync.runtime.trigger_host import TriggerHost
from autosync.runtime.trigger_watch import TriggerPart, Ways
from autosync.testing.simulation import run_simulated
from autosync.testing.triggers import ScriptedTrigger

HR = AgentId("sim/hr")
FILE = TriggerId("sim/hr#file")


@dataclass
class Stage:
    host: TriggerHost
    trigger: ScriptedTrigger
    inbox: Inbox
    tokens: dict[TriggerId, Token]

    def said(self) -> list:
        return [entry.stimulus for entry in self.inbox.take(1000)]

    def fired(self) -> list[TriggerFired]:
        return [each for each in self.said() if isinstance(each, TriggerFired)]


@asynccontextmanager
async def hosting(clock, *, capacity: int = 1000, **part) -> AsyncGenerator[Stage]:
    inbox, tokens, trigger = Inbox(capacity), {}, ScriptedTrigger()
    host = TriggerHost(Ways(submit=inbox.put, token_of=tokens.get), clock, Random(1))
    host.replace([TriggerPart(id=FILE, agent=HR, trigger=trigger, fingerprint="1", **part)])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(host.run())
        await clock.sleep(1)
        try:
            yield Stage(host, trigger, inbox, tokens)
        finally:
            task.cancel()


def simulated(main) -> None:
    run_simulated(lambda clock, _random: main(clock))


def test_a_change_wants_a_delta_import_and_carries_its_token():
    async def main(clock):
        async with hosting(clock) as stage:
            stage.trigger.change(changed=clock.now())
            await clock.sleep(0)
            await clock.sleep(0)
            (fired,) = stage.fired()
            assert (fired.trigger, fired.token, fired.changed) == (FILE, "1", clock.now())
            assert (fired.wanted.agent, fired.wanted.slot) == (HR, Slot.DELTA_IMPORT)

    simulated(main)


def test_what_the_firing_says_goes_before_what_the_trigger_is_for():
    async def main(clock):
        async with hosting(clock, slot=Slot.SCHEDULED_IMPORT, front=True) as stage:
            stage.trigger.change(firing=Firing(slot=Slot.FULL_IMPORT, exclusive=True))
            await clock.sleep(1)
            (fired,) = stage.fired()
            assert (fired.wanted.slot, fired.wanted.exclusive, fired.wanted.front) == (Slot.FULL_IMPORT, True, True)

    simulated(main)


def test_w2_the_last_change_of_a_burst_fires_after_it():
    async def main(clock):
        async with hosting(clock, debounce=timedelta(seconds=3)) as stage:
            for _ in range(10):
                stage.trigger.change()
                await clock.sleep(1)
            assert not stage.fired()
            await clock.sleep(3)
            (fired,) = stage.fired()
            assert (fired.token, fired.count) == ("10", 10)

    simulated(main)


def test_a_burst_without_end_fires_now_and_then():
    async def main(clock):
        async with hosting(clock, debounce=timedelta(seconds=3), longest=timedelta(seconds=10)) as stage:
            for _ in range(60):
                stage.trigger.change()
                await clock.sleep(1)
            assert 1 <= stage.fired()[0].count <= 60
            assert stage.host.health()[FILE].fires in {5, 6}

    simulated(main)


def test_a_failure_is_told_once_and_so_is_the_recovery():
    async def main(clock):
        async with hosting(clock) as stage:
            for _ in range(3):
                stage.trigger.fail("the share is gone")
            await clock.sleep(0.1)
            assert not stage.host.health()[FILE].alive
            assert stage.host.health()[FILE].error == "the share is gone"
            assert [each.alive for each in stage.said() if isinstance(each, TriggerHealth)] == [False]

            await clock.sleep(10)
            assert stage.host.health()[FILE].alive
            assert [each.alive for each in stage.said() if isinstance(each, TriggerHealth)] == [True]

    simulated(main)


def test_w4_a_watch_starts_again_from_the_last_stored_token():
    async def main(clock):
        async with hosting(clock) as stage:
            stage.trigger.change()
            await clock.sleep(1)
            stage.tokens[FILE] = "1"
            stage.trigger.change()
            await clock.sleep(1)
            stage.said()
            stage.trigger.fail()
            await clock.sleep(0.1)
            stage.trigger.change()
            await clock.sleep(100)
            assert [(each.token, each.count) for each in stage.fired()] == [("3", 2)], "2 was never stored"

    simulated(main)


def test_a_lost_place_wants_a_full_import_and_then_goes_on():
    async def main(clock):
        async with hosting(clock) as stage:
            stage.tokens[FILE] = "1"
            for _ in range(3):
                stage.trigger.change()
            stage.trigger.forget()
            await clock.sleep(100)
            fired = stage.fired()
            assert [each.wanted.slot for each in fired if each.full] == [Slot.FULL_IMPORT]
            assert [each.token for each in fired if not each.full][-1] == "3", "a new place to go on from"
            stage.trigger.change()
            await clock.sleep(100)
            assert [(each.token, each.full) for each in stage.fired()] == [("4", False)]
            assert stage.trigger.watches == 3

    simulated(main)


def test_an_unexpected_error_is_contained():
    class Broken:
        def __init__(self):
            self.inner = ScriptedTrigger()
            self.broke = False

        async def watch(self, token):
            if not self.broke:
                self.broke = True
                raise KeyError("a bug")
            async for seen in self.inner.watch(token):
                yield seen

    async def main(clock):
        async with hosting(clock) as stage:
            broken = Broken()
            stage.host.replace([TriggerPart(id=FILE, agent=HR, trigger=broken)])
            await clock.sleep(0.1)
            assert "a bug" in stage.host.health()[FILE].error
            broken.inner.change()
            await clock.sleep(10)
            assert [each.token for each in stage.fired()] == ["1"]

    simulated(main)


def test_a_full_inbox_makes_firings_grow_together_and_nothing_is_lost():
    async def main(clock):
        async with hosting(clock, capacity=1) as stage:
            stage.inbox.put(TriggerFired(trigger=TriggerId("other"), wanted=Wanted(agent=AgentId("sim/other"))))
            for _ in range(5):
                stage.trigger.change()
                await clock.sleep(1)
            assert stage.host.health()[FILE].coalescing
            stage.said()
            await clock.sleep(1)
            assert [(each.token, each.count) for each in stage.fired()] == [("5", 5)]
            assert not stage.host.health()[FILE].coalescing

    simulated(main)


def test_24_ten_times_off_and_on_fires_once_for_one_change():
    async def main(clock):
        async with hosting(clock) as stage:
            for _ in range(10):
                stage.host.disable(FILE)
                await clock.sleep(1)
                stage.host.enable(FILE)
                await clock.sleep(1)
            tasks = len(asyncio.all_tasks())
            stage.trigger.change()
            await clock.sleep(1)
            assert [each.count for each in stage.fired()] == [1]
            assert tasks == len(asyncio.all_tasks()) == 3, "the test, the host and one watch"

    simulated(main)


def test_a_trigger_that_was_off_reports_what_it_missed():
    async def main(clock):
        async with hosting(clock) as stage:
            stage.host.disable(FILE)
            stage.trigger.change()
            await clock.sleep(100)
            assert not stage.said()
            assert not stage.host.health()[FILE].enabled
            stage.host.enable(FILE)
            await clock.sleep(1)
            assert [each.token for each in stage.fired()] == ["1"]

    simulated(main)


def test_a_reload_touches_only_what_changed():
    async def main(clock):
        async with hosting(clock) as stage:
            same = TriggerPart(id=FILE, agent=HR, trigger=ScriptedTrigger(), fingerprint="1")
            new = TriggerPart(id=TriggerId("new"), agent=HR, trigger=ScriptedTrigger(), fingerprint="n")
            stage.host.replace([same, new])
            await clock.sleep(1)
            assert stage.trigger.watches == 1
            assert set(stage.host.health()) == {FILE, "new"}

            other = ScriptedTrigger()
            changed = replace(same, trigger=other, fingerprint="2")
            stage.host.replace([changed])
            await clock.sleep(1)
            stage.trigger.change()
            await clock.sleep(1)
            assert not stage.fired(), "the old watch is gone"
            other.change()
            await clock.sleep(1)
            assert len(stage.fired()) == 1
            assert set(stage.host.health()) == {FILE}

    simulated(main)


def test_what_is_held_when_the_host_stops_is_fired_on_the_way_out():
    async def main(clock):
        async with hosting(clock, debounce=timedelta(seconds=30)) as stage:
            stage.trigger.change()
            await clock.sleep(1)
        assert [each.token for each in stage.fired()] == ["1"]

    simulated(main)


def test_an_unknown_trigger_is_named_with_those_that_are_known():
    async def main(clock):
        async with hosting(clock) as stage:
            with pytest.raises(NotFound, match="sim/hr#file"):
                stage.host.disable(TriggerId("sim/hr#fiel"))

    simulated(main)


def test_the_lag_is_from_the_change_to_its_being_noticed():
    async def main(clock):
        async with hosting(clock) as stage:
            stage.trigger.change(changed=clock.now() - timedelta(seconds=7))
            await clock.sleep(1)
            assert stage.host.health()[FILE].lag == timedelta(seconds=7)

    simulated(main)
