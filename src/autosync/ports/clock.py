"""The promise of a clock. Wall time is aware and UTC; elapsed time is monotonic. They never mix."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where the shell gets the time."""

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        ...

    def elapsed(self) -> float:
        """Return monotonic seconds since some fixed moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; cancellation ends it."""
        ...
