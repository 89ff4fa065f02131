"""The trigger: takes deliveries, and answers each once its firing is durable."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Final

from autosync.adapters.triggers.webhook.checking import ID, refusal
from autosync.adapters.triggers.webhook.evidence import evidence_of, summary_of
from autosync.adapters.triggers.webhook.options import SHAPE, WebhookOptions
from autosync.model.errors import AutoSyncError, ConfigError, Refused, TriggerFailed
from autosync.model.requests import Token
from autosync.options.kind import BlockTrigger
from autosync.ports.clock import Clock
from autosync.ports.secrets import SecretSource
from autosync.ports.trigger import Firing, Pulse
from autosync.ports.webhook import Answer, Delivery, Reception

_WAITING: Final = 100
_PATIENCE_S: Final = 25.0
_PULSE_S: Final = 15.0
_REMEMBERED: Final = 10_000
"""Ids of deliveries; the oldest are forgotten first."""


class WebhookTrigger:
    """Implements ``ports.trigger.Trigger`` and ``ports.webhook.Webhook``.

    Its firings have no token: each is durable before the sender is told so, and a sender that was not told sends again.
    """

    def __init__(self, options: WebhookOptions, clock: Clock, secrets: SecretSource) -> None:
        self._options = options
        self._clock = clock
        self._secrets = secrets
        self._secret: str | None = None
        self._waiting: asyncio.Queue[Firing] | None = None
        self._receipts: set[asyncio.Future[None]] = set()
        self._recorded: OrderedDict[str, datetime] = OrderedDict()

    async def watch(self, token: Token | None) -> AsyncGenerator[Firing | Pulse]:  # noqa: ARG002 - it keeps no place
        """Yield a firing for each delivery that is good."""
        try:
            self._secret = self._secrets.find(str(self._options.secret)).reveal()
        except ConfigError as error:
            raise TriggerFailed(str(error)) from error
        waiting = self._waiting = asyncio.Queue(_WAITING)
        try:
            while True:
                yield Pulse(details={"state": "waiting to be called"})
                try:
                    async with asyncio.timeout(_PULSE_S):
                        firing = await waiting.get()
                except TimeoutError:
                    continue
                yield firing
        finally:
            self._waiting = None
            for receipt in self._receipts:
                if not receipt.done():
                    receipt.set_exception(Refused("the trigger no longer watches"))

    async def receive(self, delivery: Delivery) -> Answer:
        """Check and record a delivery."""
        waiting, secret = self._waiting, self._secret
        if waiting is None or secret is None:
            return _not_now("the trigger is off, or has just begun")
        no = refusal(delivery, self._options, secret, self._clock.now())
        if no is not None:
            return no
        message = delivery.headers.get(ID, "")
        if message and message in self._recorded:
            return Answer(reception=Reception.REPEATED, text="this delivery was recorded before")
        answer = await self._record(delivery, waiting)
        if message and answer.reception is Reception.RECORDED:
            self._remember(message)
        return answer

    async def _record(self, delivery: Delivery, waiting: asyncio.Queue[Firing]) -> Answer:
        receipt: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        receipt.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._receipts.add(receipt)
        try:
            waiting.put_nowait(self._firing(delivery, receipt))
            async with asyncio.timeout(_PATIENCE_S):
                await receipt
        except (asyncio.QueueFull, TimeoutError):
            return _not_now("too much waits to be recorded")
        except AutoSyncError as error:
            return _not_now(str(error))
        finally:
            self._receipts.discard(receipt)
        return Answer(reception=Reception.RECORDED, text="recorded")

    def _firing(self, delivery: Delivery, receipt: asyncio.Future[None]) -> Firing:
        return Firing(
            changed=self._clock.now(),
            text=summary_of(delivery.body),
            evidence=evidence_of(delivery.body) if self._options.keep_body else "",
            receipt=receipt,
        )

    def _remember(self, message: str) -> None:
        """Know it again for twice as long as it could be taken for new."""
        now = self._clock.now()
        self._recorded[message] = now
        oldest = next(iter(self._recorded.values()))
        while len(self._recorded) > _REMEMBERED or now - oldest > 2 * self._options.tolerance:
            self._recorded.popitem(last=False)
            oldest = next(iter(self._recorded.values()))


def _not_now(why: str) -> Answer:
    return Answer(reception=Reception.NOT_NOW, text=f"{why}; send it again")


WEBHOOK_KIND: Final = BlockTrigger(
    shape=SHAPE, make=lambda options, around: WebhookTrigger(options, around.clock, around.secrets)
)
"""``type: webhook`` in the configuration."""
