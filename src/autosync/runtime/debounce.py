"""Draws a burst of firings together: fires after ``quiet`` without news, at the latest ``longest`` after the first.

Trailing edge: the last change of a burst is always in what fires, with its token. Pure: the time is an argument.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from autosync.ports.trigger import Firing


@dataclass(slots=True)
class Debounce:
    """What has been seen and has not fired yet. All times in seconds of one monotonic clock."""

    quiet: float = 0.0
    longest: float = 30.0
    _held: dict[Hashable, Firing] = field(default_factory=dict)
    _first: float = 0.0
    _last: float = 0.0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def due(self) -> float | None:
        """Return when to fire; None when nothing is held."""
        if not self._held:
            return None
        return min(self._last + self.quiet, self._first + self.longest)

    def add(self, now: float, firing: Firing) -> None:
        """Hold a firing; one that wants the same run unites with it."""
        if not self._held:
            self._first = now
        self._last = now
        key = likeness(firing)
        held = self._held.get(key)
        self._held[key] = firing if held is None else together(held, firing)

    def take(self) -> tuple[Firing, ...]:
        """Return everything held, oldest first, and hold nothing."""
        taken = tuple(self._held.values())
        self._held.clear()
        return taken


def likeness(firing: Firing) -> Hashable:
    """Return what two firings must share to want the same run."""
    return (firing.slot, firing.profile, firing.partition, firing.exclusive, firing.front, firing.full)


def together(earlier: Firing, later: Firing) -> Firing:
    """Return one firing for both: the newest token, the earliest change."""
    changes = [moment for moment in (earlier.changed, later.changed) if moment is not None]
    return replace(
        later,
        token=later.token if later.token is not None else earlier.token,
        changed=min(changes, default=None),
        text=later.text or earlier.text,
        count=earlier.count + later.count,
    )
