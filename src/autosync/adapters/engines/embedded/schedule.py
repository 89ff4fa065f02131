"""A trigger of the engine's own: deprovisionings whose delay is over want a synchronization, although nothing else happens."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Final

from autosync.adapters.engines.embedded.options import EmbeddedOptions
from autosync.model.errors import TriggerFailed
from autosync.model.requests import Token
from autosync.model.steps import Slot
from autosync.ports.clock import Clock
from autosync.ports.trigger import Firing, Pulse
from autosync.syncengine.errors import StoreDamaged
from autosync.syncengine.spec.parse import parse_spec
from autosync.syncengine.store.schedule import DelayedDeprovisioning, delayed_deprovisioning

_LONGEST: Final = timedelta(minutes=1)
_SHORTEST: Final = timedelta(seconds=0.5)


class DeprovisioningTrigger:
    """Fires when deprovisionings of one agent are due: at once after a start, then once for each moment.

    It needs no token: what is due stays in the engine's store until a synchronization has dealt with it.
    """

    def __init__(self, options: EmbeddedOptions, agent: str, delay: timedelta, clock: Clock) -> None:
        self._store = options.store
        self._agent = agent
        self._delay = delay
        self._clock = clock

    async def watch(self, token: Token | None) -> AsyncIterator[Firing | Pulse]:  # noqa: ARG002 (see the class)
        """Yield a firing when something is due, for ever. Raises ``TriggerFailed`` where the store cannot be read."""
        fired = None
        while True:
            now = self._clock.now()
            try:
                found = await asyncio.to_thread(delayed_deprovisioning, self._store, self._agent, now)
            except StoreDamaged as error:
                raise TriggerFailed(str(error)) from error
            is_due = found.first is not None and found.first <= now
            if is_due and found != fired:
                fired = found
                things = "deprovisioning is" if found.due == 1 else "deprovisionings are"
                yield Firing(text=f"{found.due} delayed {things} due", changed=found.first, slot=Slot.DELTA_SYNC)
            else:
                yield Pulse(details=_details(found))
            await self._clock.sleep(self._pause(found).total_seconds())

    def _pause(self, found: DelayedDeprovisioning) -> timedelta:
        """Return how long nothing can become due: new ones wait for their whole delay, but are to be seen before."""
        left = self._delay / 2
        if found.first is not None:
            left = min(left, max(found.first - self._clock.now(), _SHORTEST))
        return min(max(left, _SHORTEST), _LONGEST)


def deprovisioning_triggers(options: EmbeddedOptions, clock: Clock) -> Mapping[str, DeprovisioningTrigger]:
    """Return a trigger for each agent that deprovisions after a delay, by the agent's name."""
    delays = {
        name: min(delays)
        for name, agent in parse_spec(options.data).agents.items()
        if (delays := [rules.deprovision.after for rules in agent.types.values() if rules.deprovision.after])
    }
    return {name: DeprovisioningTrigger(options, name, delay, clock) for name, delay in delays.items()}


def _details(found: DelayedDeprovisioning) -> Mapping[str, str]:
    return {"next": found.first.isoformat(timespec="seconds")} if found.first is not None else {}
