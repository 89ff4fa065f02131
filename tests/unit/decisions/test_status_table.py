"""Every status of the reference, classified by hand: mim-interfaces 1.2 (Execute alone) and 1.3 (runs and steps)."""

import pytest

from autosync.core.outcomes import classify, ended_well, is_known
from autosync.model.commands import FollowRun
from autosync.model.counts import RunResult
from autosync.model.facts import FactKind
from autosync.model.runs import OutcomeKind
from autosync.model.stimuli import RunEnded
from tests.unit.decisions.building import PEOPLE, Case, commands_of

MEANT = {
    OutcomeKind.SUCCESS: "success completed-no-objects completed-warnings completed-skipped-already-completed",
    OutcomeKind.OBJECT_ERRORS: (
        "completed-sync-errors completed-export-errors completed-transient-objects completed-discovery-errors"
    ),
    OutcomeKind.TRY_LATER: (
        "no-start-concurrent-execution-not-support no-start-ma-already-running no-start-ma-update-in-progress "
        "no-start-connection no-start-no-domain-controller no-start-file-not-found no-start-file-open "
        "no-start-file-sharing-violation no-start-server no-start-ma connection-failure"
    ),
    OutcomeKind.TRY_AGAIN: (
        "sql-deadlock call-failure call-failure:0x80230703 stopped-deadlocked stopped-database-connection-lost "
        "stopped-connectivity stopped-server-down stopped-service-shutdown"
    ),
    OutcomeKind.MISCONFIGURED: (
        "access-denied no-start-unknown-profile-name missing-partition-for-run-step "
        "no-start-credentials no-start-file-access-denied no-start-file-code-page "
        "no-start-file-contains-incorrect-step-type no-start-header-row-mismatch no-start-database-permission "
        "no-start-database-table no-start-database-schema-mismatch no-start-ma-working-directory "
        "no-start-bad-ma-configuration no-start-partition-not-configured no-start-partition-rename "
        "no-start-partition-delete no-start-no-partition-delete no-start-change-log-not-enabled "
        "no-start-delta-step-type-not-configured no-start-no-steps-in-profile no-start-notes-api-not-availible "
        "no-start-notes-client-init-failure"
    ),
    OutcomeKind.NEEDS_REPAIR: "no-start-full-import-required stopped-change-log-out-of-order",
    OutcomeKind.STOPPED: (
        "stopped-user-termination-from-wmi-or-ui stopped-user-termination-from-extension "
        "stopped-object-limit stopped-deletion-limit"
    ),
    OutcomeKind.FAILED: (
        "stopped-bad-server-credentials stopped-error-limit stopped-database-disk-full stopped-disk-full "
        "stopped-out-of-memory stopped-parsing-errors stopped-import-read stopped-export-write stopped-export-disabled "
        "stopped-bad-ma-configuration stopped-file-embedded-nulls stopped-file-error stopped-failed-to-delete-file "
        "stopped-code-page-conversion stopped-server stopped-ma stopped-unexpected-data stopped-entry-export-error "
        "stopped-error-in-end-connection stopped-extensible-extension-error stopped-entry-point-not-implemented "
        "stopped-ma-extension-error-in-end-connection stopped-ma-extension-timeout stopped-password-extension-timeout "
        "stopped-password-extension-not-configured stopped-extension-dll-access stopped-extension-dll-ambiguous "
        "stopped-extension-dll-exception stopped-extension-dll-file-not-found stopped-extension-dll-instantiation "
        "stopped-extension-dll-invalid-assembly stopped-extension-dll-load stopped-extension-dll-missing-dependency "
        "stopped-extension-dll-no-implementation stopped-extension-dll-not-configured-for-ma "
        "stopped-extension-dll-not-configured-for-mv stopped-extension-dll-updated-version"
    ),
}
TABLE = [(status, kind) for kind, statuses in MEANT.items() for status in statuses.split()]
STILL_GOING = ["in-progress", "completing-obsoletion", "completing-referential-updates", "completing-recomputation"]
WELL = {OutcomeKind.SUCCESS, OutcomeKind.OBJECT_ERRORS}


@pytest.mark.parametrize(("status", "kind"), TABLE)
def test_a_status_of_the_reference_means(status: str, kind: OutcomeKind) -> None:
    assert classify(status) is kind
    assert is_known(status)
    assert ended_well(status) == (kind in WELL)


def test_no_status_stands_in_two_rows() -> None:
    assert len({status for status, _ in TABLE}) == len(TABLE)


def test_only_abandoned_is_no_word_of_the_engine() -> None:
    assert set(MEANT) == set(OutcomeKind) - {OutcomeKind.ABANDONED}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("completed-something-new", OutcomeKind.OBJECT_ERRORS),
        ("no-start-something-new", OutcomeKind.MISCONFIGURED),
        ("stopped-something-new", OutcomeKind.FAILED),
        ("stopped-user-termination-by-something-new", OutcomeKind.STOPPED),
        ("call-failure:0xffffffff", OutcomeKind.TRY_AGAIN),
        ("extension-dll-something-new", OutcomeKind.FAILED),
        ("Success", OutcomeKind.SUCCESS),
        (" success\n", OutcomeKind.SUCCESS),
    ],
)
def test_a_name_that_is_not_known_is_classified_by_its_prefix(status: str, kind: OutcomeKind) -> None:
    assert classify(status) is kind


@pytest.mark.parametrize("status", ["", "successful", "no-start", "completed", "stopped", "gibberish", "0", "☃"])
def test_an_unknown_status_counts_as_failed(status: str) -> None:
    assert classify(status) is OutcomeKind.FAILED
    assert not is_known(status)


@pytest.mark.parametrize("status", STILL_GOING)
def test_a_run_that_is_still_going_is_followed_and_not_ended(status: str) -> None:
    case = Case()
    case.fire(PEOPLE)
    run = case.run(PEOPLE)

    made = case.tell(RunEnded(run=run.id, result=RunResult(handle="8", status=status)))

    assert case.going == {"mim/people: delta import"}
    assert commands_of(made, FollowRun) == [FollowRun(run=run.id, agent=PEOPLE, handle="8")]
    assert case.facts_of(FactKind.RUN_ENDED) == []
    assert not ended_well(status)


def test_the_raw_text_of_an_unknown_status_is_kept() -> None:
    case = Case()
    case.fire(PEOPLE)

    case.end(PEOPLE, status="stepped-on-a-rake 0x7")

    assert "stepped-on-a-rake 0x7" in case.facts_of(FactKind.UNKNOWN_STATUS)[0].text
    assert case.facts_of(FactKind.RUN_ENDED)[0].data["status"] == "stepped-on-a-rake 0x7"
    assert case.facts_of(FactKind.RUN_ENDED)[0].data["outcome"] == "failed"
