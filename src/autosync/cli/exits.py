"""How commands end: exit codes that scripts may rely on, and the exception that carries one with its sentence."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """Exit codes. They never change their meaning."""

    OK = 0
    FAILED = 1
    USAGE = 2
    HELD = 3
    """Held by a guard, or refused."""
    NOT_REACHABLE = 4
    """No service answers."""
    NOT_FOUND = 5
    NOT_ALLOWED = 6


class Failure(Exception):
    """A command cannot do what was asked. The message says what, why, and the way out."""

    def __init__(self, code: Exit, message: str, *, kind: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.kind = kind or code.name.lower().replace("_", "-")


_BY_CODE: Final[Mapping[str, Exit]] = {
    "not-found": Exit.NOT_FOUND,
    "refused": Exit.HELD,
    "hold-changed": Exit.HELD,
    "invalid": Exit.USAGE,
    "unauthorized": Exit.NOT_ALLOWED,
    "wrong-host": Exit.NOT_ALLOWED,
}


def exit_for(code: str) -> Exit:
    """Return the exit code for an error code of the API."""
    return _BY_CODE.get(code, Exit.FAILED)
