"""Whether an engine can be reached now, as those who talk to it share the news."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final, TypeVar

import structlog

from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.ports.clock import Clock
from autosync.ports.engine import Engine
from autosync.runtime.backoff import BackOff

_Answer = TypeVar("_Answer")
_LOG: Final = structlog.get_logger("autosync.engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long the shell waits for an engine, and how often it looks."""

    answer: timedelta = timedelta(seconds=60)
    """For any one question but ``wait``."""
    late_start: timedelta = timedelta(seconds=5)
    """How long after a lost answer a run may still begin; only then is it known that it never began."""
    describe_every: timedelta = timedelta(minutes=1)
    longest_pause: timedelta = timedelta(seconds=30)
    """Between two tries to reach an engine that cannot be reached."""
    close: timedelta = timedelta(seconds=5)


class Link:
    """One engine, and whether it answers."""

    def __init__(self, engine: Engine, clock: Clock, random: Random, limits: Limits) -> None:
        self.engine = engine
        self.clock = clock
        self.limits = limits
        self._random = random
        self._up = asyncio.Event()
        self._doubted = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Return whether the engine answered last time."""
        return self._up.is_set()

    def up(self) -> None:
        """Tell everybody who waits that the engine answers."""
        self._doubted = asyncio.Event()
        self._up.set()

    def down(self) -> None:
        """Tell that the engine does not answer."""
        if self._up.is_set():
            self._up = asyncio.Event()

    async def wait_up(self) -> None:
        """Wait until the engine answers."""
        while not self._up.is_set():
            await self._up.wait()

    async def wait_doubt(self, seconds: float) -> None:
        """Wait until somebody got no answer, at most ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._doubted.wait()
        except TimeoutError:
            pass
        self._doubted = asyncio.Event()

    def look_now(self) -> None:
        """Let whoever waits for a doubt look at once."""
        self._doubted.set()

    def pauses(self) -> BackOff:
        """Return fresh delays for one series of tries."""
        return BackOff(random=self._random, longest=self.limits.longest_pause.total_seconds())

    async def ask(self, question: Callable[[], Awaitable[_Answer]], what: str, *, bounded: bool = True) -> _Answer:
        """Return the engine's answer; whatever goes wrong is ``EngineUnavailable`` or ``EngineRejected``.

        ``bounded`` False waits without end (for ``Engine.wait``, which polls and bounds each poll itself).
        """
        seconds = self.limits.answer.total_seconds() if bounded else None
        try:
            async with asyncio.timeout(seconds):
                return await question()
        except EngineRejected:
            raise
        except EngineUnavailable:
            self._doubted.set()
            raise
        except TimeoutError:
            self._doubted.set()
            raise EngineUnavailable(f"{self.engine.name}: no answer in {seconds} s to: {what}") from None
        except Exception as error:  # the border to an adapter: contain, record, carry on
            self._doubted.set()
            _LOG.error("adapter-failed", engine=self.engine.name, what=what, error=repr(error))
            raise EngineUnavailable(f"{self.engine.name}: {what} failed: {error!r}") from error
