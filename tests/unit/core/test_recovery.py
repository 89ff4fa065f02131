"""Starting with what the store held, losing contact, and other people's runs."""

from datetime import timedelta

import pytest

from autosync.core.recovery import is_newer, restore
from autosync.model.agents import Sighting
from autosync.model.causes import Cascade, Cause, CauseKind
from autosync.model.commands import FollowRun, InquireRun, Inspect
from autosync.model.counts import Counts, RunResult
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, CascadeId, PartitionName, ProfileName, RunId
from autosync.model.rows import AgentRow, Snapshot
from autosync.model.runs import Run, RunState
from autosync.model.settings import AgentSettings, EngineSettings, RunMode
from autosync.model.steps import Slot, StepKind
from autosync.model.stimuli import (
    AgentsDescribed,
    EngineConnected,
    EngineLost,
    RunAccepted,
    RunEnded,
    RunLost,
    RunNeverBegan,
    RunRefused,
    ServiceStarted,
    Sighted,
    StopAsked,
)
from tests.unit.core.world import AD, DB, DI, DS, EX, HR, NOON, SIM, World, agent, started_run, step


def sight(
    world: World, of: AgentId, handle: str, name: ProfileName = DI, *, running: bool = True, label: str = ""
) -> None:
    sighting = Sighting(agent=of, handle=handle, profile=name, running=running, label=label)
    world.happens(Sighted(sighting=sighting))


def reborn(world: World) -> World:
    """Stop the process and start another one with what the store held."""
    snapshot = Snapshot(
        requests=tuple(world.state.requests.values()),
        runs=tuple(world.state.runs.values()),
        holds=tuple(world.state.holds.values()),
        cascades=tuple(world.state.cascades.values()),
        agents=tuple(known.row for known in world.state.agents.values()),
        last_request=world.state.last_request,
        last_run=world.state.last_run,
        last_cascade=world.state.last_cascade,
    )
    world.state = restore(snapshot, world.state.settings)
    world.commands.clear()
    return world.begin()


def ended(world: World, run: RunId, kind: StepKind, handle: str, status: str = "success", **did: object) -> None:
    result = RunResult(handle=handle, status=status, steps=(step(kind, status=status, **did),))
    world.happens(RunEnded(run=run, result=result))


@pytest.mark.parametrize("state", [RunState.STARTING, RunState.RUNNING])
def test_every_unfinished_run_is_asked_about_at_start(state: RunState) -> None:
    world = World().begin()
    world.fire(HR)
    if state is RunState.RUNNING:
        world.accept(HR)
    run = world.run(HR)
    assert run is not None

    reborn(world)

    handle = run.handle
    asked = InquireRun(run=run.id, agent=HR, profile=DI, handle=handle, handle_before=run.handle_before)
    assert asked in world.commands
    assert world.running() == ["sim/hr DI"]


def test_a_run_that_goes_on_is_adopted() -> None:
    world = World().begin()
    world.fire(HR)
    reborn(world)

    world.happens(RunAccepted(run=started_run(world, HR), handle="1"))

    assert len(world.said(FactKind.RUN_ADOPTED)) == 1
    assert world.state.runs[RunId(1)].state is RunState.RUNNING


def test_a_run_that_ended_meanwhile_is_processed_like_any_other() -> None:
    world = World().begin()
    world.fire(HR)
    reborn(world)

    world.imported(HR)

    assert world.running() == ["sim/hr DS"]


def test_a_run_that_never_began_gives_its_request_back() -> None:
    world = World().begin()
    world.fire(HR)
    reborn(world)

    world.happens(RunNeverBegan(run=started_run(world, HR)))

    assert world.running() == ["sim/hr DI"]
    assert [run.id for run in world.state.runs.values()] == [2]


def test_w1_requests_outlive_a_restart() -> None:
    world = World().begin()
    world.fire(HR)
    world.ask(HR, EX)

    reborn(world)

    assert world.waiting() == ["sim/hr EX"]


@pytest.mark.parametrize("seen", [None, "812"])
def test_w8_pending_work_is_found_at_start_whatever_the_run_numbers_say(seen: str | None) -> None:
    world = World([agent(HR), agent(AD)])
    row = AgentRow(id=HR, seen_handle=seen)
    world.state = restore(Snapshot(agents=(row,)), world.state.settings)
    world.pend(HR, imports=3)
    world.pend(AD, exports=2)

    world.happens(ServiceStarted())
    world.happens(EngineConnected(engine=SIM))
    world.happens(AgentsDescribed(engine=SIM, agents=tuple(world.agents.values())))

    assert sorted(world.running() + world.waiting()) == ["sim/ad EX", "sim/hr DS"]
    assert {cause.kind for run in world.state.runs.values() for cause in run.causes} == {CauseKind.FOUND}
    assert len(world.said(FactKind.PENDING_FOUND)) == 2


def test_what_is_found_after_a_crash_belongs_to_the_cascades_that_were_cut_off() -> None:
    world = World()
    cause = Cause(kind=CauseKind.TRIGGER, text="trigger fired", at=NOON)
    cascade = Cascade(id=CascadeId(4), cause=cause, changed=NOON, opened=NOON)
    world.state = restore(Snapshot(cascades=(cascade,), last_cascade=4), world.state.settings)
    world.pend(AD, exports=2)

    world.begin()

    run = world.run(AD)
    assert run is not None
    assert run.cascades == {4}
    assert set(world.state.cascades) == {4}


def test_a_cascade_that_nothing_is_left_of_is_quiet_after_the_first_look() -> None:
    world = World()
    cause = Cause(kind=CauseKind.TRIGGER, text="trigger fired", at=NOON)
    cascade = Cascade(id=CascadeId(4), cause=cause, changed=NOON, opened=NOON)
    world.state = restore(Snapshot(cascades=(cascade,), last_cascade=4), world.state.settings)

    world.begin()

    assert world.state.cascades == {}


def test_a_lost_run_keeps_its_locks_until_the_engine_can_be_asked() -> None:
    world = World().begin()
    world.ask(HR, DS)
    run = started_run(world, HR)

    world.happens(RunLost(run=run, error="time-out"))
    world.happens(RunLost(run=run, error="time-out"))
    world.ask(AD, DS)

    assert world.running() == ["sim/hr DS"]
    assert len(world.said(FactKind.RUN_LOST)) == 1
    world.happens(EngineLost(engine=SIM, error="gone"))
    world.commands.clear()
    world.happens(EngineConnected(engine=SIM))
    assert InquireRun(run=run, agent=HR, profile=DS, handle=None, handle_before=None) in world.commands


def test_a_lost_run_is_asked_for_again_while_the_engine_answers_otherwise() -> None:
    world = World().begin()
    world.fire(HR)
    world.happens(RunLost(run=started_run(world, HR), error="time-out"))
    world.commands.clear()

    world.sleep()

    assert [type(each) for each in world.commands if isinstance(each, InquireRun)] == [InquireRun]


def test_a_lost_run_is_not_asked_for_while_the_engine_is_lost() -> None:
    world = World().begin()
    world.fire(HR)
    world.happens(EngineLost(engine=SIM, error="gone"))
    world.happens(RunLost(run=started_run(world, HR), error="gone"))
    world.commands.clear()

    world.tick(60)

    assert not any(isinstance(each, InquireRun) for each in world.commands)


def test_a_lost_run_that_a_person_stops_is_still_asked_for() -> None:
    world = World().begin()
    world.fire(HR)
    world.happens(RunLost(run=started_run(world, HR), error="time-out"))
    world.happens(StopAsked(agent=HR, by="anna"))
    world.commands.clear()

    world.sleep()

    assert any(isinstance(each, InquireRun) for each in world.commands)


def test_reports_of_unknown_runs_change_nothing() -> None:
    world = World().begin()
    before = world.state

    world.happens(RunLost(run=RunId(9), error="?"))
    world.happens(RunAccepted(run=RunId(9), handle="?"))

    assert world.state == before
    assert len(world.said(FactKind.REFUSED)) == 1


def test_accepting_a_run_twice_changes_nothing() -> None:
    world = World().begin()
    world.fire(HR)
    run = started_run(world, HR)
    world.happens(RunAccepted(run=run, handle="1"))
    before = world.state

    world.happens(RunAccepted(run=run, handle="1"))

    assert world.state == before


def test_a_stopping_run_that_is_accepted_goes_on_stopping() -> None:
    world = World().begin()
    world.fire(HR)
    world.happens(StopAsked(agent=HR, by="anna"))

    world.accept(HR)

    assert world.state.runs[RunId(1)].state is RunState.STOPPING


# Other people's runs


def test_somebody_elses_run_takes_its_locks_and_is_followed() -> None:
    world = World().begin()
    world.commands.clear()

    sight(world, HR, "5", DS)
    world.fire(AD)

    assert world.commands == [FollowRun(run=RunId(1), agent=HR, handle="5")]
    assert world.running() == ["sim/hr DS"]
    assert world.state.runs[RunId(1)].managed is False
    assert len(world.said(FactKind.RUN_SEEN)) == 1


def test_w22_somebody_elses_sync_of_an_idle_agent_is_in_the_way_of_ours() -> None:
    world = World(engine=EngineSettings(name=SIM, run_mode=RunMode.UNSUPPORTED)).begin()
    sight(world, HR, "5", DS)

    world.ask(AD, DS)

    assert world.waiting() == ["sim/ad DS"]


def test_a_profile_that_nobody_knows_locks_everything() -> None:
    world = World(engine=EngineSettings(name=SIM, run_mode=RunMode.UNSUPPORTED)).begin()
    sight(world, HR, "5", ProfileName("mystery"))

    world.ask(AD, DS)

    assert world.waiting() == ["sim/ad DS"]


def test_w15_exclusive_and_unmanaged_runs_cannot_deadlock() -> None:
    """The unmanaged run holds its locks, the exclusive one waits for them and holds none."""
    world = World().begin()
    sight(world, HR, "5", DS)
    world.ask(AD, DI, exclusive=True)
    world.ask(HR, DI)

    ended(world, RunId(1), StepKind.DELTA_SYNC, "5", outbound={})

    assert len(world.running()) == 1
    while world.state.runs:
        world.end(next(iter(world.state.runs.values())).agent)
    assert world.waiting() == []


def test_somebody_elses_run_is_followed_up_like_ours() -> None:
    world = World().begin()
    sight(world, HR, "5", DI)

    ended(world, RunId(1), StepKind.DELTA_IMPORT, "5", staged=Counts(adds=2))

    assert "sim/hr DS" in world.running() + world.waiting()
    assert world.state.agents[HR].row.seen_handle == "5"


def test_w7_a_sync_that_ended_before_anybody_looked_is_followed_up() -> None:
    world = World().begin()
    world.pend(AD, exports=1)
    sight(world, HR, "5", DS, running=False)

    ended(world, RunId(1), StepKind.DELTA_SYNC, "5", outbound={AD: 1})

    assert "sim/ad EX" in world.running() + world.waiting()


def test_behind_somebody_elses_run_others_may_hide() -> None:
    """Only the newest is seen: an import staged, a sync left exports, an export wants to be confirmed."""
    world = World().begin()
    world.pend(HR, imports=1)
    world.pend(DB, exports=1)
    sight(world, HR, "5", EX, running=False)

    ended(world, RunId(1), StepKind.EXPORT, "5", exported=Counts())

    assert world.running() == ["sim/db EX", "sim/hr DI"]
    world.end(HR)
    assert world.waiting() == ["sim/hr DS"]


def test_runs_whose_numbers_follow_each_other_hide_nobody() -> None:
    world = World().begin()
    sight(world, HR, "5")
    ended(world, RunId(1), StepKind.DELTA_IMPORT, "5", staged=Counts())
    while world.state.runs:
        world.end(HR)
    world.pend(DB, exports=1)
    following = str(int(world.state.agents[HR].row.seen_handle or 0) + 1)
    sight(world, HR, following)

    ended(world, started_run(world, HR), StepKind.DELTA_IMPORT, following, staged=Counts())

    assert world.waiting() == world.running() == []


def test_a_foreign_failure_is_theirs_to_try_again() -> None:
    world = World().begin()
    sight(world, HR, "5")

    ended(world, RunId(1), StepKind.DELTA_IMPORT, "5", "stopped-deadlocked")

    assert world.state.agents[HR].row.failures == 0
    assert all(request.attempt == 1 for request in world.state.requests.values())


@pytest.mark.parametrize("label", ["1", ""])
def test_our_own_start_is_no_news(label: str) -> None:
    world = World().begin()
    world.fire(HR)

    sight(world, HR, "7", label=label)

    assert world.state.runs[RunId(1)].handle == "7"
    assert world.said(FactKind.RUN_SEEN) == []
    before = world.state
    sight(world, HR, "7", label=label)
    assert world.state is before


def test_a_run_that_was_dealt_with_is_no_news() -> None:
    world = World().begin()
    world.fire(HR)
    world.accept(HR)
    world.end(HR)
    before = world.state

    sight(world, HR, world.state.agents[HR].row.seen_handle or "")

    assert world.state is before


def test_a_foreign_run_seen_while_ours_starts_is_taken_up_when_ours_is_refused() -> None:
    world = World().begin()
    world.fire(HR)
    sight(world, HR, "7", EX, label="somebody")
    assert world.said(FactKind.RUN_SEEN) == []

    world.happens(RunRefused(run=RunId(1), status="no-start-ma-already-running"))

    assert world.running() == ["sim/hr EX"]
    assert world.waiting() == ["sim/hr DI"]


def test_a_foreign_run_that_was_taken_for_ours_is_somebody_elses_after_the_refusal() -> None:
    world = World().begin()
    world.fire(HR)
    sight(world, HR, "7")

    world.happens(RunRefused(run=RunId(1), status="no-start-ma-already-running"))

    assert [(run.managed, run.handle) for run in world.state.runs.values()] == [(False, "7")]


def test_a_foreign_run_seen_late_is_dealt_with_although_ours_is_newer() -> None:
    world = World().begin()
    world.fire(HR)
    sight(world, HR, "1", EX, running=False, label="somebody")

    ended(world, RunId(1), StepKind.DELTA_IMPORT, "2", staged=Counts())

    assert world.running() == ["sim/hr EX"]
    ended(world, RunId(2), StepKind.EXPORT, "1", exported=Counts(adds=1))
    assert world.state.agents[HR].row.seen_handle == "2"
    assert world.running() == ["sim/hr DI"]


def test_contact_with_a_foreign_run_that_was_lost_is_taken_up_again() -> None:
    world = World().begin()
    sight(world, HR, "5")
    world.happens(RunLost(run=RunId(1), error="time-out"))
    world.commands.clear()

    world.sleep()

    assert FollowRun(run=RunId(1), agent=HR, handle="5") in world.commands
    assert world.state.runs[RunId(1)].state is RunState.RUNNING


def test_a_foreign_run_that_began_in_the_future_began_now() -> None:
    world = World().begin()
    late = Sighting(agent=HR, handle="5", profile=DI, running=True, started=NOON + timedelta(days=1))

    world.happens(Sighted(sighting=late))

    assert world.state.runs[RunId(1)].started == NOON


@pytest.mark.parametrize(
    ("handle", "seen", "newer"),
    [("5", None, True), ("10", "9", True), ("9", "10", False), ("b", "a", True), ("a", "a", False), ("9", "a", True)],
)
def test_handles_are_compared_as_numbers_where_they_are_numbers(handle: str, seen: str | None, newer: bool) -> None:
    assert is_newer(handle, seen) == newer


def test_the_state_remembers_an_unfinished_foreign_run() -> None:
    run = Run(id=RunId(3), agent=HR, profile=DI, state=RunState.RUNNING, started=NOON, handle="5", managed=False)
    world = World()
    world.state = restore(Snapshot(runs=(run,), last_run=3), world.state.settings)

    world.happens(ServiceStarted())

    assert FollowRun(run=run.id, agent=HR, handle="5") in world.commands


def test_looking_behind_a_foreign_run_stays_in_its_engine_and_needs_no_import_profile() -> None:
    other = AgentId("other/hr")
    slots = {PartitionName("default"): {Slot.CONFIRMING_IMPORT: None}}
    world = World([agent(HR), agent(other)], settings=[AgentSettings(id=HR, slots=slots)]).begin()
    world.commands.clear()
    world.answers = False
    sight(world, HR, "5", EX, running=False)

    ended(world, RunId(1), StepKind.EXPORT, "5", exported=Counts())

    assert [each.agent for each in world.commands if isinstance(each, Inspect)] == [HR]
    assert world.waiting() == world.running() == []


def test_a_foreign_run_that_was_ours_after_all_is_no_news() -> None:
    world = World().begin()
    world.fire(HR)
    sight(world, HR, "3", EX, label="somebody")

    ended(world, RunId(1), StepKind.DELTA_IMPORT, "3", staged=Counts())

    assert world.running() == []


def test_a_run_that_shows_no_steps_teaches_nothing_and_its_unknown_cascades_count_nothing() -> None:
    run = Run(
        id=RunId(3),
        agent=HR,
        profile=ProfileName("gone"),
        state=RunState.RUNNING,
        started=NOON,
        handle="5",
        cascades=frozenset({CascadeId(9)}),
    )
    world = World()
    world.state = restore(Snapshot(runs=(run,), last_run=3), world.state.settings)
    world.begin()

    world.happens(RunEnded(run=run.id, result=RunResult(handle="5", status="success")))

    assert world.state.estimates == {}
    assert world.state.cascades == {}
    assert world.running() == []
