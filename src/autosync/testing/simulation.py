"""Time as a variable: an event loop that jumps to the next timer instead of waiting; a simulated week takes milliseconds.

Disorder belongs into the fakes (seeded latencies, faults, lost answers), never into the loop: asyncio promises callbacks in
order. Threads do not exist here; what needs them is tested for real.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from random import Random
from typing import Final, TypeVar

from autosync.testing.clock import SimulatedClock

_Result = TypeVar("_Result")
_RESOLUTION_S: Final = 1e-6
"""A timer fires when ``when < time() + resolution``. From 2**24 s (day 194) a float cannot hold the default
nanosecond: due timers would never fire and the loop would spin."""


class Deadlock(RuntimeError):
    """Every task waits and no timer is set: nothing can ever happen again."""


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, jump: Callable[[float | None], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Never wait: jump. Nothing outside the loop exists, so sockets are not looked at."""
        self._jump(timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock is a variable."""

    def __init__(self) -> None:
        self._virtual_now = 0.0
        self.steps = 0
        """How often the loop has turned."""
        self.each_step: Callable[[int], None] | None = None
        """Called before each turn, with its number: the place for crashes and for checks."""
        super().__init__(_JumpingSelector(self._jump))
        self._clock_resolution = _RESOLUTION_S

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._virtual_now

    def _jump(self, timeout: float | None) -> None:
        self.steps += 1
        if self.each_step is not None:
            try:
                self.each_step(self.steps)
            except BaseException:
                self.each_step = None  # the loop still has to end its tasks
                raise
        if timeout is None:
            raise Deadlock("every task is waiting and no timer is set")
        if timeout > 0:
            self._virtual_now += timeout


def run_simulated(
    main: Callable[[SimulatedClock, Random], Coroutine[None, None, _Result]], *, seed: int = 0
) -> _Result:
    """Run ``main`` to its end in simulated time and return its result; equal seeds give equal runs."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main(SimulatedClock(), Random(seed)))
