"""All triggers of this AutoSync: one task each, switched and replaced one by one without touching the others."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random

from autosync.model.errors import NotFound
from autosync.model.ids import TriggerId
from autosync.ports.clock import Clock
from autosync.ports.trigger import Trigger
from autosync.runtime.trigger_watch import TriggerPart, TriggerWatch, WatchHealth, Ways


class TriggerHost:
    """Starts a watch for each enabled trigger and keeps it going."""

    def __init__(self, ways: Ways, clock: Clock, random: Random) -> None:
        self._make: Callable[[TriggerPart], TriggerWatch] = lambda part: TriggerWatch(part, ways, clock, random)
        self._parts: dict[TriggerId, TriggerPart] = {}
        self._watches: dict[TriggerId, TriggerWatch] = {}
        self._tasks: dict[TriggerId, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for part in self._parts.values():
                    self._start(part)
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None

    def replace(self, parts: Iterable[TriggerPart]) -> None:
        """Let exactly ``parts`` watch: what is new starts, what is gone stops, what changed starts again, the rest goes on."""
        wanted = {part.id: part for part in parts}
        for key in [key for key, part in self._parts.items() if not _same(part, wanted.get(key))]:
            self._stop(key)
            del self._parts[key]
        for key, part in wanted.items():
            if key not in self._parts:
                self._parts[key] = part
                self._start(part)

    def enable(self, trigger: TriggerId) -> None:
        """Let a trigger watch again; it reports what changed since its stored token."""
        self._switch(trigger, enabled=True)

    def disable(self, trigger: TriggerId) -> None:
        """Let a trigger rest until ``enable``, or the next start of the service."""
        self._switch(trigger, enabled=False)

    def find(self, trigger: TriggerId) -> Trigger | None:
        """Return a trigger by its id; None where there is none."""
        part = self._parts.get(trigger)
        return None if part is None else part.trigger

    def health(self) -> Mapping[TriggerId, WatchHealth]:
        """Return how every trigger does now."""
        return {key: self._health_of(part) for key, part in self._parts.items()}

    def _health_of(self, part: TriggerPart) -> WatchHealth:
        watch = self._watches.get(part.id)
        if watch is None:
            return WatchHealth(id=part.id, agent=part.agent, enabled=part.enabled)
        return replace(watch.health, enabled=part.enabled, alive=watch.health.alive and part.enabled)

    def _switch(self, trigger: TriggerId, *, enabled: bool) -> None:
        if trigger not in self._parts:
            known = ", ".join(sorted(self._parts)) or "none"
            raise NotFound(f"there is no trigger {trigger}; there are: {known}")
        part = replace(self._parts[trigger], enabled=enabled)
        self._parts[trigger] = part
        if enabled:
            self._start(part)
        else:
            self._stop(trigger)

    def _start(self, part: TriggerPart) -> None:
        running = self._tasks.get(part.id)
        if self._group is None or not part.enabled or (running is not None and not running.done()):
            return
        watch = self._watches[part.id] = self._make(part)
        self._tasks[part.id] = self._group.create_task(watch.run(), name=f"trigger {part.id}")

    def _stop(self, trigger: TriggerId) -> None:
        task = self._tasks.pop(trigger, None)
        if task is not None:
            task.cancel()


def _same(old: TriggerPart, new: TriggerPart | None) -> bool:
    return new is not None and old.fingerprint == new.fingerprint != ""
