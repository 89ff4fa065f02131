"""One trigger at work: watches, draws bursts together, fires, and starts again by itself after a failure."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final, TypeAlias

import structlog

from autosync.model.errors import AutoSyncError, Refused, TokenUnknown, TriggerFailed
from autosync.model.ids import AgentId, PartitionName, ProfileName, TriggerId
from autosync.model.requests import Token, Wanted
from autosync.model.steps import Slot
from autosync.model.stimuli import Stimulus, TriggerFired, TriggerHealth
from autosync.ports.clock import Clock
from autosync.ports.trigger import Firing, Pulse, Receipt, Trigger
from autosync.runtime.backoff import BackOff
from autosync.runtime.debounce import Debounce

_LOG: Final = structlog.get_logger("autosync.trigger")
_ROOM_S: Final = 0.05
"""How long a firing that found the inbox full waits before it tries again."""
_MOST_HELD: Final = 1000
"""Firings that want different runs; beyond them the trigger itself has to wait."""

Submit: TypeAlias = Callable[[Stimulus], bool]
Record: TypeAlias = Callable[[Stimulus], Awaitable[object]]
TokenOf: TypeAlias = Callable[[TriggerId], Token | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The ways from a trigger to the writer."""

    submit: Submit
    token_of: TokenOf
    record: Record | None = None
    """Hand in a firing and wait until it is durable; for firings that somebody waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerPart:
    """A trigger, ready made, and what it is for."""

    id: TriggerId
    agent: AgentId
    trigger: Trigger
    slot: Slot = Slot.DELTA_IMPORT
    """What to run where the firing does not say."""
    profile: ProfileName | None = None
    partition: PartitionName | None = None
    exclusive: bool = False
    front: bool = False
    debounce: timedelta = timedelta(0)
    """How long it must be quiet before a burst fires; 0 fires each change at once."""
    longest: timedelta = timedelta(seconds=30)
    """How long a burst may hold its first change back."""
    enabled: bool = True
    fingerprint: str = ""
    """Everything that the trigger was made from, as text: a part with an equal one need not be replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchHealth:
    """How a trigger does, for display."""

    id: TriggerId
    agent: AgentId
    enabled: bool = True
    alive: bool = False
    """Whether it has shown a sign of life since it was last (re)started."""
    since: datetime | None = None
    """When it became what ``alive`` says."""
    last_event: datetime | None = None
    last_fire: datetime | None = None
    fires: int = 0
    lag: timedelta | None = None
    """Between the newest change and its being noticed."""
    error: str = ""
    restarts: int = 0
    coalescing: bool = False
    """Whether the inbox is full, so that it draws firings together."""
    details: Mapping[str, str] = field(default_factory=dict)


def wanted_by(part: TriggerPart, firing: Firing) -> Wanted:
    """Return what to run: what the firing says, else what the trigger is for."""
    profile = firing.profile or (None if firing.slot else part.profile)
    return Wanted(
        agent=part.agent,
        profile=None if firing.full else profile,
        slot=Slot.FULL_IMPORT if firing.full else firing.slot or (None if profile else part.slot),
        partition=firing.partition or part.partition,
        exclusive=firing.exclusive or part.exclusive,
        front=firing.front or part.front,
    )


class TriggerWatch:
    """Runs one trigger until cancelled; what it still holds then is fired on the way out."""

    def __init__(self, part: TriggerPart, ways: Ways, clock: Clock, random: Random) -> None:
        self._part = part
        self._submit = ways.submit
        self._recorder = ways.record
        self._token_of = ways.token_of
        self._clock = clock
        self._pauses = BackOff(random=random, longest=60.0)
        self._held = Debounce(part.debounce.total_seconds(), part.longest.total_seconds())
        self._alarm: asyncio.TimerHandle | None = None
        self._lost_token: Token | None = None
        self.health = WatchHealth(id=part.id, agent=part.agent, since=clock.now())

    async def run(self) -> None:
        """Watch; after a failure again, with growing pauses, from the last stored token."""
        try:
            while True:
                await self._watch()
                await self._clock.sleep(self._pauses.next_delay())
                self.health = replace(self.health, restarts=self.health.restarts + 1)
        finally:
            self._fire()
            if self._alarm is not None:
                self._alarm.cancel()

    async def _watch(self) -> None:
        watching = self._part.trigger.watch(self._token())
        try:
            async for seen in watching:
                self._alive(seen)
                if isinstance(seen, Firing) and seen.receipt is not None:
                    await self._record(seen, seen.receipt)
                elif isinstance(seen, Firing):
                    await self._hold(seen)
            self._failed("the watch ended by itself")
        except TokenUnknown as lost:
            self._lost_token = self._token()
            self._failed(str(lost))
            await self._hold(Firing(full=True, text=f"the place to go on from is lost: {lost}"))
        except TriggerFailed as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - the border to an adapter: contain, record, carry on
            _LOG.error("trigger-broke", trigger=self._part.id, error=repr(error))
            self._failed(f"unexpected: {error!r}")
        finally:
            if isinstance(watching, AsyncGenerator):
                await watching.aclose()

    def _token(self) -> Token | None:
        """Return the last stored token, unless the connected system no longer knows it."""
        stored = self._token_of(self._part.id)
        return None if stored == self._lost_token else stored

    async def _record(self, firing: Firing, receipt: Receipt) -> None:
        """Hand over at once what somebody waits for, and tell them when it is durable."""
        trouble: AutoSyncError = Refused("AutoSync stopped before it was recorded")
        try:
            if self._recorder is None:
                raise Refused("nothing is recorded here")
            await self._recorder(self._fired(firing))
            if not receipt.done():
                receipt.set_result(None)
        except AutoSyncError as error:
            trouble = error
        finally:
            if not receipt.done():
                receipt.set_exception(trouble)

    async def _hold(self, firing: Firing) -> None:
        while len(self._held) >= _MOST_HELD:
            await self._clock.sleep(_ROOM_S)
        self._held.add(self._clock.elapsed(), firing)
        self._set_alarm()

    def _set_alarm(self) -> None:
        due = self._held.due
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if due is None:
            return
        left = due - self._clock.elapsed()
        if left <= 0:
            self._fire()
        else:
            self._alarm = asyncio.get_running_loop().call_later(left, self._fire)

    def _fire(self) -> None:
        """Hand over what is held; what the full inbox refuses stays, and grows together, until there is room."""
        refused = [firing for firing in self._held.take() if not self._submit(self._fired(firing))]
        if len(refused) != 0:
            for firing in refused:
                self._held.add(self._clock.elapsed(), firing)
            self._alarm = asyncio.get_running_loop().call_later(_ROOM_S, self._fire)
        if self.health.coalescing != bool(refused):
            self.health = replace(self.health, coalescing=bool(refused))
            _LOG.warning("inbox-full" if refused else "inbox-has-room", trigger=self._part.id)

    def _fired(self, firing: Firing) -> TriggerFired:
        part = self._part
        now = self._clock.now()
        self.health = replace(self.health, last_fire=now, fires=self.health.fires + 1)
        return TriggerFired(
            trigger=part.id,
            wanted=wanted_by(part, firing),
            token=firing.token,
            changed=firing.changed,
            text=firing.text,
            count=firing.count,
            full=firing.full,
            evidence=firing.evidence,
        )

    def _alive(self, seen: Firing | Pulse) -> None:
        now = self._clock.now()
        details = seen.details if isinstance(seen, Pulse) else self.health.details
        self.health = replace(self.health, last_event=now, details=details)
        if isinstance(seen, Firing) and seen.changed is not None:
            self.health = replace(self.health, lag=now - seen.changed)
        if self.health.alive:
            return
        if self.health.error:
            self._submit(TriggerHealth(trigger=self._part.id, alive=True, details=dict(details)))
        self.health = replace(self.health, alive=True, since=now, error="")
        self._pauses.reset()

    def _failed(self, error: str) -> None:
        if not self.health.error:
            self._submit(TriggerHealth(trigger=self._part.id, alive=False, error=error))
        self.health = replace(self.health, alive=False, since=self._clock.now(), error=error)
