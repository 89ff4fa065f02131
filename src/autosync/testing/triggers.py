"""A trigger that fires by call, honest about tokens: what it was not allowed to forget it reports again."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime

from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.model.requests import Token
from autosync.ports.trigger import Firing, Pulse


class ScriptedTrigger:
    """The watched thing is a counter: each change has a number, and the token is the number read last."""

    def __init__(self) -> None:
        self._changes: list[Firing] = []
        self._failures: deque[TriggerFailed] = deque()
        self._forgotten = 0
        self._news = asyncio.Event()
        self.watches = 0
        """How often ``watch`` was called."""

    @property
    def number(self) -> int:
        """Return the number of the newest change."""
        return len(self._changes)

    def change(self, *, changed: datetime | None = None, firing: Firing | None = None) -> None:
        """Let the watched thing change."""
        number = self.number + 1
        made = firing or Firing(text=f"change {number}")
        self._changes.append(replace(made, token=str(number), changed=changed or made.changed))
        self._tell()

    def fail(self, message: str = "the connection was lost") -> None:
        """Let the watch fail once."""
        self._failures.append(TriggerFailed(message))
        self._tell()

    def forget(self) -> None:
        """Let the watched thing no longer know any token given so far (a restored database, a full change log)."""
        self._forgotten = self.number
        self.fail("the change log was rewritten")

    async def watch(self, token: Token | None) -> AsyncIterator[Firing | Pulse]:
        """Yield what changed after ``token``; None means from the beginning."""
        self.watches += 1
        self._failures.clear()
        if token is not None and int(token) < self._forgotten:
            raise TokenUnknown(f"no change is known from {token} on")
        read = int(token) if token is not None else 0
        yield Pulse()
        while True:
            news = self._news
            if self._failures:
                raise self._failures.popleft()
            while read < self.number:
                read += 1
                yield self._changes[read - 1]
            if news is self._news:
                await news.wait()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
