"""Runs that came to nothing: what is tried again, repaired, given up for a while, or left alone."""

from datetime import timedelta

import pytest

from autosync.core import retry
from autosync.core.waiting import explain
from autosync.model.commands import FollowRun
from autosync.model.counts import Counts, RunResult
from autosync.model.facts import FactKind, Severity
from autosync.model.ids import AgentId, PartitionName, RunId, TriggerId
from autosync.model.requests import WaitKind, Wanted
from autosync.model.rows import AgentRow
from autosync.model.runs import OutcomeKind
from autosync.model.settings import AgentSettings, BreakerPolicy, RetryPolicy
from autosync.model.steps import Slot, StepKind
from autosync.model.stimuli import RunEnded, RunNeverBegan, RunRefused, StopAsked, TriggerFired
from tests.unit.core.world import AD, DB, DI, DS, EX, FI, HR, NOON, World, started_run, step

MINUTES = timedelta(minutes=1)


def importing(**settings: object) -> World:
    world = World(settings=[AgentSettings(id=HR, **settings)]).begin()
    world.fire(HR, token="7")
    return world


def refuse(world: World, status: str, of: AgentId = HR) -> None:
    world.happens(RunRefused(run=started_run(world, of), status=status, message="why not"))


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_delays_grow_and_are_spread_and_bounded(chance: float) -> None:
    policy = RetryPolicy()
    factor = 0.8 + 0.4 * chance

    delays = [retry.delay(policy, attempt, chance).total_seconds() for attempt in (1, 2, 3, 20, 10_000)]

    assert delays == pytest.approx([5 * factor, 10 * factor, 20 * factor, 600 * factor, 600 * factor])


@pytest.mark.parametrize(
    "status", ["stopped-deadlocked", "stopped-connectivity", "call-failure:0x80230405", "stopped-ma"]
)
def test_a_run_that_the_world_stopped_comes_back_with_a_delay_and_without_locks(status: str) -> None:
    world = importing()

    world.end(HR, status)

    request = world.request(HR, DI)
    assert (request.attempt, request.not_before) == (2, world.now + timedelta(seconds=5))
    assert request.tokens == {"sim/hr#watch": "7"}
    assert world.running() == []
    assert world.state.timer == request.not_before
    world.sleep()
    assert world.running() == ["sim/hr DI"]


def test_w12_a_start_that_the_engine_refused_is_not_lost() -> None:
    world = importing()

    refuse(world, "no-start-ma-already-running")

    assert world.request(HR, DI).attempt == 2
    assert world.said(FactKind.RUN_REFUSED)[0].text.endswith("why not; [no-start-ma-already-running]")


@pytest.mark.parametrize("status", ["stopped-deadlocked", "success"])
def test_a_refusal_did_nothing_whatever_its_status_says(status: str) -> None:
    world = importing()

    refuse(world, status)

    assert world.waiting() == ["sim/hr DI"]
    assert world.said(FactKind.TOKEN_STORED) == []


def test_f11_a_deadlock_twice_and_then_success() -> None:
    world = importing()
    for _ in range(2):
        world.end(HR, "stopped-deadlocked")
        world.sleep()

    world.imported(HR)

    assert world.running() == ["sim/hr DS"]
    assert world.state.agents[HR].row.failures == 0


def test_w20_other_agents_use_the_back_off() -> None:
    world = importing()
    world.end(HR, "stopped-deadlocked")

    world.ask(DB, DS)

    assert world.running() == ["sim/db DS"]


def test_after_the_last_attempt_the_wish_rests_and_begins_anew() -> None:
    world = importing(retry=RetryPolicy(attempts=2))
    world.end(HR, "stopped-deadlocked")
    world.sleep()

    world.end(HR, "stopped-deadlocked")

    request = world.request(HR, DI)
    assert (request.attempt, request.not_before) == (1, world.now + 15 * MINUTES)
    assert world.state.agents[HR].row.failures == 1
    assert world.said(FactKind.RETRY_PLANNED)[-1].severity is Severity.ERROR


def test_the_breaker_opens_after_failures_in_a_row_and_is_told_once() -> None:
    world = importing(breaker=BreakerPolicy(failures=2, rest=5 * MINUTES))
    world.end(HR, "stopped-ma")
    world.sleep()
    world.end(HR, "stopped-ma")
    world.ask(HR, EX)

    assert world.running() == []
    kinds = {each.kind for each in explain(world.state, world.now)[world.request(HR, EX).id]}
    assert WaitKind.BREAKER in kinds
    opened = len(world.said(FactKind.BREAKER_OPENED))
    world.now += 6 * MINUTES
    world.tick()
    assert len(world.running()) == 1
    world.end(HR, "stopped-ma")
    assert (opened, len(world.said(FactKind.BREAKER_OPENED))) == (1, 1)
    assert world.state.agents[HR].row.breaker_until == world.now + 5 * MINUTES


def test_the_first_success_closes_the_breaker_and_is_told_once() -> None:
    world = importing(breaker=BreakerPolicy(failures=1, rest=5 * MINUTES))
    world.end(HR, "stopped-ma")
    world.now += 6 * MINUTES
    world.tick()

    world.end(HR, "completed-warnings")

    row = world.state.agents[HR].row
    assert (row.failures, row.breaker_until) == (0, None)
    assert len(world.said(FactKind.BREAKER_CLOSED)) == 1


def test_failures_below_the_limit_are_forgotten_silently() -> None:
    world = importing()
    world.end(HR, "stopped-ma")
    world.sleep()

    world.end(HR)

    assert world.state.agents[HR].row.failures == 0
    assert world.said(FactKind.BREAKER_CLOSED) == []


def test_an_unknown_status_is_a_failure_and_its_text_is_kept() -> None:
    world = importing()

    world.end(HR, "stopped laughing")

    assert "'stopped laughing'" in world.said(FactKind.UNKNOWN_STATUS)[0].text
    assert world.waiting() == ["sim/hr DI"]


@pytest.mark.parametrize("status", ["no-start-credentials", "access-denied"])
def test_a_wrong_configuration_waits_for_a_long_rest_and_is_not_lost(status: str) -> None:
    world = importing()

    refuse(world, status)

    assert world.request(HR, DI).not_before == world.now + 15 * MINUTES
    assert world.state.agents[HR].row.failures == 1


def test_what_came_of_the_last_attempt_is_told_while_the_next_one_waits() -> None:
    world = importing()

    refuse(world, "no-start-header-row-mismatch")

    (waits,) = explain(world.state, world.now)[world.request(HR, DI).id]
    assert waits.kind is WaitKind.BACK_OFF
    assert waits.text.endswith(": why not")


def test_a_rest_ends_early_when_the_source_changes_and_not_when_it_fires_again() -> None:
    world = importing()
    world.end(HR, "no-start-header-row-mismatch")
    world.fire(HR, token="7")
    waits_still = world.running()

    world.fire(HR, token="8")

    assert waits_still == []
    assert world.running() == ["sim/hr DI"]


def test_an_open_breaker_lets_one_probe_through_when_the_source_changes() -> None:
    world = importing(breaker=BreakerPolicy(failures=1))
    world.end(HR, "stopped-ma")
    assert world.state.agents[HR].row.breaker_until == world.now + 15 * MINUTES

    world.fire(HR, token="8", after=20)
    probe = world.running()
    world.end(HR, "stopped-ma")

    assert probe == ["sim/hr DI"]
    assert world.running() == []
    assert world.state.agents[HR].row.breaker_until == world.now + 15 * MINUTES
    assert len(world.said(FactKind.BREAKER_OPENED)) == 1


def test_early_probes_come_at_most_once_a_minute() -> None:
    world = importing(breaker=BreakerPolicy(failures=1))
    world.end(HR, "stopped-ma")
    world.fire(HR, token="8")
    probed = world.now
    world.end(HR, "stopped-ma", after=1)

    world.fire(HR, token="9", after=10)
    world.fire(HR, token="10", after=10)
    too_soon = world.running()
    world.sleep()

    assert too_soon == []
    assert world.now == probed + MINUTES
    assert world.running() == ["sim/hr DI"]


def test_a_success_lets_the_next_probe_come_at_once() -> None:
    world = importing()
    world.end(HR, "no-start-header-row-mismatch")
    world.fire(HR, token="8")
    world.end(HR, after=1)
    world.fire(HR, token="9", after=1)
    world.end(HR, "no-start-header-row-mismatch", after=1)

    world.fire(HR, token="10", after=1)

    assert world.running() == ["sim/hr DI"]


def test_a_good_probe_closes_the_breaker() -> None:
    world = importing(breaker=BreakerPolicy(failures=1))
    world.end(HR, "stopped-ma")
    world.fire(HR, token="8")

    world.end(HR)

    assert world.state.agents[HR].row.breaker_until is None
    assert len(world.said(FactKind.BREAKER_CLOSED)) == 1


def test_a_full_import_for_repair_is_not_hurried_by_a_changing_source() -> None:
    world = importing()
    world.end(HR, "no-start-full-import-required")
    world.end(HR, "no-start-full-import-required")
    due = world.request(HR, FI).not_before
    assert due is not None

    full = TriggerFired(trigger=TriggerId(f"{HR}#watch"), wanted=Wanted(agent=HR, slot=Slot.FULL_IMPORT), token="9")
    world.happens(full)

    assert world.request(HR, FI).not_before == due


def test_other_content_that_came_during_the_failing_run_is_tried_at_once() -> None:
    world = importing()
    world.fire(HR, token="8")

    world.end(HR, "no-start-header-row-mismatch")

    assert world.running() == ["sim/hr DI"]


@pytest.mark.parametrize("status", ["stopped-user-termination-from-wmi-or-ui", "stopped-object-limit"])
def test_a_run_that_was_stopped_on_purpose_is_never_tried_again(status: str) -> None:
    world = importing()

    world.end(HR, status)

    assert world.waiting() == world.running() == []
    assert world.state.agents[HR].row.tokens == {"sim/hr#watch": "7"}


def test_whatever_the_engine_says_of_a_run_that_a_person_stopped_it_is_stopped() -> None:
    world = importing()
    world.happens(StopAsked(agent=HR, by="anna"))

    world.end(HR, "stopped-ma")

    assert world.waiting() == []
    assert world.said(FactKind.RUN_ENDED)[0].data["outcome"] == OutcomeKind.STOPPED


def test_a_start_that_a_person_stopped_before_it_began_is_not_tried_again() -> None:
    world = importing()
    world.happens(StopAsked(agent=HR, by="anna"))

    refuse(world, "no-start-connection")

    assert world.waiting() == []


def test_w9_a_run_that_ended_well_although_it_was_asked_to_stop_is_followed_up() -> None:
    world = importing()
    world.happens(StopAsked(agent=HR, by="anna"))

    world.imported(HR)

    assert world.running() == ["sim/hr DS"]


def test_what_a_stopped_import_staged_is_synchronized() -> None:
    world = importing()

    world.end(
        HR, "stopped-connectivity", step(StepKind.DELTA_IMPORT, staged=Counts(adds=4), status="stopped-connectivity")
    )

    assert world.running() == ["sim/hr DS"]
    assert world.waiting() == ["sim/hr DI"]


def test_a_run_that_never_began_is_abandoned_and_its_request_waits_again() -> None:
    world = importing()

    world.happens(RunNeverBegan(run=started_run(world, HR)))

    assert len(world.said(FactKind.RUN_ABANDONED)) == 1
    assert world.running() == ["sim/hr DI"]
    assert len(world.said(FactKind.RUN_STARTED)) == 2


def test_the_engine_wants_a_full_import_and_gets_one() -> None:
    world = importing()

    refuse(world, "no-start-full-import-required")

    assert world.running() == ["sim/hr FI"]
    run = world.run(HR)
    assert run is not None
    assert run.tokens == {"sim/hr#watch": "7"}
    assert [cause.kind.value for cause in run.causes] == ["trigger", "repair"]


def test_full_imports_for_repair_come_at_most_once_an_hour() -> None:
    world = importing()
    refuse(world, "no-start-full-import-required")
    repaired = world.now
    world.end(HR)
    world.fire(HR)

    refuse(world, "no-start-full-import-required")

    assert world.request(HR, FI).not_before == repaired + 60 * MINUTES


def test_without_a_full_import_profile_a_repair_is_tried_like_any_failure() -> None:
    world = World(settings=[AgentSettings(id=HR, slots={PartitionName("default"): {Slot.FULL_IMPORT: None}})]).begin()
    world.fire(HR)

    refuse(world, "no-start-full-import-required")

    assert world.request(HR, DI).attempt == 2
    assert len(world.said(FactKind.REQUEST_UNRESOLVED)) == 1


def test_an_export_that_wants_a_full_import_is_tried_again() -> None:
    world = World().begin()
    world.ask(AD, EX)

    refuse(world, "no-start-full-import-required", AD)

    assert world.waiting() == ["sim/ad EX"]


def test_skipped_deletions_are_said_and_imported_once_more() -> None:
    world = importing()
    unread = step(StepKind.DELTA_IMPORT, staged=Counts(), discovery_errors=True, status="completed-discovery-errors")

    world.end(HR, "completed-discovery-errors", unread)

    assert len(world.said(FactKind.DELETIONS_SKIPPED)) == 1
    assert world.request(HR, DI).not_before == world.now + timedelta(seconds=5)
    world.sleep()
    world.end(HR, "completed-discovery-errors", unread)
    assert world.waiting() == []
    assert len(world.said(FactKind.DELETIONS_SKIPPED)) == 1
    world.fire(HR)
    world.end(HR)
    world.fire(HR)
    world.end(HR, "completed-discovery-errors", unread)
    assert len(world.said(FactKind.DELETIONS_SKIPPED)) == 2


def test_w27_the_result_of_the_run_before_is_not_taken_for_this_one() -> None:
    world = importing()
    world.accept(HR)
    world.imported(HR)
    world.end(HR)
    world.fire(HR)
    before = world.state.agents[HR].row.seen_handle
    assert before is not None
    stale = RunResult(handle=before, status="success", steps=(step(StepKind.DELTA_IMPORT, staged=Counts(adds=9)),))

    world.happens(RunEnded(run=started_run(world, HR), result=stale))

    assert world.waiting() == ["sim/hr DI"]
    assert world.request(HR, DI).attempt == 2


def test_f11_a_run_that_completes_referential_updates_has_not_ended() -> None:
    world = importing()
    world.accept(HR)
    run = world.run(HR)
    assert run is not None
    assert run.handle is not None

    world.happens(RunEnded(run=run.id, result=RunResult(handle=run.handle, status="completing-referential-updates")))

    assert world.running() == ["sim/hr DI"]
    assert world.commands[-1] == FollowRun(run=run.id, agent=HR, handle=run.handle)


LATE: list[RunEnded | RunRefused | RunNeverBegan] = [
    RunEnded(run=RunId(1), result=RunResult(handle="1", status="success")),
    RunEnded(run=RunId(99), result=RunResult(handle="1", status="success")),
    RunRefused(run=RunId(99), status="access-denied"),
    RunNeverBegan(run=RunId(99)),
]


@pytest.mark.parametrize("late", LATE)
def test_late_and_repeated_reports_are_ignored_with_a_fact(late: RunEnded | RunRefused | RunNeverBegan) -> None:
    world = importing()
    world.imported(HR)
    before = world.state

    world.happens(late)

    assert world.state == before
    assert len(world.said(FactKind.REFUSED)) == 1


def test_a_clock_that_steps_back_while_a_breaker_is_open_lengthens_nothing() -> None:
    row = AgentRow(id=HR, last_repair=NOON)

    assert retry.repair_at(row, NOON - 5 * MINUTES) is None
    assert retry.repair_at(row, NOON + 5 * MINUTES) == NOON + 60 * MINUTES
    assert retry.repair_at(row, NOON + 61 * MINUTES) is None


def setbacks(world: World, of: AgentId = HR) -> dict[str, tuple[OutcomeKind, int]]:
    standing = world.state.agents[of].row.setbacks
    return {name: (each.outcome, each.count) for name, each in standing.items()}


def test_a_failed_run_stands_until_a_good_run_of_it() -> None:
    world = importing()
    world.end(HR, "stopped-connectivity")
    world.sleep()
    world.end(HR, "stopped-ma")
    assert setbacks(world) == {DI: (OutcomeKind.FAILED, 2)}

    world.sleep()
    world.end(HR)

    assert setbacks(world) == {}


def test_a_good_import_does_not_make_a_failed_export_good() -> None:
    world = World(settings=[AgentSettings(id=HR)]).begin()
    world.pend(HR, exports=1)
    world.ask(HR, EX)
    world.end(HR, "stopped-ma")
    world.ask(HR, DI)
    world.end(HR)

    assert list(setbacks(world)) == [EX]


def test_a_full_import_makes_a_failed_delta_import_good_and_not_the_other_way_round() -> None:
    failed_full = World().begin()
    failed_full.ask(HR, FI)
    failed_full.end(HR, "stopped-server")
    failed_full.ask(HR, DI)
    failed_full.end(HR)
    failed_delta = World().begin()
    failed_delta.ask(HR, DI)
    failed_delta.end(HR, "stopped-server")
    failed_delta.ask(HR, FI)
    failed_delta.end(HR)

    assert list(setbacks(failed_full)) == [FI]
    assert setbacks(failed_delta) == {}


def test_what_a_person_stopped_is_no_setback() -> None:
    world = importing()
    world.happens(StopAsked(agent=HR, by="anna"))
    world.end(HR, "stopped-user-termination-from-wmi-or-ui")

    assert setbacks(world) == {}


def test_failed_objects_stand_until_a_run_without_errors() -> None:
    world = World().begin()
    world.pend(HR, exports=2)
    world.ask(HR, EX)
    world.end(HR, "completed-export-errors", step(StepKind.EXPORT, exported=Counts(adds=1), error_count=1))

    standing = world.state.agents[HR].row.setbacks[EX]

    assert (standing.outcome, standing.errors) == (OutcomeKind.OBJECT_ERRORS, 1)


def test_what_is_not_understood_is_told_once_for_each_kind() -> None:
    def ends(*doubts: str) -> None:
        world.ask(HR, DI)
        run = started_run(world, HR)
        world.happens(RunEnded(run=run, result=RunResult(handle=f"h{run}", status="success", doubts=doubts)), after=10)

    world = World().begin()
    ends("a step type 'twirl' is not known", "run 4711 has a counter 'spun'")
    ends("a step type 'twirl' is not known", "run 4712 has a counter 'spun'", "a step type 'turn' is not known")

    said = [fact.text.rpartition("safe case: ")[2] for fact in world.said(FactKind.NOT_UNDERSTOOD)]
    assert said == [
        "a step type 'twirl' is not known",
        "run 4711 has a counter 'spun'",
        "a step type 'turn' is not known",
    ]
