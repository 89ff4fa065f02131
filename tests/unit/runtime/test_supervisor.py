"""The parts together: start, ordered stop, second stop, faces, reload. With the real core, in simulated time."""

import asyncio
from dataclasses import replace
from random import Random

import pytest

from autosync.adapters.engines.simulated import AgentPlan, EnginePlan, Flow, SimulatedEngine
from autosync.adapters.engines.simulated.plans import DEFAULT
from autosync.adapters.stores.memory import MemoryStore
from autosync.model.errors import StoreUnavailable
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, EngineName, TriggerId
from autosync.model.runs import OutcomeKind, RunState
from autosync.model.settings import AgentSettings, EngineSettings, Settings
from autosync.ports.store import FactFilter, NewMessage, RunFilter
from autosync.runtime.engine_hosts import EnginePart
from autosync.runtime.reload import NewParts, apply
from autosync.runtime.supervisor import Options, Parts, Supervisor
from autosync.runtime.trigger_watch import TriggerPart
from autosync.testing.simulation import run_simulated
from autosync.testing.triggers import ScriptedTrigger

SIM, HR, AD = EngineName("sim"), AgentId("sim/hr"), AgentId("sim/ad")
PLAN = EnginePlan(agents=(AgentPlan(name="hr", flows=(Flow(agent="ad"),)), AgentPlan(name="ad")))
SETTINGS = Settings(
    revision=1,
    engines={SIM: EngineSettings(name=SIM)},
    agents={HR: AgentSettings(id=HR), AD: AgentSettings(id=AD)},
)


class Stage:
    """One AutoSync on one simulated engine; ``order`` is what happened on its borders."""

    def __init__(self, clock, *, store: MemoryStore | None = None, **parts) -> None:
        self.order: list[str] = []
        self.clock = clock
        self.store = MemoryStore() if store is None else store
        self.engine = SimulatedEngine(PLAN, clock, Random(1))
        self.trigger = ScriptedTrigger()
        self.part = TriggerPart(id=TriggerId("sim/hr#file"), agent=HR, trigger=self.trigger, fingerprint="1")
        self._watch(self.store, "close", "the store closed")
        self._watch(self.engine, "close", "the engine closed")
        self.supervisor = Supervisor(
            Parts(
                store=self.store,
                settings=SETTINGS,
                clock=clock,
                random=Random(2),
                engines={SIM: EnginePart(engine=self.engine, fingerprint="1")},
                triggers=(self.part,),
                tell_system=self.order.append,
                options=Options(log_facts=False),
                **parts,
            )
        )

    def _watch(self, part, name: str, text: str) -> None:
        inner = getattr(part, name)

        async def watched():
            self.order.append(text)
            await inner()

        setattr(part, name, watched)

    async def change(self) -> None:
        self.engine.change("hr")
        self.trigger.change(changed=self.clock.now())

    async def kinds(self) -> list[FactKind]:
        return [each.fact.kind for each in await self.store.facts(FactFilter(limit=10_000))]


def supervised(play, **parts):
    """Run ``play(stage)`` beside an AutoSync, stop it in order, and return the stage."""

    async def main(clock, _random):
        stage = Stage(clock, **parts)
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.supervisor.run())
            await clock.sleep(1)
            await play(stage)
            stage.supervisor.stop()
        return stage, await stage.kinds()

    return run_simulated(main)


def test_a_change_reaches_its_target_and_is_confirmed():
    async def play(stage):
        await stage.change()
        await stage.clock.sleep(600)
        assert all(place.is_quiet for place in stage.engine.places().values())
        assert len(stage.engine.spaces.of("ad", DEFAULT).confirmed) == 1
        assert stage.supervisor.dispatcher.state.tokens[stage.part.id].token == "1"

    _, kinds = supervised(play)
    assert kinds.count(FactKind.RUN_STARTED) == 4
    assert kinds[-1] is FactKind.CASCADE_QUIET


def test_the_stop_goes_from_the_outside_to_the_store():
    async def face():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            order.append("the face went")

    order: list[str] = []

    async def main(clock, _random):
        stage = Stage(clock)
        stage.order = order
        stage.supervisor = Supervisor(replace(stage.supervisor.parts, tell_system=order.append))
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.supervisor.run(face))
            await clock.sleep(5)
            stage.supervisor.stop()

    run_simulated(main)
    assert order == ["READY=1", "STOPPING=1", "the face went", "the engine closed", "the store closed"]


def test_a_run_in_progress_goes_on_in_the_engine_and_is_adopted_by_the_next_life():
    async def main(clock, _random):
        stage = Stage(clock)
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.supervisor.run())
            await clock.sleep(1)
            await stage.change()
            await clock.sleep(2)
            stage.supervisor.stop()
        (run,) = await stage.store.runs(RunFilter())
        assert run.state is RunState.RUNNING

        await clock.sleep(600)
        second = Supervisor(stage.supervisor.parts)
        async with asyncio.TaskGroup() as group:
            group.create_task(second.run())
            await clock.sleep(600)
            second.stop()
        assert [each.label for each in stage.engine.begun].count(run.id) == 1
        adopted = await stage.store.run(run.id)
        assert adopted is not None
        assert adopted.outcome is not None
        assert adopted.outcome.kind is OutcomeKind.SUCCESS
        assert all(place.is_quiet for place in stage.engine.places().values())

    run_simulated(main)


def test_a_second_stop_cancels():
    class Stubborn(SimulatedEngine):
        async def close(self):
            await asyncio.sleep(1e6)

    async def main(clock, _random):
        stage = Stage(clock)
        stage.engine = Stubborn(PLAN, clock, Random(1))
        parts = replace(stage.supervisor.parts, engines={SIM: EnginePart(engine=stage.engine)})
        supervisor = Supervisor(parts)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(supervisor.run())
            await clock.sleep(5)
            supervisor.stop()
            await clock.sleep(1)
            assert not task.done()
            supervisor.stop()
            await clock.sleep(0.1)
            assert task.done()
        return clock.elapsed()

    assert run_simulated(main) < 10


def test_a_store_that_cannot_be_opened_is_told_to_who_started():
    class Locked(MemoryStore):
        async def open(self):
            raise StoreUnavailable("another AutoSync uses it")

    async def main(clock, _random):
        with pytest.raises(StoreUnavailable, match="another AutoSync"):
            await Stage(clock, store=Locked()).supervisor.run()

    run_simulated(main)


def test_facts_that_the_router_chooses_are_delivered():
    delivered = []

    class Post:
        async def send(self, body):
            delivered.append(body["text"])

    def router(facts):
        return tuple(
            NewMessage(channel="mail", body={"text": fact.text}) for fact in facts if fact.kind is FactKind.ENGINE_LOST
        )

    async def play(stage):
        stage.engine.go_down(3600)
        await stage.clock.sleep(7200)

    supervised(play, notifiers={"mail": Post()}, router=router)
    assert len(delivered) == 1


def test_a_reload_leaves_what_did_not_change_alone():
    async def play(stage):
        await stage.change()
        await stage.clock.sleep(2)
        same = NewParts(
            settings=replace(SETTINGS, revision=2),
            engines={SIM: EnginePart(engine=stage.engine, fingerprint="1")},
            triggers=(replace(stage.part, trigger=ScriptedTrigger()),),
        )
        facts = await apply(stage.supervisor, same, by="ada")
        assert [each.fact.kind for each in facts] == [FactKind.SETTINGS_APPLIED]
        await stage.clock.sleep(600)
        assert stage.trigger.watches == 1
        assert "the engine closed" not in stage.order
        assert all(place.is_quiet for place in stage.engine.places().values())

    supervised(play)


def test_a_changed_engine_is_opened_anew_and_asked_about_its_runs():
    async def play(stage):
        await stage.change()
        await stage.clock.sleep(2)
        changed = NewParts(
            settings=replace(SETTINGS, revision=2),
            engines={SIM: EnginePart(engine=stage.engine, fingerprint="2")},
            triggers=(stage.part,),
        )
        await apply(stage.supervisor, changed, by="ada")
        assert stage.order.count("the engine closed") == 1
        await stage.clock.sleep(600)
        assert all(place.is_quiet for place in stage.engine.places().values())
        assert len([each for each in stage.engine.begun if each.agent == "hr" and each.profile.name == "DI"]) == 1

    supervised(play)


def test_a_removed_trigger_fires_no_more_and_a_new_one_does():
    async def play(stage):
        other = ScriptedTrigger()
        part = TriggerPart(id=TriggerId("sim/ad#new"), agent=AD, trigger=other)
        parts = NewParts(
            settings=replace(SETTINGS, revision=2),
            engines={SIM: EnginePart(engine=stage.engine, fingerprint="1")},
            triggers=(part,),
        )
        await apply(stage.supervisor, parts, by="ada")
        stage.trigger.change()
        other.change()
        await stage.clock.sleep(600)
        assert {run.agent for run in stage.engine.begun} == {"ad"}

    supervised(play)
