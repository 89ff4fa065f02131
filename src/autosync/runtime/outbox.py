"""Delivers the outbox: at least once, oldest first, with growing pauses for what could not be delivered."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Final

import structlog

from autosync.model.errors import StoreUnavailable
from autosync.ports.clock import Clock
from autosync.ports.notifier import Notifier
from autosync.ports.store import Message, Store
from autosync.runtime.backoff import BackOff

_LOG: Final = structlog.get_logger("autosync.outbox")
_LOOK_S: Final = 60.0
_SEND_S: Final = 60.0


class Outbox:
    """Sends what was committed. A message of a channel that is no longer configured waits until it is again."""

    def __init__(self, store: Store, notifiers: Mapping[str, Notifier], clock: Clock, random: Random) -> None:
        self._store = store
        self._notifiers = notifiers
        self._clock = clock
        self._random = random
        self._news = asyncio.Event()
        self._failing: set[str] = set()

    def use(self, notifiers: Mapping[str, Notifier]) -> None:
        """Deliver through these from now on."""
        self._notifiers = notifiers
        self.wake()

    def wake(self) -> None:
        """Look at once: something was put in."""
        self._news.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            await self._wait()
            try:
                while await self._deliver_some():
                    pass
            except StoreUnavailable:
                continue  # the writer says so; what is due stays due

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_S if self._notifiers else None):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news = asyncio.Event()

    async def _deliver_some(self) -> bool:
        """Try what is due; return whether there may be more that is due now."""
        due = await self._store.due_messages(self._clock.now())
        delivered = [await self._deliver(message) for message in due]
        return any(delivered)

    async def _deliver(self, message: Message) -> bool:
        notifier = self._notifiers.get(message.channel)
        if notifier is None:
            await self._failed(message, f"there is no channel {message.channel}")
            return False
        try:
            async with asyncio.timeout(_SEND_S):
                await notifier.send(message.body)
        except Exception as error:  # noqa: BLE001 - the border to an adapter: contain, record, carry on
            await self._failed(message, str(error) or repr(error))
            return False
        await self._store.message_sent(message.number)
        if message.channel in self._failing:
            self._failing.discard(message.channel)
            _LOG.warning("channel-recovered", channel=message.channel)
        return True

    async def _failed(self, message: Message, error: str) -> None:
        pause = BackOff(random=self._random, first=30.0, longest=3600.0, tries=message.attempts).next_delay()
        await self._store.message_failed(message.number, self._clock.now() + timedelta(seconds=pause), error)
        if message.channel not in self._failing:
            self._failing.add(message.channel)
            _LOG.error("channel-failed", channel=message.channel, error=error)
