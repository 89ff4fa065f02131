"""The writer with a scripted core: what it promises does not depend on what is decided."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

import pytest

from autosync.adapters.stores.memory import MemoryStore
from autosync.core.decision import Decision
from autosync.core.state import State
from autosync.model.commands import Describe, StartRun
from autosync.model.errors import Refused, StoreUnavailable
from autosync.model.facts import Fact, FactKind
from autosync.model.ids import AgentId, EngineName, ProfileName, RunId, TriggerId
from autosync.model.requests import Wanted
from autosync.model.rows import AgentRow
from autosync.model.stimuli import EngineConnected, RunAsked, TimePassed, TriggerFired
from autosync.ports.store import FactFilter, NewMessage
from autosync.runtime.dispatcher import Dispatcher, Tools
from autosync.runtime.inbox import Inbox
from autosync.runtime.journal import Journal
from autosync.testing.simulation import run_simulated

HR = AgentId("sim/hr")


def fired(name: str = "file") -> TriggerFired:
    return TriggerFired(trigger=TriggerId(f"sim/hr#{name}"), wanted=Wanted(agent=HR))


def connected(name: str = "sim") -> EngineConnected:
    return EngineConnected(engine=EngineName(name))


def asked(by: str) -> RunAsked:
    return RunAsked(wanted=Wanted(agent=HR), by=by)


class Sulking(MemoryStore):
    """Cannot be written while it sulks."""

    def __init__(self) -> None:
        super().__init__()
        self.sulks = False
        self.commits = 0
        self.tries = 0

    async def commit(self, commit):
        self.tries += 1
        if self.sulks:
            raise StoreUnavailable("database is locked")
        self.commits += 1
        return await super().commit(commit)


@dataclass
class Core:
    """Says a fact and gives a command for each stimulus; silent about the passing of time."""

    batches: list[int] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    starts: bool = False

    def decide(self, state, stimuli, now, chance):
        self.batches.append(len(stimuli))
        self.chances.append(chance)
        heard = [each for each in stimuli if not isinstance(each, TimePassed)]
        facts = tuple(Fact(kind=FactKind.TRIGGER_FIRED, at=now, text=str(each)) for each in heard)
        engine = Describe(engine=EngineName("sim"))
        start = StartRun(run=RunId(1), agent=HR, profile=ProfileName("DI"))
        rows = (AgentRow(id=HR, failures=state.last_run + 1),) if heard else ()
        return Decision(
            state=replace(state, last_run=state.last_run + len(heard)),
            facts=facts,
            rows=rows,
            commands=tuple(start if self.starts else engine for _ in heard),
        )


@dataclass
class Stage:
    clock: object
    store: Sulking
    core: Core
    journal: Journal
    dispatcher: Dispatcher
    acted: list = field(default_factory=list)
    states: list[State] = field(default_factory=list)


def dispatching(play, *, capacity=1000, router=lambda _facts: ()):
    """Run ``play(stage)`` beside a writer, close it, wait for its end, and return the stage."""

    async def main(clock, _random):
        store, core = Sulking(), Core()
        journal = Journal(store, logged=False)
        tools = Tools(store=store, journal=journal, clock=clock, random=Random(1), decide=core.decide, router=router)
        stage = Stage(clock, store, core, journal, Dispatcher(tools, Inbox(capacity)))
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.dispatcher.run(stage.acted.extend, stage.states.append))
            await play(stage)
            stage.dispatcher.close()
        return stage

    return run_simulated(main)


def test_what_waits_is_decided_and_committed_together():
    async def play(stage):
        for name in "abc":
            stage.dispatcher.submit(fired(name))
        await stage.clock.sleep(1)

    stage = dispatching(play)
    assert stage.core.batches[0] == 3
    assert stage.store.commits == 1
    assert len(stage.acted) == 3
    assert stage.dispatcher.state.last_run == 3


def test_nothing_is_stored_when_nothing_follows():
    async def play(stage):
        stage.dispatcher.submit(TimePassed())
        await stage.clock.sleep(1)

    assert dispatching(play).store.tries == 0


def test_who_waits_gets_the_facts_of_its_own_stimulus_in_one_commit_with_the_others():
    async def play(stage):
        async def fire():
            stage.dispatcher.submit(fired())

        async with asyncio.TaskGroup() as group:
            group.create_task(fire())
            ada = group.create_task(stage.dispatcher.submit_and_wait(asked("ada")))
            bob = group.create_task(stage.dispatcher.submit_and_wait(asked("bob")))
        assert [each.fact.text for each in ada.result()] == [str(asked("ada"))]
        assert [each.fact.text for each in bob.result()] == [str(asked("bob"))]
        assert stage.store.commits == 1

    dispatching(play)


def test_nothing_is_told_or_done_before_it_is_durable():
    async def play(stage):
        stage.store.sulks = True
        stage.dispatcher.submit(connected())
        await stage.clock.sleep(600)
        assert not stage.acted
        assert stage.journal.newest == 0
        assert stage.dispatcher.state == State()
        assert stage.dispatcher.store_trouble is not None

        stage.store.sulks = False
        await stage.clock.sleep(60)
        assert len(stage.acted) == 1
        assert stage.dispatcher.store_trouble is None

    dispatching(play)


def test_a_store_that_is_away_loses_nothing_and_says_once_that_it_is_back():
    async def play(stage):
        stage.store.sulks = True
        for name in "abcde":
            stage.dispatcher.submit(fired(name))
            await stage.clock.sleep(100)
        assert stage.store.tries < 100, "it does not hammer"
        stage.store.sulks = False
        await stage.clock.sleep(60)
        facts = [each.fact for each in await stage.store.facts(FactFilter())]
        assert sum(each.kind is FactKind.TRIGGER_FIRED for each in facts) == 5
        (back,) = [each for each in facts if each.kind is FactKind.STORE_RECOVERED]
        assert "database is locked" in back.text

    dispatching(play)


def test_one_turn_takes_no_more_than_a_batch():
    async def play(stage):
        for number in range(1200):
            stage.dispatcher.submit(fired(str(number)))
        await stage.clock.sleep(1)

    stage = dispatching(play, capacity=5000)
    assert stage.core.batches[:3] == [500, 500, 200]


def test_each_decision_gets_another_chance():
    async def play(stage):
        for _ in range(3):
            stage.dispatcher.submit(connected())
            await stage.clock.sleep(1)

    chances = dispatching(play).core.chances
    assert len(set(chances)) == len(chances) >= 3
    assert all(0 <= chance < 1 for chance in chances)


def test_messages_are_committed_with_the_facts_that_they_tell_of():
    def router(facts):
        return tuple(NewMessage(channel="mail", body={"text": fact.text}) for fact in facts)

    async def play(stage):
        stage.dispatcher.submit(connected())
        await stage.clock.sleep(1)
        (message,) = await stage.store.due_messages(stage.clock.now())
        assert message.body["text"] == str(connected())

    dispatching(play, router=router)


def test_a_full_inbox_refuses_a_person_with_words():
    async def play(stage):
        stage.store.sulks = True
        stage.dispatcher.submit(connected())
        await stage.clock.sleep(1)
        for number in range(2):
            assert stage.dispatcher.submit(fired(str(number)))
        assert not stage.dispatcher.submit(fired("more"))
        with pytest.raises(Refused, match="busy"):
            await stage.dispatcher.submit_and_wait(asked("ada"))
        stage.store.sulks = False

    dispatching(play, capacity=2)


def test_what_waits_at_the_end_is_still_dealt_with():
    async def play(stage):
        stage.dispatcher.submit(connected())

    assert dispatching(play).store.commits == 1


def test_nothing_is_started_that_nobody_would_follow():
    async def play(stage):
        stage.core.starts = True
        stage.dispatcher.submit(connected())

    stage = dispatching(play)
    assert stage.store.commits == 0
    assert not stage.acted


def test_who_waits_at_the_end_is_refused_and_not_left_alone():
    async def play(stage):
        stage.core.starts = True
        async with asyncio.TaskGroup() as group:

            async def ask():
                with pytest.raises(Refused, match="stopped"):
                    await stage.dispatcher.submit_and_wait(asked("ada"))

            group.create_task(ask())
            await asyncio.sleep(0)
            stage.dispatcher.close()
        with pytest.raises(Refused, match="stopping"):
            await stage.dispatcher.submit_and_wait(asked("bob"))

    dispatching(play)


def test_a_caller_that_gives_up_disturbs_nobody():
    async def play(stage):
        stage.store.sulks = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await stage.dispatcher.submit_and_wait(asked("ada"))
        stage.store.sulks = False
        stage.dispatcher.submit(connected())
        await stage.clock.sleep(timedelta(minutes=1).total_seconds())

    stage = dispatching(play)
    assert stage.dispatcher.state.last_run == 2


def test_a_store_that_stays_away_does_not_keep_the_service_from_ending():
    async def play(stage):
        stage.store.sulks = True
        stage.dispatcher.submit(connected())
        await stage.clock.sleep(1)

    with pytest.raises(BaseExceptionGroup) as caught:
        dispatching(play)
    assert caught.group_contains(StoreUnavailable)
