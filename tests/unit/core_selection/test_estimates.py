"""What past runs teach: robust durations, fan-out, and whether confirming imports stage something."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autosync.core.estimates import (
    FULL_IMPORT_S,
    KEPT,
    OTHER_S,
    SYNC_S,
    echo_after,
    heard,
    learned,
    seconds_of,
    unheard,
)
from autosync.model.causes import CauseKind
from autosync.model.counts import Counts, RunResult, StepResult
from autosync.model.ids import AgentId, PartitionName, ProfileName, RunId
from autosync.model.rows import EstimateRow
from autosync.model.runs import Run, RunState
from tests.unit.core_selection.build import KINDS, NOW, PROFILES, request

DEFAULT = PartitionName("default")


def ended(what, seconds=30.0, *, staged=None, outbound=None, cause=CauseKind.RUN, confirms=False, expected=None):
    wish = request(1, what, cause=cause, confirms=confirms, expected=expected)
    step = StepResult(
        kind=KINDS[wish.profile],
        partition=DEFAULT,
        status="success",
        staged=Counts(updates=staged) if staged is not None else None,
        outbound={AgentId(f"e/{target}"): count for target, count in (outbound or {}).items()}
        if outbound is not None
        else None,
    )
    end = NOW + timedelta(seconds=seconds)
    return Run(
        id=RunId(1),
        agent=wish.agent,
        profile=wish.profile,
        state=RunState.ENDED,
        started=NOW,
        ended=end,
        request_as_started=wish,
        result=RunResult(handle="1", status="success", steps=(step,), started=NOW, ended=end),
    )


def after(*runs: Run) -> EstimateRow:
    row: EstimateRow | None = None
    for run in runs:
        row = learned(row, run)
    assert row is not None
    return row


def test_one_outlier_moves_nothing():
    row = after(*(ended("hr DI", 30, staged=1) for _ in range(9)), ended("hr DI", 3000, staged=1))

    assert seconds_of(row, None, 1) == 30


def test_runs_of_a_similar_size_tell_most():
    row = after(
        *(ended("hr DI", 20, staged=1) for _ in range(5)), *(ended("hr DI", 200, staged=1000) for _ in range(5))
    )

    assert seconds_of(row, None, 1) == 20
    assert seconds_of(row, None, 900) == 200


def test_a_size_never_seen_takes_the_nearest():
    row = after(*(ended("hr DI", 20, staged=1) for _ in range(5)), *(ended("hr DI", 90, staged=40) for _ in range(5)))

    assert seconds_of(row, None, 100_000) == 90


@pytest.mark.parametrize(
    ("profile", "expected"), [("DI", OTHER_S), ("DS", SYNC_S), ("EX", OTHER_S), ("FI", FULL_IMPORT_S)]
)
def test_what_never_ran_has_a_default(profile, expected):
    assert seconds_of(None, PROFILES[profile], None) == expected


def test_what_nothing_is_known_of_has_a_default():
    assert seconds_of(None, None, None) == SYNC_S


def test_a_row_remembers_a_bounded_number_of_runs():
    row = after(*(ended("hr DI", number, staged=1) for number in range(100)))

    assert len(row.durations) == KEPT
    assert row.durations[-1] == (99.0, 1)


def test_a_synchronization_counts_the_changes_that_waited_for_it():
    assert after(ended("hr DS", 60, outbound={}, expected=17)).durations == ((60.0, 17),)


def test_fan_out_is_a_moving_share():
    row = after(ended("hr DS", outbound={"ad": 1}), *(ended("hr DS", outbound={"db": 3}) for _ in range(10)))

    assert row.outbound[AgentId("e/db")] > 0.9
    assert row.outbound[AgentId("e/ad")] < 0.1


def test_a_target_that_gets_nothing_of_a_run_keeps_most_of_its_share():
    row = after(*(ended("hr DS", outbound={"ad": 1}) for _ in range(5)), ended("hr DS", outbound={}))

    assert 0.5 < row.outbound[AgentId("e/ad")] < 1.0


def test_a_confirming_import_that_stages_what_the_target_made_is_noticed():
    assert after(*(ended("ad DI", staged=1, confirms=True) for _ in range(3))).confirming == 1.0


def test_a_change_of_somebody_elses_is_not_taken_for_the_targets_own():
    quiet = [ended("hr DI", staged=0, confirms=True) for _ in range(3)]
    disturbed = [ended("hr DI", staged=4, confirms=True, cause=CauseKind.TRIGGER) for _ in range(9)]

    assert after(*quiet, *disturbed).confirming == 0.0


def test_other_imports_say_nothing_about_confirmations():
    assert after(ended("ad DI", staged=5)).confirming is None


def test_a_run_without_a_result_teaches_nothing():
    run = ended("hr DI", staged=1)
    row = after(run)

    assert learned(row, Run(id=run.id, agent=run.agent, profile=run.profile, state=RunState.ENDED, started=NOW)) is row


def test_a_confirming_import_that_did_not_count_says_nothing():
    assert after(ended("ad DI", confirms=True)).confirming is None


def exported_and_heard(*moments: float) -> EstimateRow:
    """Return what is learned of exports to MIM, after each of which a trigger told of a change; negative: none did."""
    row = EstimateRow(agent=AgentId("e/MIM"), profile=ProfileName("EX"))
    for seconds in moments:
        row = replace(row, exported=NOW, fed_by=(AgentId("e/HR"),))
        told = heard(row, NOW + timedelta(seconds=seconds)) if seconds >= 0 else None
        row = told or row
        if row.exported is not None:
            row = unheard(row)
    return row


@pytest.mark.parametrize(
    ("moments", "usual"),
    [
        ((), None),
        ((30,), None),
        ((30, 31), 30.5),
        ((30, 30, -1), 30),
        ((30, 30, -1, -1, -1), None),
        ((7, 45, 80, 110), None),
        ((1, 1, 1), None),
        ((900, 900), None),
    ],
    ids=["never", "once", "twice", "mostly", "seldom", "by chance", "the export itself", "much later"],
)
def test_an_echo_is_what_mostly_follows_an_export_after_the_same_time(moments: tuple[float, ...], usual: float | None):
    row = exported_and_heard(*moments)

    assert echo_after(row, AgentId("e/HR")) == usual
    assert echo_after(row, AgentId("e/AD")) is None
