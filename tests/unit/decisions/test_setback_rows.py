"""What becomes of runs that did not do their work: retry, rest, repair; no lock is held and no wish is lost."""

from datetime import timedelta

import pytest

from autosync.core import retry
from autosync.model.causes import CauseKind
from autosync.model.commands import StartRun
from autosync.model.counts import Counts, RunResult
from autosync.model.facts import FactKind
from autosync.model.requests import WaitKind, Wanted
from autosync.model.rows import AgentRow
from autosync.model.settings import AgentSettings, BreakerPolicy, RetryPolicy, Settings
from autosync.model.steps import Slot, StepKind
from autosync.model.stimuli import RunEnded, RunNeverBegan, StopAsked
from tests.unit.decisions.building import CORP, MORNING, PEOPLE, Case, result, trigger

TEMPORARY = ["stopped-deadlocked", "stopped-connectivity", "sql-deadlock", "call-failure:0x80230703"]
POLICY = RetryPolicy(
    attempts=9, first_delay=timedelta(seconds=2), factor=3, longest_delay=timedelta(seconds=40), jitter=0.25
)
BY_HAND = [2.0, 6.0, 18.0, 40.0, 40.0, 40.0]


def patient(**fields: object) -> Settings:
    return Settings(agents={PEOPLE: AgentSettings(id=PEOPLE, **fields)})


@pytest.mark.parametrize(("attempt", "seconds"), list(enumerate(BY_HAND, start=1)))
def test_delays_grow_by_the_factor_up_to_the_longest(attempt: int, seconds: float) -> None:
    assert retry.delay(POLICY, attempt, 0.5) == timedelta(seconds=seconds)


@pytest.mark.parametrize("attempt", [1, 3, 6])
def test_chance_spreads_a_delay_between_its_bounds(attempt: int) -> None:
    plain = BY_HAND[attempt - 1]

    assert retry.delay(POLICY, attempt, 0.0) == timedelta(seconds=plain * 0.75)
    assert retry.delay(POLICY, attempt, 0.999999) < timedelta(seconds=plain * 1.25)
    assert retry.delay(POLICY, attempt, 0.75) == timedelta(seconds=plain * 1.125)


@pytest.mark.parametrize("attempt", [-3, 0, 10_000])
def test_no_attempt_number_makes_a_delay_fail(attempt: int) -> None:
    assert timedelta(0) < retry.delay(POLICY, attempt, 0.5) <= timedelta(seconds=40)


def test_the_defaults_give_up_after_six_attempts_within_minutes() -> None:
    assert [retry.is_given_up(RetryPolicy(), attempt) for attempt in (5, 6, 7)] == [False, True, True]


@pytest.mark.parametrize("status", TEMPORARY)
def test_w17_a_run_that_waits_for_its_next_attempt_holds_no_lock(status: str) -> None:
    case = Case(settings=patient(lock_with=frozenset({CORP})))
    case.fire(PEOPLE)
    case.fire(CORP)
    assert case.going == {"mim/people: delta import"}

    case.end(PEOPLE, status=status)

    assert case.going == {"mim/corp: delta import"}
    assert case.waits_for(PEOPLE, "delta import") is WaitKind.BACK_OFF


def test_each_attempt_waits_longer_than_the_one_before() -> None:
    case = Case(settings=patient(retry=POLICY))
    case.fire(PEOPLE)
    pauses = []
    for _ in BY_HAND:
        case.end(PEOPLE, status="stopped-deadlocked")
        pauses.append(((case.state.timer or case.now) - case.now).total_seconds())
        case.ring()

    assert pauses == BY_HAND
    assert case.run(PEOPLE).attempt == 7


def test_a_wish_outlives_the_last_attempt_and_begins_again_at_the_first() -> None:
    rest = BreakerPolicy(failures=3, rest=timedelta(minutes=20))
    case = Case(settings=patient(retry=RetryPolicy(attempts=2), breaker=rest))
    case.fire(PEOPLE, token="t1")
    case.end(PEOPLE, status="stopped-deadlocked")
    case.ring()

    case.end(PEOPLE, status="stopped-deadlocked")
    given_up = case.request(PEOPLE, "delta import")
    case.ring()

    assert (given_up.attempt, given_up.not_before) == (1, MORNING + (case.now - MORNING))
    assert case.going == {"mim/people: delta import"}
    assert case.run(PEOPLE).tokens == {trigger(PEOPLE): "t1"}


def fail(case: Case, times: int, name: str = "delta import") -> None:
    """Fail so often, with a person asking again each time."""
    for _ in range(times):
        if "mim/people: " + name not in case.going:
            case.ask(PEOPLE, name)
        case.end(PEOPLE, status="stopped-parsing-errors")


def test_the_breaker_opens_at_the_failure_that_the_policy_names() -> None:
    case = Case(settings=patient(breaker=BreakerPolicy(failures=3, rest=timedelta(minutes=20))))

    fail(case, 2)
    assert case.facts_of(FactKind.BREAKER_OPENED) == []
    fail(case, 1)

    assert len(case.facts_of(FactKind.BREAKER_OPENED)) == 1
    assert case.state.agents[PEOPLE].row.breaker_until == case.now + timedelta(minutes=20)


def test_an_open_breaker_keeps_everything_of_the_agent_back_and_nothing_of_others() -> None:
    case = Case(settings=patient(breaker=BreakerPolicy(failures=2, rest=timedelta(minutes=20))))
    fail(case, 2)

    case.ask(PEOPLE, "full import", front=True)
    case.fire(CORP)

    assert case.going == {"mim/corp: delta import"}
    assert case.waits_for(PEOPLE, "full import") is WaitKind.BREAKER
    assert case.why(PEOPLE, "full import").until == case.state.agents[PEOPLE].row.breaker_until


def test_after_the_rest_one_probe_runs_and_a_failed_one_rests_again_untold() -> None:
    case = Case(settings=patient(breaker=BreakerPolicy(failures=2, rest=timedelta(minutes=20))))
    fail(case, 2)
    case.ask(PEOPLE, "full import")

    case.pass_time(minutes=20)
    assert len(case.going) == 1
    case.end(PEOPLE, status="stopped-parsing-errors")

    assert case.going == set()
    assert case.state.agents[PEOPLE].row.breaker_until == case.now + timedelta(minutes=20)
    assert len(case.facts_of(FactKind.BREAKER_OPENED)) == 1


def test_a_probe_that_could_not_start_lets_no_second_one_follow_at_once() -> None:
    """The agent rests on: what stopped the probe stops the next one too."""
    case = Case(settings=patient(breaker=BreakerPolicy(failures=2, rest=timedelta(minutes=20))))
    fail(case, 2)
    case.ask(PEOPLE, "full import")
    case.pass_time(minutes=20)

    case.end(PEOPLE, status="no-start-connection")

    assert case.going == set()


def test_the_first_success_closes_the_breaker_and_both_are_told_once() -> None:
    case = Case(settings=patient(breaker=BreakerPolicy(failures=2, rest=timedelta(minutes=20))))
    fail(case, 2)
    case.pass_time(minutes=20)
    case.end(PEOPLE)
    case.fire(PEOPLE)
    case.end(PEOPLE)

    assert len(case.facts_of(FactKind.BREAKER_OPENED)) == 1
    assert len(case.facts_of(FactKind.BREAKER_CLOSED)) == 1
    assert case.state.agents[PEOPLE].row == AgentRow(
        id=PEOPLE,
        last_import=case.state.agents[PEOPLE].row.last_import,
        seen_handle=case.state.agents[PEOPLE].row.seen_handle,
    )


@pytest.mark.parametrize("status", ["no-start-credentials", "access-denied", "no-start-unknown-profile-name"])
def test_a_wrong_configuration_counts_as_failure_and_its_wish_stays(status: str) -> None:
    case = Case()
    case.fire(PEOPLE)

    case.refuse(PEOPLE, status)

    assert case.waiting == {"mim/people: delta import"}
    assert case.state.agents[PEOPLE].row.failures == 1
    assert status in case.request(PEOPLE, "delta import").setback


@pytest.mark.parametrize("name", ["delta sync", "export", "full sync"])
def test_w12_a_failed_sync_or_export_comes_back_too(name: str) -> None:
    case = Case()
    case.ask(PEOPLE, name)

    case.end(PEOPLE, status="stopped-out-of-memory")
    case.ring()

    assert case.going == {f"mim/people: {name}"}
    assert case.run(PEOPLE).attempt == 2


@pytest.mark.parametrize(
    "status",
    [
        "stopped-user-termination-from-wmi-or-ui",
        "stopped-user-termination-from-extension",
        "stopped-object-limit",
        "stopped-deletion-limit",
    ],
)
@pytest.mark.parametrize("name", ["delta import", "delta sync", "export"])
def test_what_was_stopped_on_purpose_is_never_tried_again(status: str, name: str) -> None:
    case = Case()
    case.ask(PEOPLE, name)

    case.end(PEOPLE, status=status)
    case.pass_time(days=2)

    assert case.waiting | case.going == set()
    assert case.state.agents[PEOPLE].row.failures == 0


def test_a_stop_that_somebody_asked_for_here_is_on_purpose_whatever_the_engine_calls_it() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.tell(StopAsked(agent=PEOPLE, by="maria"))

    case.end(PEOPLE, status="stopped-server-down")

    assert case.waiting == set()
    assert case.facts_of(FactKind.RUN_ENDED)[0].data["outcome"] == "stopped"


def test_a_full_import_repairs_what_the_engine_cannot_import_by_delta() -> None:
    case = Case()
    case.fire(PEOPLE, token="t1")

    case.refuse(PEOPLE, "no-start-full-import-required")

    assert case.going == {"mim/people: full import"}
    run = case.run(PEOPLE)
    assert [each.kind for each in run.causes] == [CauseKind.TRIGGER, CauseKind.REPAIR]
    assert run.tokens == {trigger(PEOPLE): "t1"}


def test_repairs_of_one_agent_are_an_hour_apart_and_those_of_another_are_not_counted() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.refuse(PEOPLE, "no-start-full-import-required")
    case.end(PEOPLE, after=60)
    case.fire(PEOPLE)
    case.refuse(PEOPLE, "no-start-full-import-required")
    case.fire(CORP)
    case.refuse(CORP, "no-start-full-import-required")
    assert case.going == {"mim/corp: full import"}
    assert case.waits_for(PEOPLE, "full import") is WaitKind.BACK_OFF

    case.pass_time(minutes=61)

    assert case.going == {"mim/corp: full import", "mim/people: full import"}
    assert case.started.count("mim/people: full import") == 2


def test_a_full_import_that_waits_anyway_is_not_put_off_by_a_repair() -> None:
    """It repairs as well: the limit is for full imports that only a repair asks for."""
    case = Case()
    case.fire(PEOPLE)
    case.refuse(PEOPLE, "no-start-full-import-required")
    case.end(PEOPLE, after=60)
    case.fire(PEOPLE)
    case.fire(PEOPLE, "nightly", wanted=Wanted(agent=PEOPLE, slot=Slot.FULL_IMPORT))

    case.refuse(PEOPLE, "no-start-full-import-required")

    assert case.going == {"mim/people: full import"}


def test_discovery_errors_are_said_and_imported_once_more_after_a_pause() -> None:
    case = Case()
    case.fire(PEOPLE)
    unread = result(StepKind.DELTA_IMPORT, "completed-discovery-errors", staged=Counts())

    case.end(PEOPLE, unread, status="completed-discovery-errors")
    assert len(case.facts_of(FactKind.DELETIONS_SKIPPED)) == 1
    assert case.waits_for(PEOPLE, "delta import") is WaitKind.BACK_OFF
    case.ring()
    case.end(PEOPLE, unread, status="completed-discovery-errors")

    assert case.waiting | case.going == set()
    assert len(case.facts_of(FactKind.DELETIONS_SKIPPED)) == 1


def test_discovery_errors_are_said_again_after_a_clean_import() -> None:
    case = Case()
    unread = result(StepKind.DELTA_IMPORT, staged=Counts(), discovery_errors=True)
    case.fire(PEOPLE)
    case.end(PEOPLE, unread)
    case.ring()
    case.end(PEOPLE)
    case.fire(PEOPLE)

    case.end(PEOPLE, unread)

    assert len(case.facts_of(FactKind.DELETIONS_SKIPPED)) == 2


def test_a_run_that_never_began_waits_again_at_once_and_is_no_failure() -> None:
    case = Case()
    case.fire(PEOPLE, token="t1")

    made = case.tell(RunNeverBegan(run=case.run(PEOPLE).id))

    assert [each.run for each in made.commands if isinstance(each, StartRun)] == [2]
    assert case.run(PEOPLE).tokens == {trigger(PEOPLE): "t1"}
    assert case.state.agents[PEOPLE].row.failures == 0
    assert len(case.facts_of(FactKind.RUN_ABANDONED)) == 1


def test_w27_the_result_of_the_previous_run_is_not_counted_twice() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts()))
    seen = case.state.agents[PEOPLE].row.seen_handle
    case.fire(PEOPLE)

    stale = RunResult(handle=seen, status="success", steps=(result(StepKind.DELTA_IMPORT, staged=Counts(adds=4)),))
    case.tell(RunEnded(run=case.run(PEOPLE).id, result=stale))

    assert case.waiting == {"mim/people: delta import"}
    assert case.waits_for(PEOPLE, "delta import") is WaitKind.BACK_OFF


# Tokens of what did not go well


def stored(case: Case) -> dict[str, str]:
    return {key: row.token for key, row in case.state.tokens.items()}


def test_a_token_that_an_import_left_behind_survives_the_failed_attempt_of_the_next() -> None:
    case = Case()
    case.fire(PEOPLE, token="t1")
    case.end(PEOPLE, status="stopped-object-limit")
    case.ask(PEOPLE, "delta import")
    case.end(PEOPLE, status="stopped-deadlocked")
    case.ring()

    case.end(PEOPLE)

    assert stored(case) == {trigger(PEOPLE): "t1"}


def test_a_token_of_a_good_run_whose_import_step_was_not_good_waits_for_the_next_import() -> None:
    case = Case()
    case.fire(PEOPLE, token="t1")
    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, "stopped-parsing-errors"), status="completed-sync-errors")
    assert stored(case) == {}

    case.ask(PEOPLE, "delta import")
    case.end(PEOPLE)

    assert stored(case) == {trigger(PEOPLE): "t1"}


@pytest.mark.parametrize("status", ["stopped-deadlocked", "no-start-connection", "no-start-credentials", "gibberish"])
def test_a_token_is_stored_by_the_attempt_that_went_well(status: str) -> None:
    case = Case()
    case.fire(PEOPLE, token="t1")
    case.end(PEOPLE, status=status)
    assert stored(case) == {}
    case.ring()

    case.end(PEOPLE)

    assert stored(case) == {trigger(PEOPLE): "t1"}
