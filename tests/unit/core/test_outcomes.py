"""What each status of Microsoft's engines means; the names are those of mim-interfaces 1.2 and 1.3."""

import pytest

from autosync.core.outcomes import classify, ended_well, is_known
from autosync.model.runs import OutcomeKind

TABLE = {
    OutcomeKind.SUCCESS: "success completed-no-objects completed-warnings completed-skipped-already-completed",
    OutcomeKind.OBJECT_ERRORS: """
        completed-sync-errors completed-export-errors completed-transient-objects completed-discovery-errors
        completed-something-new""",
    OutcomeKind.TRY_LATER: """
        no-start-ma-already-running no-start-ma-update-in-progress no-start-concurrent-execution-not-support
        no-start-connection no-start-server no-start-ma no-start-no-domain-controller no-start-file-not-found
        no-start-file-open no-start-file-sharing-violation connection-failure engine-unavailable""",
    OutcomeKind.MISCONFIGURED: """
        access-denied missing-partition-for-run-step no-start-unknown-profile-name no-start-credentials
        no-start-file-access-denied no-start-file-code-page no-start-file-contains-incorrect-step-type
        no-start-header-row-mismatch no-start-database-permission no-start-database-table
        no-start-database-schema-mismatch no-start-ma-working-directory no-start-bad-ma-configuration
        no-start-partition-not-configured no-start-partition-rename no-start-partition-delete
        no-start-no-partition-delete no-start-change-log-not-enabled no-start-delta-step-type-not-configured
        no-start-no-steps-in-profile no-start-notes-api-not-availible no-start-notes-client-init-failure""",
    OutcomeKind.TRY_AGAIN: """
        sql-deadlock stopped-deadlocked stopped-database-connection-lost stopped-connectivity stopped-server-down
        stopped-service-shutdown call-failure call-failure:0x80230405""",
    OutcomeKind.NEEDS_REPAIR: "no-start-full-import-required stopped-change-log-out-of-order",
    OutcomeKind.STOPPED: """
        stopped-user-termination-from-wmi-or-ui stopped-user-termination-from-extension stopped-object-limit
        stopped-deletion-limit""",
    OutcomeKind.FAILED: """
        stopped-bad-server-credentials stopped-error-limit stopped-database-disk-full stopped-disk-full
        stopped-out-of-memory stopped-parsing-errors stopped-import-read stopped-export-write stopped-export-disabled
        stopped-bad-ma-configuration stopped-file-embedded-nulls stopped-file-error stopped-failed-to-delete-file
        stopped-code-page-conversion stopped-server stopped-ma stopped-unexpected-data stopped-entry-export-error
        stopped-error-in-end-connection stopped-extensible-extension-error stopped-entry-point-not-implemented
        stopped-ma-extension-error-in-end-connection stopped-ma-extension-timeout stopped-password-extension-timeout
        stopped-password-extension-not-configured stopped-extension-dll-access stopped-extension-dll-exception
        stopped-extension-dll-file-not-found stopped-extension-dll-load""",
}
ROWS = [(status, kind) for kind, names in TABLE.items() for status in names.split()]


@pytest.mark.parametrize(("status", "kind"), ROWS)
def test_each_status_means_one_thing(status: str, kind: OutcomeKind) -> None:
    assert classify(status) is kind
    assert is_known(status)


@pytest.mark.parametrize("status", ["", "exploded", "SUCCESSFUL?"])
def test_an_unknown_status_is_a_failure(status: str) -> None:
    assert classify(status) is OutcomeKind.FAILED
    assert not is_known(status)


def test_case_and_blanks_do_not_matter() -> None:
    assert classify(" Success ") is OutcomeKind.SUCCESS
    assert is_known("SUCCESS")


def test_only_success_and_object_errors_ended_well() -> None:
    assert {kind for status, kind in ROWS if ended_well(status)} == {OutcomeKind.SUCCESS, OutcomeKind.OBJECT_ERRORS}
