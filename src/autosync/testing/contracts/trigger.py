"""What every trigger must do. A test module gives a ``TriggerStage`` and runs each of ``CASES`` on a loop of its choice."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from autosync.model.requests import Token
from autosync.ports.trigger import Firing, Pulse, Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerStage:
    """Something to watch, and a way to change it."""

    make: Callable[[], Trigger]
    change: Callable[[], object]
    """Change what is watched; each time differently."""
    patience_s: float = 10.0
    """How long a firing may take."""
    quiet_s: float = 2.0
    """After how long without a firing there will be none."""


class TriggerContract:
    """The suite."""

    def __init__(self, stage: TriggerStage) -> None:
        self._stage = stage

    @asynccontextmanager
    async def _watching(self, token: Token | None) -> AsyncGenerator[AsyncIterator[Firing | Pulse]]:
        watching = self._stage.make().watch(token)
        try:
            yield watching
        finally:
            if isinstance(watching, AsyncGenerator):
                await watching.aclose()

    async def _firing(self, watching: AsyncIterator[Firing | Pulse], seconds: float) -> Firing | None:
        """Return the next firing; None when none comes."""
        try:
            async with asyncio.timeout(seconds):
                async for seen in watching:
                    if isinstance(seen, Firing):
                        return seen
        except TimeoutError:
            return None
        return None

    async def _token_now(self) -> Token | None:
        """Return a token that stands for all that is there after a first change."""
        async with self._watching(None) as watching:
            self._stage.change()
            newest: Firing | None = None
            while (seen := await self._firing(watching, self._stage.quiet_s)) is not None:
                newest = seen
        assert newest is not None, "a change while watching fired nothing"
        return newest.token

    async def a_change_while_watching_fires(self) -> None:
        """Fire, with a token."""
        token = await self._token_now()
        async with self._watching(token) as watching:
            self._stage.change()
            seen = await self._firing(watching, self._stage.patience_s)

        assert seen is not None
        assert seen.token is not None
        assert seen.token != token

    async def a_change_while_nobody_watched_fires(self) -> None:
        """Go on from the token."""
        token = await self._token_now()
        self._stage.change()
        async with self._watching(token) as watching:
            assert await self._firing(watching, self._stage.patience_s) is not None

    async def nothing_new_fires_nothing(self) -> None:
        """Stay silent, or pulse."""
        token = await self._token_now()
        async with self._watching(token) as watching:
            assert await self._firing(watching, self._stage.quiet_s) is None

    async def the_last_change_of_a_burst_is_in_the_last_token(self) -> None:
        """Lose nothing of a burst, and report nothing of it again."""
        token = await self._token_now()
        async with self._watching(token) as watching:
            for _ in range(10):
                self._stage.change()
                await asyncio.sleep(0.01)
            last = await self._firing(watching, self._stage.patience_s)
            while last is not None and (later := await self._firing(watching, self._stage.quiet_s)) is not None:
                last = later

        assert last is not None
        async with self._watching(last.token) as watching:
            assert await self._firing(watching, self._stage.quiet_s) is None

    async def cancellation_ends_the_watch_at_once(self) -> None:
        """Go when asked to."""
        token = await self._token_now()

        async def watch() -> None:
            async with self._watching(token) as watching:
                await self._firing(watching, 3600.0)

        async with asyncio.timeout(1.0), asyncio.TaskGroup() as group:
            task = group.create_task(watch(), name="watch")
            await asyncio.sleep(0.05)
            task.cancel()
        assert task.cancelled()


CASES = tuple(name for name, method in vars(TriggerContract).items() if callable(method) and not name.startswith("_"))
