"""Ports that die with the service: after its death nothing of it reaches the world, not even its clean-up.

A real crash runs no ``finally``. In simulation the tasks of a dead service are cancelled, and their clean-up runs; it
meets these wrappers, which let nothing through any more.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

from autosync.ports.engine import Engine
from autosync.ports.scripts import ControllerScript
from autosync.ports.store import Store


class Mortal:
    """One life. Counts the moments in which it could die: before and after each call to the world."""

    def __init__(self, *, dies_at: int | None = None, on_death: Callable[[], None] = lambda: None) -> None:
        self._dies_at = dies_at
        self._on_death = on_death
        self.moments = 0
        self.is_dead = False

    def die(self) -> None:
        """Let nothing through from now on."""
        if not self.is_dead:
            self.is_dead = True
            self._on_death()

    async def moment(self) -> None:
        """Pass a moment, unless dead or about to die."""
        self.moments += 1
        if self.moments == self._dies_at:
            self.die()
        await asyncio.sleep(0)
        if self.is_dead:
            raise asyncio.CancelledError

    def store(self, store: Store) -> Store:
        """Return the store as this life sees it."""
        return cast(Store, _Calls(self, store))

    def script(self, script: ControllerScript) -> ControllerScript:
        """Return the controller script as this life sees it."""
        return cast(ControllerScript, _Calls(self, script))

    def engine(self, engine: Engine) -> Engine:
        """Return the engine as this life sees it."""
        return cast(Engine, _Calls(self, engine))


class _Calls:
    """Passes every call on, with a moment before and one after it."""

    def __init__(self, life: Mortal, inner: Store | Engine | ControllerScript) -> None:
        self._life = life
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        found = getattr(self._inner, name)
        if name in {"name", "agent"}:
            return found
        return self._watch if name == "sightings" else self._call(found)

    def _call(self, inner: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def call(*positional: object, **named: object) -> object:
            await self._life.moment()
            answer = await inner(*positional, **named)
            await self._life.moment()
            return answer

        return call

    async def _watch(self) -> AsyncIterator[object]:
        sightings = cast(Engine, self._inner).sightings()
        await self._life.moment()
        async for sighting in sightings:
            await self._life.moment()
            yield sighting
