"""Decisions are fast, with as many agents as anybody has. Limits are generous: they catch a wrong order of growth."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median
from time import perf_counter

import pytest

from autosync.core.orchestrator import decide
from autosync.core.waiting import explain
from autosync.model.agents import Sighting
from autosync.model.ids import AgentId, TriggerId
from autosync.model.requests import Wanted
from autosync.model.settings import EngineSettings, RunMode
from autosync.model.steps import Slot
from autosync.model.stimuli import AgentSwitched, Sighted, Stimulus, TimePassed, TriggerFired
from tests.unit.core.world import SIM, World, agent


def crowd(count: int, mode: RunMode) -> World:
    """That many agents, each with a waiting request; in unsupported mode each with a run too."""
    names = [AgentId(f"sim/a{number:03}") for number in range(count)]
    world = World([agent(name) for name in names], engine=EngineSettings(name=SIM, run_mode=mode)).begin()
    world.ask(names[0], "DS")
    for _ in range(2):  # in unsupported mode the first ones run, and the second ones wait
        world.happens(*(firing(name) for name in names[1:]))
    return world


def firing(name: AgentId) -> Stimulus:
    return TriggerFired(trigger=TriggerId(f"{name}#watch"), wanted=Wanted(agent=name, slot=Slot.DELTA_IMPORT))


def milliseconds(decision: Callable[[], object]) -> float:
    """The middle of seven measurements."""
    found: list[float] = []
    for _ in range(7):
        begin = perf_counter()
        decision()
        found.append((perf_counter() - begin) * 1000)
    return median(found)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "limit"), [(15, 50.0), (500, 200.0)])
@pytest.mark.parametrize("mode", [RunMode.SUPPORTED, RunMode.UNSUPPORTED])
def test_a_decision_is_fast(count: int, limit: float, mode: RunMode) -> None:
    world = crowd(count, mode)
    last = max(world.agents)
    told: dict[str, float] = {}
    stimuli: dict[str, list[Stimulus]] = {
        "a firing": [firing(last)],
        "the clock": [TimePassed()],
        "an agent stops": [AgentSwitched(agent=last, started=False, by="anna")],
    }
    for name, happened in stimuli.items():
        told[name] = milliseconds(partial(decide, world.state, happened, world.now, 0.5))
    told["why"] = milliseconds(lambda: explain(world.state, world.now))

    assert max(told.values()) < limit, told


def test_what_is_no_news_costs_next_to_nothing() -> None:
    world = crowd(60, RunMode.SUPPORTED)
    world.accept(AgentId("sim/a000"))
    [run] = world.state.runs.values()
    ours = Sighting(agent=run.agent, handle=run.handle or "", profile=run.profile, running=True)

    took = milliseconds(lambda: decide(world.state, [Sighted(sighting=ours)], world.now, 0.5))

    assert took < 1.0
    assert decide(world.state, [Sighted(sighting=ours)], world.now, 0.5).state is world.state
    assert replace(world.state) == world.state
