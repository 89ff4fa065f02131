"""The trigger: asks for requests that were completed since it last asked, and fires when there are some."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from autosync.adapters.triggers.mim_service.options import SHAPE, MimServiceOptions
from autosync.adapters.triggers.mim_service.requests import RequestHistory, completed_after
from autosync.model.errors import ConfigError, TokenUnknown, TriggerFailed
from autosync.model.requests import Token
from autosync.model.wording import number
from autosync.options.kind import BlockTrigger
from autosync.ports.clock import Clock
from autosync.ports.registry import Surroundings
from autosync.ports.trigger import Firing, Pulse

_OVERLAP: Final = timedelta(seconds=5)
"""A request's completion is written a little before it can be read; the last seconds are asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """How far it has read: requests completed after ``since`` are new, but for those that were seen already."""

    since: datetime
    seen: frozenset[str] = frozenset()


class MimServiceTrigger:
    """Implements ``ports.trigger.Trigger``. The token is a moment of the server's clock, with what was seen just before it."""

    def __init__(self, options: MimServiceOptions, clock: Clock, history: Callable[[], RequestHistory]) -> None:
        self._options = options
        self._clock = clock
        self._history = history

    async def watch(self, token: Token | None) -> AsyncIterator[Firing | Pulse]:
        """Yield a firing whenever requests were completed after ``token``; without one, at first."""
        read = None if token is None else _read(token)
        try:
            history = self._history()
        except ConfigError as error:
            raise TriggerFailed(str(error)) from error
        try:
            while True:
                answer = await history.asked(self._question(read))
                new = set(answer.ids) - (read.seen if read is not None else set())
                first, read = read is None, _Read(since=answer.at - _OVERLAP, seen=frozenset(answer.ids))
                if first:
                    yield Firing(token=_token(read), text="the MIM Service was asked for the first time")
                elif new:
                    yield Firing(token=_token(read), changed=answer.newest, count=len(new), text=_text(len(new)))
                else:
                    yield Pulse(details={"asked at": answer.at.isoformat()})
                await self._clock.sleep(self._options.every.total_seconds())
        finally:
            await history.close()

    def _question(self, read: _Read | None) -> str:
        since = self._clock.now() if read is None else read.since
        return completed_after(since, self._options.ignore_creators)


def _text(new: int) -> str:
    return f"{number(new, 'request was', 'requests were')} completed"


def _token(read: _Read) -> Token:
    return json.dumps({"since": read.since.isoformat(), "seen": sorted(read.seen)})


def _read(token: Token) -> _Read:
    try:
        data = json.loads(token)
        return _Read(since=datetime.fromisoformat(data["since"]), seen=frozenset(map(str, data["seen"])))
    except (ValueError, KeyError, TypeError):
        raise TokenUnknown("the stored place is not one of a MIM Service trigger; a full import replaces it") from None


def _history(options: MimServiceOptions, around: Surroundings) -> RequestHistory:
    # Loaded here: both ways bring large libraries with them, and one is enough.
    if options.host is not None:
        from autosync.adapters.triggers.mim_service.remote import RemoteHistory  # noqa: PLC0415

        return RemoteHistory(options, around.secrets)
    from autosync.adapters.triggers.mim_service.rest import RestHistory  # noqa: PLC0415

    return RestHistory(options, around.clock, around.secrets)


def _trigger(options: MimServiceOptions, around: Surroundings) -> MimServiceTrigger:
    return MimServiceTrigger(options, around.clock, lambda: _history(options, around))


MIM_SERVICE_KIND: Final = BlockTrigger(shape=SHAPE, make=_trigger)
"""``type: mim-service`` in the configuration."""
