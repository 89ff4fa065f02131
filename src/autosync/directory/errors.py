"""What can go wrong with a directory, split by who must act."""

from collections.abc import Sequence


class DirectoryError(Exception):
    """Anything below. The message names the server or the entry and the way out, and never a secret."""


class ServerUnreachable(DirectoryError):
    """No server could be reached, or the connection was lost, or no answer came in time: try again."""


class BadMessage(DirectoryError):
    """The server sent what is no LDAP message, or more than it may. The connection is closed."""


class BadTrust(DirectoryError):
    """A certificate file of ours cannot be used."""


class SignInFailed(DirectoryError):
    """The server does not accept who we say we are; ``code`` is the result code, where there is one."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class BadFilter(DirectoryError, ValueError):
    """A filter's text is none; the message shows the place."""


class BadName(DirectoryError, ValueError):
    """A text is no distinguished name."""


class RequestFailed(DirectoryError):
    """The server answered with a result code that is no success (RFC 4511 appendix A)."""

    def __init__(
        self, message: str, *, code: int, diagnostic: str = "", matched: str = "", referral: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.diagnostic = diagnostic
        self.matched = matched
        self.referral = tuple(referral)
