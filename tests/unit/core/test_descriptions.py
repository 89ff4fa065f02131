"""Engines come and go, and what they have changes."""

from autosync.core.waiting import explain
from autosync.model.agents import Agent
from autosync.model.commands import Describe
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, EngineName, PartitionName, ProfileName
from autosync.model.requests import WaitKind, Wanted
from autosync.model.settings import AgentSettings, EngineSettings, Settings
from autosync.model.steps import Slot
from autosync.model.stimuli import (
    AgentsDescribed,
    EngineConnected,
    EngineLost,
    RunAsked,
    SettingsApplied,
)
from tests.unit.core.world import AD, DI, HR, SIM, World, agent


def describe(world: World, *agents: Agent) -> None:
    world.happens(AgentsDescribed(engine=SIM, agents=agents))


def test_an_engine_that_answers_is_asked_what_it_has() -> None:
    world = World()

    world.happens(EngineConnected(engine=SIM))
    world.happens(EngineConnected(engine=SIM))

    assert [each for each in world.commands if isinstance(each, Describe)] == [Describe(engine=SIM)]
    assert len(world.said(FactKind.ENGINE_CONNECTED)) == 1


def test_a_lost_engine_is_told_once_and_its_recovery_with_the_duration() -> None:
    world = World().begin()

    for error in ("gone", "gone", "still gone"):
        world.happens(EngineLost(engine=SIM, error=error), after=30)
    world.happens(EngineConnected(engine=SIM), after=30)

    assert len(world.said(FactKind.ENGINE_LOST)) == 1
    assert world.said(FactKind.ENGINE_CONNECTED)[0].text == "sim answers after 1 min 30 s"


def test_the_newest_error_is_shown() -> None:
    world = World().begin()
    world.happens(EngineLost(engine=SIM, error="gone"))

    world.happens(EngineLost(engine=SIM, error="certificate"))

    assert world.state.engines[SIM].error == "certificate"


def test_requests_of_a_lost_engine_wait_and_others_go_on() -> None:
    other = AgentId("other/hr")
    world = World([agent(HR), agent(other)]).begin()
    world.happens(EngineLost(engine=SIM, error="gone"))

    world.fire(HR)
    world.fire(other)

    assert world.running() == ["other/hr DI"]
    [reasons] = explain(world.state, world.now).values()
    assert [each.kind for each in reasons] == [WaitKind.DISCONNECTED]


def test_agents_are_found_once() -> None:
    world = World()
    world.happens(EngineConnected(engine=SIM))

    describe(world, world.agents[HR])
    describe(world, world.agents[HR])

    assert len(world.said(FactKind.AGENT_FOUND)) == 1


def test_w30_changed_profiles_are_told_and_used() -> None:
    world = World().begin()
    changed = agent(HR, plain=False)

    describe(world, changed, world.agents[AD])

    assert [fact.agent for fact in world.said(FactKind.AGENT_CHANGED)] == [HR]
    world.fire(HR)
    assert len(world.said(FactKind.REQUEST_UNRESOLVED)) == 1


def test_f8_an_agent_that_is_gone_is_told_once_and_its_requests_wait() -> None:
    world = World().begin()
    world.fire(HR)
    world.fire(HR)

    describe(world, world.agents[AD])
    describe(world, world.agents[AD])
    world.end(HR)

    assert world.waiting() == ["sim/hr DI"]
    assert [fact.agent for fact in world.said(FactKind.AGENT_MISSING)].count(HR) == 1
    [reasons] = explain(world.state, world.now).values()
    assert [each.kind for each in reasons] == [WaitKind.UNKNOWN_PROFILE]


def test_f8_an_agent_that_comes_back_goes_on() -> None:
    world = World().begin()
    world.fire(HR)
    world.fire(HR)
    describe(world, world.agents[AD])
    world.end(HR)

    describe(world, world.agents[AD], world.agents[HR])

    assert world.running() == ["sim/hr DI"]


def test_an_agent_that_only_the_configuration_knows_is_missing() -> None:
    nobody = AgentId("sim/nobody")
    world = World(settings=[AgentSettings(id=nobody)])
    world.happens(EngineConnected(engine=SIM))

    describe(world, world.agents[HR])

    assert [fact.agent for fact in world.said(FactKind.AGENT_MISSING)] == [nobody]


def test_a_wish_for_an_agent_of_an_engine_that_has_not_spoken_waits_and_is_then_missing() -> None:
    world = World()
    nobody = AgentId("sim/nobody")
    world.happens(RunAsked(wanted=Wanted(agent=nobody, profile=ProfileName("DI")), by="anna"))
    assert world.waiting() == ["sim/nobody DI"]
    world.happens(EngineConnected(engine=SIM))

    describe(world, world.agents[HR])

    assert nobody in [fact.agent for fact in world.said(FactKind.AGENT_MISSING)]


def test_new_settings_are_in_force_at_once_and_let_things_be_said_again() -> None:
    slots = {PartitionName("default"): {Slot.DELTA_IMPORT: None}}
    world = World(settings=[AgentSettings(id=HR, slots=slots)]).begin()
    world.fire(HR)
    assert world.state.agents[HR].reported
    off = Settings(
        engines={SIM: EngineSettings(name=SIM)}, agents={HR: AgentSettings(id=HR, enabled=False)}, revision=2
    )

    world.happens(SettingsApplied(settings=off, by="anna"))
    world.fire(HR)

    assert world.running() == []
    assert not world.state.agents[HR].reported
    assert world.said(FactKind.SETTINGS_APPLIED)[0].person == "anna"
    [reasons] = explain(world.state, world.now).values()
    assert [each.kind for each in reasons] == [WaitKind.STOPPED]


def test_every_agent_is_looked_at_after_each_connection() -> None:
    world = World().begin()
    world.happens(EngineLost(engine=SIM, error="gone"))
    world.pend(HR, imports=2)

    world.happens(EngineConnected(engine=SIM))
    describe(world, *world.agents.values())

    assert world.running() == ["sim/hr DS"]


def test_engines_beyond_the_configuration_are_served_with_defaults() -> None:
    other = AgentId("other/hr")
    world = World([agent(other)]).begin()

    world.fire(other)

    assert EngineName("other") in world.state.engines
    assert world.running() == ["other/hr DI"]
    assert DI in world.agents[other].profiles
