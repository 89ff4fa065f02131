"""The engine's words, where a status, a number or XML was expected."""

import pytest

from autosync.adapters.engines.mim.reading import statuses
from autosync.adapters.engines.mim.reading.answers import counted, executed, history_text, stopped
from autosync.core import outcomes
from autosync.model.errors import EngineRejected, EngineUnavailable


@pytest.mark.parametrize(
    ("answer", "began", "is_running"),
    [
        ("success", True, False),
        ("completed-sync-errors", True, False),
        ("completing-referential-updates", True, True),
        ("in-progress", True, True),
        ("stopped-deadlocked", True, False),
        ("access-denied", False, False),
        ("no-start-ma-already-running", False, False),
        ("no-start-something-new", False, False),
        ("missing-partition-for-run-step", False, False),
        ("call-failure:0x80230405", None, False),
        ("connection-failure", None, False),
        ("sql-deadlock", None, False),
        ("never heard of", None, False),
        ("", None, False),
    ],
)
def test_execute_tells_whether_the_run_began_or_that_only_the_history_can(answer, began, is_running):
    found = executed(answer)

    assert (found.status, found.began, found.is_running) == (answer, began, is_running)


def test_stop_is_no_error_when_nothing_runs():
    assert stopped("success") is True
    assert stopped("ma-not-running") is False


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("access-denied", EngineRejected),
        ("connection-failure", EngineUnavailable),
        ("call-failure:0x8023063D", EngineUnavailable),
        ("", EngineUnavailable),
        ("something new", EngineRejected),
    ],
)
def test_a_word_instead_of_a_result_is_an_error_that_names_it(answer, error):
    for read in (stopped, history_text, counted):
        with pytest.raises(error, match=answer or "nothing"):
            read(answer)


def test_results_are_passed_on():
    assert history_text(" <run-history/>") == " <run-history/>"
    assert counted(" 42 ") == 42


def test_every_documented_status_has_a_meaning():
    ended = [status for status in statuses.KNOWN if not statuses.is_transitional(status)]

    assert len(ended) > 90
    assert [status for status in ended if not outcomes.is_known(status)] == []
