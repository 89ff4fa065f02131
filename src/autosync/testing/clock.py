"""Clocks for tests: one on the (simulated) loop, whose wall time can step, and one that stands still."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
"""When simulations begin: a Monday morning."""


class SimulatedClock:
    """Wall time is an epoch plus the loop's time; ``shift`` plays somebody setting the clock."""

    def __init__(self, epoch: datetime = EPOCH) -> None:
        self._epoch = epoch

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        return self._epoch + timedelta(seconds=self.elapsed())

    def elapsed(self) -> float:
        """Return the loop's seconds, which no shift touches."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait on the loop."""
        await asyncio.sleep(seconds)

    def shift(self, step: timedelta) -> None:
        """Step the wall time, forward or back; elapsed time goes on as it was."""
        self._epoch += step


class FixedClock:
    """Stands still until it is moved; sleeping moves it."""

    def __init__(self, now: datetime = EPOCH) -> None:
        self._now = now
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        return self._now

    def elapsed(self) -> float:
        """Return the seconds by which it was moved forward."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.move(timedelta(seconds=seconds))
        await asyncio.sleep(0)

    def move(self, step: timedelta) -> None:
        """Move on, or back; elapsed time never goes back."""
        self._now += step
        self._elapsed += max(0.0, step.total_seconds())
