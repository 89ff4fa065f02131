"""What is found and was not begun in this life: each row of recovery (ARCHITECTURE.md 4, W6 to W8, issue 116)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autosync.core.recovery import restore
from autosync.model.agents import Sighting
from autosync.model.commands import FollowRun, InquireRun, StartRun
from autosync.model.counts import Counts, RunResult
from autosync.model.facts import FactKind
from autosync.model.ids import ProfileName
from autosync.model.rows import Snapshot
from autosync.model.runs import OutcomeKind, RunState
from autosync.model.schedules import Every
from autosync.model.settings import AgentSettings, ScheduleSettings, Settings
from autosync.model.steps import Slot, StepKind
from autosync.model.stimuli import (
    EngineConnected,
    EngineLost,
    RunAccepted,
    RunEnded,
    RunLost,
    RunNeverBegan,
    ServiceStarted,
    Sighted,
)
from tests.unit.decisions.building import APP, CORP, MIM, PEOPLE, Case, commands_of, idle, result, trigger


def died(*, accepted: bool = True) -> Case:
    """A case that died while an import was going on, and was restored."""
    case = Case()
    case.fire(PEOPLE, token="t1")
    if accepted:
        case.accept(PEOPLE)
    case.restart()
    return case


@pytest.mark.parametrize("accepted", [True, False])
def test_the_engine_is_asked_about_every_unfinished_run(accepted: bool) -> None:
    case = died(accepted=accepted)

    made = case.tell(ServiceStarted())

    [asked] = commands_of(made, InquireRun)
    assert (asked.run, asked.agent, asked.profile) == (1, PEOPLE, "delta import")
    assert (asked.handle is not None) == accepted
    assert commands_of(made, StartRun) == []


@pytest.mark.parametrize("accepted", [True, False])
def test_a_run_that_goes_on_is_adopted_once(accepted: bool) -> None:
    case = died(accepted=accepted)
    case.begin()

    case.tell(RunAccepted(run=1, handle="101"))
    case.tell(RunAccepted(run=1, handle="101"))

    assert len(case.facts_of(FactKind.RUN_ADOPTED)) == 1
    assert case.run(PEOPLE).state is RunState.RUNNING
    assert case.started == []


def test_a_run_that_ended_meanwhile_has_its_result_and_its_follow_ups() -> None:
    case = died()
    case.begin()

    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts(adds=3)))

    assert case.going == {"mim/people: delta sync"}
    assert case.run(PEOPLE).cascades == {1}
    assert case.state.tokens[trigger(PEOPLE)].token == "t1"


def test_a_run_that_never_began_is_abandoned_and_its_request_runs() -> None:
    case = died(accepted=False)
    case.begin()

    case.tell(RunNeverBegan(run=1))

    assert case.going == {"mim/people: delta import"}
    assert case.run(PEOPLE).id == 2
    assert case.run(PEOPLE).tokens == {trigger(PEOPLE): "t1"}
    outcome = case.store.runs[1].outcome
    assert outcome is not None
    assert outcome.kind is OutcomeKind.ABANDONED


def test_what_waited_at_the_crash_waits_for_the_adopted_run() -> None:
    case = Case()
    case.fire(PEOPLE, token="t1")
    case.accept(PEOPLE)
    case.fire(PEOPLE, token="t2")
    case.restart()
    case.begin()
    assert case.started == []

    case.end(PEOPLE)

    assert case.started == ["mim/people: delta import"]
    assert case.state.tokens[trigger(PEOPLE)].token == "t1"


def sight(of: str, handle: str, *, profile: str = "delta import", running: bool = True, label: str = "") -> Sighted:
    return Sighted(
        sighting=Sighting(agent=of, handle=handle, profile=ProfileName(profile), running=running, label=label)
    )


SIGHTINGS = [
    # profile, label, is it our start whose answer is under way
    ("delta import", "1", True),
    ("full sync", "1", True),
    ("delta import", "", True),
    ("full sync", "", False),
    ("delta import", "999", False),
    ("delta import", "another orchestrator", False),
]


@pytest.mark.parametrize(("profile", "label", "ours"), SIGHTINGS)
def test_a_start_is_recognized_by_its_label_and_without_one_by_its_profile(
    profile: str, label: str, ours: bool
) -> None:
    case = Case()
    case.fire(PEOPLE)

    case.tell(sight(PEOPLE, "500", profile=profile, label=label))

    assert (case.run(PEOPLE).handle == "500") == ours
    assert len(case.state.runs) == 1


def known_until(handle: str) -> Case:
    """A case that has dealt with everything on PEOPLE up to that run, which somebody else made."""
    case = Case()
    case.tell(sight(PEOPLE, handle, running=False))
    while case.state.runs:
        [run] = case.state.runs.values()
        ended = RunResult(handle=handle, status="success", steps=idle(case.agents[PEOPLE].profiles[run.profile]))
        case.tell(RunEnded(run=run.id, result=ended)) if not run.managed else case.end(PEOPLE)
    row = case.state.agents[PEOPLE].row
    known = replace(case.state.agents[PEOPLE], row=replace(row, seen_handle=handle))
    case.state = replace(case.state, agents={**case.state.agents, PEOPLE: known})
    case.commands.clear()
    return case


@pytest.mark.parametrize("running", [True, False])
def test_somebody_elses_run_is_followed_whether_it_runs_or_has_ended(running: bool) -> None:
    case = Case()

    made = case.tell(sight(PEOPLE, "500", running=running))

    assert commands_of(made, FollowRun) == [FollowRun(run=1, agent=PEOPLE, handle="500")]
    assert not case.run(PEOPLE).managed
    assert len(case.facts_of(FactKind.RUN_SEEN)) == 1


def test_w7_what_somebody_elses_sync_left_is_exported_on_every_target() -> None:
    case = known_until("499")
    case.tell(sight(PEOPLE, "500", profile="delta sync", running=False))
    for each in (CORP, APP):
        case.pend(each, Counts(adds=1))

    case.end(PEOPLE, result(StepKind.DELTA_SYNC, outbound={CORP: 1, APP: 1}))

    assert case.going == {"mim/corp: export", "mim/app: export"}


def test_w7_a_sync_that_nobody_saw_before_the_run_that_was_seen_is_made_good_too() -> None:
    """Number 100 was dealt with and 103 is seen: 101 and 102 may have been anything."""
    case = known_until("100")
    case.pend(CORP, Counts(adds=1))

    case.tell(sight(PEOPLE, "103", running=False))
    case.end(PEOPLE)

    assert case.going == {"mim/corp: export", "mim/people: delta import"}


def test_numbers_that_follow_each_other_hide_nobody() -> None:
    case = known_until("100")
    case.tell(sight(PEOPLE, "101", running=False))

    case.end(PEOPLE)

    assert case.going | case.waiting == set()


def test_a_foreign_run_is_not_tried_again_and_is_no_failure_of_ours() -> None:
    case = known_until("499")
    case.tell(sight(PEOPLE, "500"))

    case.end(PEOPLE, status="stopped-parsing-errors")

    assert case.started == []
    assert case.state.agents[PEOPLE].row.failures == 0


def test_a_run_that_was_dealt_with_is_no_news_even_after_a_restart() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.accept(PEOPLE)
    handle = case.run(PEOPLE).handle
    case.end(PEOPLE)
    case.restart()
    case.begin()

    made = case.tell(sight(PEOPLE, handle, running=False))

    assert (made.facts, made.rows, made.commands) == ((), (), ())


@pytest.mark.parametrize("handle", ["", "9", "500"])
def test_a_history_that_was_cleared_is_no_news(handle: str) -> None:
    """After ClearRuns the engine shows no number; comparing against it must not make a run of nothing."""
    case = known_until("500")

    made = case.tell(sight(PEOPLE, handle, running=False))

    assert case.state.runs == {}
    assert made.facts == ()


@pytest.mark.parametrize("handle", [None, "500"])
def test_w6_w8_issue_116_pending_work_is_found_at_start_whatever_the_run_numbers_say(handle: str | None) -> None:
    case = known_until(handle) if handle is not None else Case()
    case.restart()
    case.stage(PEOPLE, Counts(adds=1))
    case.pend(CORP, Counts(adds=1))

    case.begin()

    expected = {"mim/people: delta sync", "mim/corp: export"}
    assert case.going | case.waiting == expected


def test_pending_work_is_looked_for_again_after_a_lost_connection() -> None:
    case = Case()
    case.tell(EngineLost(engine=MIM, error="reboot"))
    case.stage(PEOPLE, Counts(adds=1))

    case.connect(MIM)

    assert case.going == {"mim/people: delta sync"}


def test_a_lost_run_keeps_its_locks_and_is_asked_for_when_the_engine_is_back() -> None:
    case = Case(settings=Settings(agents={PEOPLE: AgentSettings(id=PEOPLE, lock_with=frozenset({CORP}))}))
    case.fire(PEOPLE)
    case.accept(PEOPLE)
    case.tell(RunLost(run=1, error="timeout"), EngineLost(engine=MIM, error="timeout"))
    case.fire(CORP)
    assert case.going == {"mim/people: delta import"}

    made = case.tell(EngineConnected(engine=MIM))

    assert [each.run for each in commands_of(made, InquireRun)] == [1]
    assert case.run(PEOPLE).state is RunState.LOST


@pytest.mark.parametrize("times", [1, 2])
def test_a_crash_during_recovery_is_repaired_like_the_first(times: int) -> None:
    case = died()
    for _ in range(times):
        case.begin()
        case.restart()

    made = case.tell(ServiceStarted())

    assert len(commands_of(made, InquireRun)) == 1


def test_the_state_is_the_same_when_it_is_restored_from_its_rows() -> None:
    """Everything durable: requests, runs, holds, cascades, agents, schedules, tokens, estimates, counters."""
    nightly = ScheduleSettings(
        id=trigger(APP, "nightly"), agent=APP, when=Every(interval=timedelta(hours=1)), run=Slot.FULL_IMPORT
    )
    case = Case(settings=Settings(schedules={nightly.id: nightly}))
    case.fire(PEOPLE, token="t1")
    case.stage(PEOPLE, Counts(deletes=9000))
    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts(deletes=9000)))
    case.fire(CORP, token="t2")
    case.accept(CORP)
    case.ask(APP, "export")
    case.end(APP, status="stopped-deadlocked")
    case.switch(APP, on=False)
    case.pass_time(hours=1)
    before = case.state

    after = restore(case.store.snapshot(), case.state.settings)

    tables = ("requests", "runs", "holds", "cascades", "schedules", "tokens", "estimates")
    durable = (*tables, "last_request", "last_run", "last_hold", "last_cascade", "settings")
    assert {name: getattr(after, name) for name in durable} == {name: getattr(before, name) for name in durable}
    assert {key: each.row for key, each in after.agents.items()} == {
        key: each.row for key, each in before.agents.items() if key in after.agents
    }
    assert [name for name in tables if not getattr(before, name)] == []


def test_an_empty_store_is_a_state_that_begins_at_one() -> None:
    state = restore(Snapshot(), Settings())

    assert state == replace(state, requests={}, runs={}, holds={}, last_run=0, last_request=0)


def test_a_result_of_a_run_that_was_lost_is_taken_as_it_comes() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.accept(PEOPLE)
    case.tell(RunLost(run=1, error="timeout"))

    done = RunResult(handle="101", status="success", steps=(result(StepKind.DELTA_IMPORT, staged=Counts(adds=1)),))
    case.tell(RunEnded(run=1, result=done))

    assert case.going == {"mim/people: delta sync"}
