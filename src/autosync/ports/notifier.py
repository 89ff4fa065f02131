"""The promise of a notifier: it delivers a message to people or systems outside, at least once."""

from collections.abc import Mapping
from typing import Protocol


class Notifier(Protocol):
    """One channel: mail, chat, webhook, event log."""

    async def send(self, body: Mapping[str, object]) -> None:
        """Deliver; raise any ``AutoSyncError`` when it could not, and it is tried again later. Bounded in time."""
        ...
