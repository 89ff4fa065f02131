"""The one alarm clock of the core: sends ``TimePassed`` when the moment that it was set to has come."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from autosync.model.stimuli import TimePassed
from autosync.ports.clock import Clock

_AGAIN_S: Final = 1.0
"""Least time between two alarms for the same moment: a decision that leaves its moment in the past must not spin."""


class Timer:
    """Wall time can step, so a long wait looks at the clock at least every ``look_again`` seconds."""

    def __init__(self, clock: Clock, submit: Callable[[TimePassed], object], *, look_again: float = 60.0) -> None:
        self._clock = clock
        self._submit = submit
        self._look_again = look_again
        self._at: datetime | None = None
        self._rung: datetime | None = None
        self._not_before = 0.0
        self._changed = asyncio.Event()

    @property
    def at(self) -> datetime | None:
        """Return the moment that the timer is set to."""
        return self._at

    def set(self, at: datetime | None) -> None:
        """Ring at ``at``; replaces the moment set before, None: never."""
        if at == self._at:
            return
        self._at = at
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def run(self) -> None:
        """Ring whenever a moment has come, until cancelled."""
        while True:
            changed = self._changed
            delay = self._delay()
            if delay is not None and delay <= 0:
                self._ring()
                continue
            try:
                async with asyncio.timeout(delay):
                    await changed.wait()
            except TimeoutError:
                pass

    def _ring(self) -> None:
        self._rung, self._at = self._at, None
        self._not_before = self._clock.elapsed() + _AGAIN_S
        self._submit(TimePassed())

    def _delay(self) -> float | None:
        if self._at is None:
            return None
        left = (self._at - self._clock.now()).total_seconds()
        if self._at == self._rung:
            left = max(left, self._not_before - self._clock.elapsed())
        return min(left, self._look_again)
