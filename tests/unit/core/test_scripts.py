"""Controller scripts: asked before a start, told how runs ended, and obeyed when they saw what must not go on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autosync.core import obstacles
from autosync.core.recovery import restore
from autosync.core.scripts import WORD_LASTS
from autosync.core.waiting import explain
from autosync.model.agents import Sighting
from autosync.model.commands import AskScript, StopRun, TellScript
from autosync.model.facts import FactKind, Severity
from autosync.model.holds import HoldKind, HoldState
from autosync.model.ids import ProfileName, RunId
from autosync.model.requests import WaitKind
from autosync.model.rows import Snapshot
from autosync.model.scripts import UnexpectedChange
from autosync.model.settings import AgentSettings, IfFalse, OnScriptError, ScriptPolicy
from autosync.model.stimuli import (
    AgentsDescribed,
    EngineConnected,
    HoldDecided,
    RunRefused,
    ScriptAnswered,
    ScriptHeard,
    ServiceStarted,
    SettingsApplied,
    Sighted,
)
from tests.unit.core.world import AD, DB, DI, DS, EX, HR, SIM, World, started_run

ONE = UnexpectedChange(message="1,200 people left", stop_all=False)
ALL = UnexpectedChange(message="1,200 people left", stop_all=True)


def scripted(**policy: object) -> World:
    """A world in which HR has a controller script."""
    world = World(settings=[AgentSettings(id=HR, script=ScriptPolicy(**policy))]).begin()
    world.commands.clear()
    return world


def yes(world: World, name: str = DI) -> None:
    world.happens(ScriptAnswered(agent=HR, profile=ProfileName(name), allowed=True))


def imported(world: World, adds: int = 1) -> RunId:
    """Have HR import with the script's leave; return the run, of which the script has not said anything."""
    world.fire(HR)
    yes(world)
    run = started_run(world, HR)
    world.pend(HR, imports=adds)
    world.imported(HR, adds)
    return run


def kinds(world: World) -> dict[str, list[WaitKind]]:
    reasons = explain(world.state, world.now)
    return {
        f"{each.agent} {each.profile}": [reason.kind for reason in reasons[each.id]]
        for each in world.state.requests.values()
    }


def unheard(world: World) -> set[RunId]:
    return set(world.state.agents[HR].row.unheard)


# Asking


def test_the_script_is_asked_once_before_a_start() -> None:
    world = scripted()

    world.fire(HR)
    world.tick()

    assert [each for each in world.commands if isinstance(each, AskScript)] == [AskScript(agent=HR, profile=DI)]
    assert kinds(world) == {"sim/hr DI": [WaitKind.SCRIPT]}
    yes(world)
    assert world.running() == ["sim/hr DI"]


def test_a_yes_is_good_for_one_start() -> None:
    world = scripted()
    world.fire(HR)
    yes(world)
    world.end(HR)
    world.commands.clear()

    world.fire(HR)

    assert AskScript(agent=HR, profile=DI) in world.commands


def test_w10_w37_a_no_delays_the_request_and_says_so() -> None:
    world = scripted()
    world.fire(HR)

    world.happens(ScriptAnswered(agent=HR, profile=DI, allowed=False, text="maintenance"))

    assert kinds(world) == {"sim/hr DI": [WaitKind.SCRIPT]}
    world.commands.clear()
    world.tick(WORD_LASTS.total_seconds())
    assert AskScript(agent=HR, profile=DI) in world.commands


def test_a_no_drops_the_request_only_where_the_configuration_says_so() -> None:
    world = scripted(if_false=IfFalse.DROP)
    world.fire(HR, token="7")

    world.happens(ScriptAnswered(agent=HR, profile=DI, allowed=False, text="never on Mondays"))

    assert world.waiting() == []
    assert "never on Mondays" in world.said(FactKind.REQUEST_DROPPED)[0].text
    assert world.state.agents[HR].row.tokens == {"sim/hr#watch": "7"}


def test_a_failing_script_drops_nothing() -> None:
    world = scripted(if_false=IfFalse.DROP)
    world.fire(HR)

    world.happens(ScriptAnswered(agent=HR, profile=DI, allowed=False, error="line 3: no such function"))

    assert world.waiting() == ["sim/hr DI"]
    (reason,) = explain(world.state, world.now)[world.request(HR, DI).id]
    assert "line 3: no such function" in reason.text


def test_a_failing_script_is_told_once_and_once_when_it_is_well_again() -> None:
    world = scripted()
    world.fire(HR)
    for _ in range(3):
        world.happens(ScriptAnswered(agent=HR, profile=DI, allowed=False, error="broken"))
        world.tick(WORD_LASTS.total_seconds())

    yes(world)

    assert len(world.said(FactKind.SCRIPT_FAILED)) == 1
    assert len(world.said(FactKind.SCRIPT_RECOVERED)) == 1
    assert world.running() == ["sim/hr DI"]


def test_a_failing_script_may_be_passed_over() -> None:
    world = scripted(on_error=OnScriptError.RUN)
    world.fire(HR)

    world.happens(ScriptAnswered(agent=HR, profile=DI, allowed=False, error="broken"))

    assert world.running() == ["sim/hr DI"]
    assert len(world.said(FactKind.SCRIPT_FAILED)) == 1


def test_a_script_that_takes_its_time_lets_others_go_first() -> None:
    world = scripted()
    world.ask(HR, DS)
    world.ask(AD, DS)
    before = world.running()

    world.tick(obstacles.SCRIPT_MAY_TAKE.total_seconds())

    assert before == []
    assert world.running() == ["sim/ad DS"]
    yes(world, DS)
    world.end(AD, after=1)
    assert world.running() == ["sim/hr DS"]


def test_an_answer_that_is_lost_is_asked_for_again() -> None:
    world = scripted(time_limit=timedelta(seconds=10))
    world.fire(HR)
    world.commands.clear()

    world.tick(50)

    assert AskScript(agent=HR, profile=DI) in world.commands


@pytest.mark.parametrize("allowed", [True, False])
def test_a_late_answer_is_ignored(allowed: bool) -> None:
    world = scripted()
    before = world.state

    world.happens(ScriptAnswered(agent=HR, profile=ProfileName("gone"), allowed=allowed))

    assert world.state is before


def test_an_answer_for_a_request_that_waits_no_longer_leaves_nothing() -> None:
    world = scripted()
    world.fire(HR)
    world.state = replace(world.state, requests={})

    world.happens(ScriptAnswered(agent=HR, profile=DI, allowed=False))

    assert world.state.agents[HR].script == {}


# Telling


def test_what_follows_from_a_run_waits_for_the_verdict_while_its_locks_are_free() -> None:
    world = scripted()

    run = imported(world)

    assert TellScript(agent=HR, run=run) in world.commands
    assert kinds(world) == {"sim/hr DS": [WaitKind.SCRIPT]}
    world.ask(AD, DS)
    assert world.running() == ["sim/ad DS"]
    world.end(AD)
    world.happens(ScriptHeard(agent=HR, run=run))
    yes(world, DS)
    assert world.running() == ["sim/hr DS"]


def test_a_sync_by_hand_does_not_go_round_the_verdict_and_an_import_may_run() -> None:
    world = scripted()
    world.fire(HR)
    yes(world)
    world.imported(HR, 0)

    world.ask(HR, DS)
    world.ask(HR, DI)
    yes(world, DI)

    assert kinds(world)["sim/hr DS"][-1] is WaitKind.SCRIPT
    assert world.running() == ["sim/hr DI"]


def test_exports_on_the_targets_of_a_sync_wait_for_its_verdict() -> None:
    world = scripted()
    world.ask(HR, DS)
    yes(world, DS)
    run = started_run(world, HR)
    world.pend(AD, exports=1)
    world.pend(DB, exports=1)
    world.synced(HR, {AD: 1})
    world.ask(DB, EX)

    assert world.running() == ["sim/db EX"]
    assert kinds(world) == {"sim/ad EX": [WaitKind.SCRIPT]}
    world.happens(ScriptHeard(agent=HR, run=run))
    assert world.running() == ["sim/ad EX", "sim/db EX"]


def test_the_verdict_about_somebody_elses_run_is_asked_too() -> None:
    world = scripted()
    world.happens(Sighted(sighting=Sighting(agent=HR, handle="9", profile=DI, running=True)))
    run = started_run(world, HR)
    world.pend(HR, imports=3)

    world.imported(HR, 3)

    assert TellScript(agent=HR, run=run) in world.commands
    assert kinds(world)["sim/hr DS"] == [WaitKind.SCRIPT]


def test_a_run_that_never_began_is_not_told() -> None:
    world = scripted()
    world.fire(HR)
    yes(world)

    world.happens(RunRefused(run=started_run(world, HR), status="no-start-ma-already-running"))

    assert not any(isinstance(each, TellScript) for each in world.commands)
    assert unheard(world) == set()


def test_a_verdict_that_fails_keeps_the_follow_ups_waiting_and_is_asked_for_again() -> None:
    world = scripted()
    run = imported(world)
    world.happens(ScriptHeard(agent=HR, run=run, error="no answer within 60 s"))
    world.commands.clear()
    (reason,) = explain(world.state, world.now)[world.request(HR, DS).id]

    world.sleep()

    assert "no answer within 60 s" in reason.text
    assert reason.until == world.now
    assert world.commands.count(TellScript(agent=HR, run=run)) == 1
    assert world.running() == []


def test_a_verdict_that_fails_may_be_passed_over() -> None:
    world = scripted(on_error=OnScriptError.RUN)
    run = imported(world)

    world.happens(ScriptHeard(agent=HR, run=run, error="broken"))

    assert unheard(world) == set()
    yes(world, DS)
    assert world.running() == ["sim/hr DS"]


def test_after_a_crash_the_verdict_is_asked_for_again_and_nothing_has_slipped_through() -> None:
    world = scripted()
    run = imported(world)
    state = world.state
    kept = Snapshot(
        requests=tuple(state.requests.values()),
        cascades=tuple(state.cascades.values()),
        agents=tuple(each.row for each in state.agents.values()),
        last_request=state.last_request,
        last_run=state.last_run,
        last_cascade=state.last_cascade,
    )
    world.state = restore(kept, state.settings)
    world.commands.clear()

    world.happens(ServiceStarted())
    world.happens(EngineConnected(engine=SIM))
    world.happens(AgentsDescribed(engine=SIM, agents=tuple(world.agents.values())))

    assert TellScript(agent=HR, run=run) in world.commands
    assert world.running() == []
    assert kinds(world)["sim/hr DS"][-1] is WaitKind.SCRIPT


def test_a_script_that_the_configuration_no_longer_has_keeps_nothing_back() -> None:
    world = scripted()
    imported(world)

    world.happens(SettingsApplied(settings=replace(world.state.settings, agents={})))

    assert world.running() == ["sim/hr DS"]


# Unexpected changes


def hold_of(world: World):
    (hold,) = world.state.holds.values()
    return hold


def approve(world: World) -> None:
    hold = hold_of(world)
    world.happens(HoldDecided(hold=hold.id, decision="approve", by="anna", fingerprint=hold.fingerprint))


@pytest.mark.parametrize("change", [ONE, ALL])
def test_an_unexpected_change_stops_the_agent_until_a_person_lifts_it(change: UnexpectedChange) -> None:
    world = scripted()
    run = imported(world)

    world.happens(ScriptHeard(agent=HR, run=run, unexpected=change))
    world.fire(HR)

    hold = hold_of(world)
    assert (hold.kind, hold.state, hold.engine_wide) == (HoldKind.SCRIPT, HoldState.OPEN, change.stop_all)
    assert "1,200 people left" in hold.text
    assert world.running() == []
    assert all(waits[0] is WaitKind.HELD for waits in kinds(world).values())
    approve(world)
    world.tick()
    yes(world, DI)
    yes(world, DS)
    assert world.running() == ["sim/hr DI"]
    assert [fact.severity for fact in world.said(FactKind.UNEXPECTED_CHANGE)] == [Severity.ERROR]


def test_one_agent_that_stops_leaves_the_others_alone() -> None:
    world = scripted()
    world.fire(AD)
    run = imported(world)

    world.happens(ScriptHeard(agent=HR, run=run, unexpected=ONE))
    world.fire(DB)

    assert world.running() == ["sim/ad DI", "sim/db DI"]
    assert not any(isinstance(each, StopRun) for each in world.commands)


def test_stop_all_stops_every_agent_of_the_engine_and_what_runs_there() -> None:
    world = scripted()
    world.fire(AD)
    world.happens(Sighted(sighting=Sighting(agent=DB, handle="4", profile=DI, running=True)))
    run = imported(world)

    world.happens(ScriptHeard(agent=HR, run=run, unexpected=ALL))

    assert {each.agent for each in world.commands if isinstance(each, StopRun)} == {AD, DB}
    world.end(AD, "stopped-user-termination-from-wmi-or-ui")
    assert world.waiting() == ["sim/ad DI", "sim/hr DS"]
    assert {waits[0] for waits in kinds(world).values()} == {WaitKind.HELD}
    assert len(world.state.holds) == 1


def test_what_was_stopped_with_the_engine_comes_back_when_it_is_lifted() -> None:
    world = scripted()
    world.fire(AD, token="3")
    run = imported(world)
    world.happens(ScriptHeard(agent=HR, run=run, unexpected=ALL))
    world.end(AD, "stopped-user-termination-from-wmi-or-ui")

    approve(world)
    world.tick(obstacles.SCRIPT_MAY_TAKE.total_seconds())

    assert world.running() == ["sim/ad DI"]
    run_again = world.run(AD)
    assert run_again is not None
    assert run_again.tokens == {"sim/ad#watch": "3"}


def test_it_works_from_should_execute_too_and_is_told_once() -> None:
    world = scripted()
    world.fire(AD)
    world.fire(HR)
    world.happens(ScriptAnswered(agent=HR, profile=DI, allowed=True, unexpected=ALL))

    world.happens(ScriptAnswered(agent=HR, profile=DI, allowed=True, unexpected=ALL))

    assert len(world.said(FactKind.UNEXPECTED_CHANGE)) == 1
    assert world.said(FactKind.HOLD_OPENED)[0].hold == hold_of(world).id
    assert [each.agent for each in world.commands if isinstance(each, StopRun)] == [AD]


def test_a_script_that_reports_again_after_it_was_lifted_stops_again() -> None:
    world = scripted()
    run = imported(world)
    world.happens(ScriptHeard(agent=HR, run=run, unexpected=ONE))
    approve(world)
    world.fire(HR)

    world.happens(ScriptAnswered(agent=HR, profile=DI, allowed=False, unexpected=ONE))

    assert hold_of(world).state is HoldState.OPEN
    assert len(world.said(FactKind.UNEXPECTED_CHANGE)) == 2


def test_a_report_about_one_agent_grows_when_the_script_wants_all_stopped() -> None:
    world = scripted()
    first = imported(world)
    world.happens(ScriptHeard(agent=HR, run=first, unexpected=ONE))
    world.happens(Sighted(sighting=Sighting(agent=HR, handle="9", profile=DI, running=False)))
    second = started_run(world, HR)
    world.imported(HR, 0)

    world.happens(ScriptHeard(agent=HR, run=second, unexpected=ALL))

    assert hold_of(world).engine_wide
