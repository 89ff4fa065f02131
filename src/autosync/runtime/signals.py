"""The system's wish that the service ends, as a call in the event loop, on every platform."""

import asyncio
import signal
from collections.abc import Callable
from types import FrameType
from typing import Final

_WISHES: Final = ("SIGINT", "SIGTERM", "SIGBREAK")


def call_on_stop_signals(stop: Callable[[], None]) -> None:
    """Call ``stop`` in the running loop for each SIGINT and SIGTERM (on Windows SIGBREAK too)."""
    loop = asyncio.get_running_loop()

    def wished(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)

    for name in _WISHES:
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows' loops cannot; the plain handler wakes the loop itself
            signal.signal(number, wished)
