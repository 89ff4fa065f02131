"""The promise of a trigger: it watches one thing and tells when it changed.

Obligations (contract suite: ``autosync.testing.contracts.trigger``): a change after ``token`` is reported, even if it
happened while nobody watched; the last change of a burst is never lost; a firing carries the token that is safe once an
import that starts after the firing has ended well. A failure is raised as ``TriggerFailed`` (or ``TokenUnknown``): the
host starts ``watch`` again with back-off and the last *stored* token. Cancellation ends ``watch`` at once.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from autosync.model.ids import PartitionName, ProfileName
from autosync.model.requests import Token
from autosync.model.steps import Slot


class Receipt(Protocol):
    """What somebody waits on: an ``asyncio.Future``, not named because the command line loads ports without asyncio."""

    def done(self) -> bool:
        """Return whether it was told already, or nobody waits any more."""
        ...

    def set_result(self, result: None, /) -> None:
        """Tell that it is durable."""
        ...

    def set_exception(self, exception: BaseException, /) -> None:
        """Tell why it cannot be."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """A connected system changed. What to run is the host's affair unless the trigger knows better."""

    token: Token | None = None
    changed: datetime | None = None
    """When it changed in the connected system, where that is known."""
    text: str = ""
    """What was seen, for people; no attribute values."""
    count: int = 1
    slot: Slot | None = None
    profile: ProfileName | None = None
    partition: PartitionName | None = None
    exclusive: bool = False
    front: bool = False
    full: bool = False
    evidence: str = ""
    """What came with it, for the journal: bounded, secrets masked."""
    receipt: Receipt | None = None
    """Where somebody waits for it: told once the firing is durable, or why it cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The trigger is alive and saw nothing new; ``details`` are for display."""

    details: Mapping[str, str] = field(default_factory=dict)


class Trigger(Protocol):
    """One watcher of one thing."""

    def watch(self, token: Token | None) -> AsyncIterator[Firing | Pulse]:
        """Yield firings from ``token`` on (None: from now, or from the beginning where only that is safe)."""
        ...
