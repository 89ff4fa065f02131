"""Forgets what is old, in small bites, so that the writer never waits long for the store."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from autosync.model.errors import AutoSyncError, StoreUnavailable
from autosync.model.ids import EngineName
from autosync.ports.clock import Clock
from autosync.ports.engine import Engine
from autosync.ports.store import Store

_LOG: Final = structlog.get_logger("autosync.retention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long things are kept."""

    history: timedelta = timedelta(days=90)
    """Facts, ended runs, decided holds, quiet cascades."""
    engine_history: Mapping[EngineName, timedelta] = field(default_factory=dict)
    """Run history in the engines; that of an engine without an age is left alone."""
    every: timedelta = timedelta(hours=1)
    bite: int = 2000
    pause_s: float = 0.05
    """Between two bites."""


class Retention:
    """Looks now and then, and prunes by age."""

    def __init__(self, store: Store, engines: Callable[[], Iterable[Engine]], clock: Clock, keep: Keep) -> None:
        self._store = store
        self._engines = engines
        self._clock = clock
        self._keep = keep

    async def run(self) -> None:
        """Prune at once and then ``every`` so often, until cancelled."""
        while True:
            with suppress(StoreUnavailable):  # the writer says so; next time more is old
                await self._prune()
            await self._clear_engines()
            await self._clock.sleep(self._keep.every.total_seconds())

    async def _prune(self) -> None:
        before = self._clock.now() - self._keep.history
        while True:
            pruned = await self._store.prune(before, limit=self._keep.bite)
            if max(pruned.facts, pruned.runs, pruned.others) < self._keep.bite:
                return  # of nothing was there more than one bite
            await self._clock.sleep(self._keep.pause_s)

    async def _clear_engines(self) -> None:
        for engine in tuple(self._engines()):
            age = self._keep.engine_history.get(engine.name)
            if age is None:
                continue
            before = self._clock.now() - age
            try:
                cleared = await engine.clear_history(before)
            except AutoSyncError as error:
                _LOG.warning("history-kept", engine=engine.name, error=str(error))
                continue
            if cleared:
                _LOG.info("history-cleared", engine=engine.name, runs=cleared)
