"""A service that counts what is asked of it, and when."""

from typing import Any

from autosync.ports.clock import Clock

POLLING = ("runs", "run")


class Counting:
    """Passes everything on. ``asked`` are the names of the calls with their times."""

    def __init__(self, service: Any, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self.asked: list[tuple[float, str]] = []
        self.rows = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._service, name)

        async def call(*args: Any, **options: Any) -> Any:
            self.asked.append((self._clock.elapsed(), name))
            answer = await method(*args, **options)
            if name == "runs":
                self.rows = max(self.rows, len(answer))
            return answer

        return call

    def times(self, *names: str) -> list[float]:
        """Return when any of the calls was made."""
        return [at for at, name in self.asked if name in names]
