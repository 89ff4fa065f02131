"""Which requests of the MIM Service count, and what is known of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

SYNCHRONIZATION_ACCOUNT: Final = "fb89aefa-5ea1-47f1-8890-abe7797d6497"
"""The built-in synchronization account, the same in every MIM Service: what the engine exports, it requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the MIM Service said: the ids of requests (lower case, no ``urn:uuid:``), and its own clock at that moment."""

    ids: tuple[str, ...]
    at: datetime
    newest: datetime | None = None
    """When the last of them was completed, where the way in tells."""


class RequestHistory(Protocol):
    """A way to ask the MIM Service for requests."""

    async def asked(self, path: str) -> Answer:
        """Return what an XPath filter finds, at most some hundred; raise ``TriggerFailed``."""
        ...

    async def close(self) -> None:
        """Let go of connections; idempotent, bounded in time."""
        ...


def completed_after(moment: datetime, but_by: Collection[str]) -> str:
    """Return the XPath filter for requests that were completed after a moment, and not by some creators.

    The account that asks needs a management policy rule that lets it read ``msidmCompletedTime`` of all requests.
    """
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"
    creators = "".join(f" and not(Creator = '{creator}')" for creator in sorted(but_by))
    return f"/Request[msidmCompletedTime > '{text}' and RequestStatus = 'Completed'{creators}]"


def plain_id(text: str) -> str:
    """Return an object id in lower case without ``urn:uuid:``."""
    return text.strip().lower().removeprefix("urn:uuid:")
