"""Every status that is documented for runs and steps. An open set: others are passed on as they are, with a warning.

Sources: ms699322, the published run history schema, MS-UPSDBDAP 2.2.1.1, MS-UPSMODS, and what real servers returned.
"""

from typing import Final

GOING_ON: Final = "in-progress"
_TRANSITIONAL: Final = ("completing-obsoletion", "completing-referential-updates", "completing-recomputation")
_COMPLETED: Final = (
    "completed-no-objects completed-sync-errors completed-export-errors completed-warnings completed-transient-objects "
    "completed-discovery-errors completed-skipped-already-completed"
)
_NOT_STARTED: Final = (
    "credentials connection file-not-found file-access-denied file-sharing-violation file-open file-code-page "
    "file-contains-incorrect-step-type header-row-mismatch database-permission database-table database-schema-mismatch "
    "ma-working-directory full-import-required bad-ma-configuration partition-not-configured partition-rename "
    "partition-delete no-partition-delete no-domain-controller change-log-not-enabled delta-step-type-not-configured "
    "no-steps-in-profile server ma notes-api-not-availible notes-client-init-failure unknown-profile-name "
    "concurrent-execution-not-support ma-already-running ma-update-in-progress"
)
_STOPPED: Final = (
    "user-termination-from-wmi-or-ui user-termination-from-extension service-shutdown connectivity server-down "
    "bad-server-credentials object-limit deletion-limit deletion-threshold-exceeded error-limit deadlocked "
    "database-connection-lost database-disk-full disk-full out-of-memory change-log-out-of-order parsing-errors "
    "import-read export-write export-disabled bad-ma-configuration file-embedded-nulls file-error failed-to-delete-file "
    "code-page-conversion server ma unexpected-data entry-export-error error-in-end-connection "
    "extensible-extension-error entry-point-not-implemented ma-extension-error-in-end-connection ma-extension-timeout "
    "password-extension-timeout password-extension-not-configured"
)
_STOPPED_BY_EXTENSION: Final = (
    "access ambiguous exception file-not-found instantiation invalid-assembly load missing-dependency no-implementation "
    "not-configured-for-ma not-configured-for-mv updated-version"
)

KNOWN: Final[frozenset[str]] = frozenset(
    [
        "success",
        GOING_ON,
        *_TRANSITIONAL,
        *_COMPLETED.split(),
        *(f"no-start-{reason}" for reason in _NOT_STARTED.split()),
        *(f"stopped-{reason}" for reason in _STOPPED.split()),
        *(f"stopped-extension-dll-{reason}" for reason in _STOPPED_BY_EXTENSION.split()),
        "missing-partition-for-run-step",
        "sql-deadlock",
        "access-denied",
        "call-failure",
        "connection-failure",
    ]
)


def is_known(status: str) -> bool:
    """Return whether the status is documented, whatever its case; ``call-failure:0x…`` is."""
    return status.strip().lower().partition(":")[0] in KNOWN


def is_transitional(status: str) -> bool:
    """Return whether the run goes on; ``Execute`` itself sometimes returns such a status."""
    word = status.strip().lower()
    return word == GOING_ON or word.startswith("completing-")
