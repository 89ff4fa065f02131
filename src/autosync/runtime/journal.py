"""The journal's live side: every stored fact becomes a log line, and reaches everybody who follows.

A follower is only a number: how far it has read. What it missed while it was slow or away it reads from the store, so
memory is bounded by one shared buffer whatever the followers do.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import structlog

from autosync.model.facts import Severity
from autosync.ports.secrets import Secret
from autosync.ports.store import FactFilter, Store, StoredFact

_LEVELS: Final = {Severity.INFO: logging.INFO, Severity.WARNING: logging.WARNING, Severity.ERROR: logging.ERROR}
_NAMES: Final = ("engine", "agent", "run", "request", "hold", "cascade", "trigger", "person")
_PAGE: Final = 500


class Journal:
    """Tells of facts after they are durable, in the order of their numbers."""

    def __init__(self, store: Store, *, capacity: int = 4096, logged: bool = True) -> None:
        self._logged = logged
        self._store = store
        self._recent: deque[StoredFact] = deque(maxlen=capacity)
        self._news = asyncio.Event()
        self._log = structlog.get_logger("autosync.journal")

    @property
    def newest(self) -> int:
        """Return the number of the newest fact told in this life; 0 before the first."""
        return self._recent[-1].number if self._recent else 0

    def publish(self, facts: Sequence[StoredFact]) -> None:
        """Log the facts and wake everybody who follows."""
        if not facts:
            return
        self._recent.extend(facts)
        if self._logged:
            for stored in facts:
                self._log.log(_LEVELS[stored.fact.severity], stored.fact.kind.value, **line_of(stored))
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def subscribe(self, after: int | None = None) -> AsyncIterator[StoredFact]:
        """Yield every fact with a greater number than ``after``, in order, without end; None: from now on.

        A follower that was away, or is slow, gets what it missed from the store. Raises what the store raises.
        """
        seen = await self._newest_stored() if after is None else after
        while True:
            news = self._news
            for stored in await self._later_than(seen):
                yield stored
                seen = stored.number
            if seen >= self.newest:
                await news.wait()

    async def _newest_stored(self) -> int:
        if self._recent:
            return self.newest
        last = await self._store.facts(FactFilter(limit=1))
        return last[-1].number if last else 0

    async def _later_than(self, seen: int) -> Sequence[StoredFact]:
        if self._recent and self._recent[0].number <= seen + 1:
            return self._recent_after(seen)
        page = await self._store.facts(FactFilter(after=seen, limit=_PAGE))
        return page or self._recent_after(seen)

    def _recent_after(self, seen: int) -> Sequence[StoredFact]:
        return [stored for stored in self._recent if stored.number > seen]


def line_of(stored: StoredFact) -> dict[str, object]:
    """Return the fact as the keys of one log line; secrets print as stars."""
    fact = stored.fact
    named = {name: value for name in _NAMES if (value := getattr(fact, name)) is not None}
    data = {key: value for key, value in without_secrets(fact.data).items() if key not in named}
    return {"fact": stored.number, **named, "text": fact.text, **({"data": data} if data else {})}


def without_secrets(data: Mapping[str, object]) -> dict[str, object]:
    """Return the values with every secret replaced by stars, however deep."""
    return {key: _open(value) for key, value in data.items()}


def _open(value: object) -> object:
    match value:
        case Secret():
            return str(value)
        case Mapping():
            return {key: _open(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_open(inner) for inner in value]
        case _:
            return value
