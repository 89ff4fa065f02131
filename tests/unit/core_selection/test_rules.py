"""Which candidates start: one test per rule of order, fairness, windows and rest."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autosync.core.selection import GATHERS, LONGEST_GATHERING, LONGEST_REST, LONGEST_WAIT, MOST_WORK
from autosync.model.causes import CauseKind
from autosync.model.ids import AgentId
from autosync.model.requests import WaitKind
from autosync.model.settings import RunMode
from tests.unit.core_selection.build import NOW, chosen, going, history, learned, request

T1 = (
    learned("hr DI", 30),
    learned("hr DS", 60, "ad", "db"),
    learned("ad DI", 30, confirming=1.0),
    learned("ad DS", 60, "hr"),
    learned("ad EX", 30),
    learned("db DI", 30, confirming=0.0),
    learned("db EX", 30),
    learned("db DS", 60),
    learned("hr EX", 30),
    learned("hr FI", 300),
)


def test_nothing_waits_and_nothing_starts():
    starts, choice = chosen([])

    assert starts == set()
    assert choice.revisit is None


def test_what_may_run_together_starts_together():
    starts, _ = chosen([request(1, "hr DI"), request(2, "ad DI"), request(3, "db DI")])

    assert starts == {"hr DI", "ad DI", "db DI"}


def test_the_oldest_goes_first_where_only_one_may():
    starts, _ = chosen([request(1, "hr DI", waits=5), request(2, "ad DI", waits=500)], most=1)

    assert starts == {"ad DI"}


def test_what_a_person_wants_at_once_goes_first():
    wishes = [request(1, "hr DI", waits=500), request(2, "ad DI", cause=CauseKind.PERSON, front=True)]

    starts, _ = chosen(wishes, most=1)

    assert starts == {"ad DI"}


def test_a_follow_up_at_the_front_does_not_overtake_a_person():
    wishes = [
        request(1, "hr DS", waits=100, front=True, expected=500),
        request(2, "ad DS", cause=CauseKind.PERSON, front=True, expected=1),
    ]

    starts, _ = chosen(wishes, known=history(*T1))

    assert starts == {"ad DS"}


def test_an_export_is_confirmed_before_the_next():
    wishes = [request(1, "ad EX", waits=100), request(2, "ad DI", confirms=True)]

    starts, choice = chosen(wishes)

    assert starts == {"ad DI"}
    assert choice.reasons[wishes[0].id].kind is WaitKind.RUNNING


def test_confirmations_go_before_other_imports_where_only_one_may():
    starts, _ = chosen([request(1, "hr DI", waits=50), request(2, "ad DI", confirms=True)], most=1)

    assert starts == {"ad DI"}


def test_while_a_synchronization_waits_only_what_fits_in_the_shadow_starts():
    runs = [going(9, "ad EX", since=0)]
    wishes = [request(1, "hr DS", waits=200, expected=5), request(2, "db DI", waits=1), request(3, "hr FI", waits=1)]
    known = history(*T1)

    starts, _ = chosen(wishes, runs, known)

    assert starts == {"db DI"}


def test_what_would_keep_the_window_shut_waits():
    runs = [going(9, "ad EX", since=25)]
    wishes = [request(1, "hr DS", waits=235, expected=50), request(2, "db DI", waits=1)]

    starts, choice = chosen(wishes, runs, history(*T1, learned("db DI", 500)))

    assert starts == set()
    assert choice.reasons[wishes[1].id].kind is WaitKind.ORDER
    assert choice.reasons[wishes[0].id].kind is WaitKind.ALONE


def test_the_synchronization_that_brings_most_per_second_goes_first():
    late = LONGEST_WAIT.total_seconds() + 1
    wishes = [request(1, "hr DS", waits=late, expected=2), request(2, "ad DS", waits=late, expected=200)]

    starts, _ = chosen(wishes, known=history(*T1))

    assert starts == {"ad DS"}


def test_age_outweighs_the_number_of_changes_in_the_end():
    wishes = [
        request(1, "hr DS", waits=60_000, expected=2),
        request(2, "ad DS", waits=LONGEST_WAIT.total_seconds() + 1, expected=200),
    ]

    starts, _ = chosen(wishes, known=history(*T1))

    assert starts == {"hr DS"}


def test_a_synchronization_that_reaches_nobody_lets_others_go_first():
    wishes = [request(1, "db DS", waits=100), request(2, "ad DI")]

    starts, choice = chosen(wishes, known=history(*T1))

    assert starts == {"ad DI"}
    assert "quiet" in choice.reasons[wishes[0].id].text or choice.reasons[wishes[0].id].kind is WaitKind.ALONE


def test_a_synchronization_that_reaches_nobody_runs_when_it_is_quiet():
    starts, _ = chosen([request(1, "db DS")], known=history(*T1))

    assert starts == {"db DS"}


def test_what_never_synchronized_is_not_taken_for_useless():
    starts, _ = chosen([request(1, "new DS", waits=100), request(2, "db DS", waits=200)], known=history(*T1))

    assert starts == {"new DS"}


def test_a_scheduled_full_import_waits_while_something_is_due():
    wishes = [request(1, "hr FI", cause=CauseKind.SCHEDULE), request(2, "ad DI")]

    starts, choice = chosen(wishes, known=history(*T1))

    assert starts == {"ad DI"}
    assert choice.reasons[wishes[0].id].until == wishes[0].wished + LONGEST_REST


def test_a_scheduled_full_import_starts_at_once_in_a_quiet_engine():
    wish = request(1, "hr FI", waits=0, cause=CauseKind.SCHEDULE)

    starts, _ = chosen([wish], known=history(*T1, quiet=3600))

    assert starts == {"hr FI"}


@pytest.mark.parametrize(("quiet", "expected"), [(121, {"hr FI"}), (3, set())])
def test_a_scheduled_full_import_that_never_ran_waits_for_a_little_quiet_only(quiet, expected):
    starts, choice = chosen([request(1, "hr FI", cause=CauseKind.SCHEDULE)], known=history(quiet=quiet))

    assert starts == expected
    assert choice.revisit == (None if expected else NOW + timedelta(seconds=117))


def test_a_scheduled_full_import_starts_at_once_where_nothing_ran_yet():
    starts, _ = chosen([request(1, "hr FI", cause=CauseKind.SCHEDULE)], known=history())

    assert starts == {"hr FI"}


def test_a_scheduled_full_import_waits_until_it_was_quiet_for_as_long_as_it_takes():
    wish = request(1, "hr FI", cause=CauseKind.SCHEDULE)

    starts, choice = chosen([wish], known=history(*T1, quiet=100))

    assert starts == set()
    assert choice.revisit == NOW + timedelta(seconds=200)


def test_full_imports_that_waited_for_quiet_start_together():
    wishes = [request(1, "hr FI", cause=CauseKind.SCHEDULE), request(2, "ad FI", cause=CauseKind.SCHEDULE)]

    starts, _ = chosen(wishes, known=history(*T1, quiet=3600))

    assert starts == {"hr FI", "ad FI"}


@pytest.mark.parametrize("cause", [CauseKind.REPAIR, CauseKind.PERSON, CauseKind.TRIGGER])
def test_a_full_import_that_is_no_routine_does_not_wait_for_quiet(cause):
    starts, choice = chosen([request(1, "hr FI", cause=cause)], known=history(*T1, quiet=1))

    assert starts == {"hr FI"}
    assert choice.revisit is None


def test_rest_ends():
    late = LONGEST_REST.total_seconds() + 1
    wishes = [request(1, "hr FI", waits=late, cause=CauseKind.SCHEDULE), request(2, "ad DI")]

    starts, _ = chosen(wishes, known=history(*T1, quiet=10))

    assert "hr FI" in starts


def test_an_agent_with_staged_changes_gathers_before_it_imports_again():
    runs = [going(9, "ad EX", since=0)]
    wishes = [request(1, "hr DS", waits=2, expected=3), request(2, "hr DI", waits=1, cause=CauseKind.TRIGGER)]

    starts, choice = chosen(wishes, runs, history(*T1))

    assert starts == set()
    assert choice.revisit == wishes[1].wished + GATHERS
    assert "gathers" in choice.reasons[wishes[1].id].text


def test_gathering_ends():
    runs = [going(9, "ad EX", since=0)]
    late = GATHERS.total_seconds()
    wishes = [request(1, "hr DS", waits=2), request(2, "hr DI", waits=late, cause=CauseKind.TRIGGER)]

    starts, _ = chosen(wishes, runs, history(*T1))

    assert starts == {"hr DI"}


def test_a_request_that_waited_too_long_goes_before_younger_ones_that_would_fit():
    late = LONGEST_WAIT.total_seconds() + 1
    wishes = [request(1, "db EX", waits=late), *(request(n, f"a{n} DI", waits=1) for n in range(2, 6))]

    starts, _ = chosen(wishes, known=history(*T1), most=1)

    assert starts == {"db EX"}


@pytest.mark.parametrize(("imports", "seconds", "expected"), [(1, 1, "hr DI"), (2, -1, "hr DI"), (2, 1, "hr DS")])
def test_a_synchronization_that_gathered_from_several_imports_waits_for_no_further_one_for_long(
    imports, seconds, expected
):
    sync = request(1, "hr DS", waits=LONGEST_GATHERING.total_seconds() + seconds, expected=3)
    wishes = [
        replace(sync, causes=sync.causes * imports),
        request(2, "hr DI", waits=70, cause=CauseKind.TRIGGER, expected=1),
    ]

    starts, _ = chosen(wishes, known=history(*T1))

    assert starts == {expected}


def test_with_very_much_to_do_everything_that_may_start_starts():
    wishes = [request(n, f"a{n} DI") for n in range(1, MOST_WORK + 10)]

    starts, _ = chosen(wishes)

    assert len(starts) == len(wishes)


def test_in_relaxed_mode_imports_run_beside_a_synchronization():
    runs = [going(9, "hr DS", mode=RunMode.UNSUPPORTED)]

    starts, _ = chosen([request(1, "ad DI"), request(2, "db EX")], runs, mode=RunMode.UNSUPPORTED)

    assert starts == {"ad DI", "db EX"}


def test_in_relaxed_mode_two_synchronizations_do_not_overlap():
    starts, _ = chosen([request(1, "hr DS"), request(2, "ad DS"), request(3, "db DI")], mode=RunMode.UNSUPPORTED)

    assert len(starts & {"hr DS", "ad DS"}) == 1
    assert "db DI" in starts


def test_in_exclusive_mode_one_run_at_a_time():
    starts, _ = chosen([request(1, "hr DI"), request(2, "ad DI", waits=90)], mode=RunMode.EXCLUSIVE)

    assert starts == {"ad DI"}


def test_in_exclusive_mode_too_an_export_is_confirmed_before_the_next():
    wishes = [request(1, "ad EX", waits=900), request(2, "ad DI", confirms=True)]

    starts, _ = chosen(wishes, mode=RunMode.EXCLUSIVE)

    assert starts == {"ad DI"}


def test_somebody_elses_run_is_waited_for():
    foreign = going(9, "hr DS")
    foreign = replace(foreign, run=replace(foreign.run, request_as_started=None, managed=False), profile=None)

    starts, choice = chosen([request(1, "ad DI")], [foreign])

    assert starts == set()
    assert [reason.kind for reason in choice.reasons.values()] == [WaitKind.ALONE]


def test_a_synchronization_can_wait_for_an_import_that_it_then_serves_too():
    """Seen ahead: one window for both sources is done sooner than two."""
    runs = [going(9, "ad DI", since=28)]
    wishes = [request(1, "hr DS", expected=1)]
    known = history(*T1, learned("ad DS", 60, "hr", "db"))

    starts, _ = chosen(wishes, runs, known)

    assert starts == set()


def test_an_export_says_that_it_waits_for_the_confirmation_before_it():
    confirmation = replace(request(2, "ad DI", confirms=True), exclusive=True)
    wishes = [request(1, "ad EX"), confirmation]

    starts, choice = chosen(wishes, [going(9, "hr EX")])

    assert starts == set()
    assert "confirmed before the next" in choice.reasons[wishes[0].id].text


def test_what_another_engine_learned_is_not_mixed_in():
    known = history(replace(learned("db DS", 60), agent=AgentId("other/db")), *T1)

    starts, _ = chosen([request(1, "db DS", waits=100), request(2, "ad DI")], known=known)

    assert starts == {"ad DI"}


def test_much_to_look_ahead_at_still_gives_an_answer():
    """The look ahead stops when it has played enough, and takes the best so far."""
    agents = [f"a{number}" for number in range(30)]
    rows = [learned(f"{agent} DS", 60, *agents[:10]) for agent in agents]
    wishes = [request(number, f"{agent} DI", expected=5) for number, agent in enumerate(agents, start=1)]

    starts, _ = chosen(wishes, [going(99, "hr EX")], history(*rows, *T1))

    assert starts
