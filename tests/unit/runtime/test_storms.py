"""A storm of firings may not take the whole of a core, and may not delay anything else."""

import asyncio
from random import Random

from autosync.adapters.stores.memory import MemoryStore
from autosync.core.decision import Decision
from autosync.model.ids import AgentId, EngineName, TriggerId
from autosync.model.requests import Wanted
from autosync.model.rows import AgentRow
from autosync.model.stimuli import EngineConnected, TriggerFired
from autosync.runtime.dispatcher import Dispatcher, Tools
from autosync.runtime.journal import Journal
from autosync.testing.simulation import run_simulated

TURN_S = 0.1


class SlowStore(MemoryStore):
    async def commit(self, commit):
        await asyncio.sleep(TURN_S)
        return await super().commit(commit)


def storming(play) -> list[tuple[float, list[str]]]:
    """Return when each decision was made, and about what, while ``play(clock, dispatcher)`` goes on."""

    async def main(clock, random: Random):
        made: list[tuple[float, list[str]]] = []

        def decide(state, stimuli, now, chance):
            made.append((clock.elapsed(), [type(each).__name__ for each in stimuli]))
            return Decision(state=state, rows=(AgentRow(id=AgentId("sim/hr")),))

        store = SlowStore()
        tools = Tools(store=store, journal=Journal(store, logged=False), clock=clock, random=random, decide=decide)
        dispatcher = Dispatcher(tools)
        async with asyncio.TaskGroup() as group:
            group.create_task(dispatcher.run(lambda _commands: None, lambda _state: None))
            await play(clock, dispatcher)
            dispatcher.close()
        return made

    return run_simulated(main)


def fired(number: int) -> TriggerFired:
    agent = AgentId(f"sim/{number}")
    return TriggerFired(trigger=TriggerId(f"{agent}#file"), wanted=Wanted(agent=agent))


async def storm(clock, dispatcher, seconds: float) -> None:
    for number in range(round(seconds / 0.01)):
        assert dispatcher.submit(fired(number % 50))
        await clock.sleep(0.01)


def test_firings_alone_take_no_more_than_a_quarter_of_the_time():
    made = storming(lambda clock, dispatcher: storm(clock, dispatcher, 20))

    assert 20 <= len(made) <= 0.25 * 20 / TURN_S


def test_the_first_firing_after_a_pause_is_decided_at_once():
    async def play(clock, dispatcher):
        await storm(clock, dispatcher, 2)
        await clock.sleep(10)
        dispatcher.submit(fired(1))
        await clock.sleep(1)

    assert [at for at, _ in storming(play) if at >= 12] == [12.0]


def test_what_an_engine_reports_does_not_wait_for_the_storm():
    async def play(clock, dispatcher):
        async with asyncio.TaskGroup() as group:
            group.create_task(storm(clock, dispatcher, 20))
            for _ in range(10):
                await clock.sleep(1.7)
                asked.append(clock.elapsed())
                dispatcher.submit(EngineConnected(engine=EngineName("sim")))

    asked: list[float] = []
    answered = [at for at, what in storming(play) if "EngineConnected" in what]
    assert len(answered) == 10
    assert all(at - wish <= TURN_S + 0.001 for wish, at in zip(asked, answered, strict=True))


def test_what_comes_with_a_storm_at_once_gathers_too():
    """Runs that end and start by the dozen each second, as they do in a storm, take no more than a share either."""

    async def play(clock, dispatcher):
        async with asyncio.TaskGroup() as group:
            group.create_task(storm(clock, dispatcher, 20))
            for number in range(400):
                await clock.sleep(0.05)
                dispatcher.submit(EngineConnected(engine=EngineName(f"sim{number}")))

    made = [what for _, what in storming(play)]
    assert sum(what.count("EngineConnected") for what in made) == 400
    assert len(made) <= 0.6 * 20 / TURN_S


def test_a_report_does_not_take_gathering_firings_with_it():
    async def play(clock, dispatcher):
        for number in range(2):
            dispatcher.submit(fired(number))
            await clock.sleep(0.15)
        dispatcher.submit(EngineConnected(engine=EngineName("sim")))
        await clock.sleep(2)

    assert [what for _, what in storming(play)] == [["TriggerFired"], ["EngineConnected"], ["TriggerFired"]]
