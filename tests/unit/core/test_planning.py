"""What starts, what is asked first, and what a waiting request says about itself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autosync.core import planning
from autosync.core.inspection import ASK_AGAIN, FRESH
from autosync.core.orchestrator import decide
from autosync.core.scene import scene
from autosync.core.state import State
from autosync.core.turn import Turn
from autosync.core.waiting import explain
from autosync.model.agents import BOTH_SIDES, MIM_SERVICE, Pending, PendingSide
from autosync.model.commands import Inspect, StartRun
from autosync.model.facts import FactKind
from autosync.model.ids import TriggerId
from autosync.model.requests import WaitKind
from autosync.model.schedules import Dates, Exclusion, Part
from autosync.model.settings import AgentSettings, EngineSettings, RunMode
from autosync.model.stimuli import (
    AgentSwitched,
    EngineLost,
    Inspected,
    StopAsked,
    TriggerHealth,
)
from tests.unit.core.world import AD, DB, DI, DS, EX, HR, NOON, SIM, World, agent

STAGED = frozenset({PendingSide.IMPORTS})


def kinds(world: World) -> dict[str, list[WaitKind]]:
    """Why each waiting request waits, by agent and profile."""
    reasons = explain(world.state, world.now)
    return {
        f"{each.agent} {each.profile}": [reason.kind for reason in reasons[each.id]]
        for each in world.state.requests.values()
    }


def test_nothing_happened_means_nothing_changes() -> None:
    world = World().begin()

    decision = decide(world.state, (), world.now, 0.5)

    assert decision.state is world.state
    assert (decision.facts, decision.rows, decision.commands) == ((), (), ())


def test_a_triggers_word_about_itself_is_a_fact_and_changes_nothing() -> None:
    world = World().begin()
    trigger = TriggerId(f"{HR}#watch")

    failed = decide(world.state, [TriggerHealth(trigger=trigger, alive=False, error="no route")], world.now, 0.5)
    well = decide(world.state, [TriggerHealth(trigger=trigger, alive=True)], world.now, 0.5)

    assert [fact.kind for fact in (*failed.facts, *well.facts)] == [FactKind.TRIGGER_FAILED, FactKind.TRIGGER_RECOVERED]
    assert (failed.rows, failed.commands) == ((), ())
    assert failed.state == world.state


def test_the_state_before_is_never_changed() -> None:
    world = World().begin()
    before = world.state
    copied = {name: dict(getattr(before, name)) for name in ("requests", "runs", "agents", "cascades", "engines")}

    world.fire(HR)

    assert {name: getattr(before, name) for name in copied} == copied


def test_stopped_disabled_and_undescribed_agents_keep_their_wishes() -> None:
    world = World(settings=[AgentSettings(id=DB, enabled=False)]).begin()
    world.happens(AgentSwitched(agent=AD, started=False, by="anna", reason="patching"))

    world.fire(AD)
    world.fire(DB)

    assert kinds(world) == {"sim/ad DI": [WaitKind.STOPPED], "sim/db DI": [WaitKind.STOPPED]}
    texts = [reason.text for reasons in explain(world.state, world.now).values() for reason in reasons]
    assert "sim/ad was stopped by anna: patching" in texts


@pytest.mark.parametrize("started", [True, False])
def test_switching_an_agent_to_what_it_is_already_is_refused(started: bool) -> None:
    world = World().begin()
    world.happens(AgentSwitched(agent=AD, started=False, by="anna"))
    if started:
        world.happens(AgentSwitched(agent=AD, started=True, by="anna"))
    world.facts.clear()

    world.happens(AgentSwitched(agent=AD, started=started, by="ben"))

    assert [fact.kind for fact in world.facts] == [FactKind.REFUSED]


def test_an_unknown_agent_cannot_be_switched() -> None:
    world = World([agent(HR)]).begin()

    world.happens(AgentSwitched(agent=AD, started=False, by="anna"))

    assert [fact.kind for fact in world.facts] == [FactKind.REFUSED]


def test_stopping_what_does_not_run_is_refused() -> None:
    world = World().begin()

    world.happens(StopAsked(agent=HR, by="anna"))

    assert [fact.kind for fact in world.facts] == [FactKind.REFUSED]


def test_no_export_keeps_exports_back_and_nothing_else() -> None:
    world = World(no_export=True).begin()

    world.ask(AD, EX)
    world.ask(AD, DI)

    assert world.running() == ["sim/ad DI"]
    assert kinds(world)["sim/ad EX"] == [WaitKind.NO_EXPORT]


def test_the_engine_is_asked_what_is_pending_once_before_a_sync() -> None:
    world = World().begin()
    world.answers = False
    world.fire(HR)
    world.commands.clear()

    world.imported(HR)
    world.tick()

    assert [each for each in world.commands if isinstance(each, Inspect)] == [Inspect(agent=HR, sides=STAGED)]
    assert kinds(world) == {"sim/hr DS": [WaitKind.INSPECTING]}


def test_imports_start_without_asking() -> None:
    world = World().begin()
    world.answers = False
    world.commands.clear()

    world.fire(HR)

    assert world.running() == ["sim/hr DI"]
    assert [type(each) for each in world.commands] == [StartRun]


def test_a_count_that_is_old_is_asked_for_again() -> None:
    world = World().begin()
    world.commands.clear()
    world.answers = False
    world.now += FRESH + timedelta(seconds=1)

    world.ask(HR, DS)

    assert world.commands[0] == Inspect(agent=HR, sides=BOTH_SIDES)
    assert world.running() == []


def test_an_engine_that_cannot_answer_is_asked_again_a_little_later() -> None:
    world = World().begin()
    world.answers = False
    world.fire(HR)
    world.imported(HR)
    world.happens(Inspected(agent=HR, pending=None, error="time-out"))
    assert kinds(world) == {"sim/hr DS": [WaitKind.INSPECTING]}
    assert world.state.timer == world.now + ASK_AGAIN
    world.commands.clear()

    world.sleep()

    assert Inspect(agent=HR, sides=STAGED) in world.commands


def test_an_answer_that_nobody_asked_for_is_ignored() -> None:
    world = World().begin()
    before = world.state

    world.happens(Inspected(agent=HR, pending=Pending(agent=HR)))

    assert world.state is before


def test_losing_the_engine_forgets_what_was_asked() -> None:
    world = World().begin()

    world.happens(EngineLost(engine=SIM, error="gone"))

    assert not world.knows(HR)


# Stagger, parallel runs, explanations


def test_starts_may_be_staggered() -> None:
    world = World(engine=EngineSettings(name=SIM, stagger=timedelta(seconds=5))).begin()

    world.fire(HR)
    world.fire(AD)

    assert world.running() == ["sim/hr DI"]
    assert kinds(world) == {"sim/ad DI": [WaitKind.STAGGER]}
    world.sleep()
    assert world.running() == ["sim/ad DI", "sim/hr DI"]
    assert world.now == NOON + timedelta(seconds=5)


def test_settle_times_ride_on_the_start() -> None:
    world = World(engine=EngineSettings(name=SIM, settle=timedelta(seconds=2))).begin()

    world.fire(HR)

    [start] = [each for each in world.commands if isinstance(each, StartRun)]
    assert start.settle == timedelta(seconds=2)


def test_without_options_nothing_waits_for_a_fixed_time() -> None:
    world = World().begin()

    world.fire(HR)
    world.fire(AD)

    assert world.running() == ["sim/ad DI", "sim/hr DI"]


def test_what_waits_for_a_run_says_for_which() -> None:
    world = World().begin()
    world.ask(HR, DS)

    world.fire(AD)
    world.fire(HR)

    assert kinds(world) == {"sim/ad DI": [WaitKind.ALONE], "sim/hr DI": [WaitKind.RUNNING]}


def test_a_run_tells_where_the_waiting_time_went() -> None:
    world = World().begin()
    world.ask(HR, DS)
    world.fire(AD)

    world.end(HR, after=31)

    run = world.run(AD)
    assert run is not None
    assert sum(seconds for _, seconds in run.waits) == 31.0


def test_waiting_time_is_told_reason_by_reason() -> None:
    world = World().begin()
    world.happens(AgentSwitched(agent=AD, started=False, by="anna"))
    world.fire(AD)
    world.ask(HR, DS)
    world.now += timedelta(seconds=10)
    world.happens(AgentSwitched(agent=AD, started=True, by="anna"))
    world.end(HR, after=20)

    run = world.run(AD)
    assert run is not None
    assert dict(run.waits)["sim/ad was stopped by anna"] == 10.0
    assert sum(seconds for _, seconds in run.waits) == 30.0


def test_a_mim_service_import_waits_for_somebody_elses_sync_in_unsupported_mode() -> None:
    world = World(
        [agent(HR), agent(AD, category=MIM_SERVICE)], engine=EngineSettings(name=SIM, run_mode=RunMode.UNSUPPORTED)
    ).begin()
    world.ask(HR, DS)

    world.fire(AD)

    assert kinds(world) == {"sim/ad DI": [WaitKind.SYNC]}


def test_explanations_are_complete_and_need_nobody_to_run() -> None:
    assert explain(State(), NOON) == {}


def test_a_profile_that_is_gone_says_so() -> None:
    world = World().begin()
    world.ask(HR, DS)
    world.fire(AD)
    described = agent(AD, plain=False)
    world.state = replace(
        world.state, agents={**world.state.agents, AD: replace(world.state.agents[AD], agent=described)}
    )

    assert kinds(world) == {"sim/ad DI": [WaitKind.UNKNOWN_PROFILE]}


def test_an_import_does_not_wait_for_a_count_that_the_engine_could_not_give() -> None:
    world = World().begin()
    world.answers = False
    world.fire(HR)
    world.imported(HR)
    world.happens(Inspected(agent=HR, pending=None, error="time-out"))

    world.fire(HR)

    assert world.running() == ["sim/hr DI"]


def test_a_request_whose_back_off_is_over_may_start() -> None:
    world = World().begin()
    world.fire(HR)
    world.end(HR, "stopped-deadlocked")
    later = world.now + timedelta(hours=1)

    [reasons] = explain(world.state, later).values()

    assert [each.text for each in reasons] == ["it may start now"]


def test_an_unknown_profile_falls_under_every_exclusion() -> None:
    freeze = Exclusion(
        name="freeze",
        window=Dates(first=NOON, until=NOON + timedelta(hours=1)),
        zone="UTC",
        only=frozenset({Part.EXPORTS}),
    )
    world = World(settings=[AgentSettings(id=HR)], exclusions=(freeze,)).begin()
    world.ask(HR, DS)
    world.fire(AD)
    described = agent(AD, plain=False)
    world.state = replace(
        world.state, agents={**world.state.agents, AD: replace(world.state.agents[AD], agent=described)}
    )

    assert kinds(world) == {"sim/ad DI": [WaitKind.UNKNOWN_PROFILE, WaitKind.EXCLUDED]}


def test_admission_has_the_last_word_whatever_was_chosen() -> None:
    world = World().begin()
    world.happens(EngineLost(engine=SIM, error="gone"))
    world.ask(HR, DI)
    world.ask(AD, DS)
    state = replace(world.state, engines={SIM: replace(world.state.engines[SIM], connected=True)})
    turn = Turn(state, NOON, 0.5)
    chosen = tuple(world.state.requests)

    planning._start_chosen(turn, EngineSettings(name=SIM), scene(state, NOON), chosen)

    assert [run.agent for run in turn.runs.now.values()] == [HR]
