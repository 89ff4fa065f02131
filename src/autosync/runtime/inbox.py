"""What waits for the writer: bounded, in order of arrival, and equal firings are one with a count."""

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final, TypeAlias

from autosync.model.stimuli import Stimulus, TimePassed, TriggerFired, TriggerHealth
from autosync.ports.store import StoredFact

Answer: TypeAlias = asyncio.Future[Sequence[StoredFact]]
"""Resolved with the facts of one stimulus, once they are durable."""

CAPACITY: Final = 10_000
_UNITE_AT: Final = 64


@dataclass(slots=True, kw_only=True)
class Entry:
    """A stimulus that waits; ``answer`` where somebody waits for its facts."""

    first: Stimulus
    answer: Answer | None = None
    newer: list[Stimulus] = field(default_factory=list)
    """What stands for all that was drawn together with the first: at most a few, however many came."""

    def absorb(self, stimulus: Stimulus) -> None:
        """Take in a stimulus like the first; united now and then only, so that a storm costs next to nothing."""
        self.newer.append(stimulus)
        if len(self.newer) >= _UNITE_AT:
            self.first, self.newer = self.stimulus, []

    @property
    def is_urgent(self) -> bool:
        """Return whether it is something else than a firing, or somebody waits for it."""
        return self.answer is not None or not isinstance(self.first, TriggerFired)

    @property
    def stimulus(self) -> Stimulus:
        """Return one stimulus that stands for all."""
        return _together(self.first, self.newer) if self.newer else self.first


class Inbox:
    """The writer's queue.

    Firings that a decision could not tell apart are drawn together as they arrive: the newest token, the earliest
    change, the sum of the counts. When ``capacity`` things wait, a firing that fits nowhere is refused (its trigger keeps it
    and tries again) and so is a person's wish. Engines' reports are never refused: there is at most one task for
    each purpose of each agent, which bounds them.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: dict[Hashable, Entry] = {}
        self._arrivals = 0
        self._something = asyncio.Event()
        self._urgent = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_full(self) -> bool:
        """Return whether firings and persons' wishes are refused now."""
        return len(self._entries) >= self._capacity

    @property
    def is_closed(self) -> bool:
        """Return whether the writer ends once nothing waits."""
        return self._closed

    def put(self, stimulus: Stimulus, answer: Answer | None = None) -> bool:
        """Take the stimulus; return False when the inbox is full and the stimulus is one that can be kept outside."""
        key = _likeness(stimulus) if answer is None else None
        waiting = self._entries.get(key) if key is not None else None
        if waiting is not None:
            waiting.absorb(stimulus)
            return True
        if self.is_full and (answer is not None or isinstance(stimulus, TriggerFired)):
            return False
        self._arrivals += 1
        entry = Entry(first=stimulus, answer=answer)
        self._entries[key if key is not None else self._arrivals] = entry
        self._something.set()
        if entry.is_urgent:
            self._urgent.set()
        return True

    def close(self) -> None:
        """Let the writer end when nothing waits any more."""
        self._closed = True
        self._something.set()
        self._urgent.set()

    async def wait_something(self) -> None:
        """Wait until a stimulus waits, or the inbox is closed."""
        if not self._entries and not self._closed:
            self._something = asyncio.Event()
            await self._something.wait()

    async def wait_urgent(self, seconds: float) -> bool:
        """Wait until something else than a firing waits, or the inbox is closed; False after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._urgent.wait()
        except TimeoutError:
            return False
        return True

    def take(self, most: int, *, firings: bool = True) -> list[Entry]:
        """Return at most ``most`` entries, oldest first, and forget them. Without ``firings`` these go on gathering."""
        if firings and len(self._entries) <= most:
            taken, self._entries = list(self._entries.values()), {}
        else:
            able = (key for key, entry in self._entries.items() if firings or entry.is_urgent)
            taken = [self._entries.pop(key) for key in list(islice(able, most))]
        if not self._closed and not any(entry.is_urgent for entry in self._entries.values()):
            self._urgent.clear()
        return taken


def _likeness(stimulus: Stimulus) -> Hashable | None:
    """Return what two stimuli must share to be one; None for those that never are."""
    match stimulus:
        case TriggerFired():
            return (stimulus.trigger, stimulus.wanted, stimulus.full)
        case TriggerHealth():
            return (TriggerHealth, stimulus.trigger)
        case TimePassed():
            return TimePassed
        case _:
            return None


def _together(first: Stimulus, newer: Sequence[Stimulus]) -> Stimulus:
    """Return one stimulus that stands for all; nothing was decided between them, so the newest token is safe."""
    fired = [each for each in (first, *newer) if isinstance(each, TriggerFired)]
    if not fired:
        return newer[-1]
    return replace(
        fired[-1],
        token=next((each.token for each in reversed(fired) if each.token is not None), None),
        changed=min((each.changed for each in fired if each.changed is not None), default=None),
        text=next((each.text for each in reversed(fired) if each.text), ""),
        count=sum(each.count for each in fired),
    )
