"""The promise of a checkup: it looks at one engine, or at another part, and says of each thing whether it is in order.

Obligations: nothing is started and nothing is changed; checks come in the order in which one needs the other, and what cannot
be looked at because of an earlier failure is skipped with that reason; every wait is bounded; no secret is in any text.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class CheckState(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    """It works, but a person should know."""
    FAIL = "fail"
    SKIP = "skip"
    """It could not be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: CheckState
    found: str
    """What was seen, with names and numbers."""
    means: str = ""
    """What follows from it for the person who runs the service."""
    way_out: str = ""
    """What to do; empty where nothing needs to be done."""


class Checkup(Protocol):
    """Looks at one thing."""

    def checks(self) -> AsyncIterator[Check]:
        """Yield each check as it is known."""
        ...
