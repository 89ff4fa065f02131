"""What a directory's no means in the engine's words (MIM's run statuses and export error types)."""

from collections.abc import Mapping
from typing import Final

from autosync.directory.errors import (
    BadMessage,
    BadTrust,
    DirectoryError,
    RequestFailed,
    ServerUnreachable,
    SignInFailed,
)
from autosync.directory.results import Result
from autosync.syncengine.connectors.port import ChangeOutcome, ConnectorError

_ERROR_TYPES: Final[Mapping[int, str]] = {
    16: "cd-missing-attribute-value",
    17: "schema-violation",
    18: "schema-violation",
    19: "constraint-violation",
    20: "cd-existing-attribute-value",
    21: "syntax-violation",
    32: "cd-missing-object",
    34: "invalid-dn",
    50: "permission-issue",
    53: "unwilling-to-perform",
    64: "naming-violation",
    65: "schema-violation",
    66: "non-leaf-object",
    67: "modify-naming-attribute",
    68: "cd-existing-object",
    69: "schema-violation",
    71: "cd-unsupported-move",
}
_TRY_AGAIN: Final = frozenset({3, 51, 52, 80})


def outcome(result: Result, what: str) -> ChangeOutcome:
    """Return what became of a change that the directory refused, with its own words and the code."""
    kind = _ERROR_TYPES.get(result.code, "cd-error")
    return ChangeOutcome(error_type=kind, message=f"{what}: {result.say()}")


def run_error(error: DirectoryError, *, started: bool) -> ConnectorError:
    """Return how the run ends because of ``error``; ``started`` says whether objects were read or written."""
    match error:
        case SignInFailed():
            status = "no-start-credentials" if not started else "stopped-connectivity"
        case BadTrust():
            status = "no-start-bad-ma-configuration"
        case ServerUnreachable():
            status = "stopped-connectivity" if started else "no-start-connection"
        case BadMessage():
            status = "stopped-parsing-errors" if started else "no-start-connection"
        case RequestFailed(code=32):
            status = "no-start-partition-not-found" if not started else "stopped-connectivity"
        case RequestFailed(code=50):
            status = "no-start-permission" if not started else "stopped-import-read"
        case RequestFailed(code=code) if code in _TRY_AGAIN:
            status = "stopped-server-down"
        case _:
            status = "stopped-import-read" if started else "no-start-bad-ma-configuration"
    return ConnectorError(status, str(error))


def needs_full_import(reason: str) -> ConnectorError:
    """Return the error after which only a full import helps."""
    return ConnectorError("no-start-full-import-required", f"{reason}: import everything first")
