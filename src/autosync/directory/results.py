"""How a request ended, in the directory's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from autosync.directory.codec import Control
from autosync.directory.errors import RequestFailed

SUCCESS: Final = 0
TIME_LIMIT_EXCEEDED: Final = 3
SIZE_LIMIT_EXCEEDED: Final = 4
COMPARE_FALSE: Final = 5
COMPARE_TRUE: Final = 6
REFERRAL: Final = 10
ADMIN_LIMIT_EXCEEDED: Final = 11
UNAVAILABLE_CRITICAL_EXTENSION: Final = 12
SASL_BIND_IN_PROGRESS: Final = 14
NO_SUCH_ATTRIBUTE: Final = 16
ATTRIBUTE_OR_VALUE_EXISTS: Final = 20
NO_SUCH_OBJECT: Final = 32
INVALID_CREDENTIALS: Final = 49
INSUFFICIENT_ACCESS: Final = 50
BUSY: Final = 51
UNAVAILABLE: Final = 52
UNWILLING_TO_PERFORM: Final = 53
NOT_ALLOWED_ON_NON_LEAF: Final = 66
ENTRY_ALREADY_EXISTS: Final = 68
CANCELED: Final = 118
SYNC_REFRESH_REQUIRED: Final = 4096

NAMES: Final[Mapping[int, str]] = {
    0: "success", 1: "operationsError", 2: "protocolError", 3: "timeLimitExceeded", 4: "sizeLimitExceeded",
    5: "compareFalse", 6: "compareTrue", 7: "authMethodNotSupported", 8: "strongerAuthRequired", 10: "referral",
    11: "adminLimitExceeded", 12: "unavailableCriticalExtension", 13: "confidentialityRequired",
    14: "saslBindInProgress", 16: "noSuchAttribute", 17: "undefinedAttributeType", 18: "inappropriateMatching",
    19: "constraintViolation", 20: "attributeOrValueExists", 21: "invalidAttributeSyntax", 32: "noSuchObject",
    33: "aliasProblem", 34: "invalidDNSyntax", 36: "aliasDereferencingProblem", 48: "inappropriateAuthentication",
    49: "invalidCredentials", 50: "insufficientAccessRights", 51: "busy", 52: "unavailable", 53: "unwillingToPerform",
    54: "loopDetect", 64: "namingViolation", 65: "objectClassViolation", 66: "notAllowedOnNonLeaf",
    67: "notAllowedOnRDN", 68: "entryAlreadyExists", 69: "objectClassModsProhibited", 71: "affectsMultipleDSAs",
    80: "other", 118: "canceled", 4096: "e-syncRefreshRequired",
}  # fmt: skip
"""RFC 4511 appendix A.1, RFC 3909, RFC 4533."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The end of a request. ``value`` is what an extended request gave back."""

    code: int
    diagnostic: str = ""
    matched: str = ""
    referral: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    value: bytes | None = None

    @property
    def succeeded(self) -> bool:
        """Return whether the request did what it asked; a comparison's answer counts, whichever it is."""
        return self.code in {SUCCESS, COMPARE_FALSE, COMPARE_TRUE}

    @property
    def name(self) -> str:
        """Return the code's name."""
        return NAMES.get(self.code, "unknown result")

    def control(self, oid: str) -> bytes | None:
        """Return the value of an answer's control."""
        return next((each.value for each in self.controls if each.oid == oid), None)

    def say(self) -> str:
        """Return the code and the server's own words, in one line."""
        words = " ".join(self.diagnostic.replace("\0", "").split())[:500]
        return f"{words} ({self.name}, {self.code})" if words else f"{self.name} ({self.code})"

    def require(self, what: str) -> "Result":
        """Return itself; raise ``RequestFailed`` when the request did not succeed. ``what`` begins the message."""
        if self.succeeded:
            return self
        raise RequestFailed(
            f"{what}: {self.say()}",
            code=self.code,
            diagnostic=self.diagnostic,
            matched=self.matched,
            referral=self.referral,
        )


def result_of(content: Mapping[str, Any], controls: tuple[Control, ...]) -> Result:
    """Return the result in an answer's content."""
    return Result(
        code=content["resultCode"],
        diagnostic=content["diagnosticMessage"].decode("utf-8", "replace"),
        matched=content["matchedDN"].decode("utf-8", "replace"),
        referral=tuple(each.decode("utf-8", "replace") for each in content.get("referral", ())),
        controls=controls,
        value=content.get("responseValue"),
    )
