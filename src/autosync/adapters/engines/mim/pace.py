"""How often to look at the run history: densely when a run should end, rarely before, never more than the server may feel."""

from typing import Final

DENSE_S: Final = 0.25
SPARSE_S: Final = 2.0
"""Also how soon somebody else's run is noticed."""
_SHARE: Final = 0.1
_EARLY: Final = 0.6
_LATE: Final = 1.6
_LATE_S: Final = 2.0
_FINE: Final = 0.02

RATE: Final = 1.0
BURST: Final = 4.0
_RESERVE: Final = 1.0


class Budget:
    """Allows one look a second; seconds without one are saved up, for the moment when a run should end.

    One look is kept back for when it is known that there is something to see.
    """

    def __init__(self) -> None:
        self._saved = BURST
        self._at: float | None = None

    def delay(self, now: float, *, is_news: bool) -> float:
        """Return how many seconds to wait until a look is allowed."""
        self._earn(now)
        needed = 1.0 if is_news else 1.0 + _RESERVE
        return max(0.0, needed - self._saved) / RATE

    def spend(self, now: float) -> None:
        """Count a look."""
        self._earn(now)
        self._saved = max(0.0, self._saved - 1.0)

    def _earn(self, now: float) -> None:
        if self._at is not None:
            self._saved = min(BURST, self._saved + (now - self._at) * RATE)
        self._at = now


def until_next_look(age: float, expected: float | None) -> float:
    """Return the seconds until a run of that age should be looked at again. ``expected``: how long it will take in all.

    Around the expected end densely, for short runs every quarter of a second. Otherwise a share of what is known, so that a
    late answer costs little beside the run itself: of the age where nothing was learned, of the delay once the run is late.
    """
    if expected is None:
        return _between(age * _SHARE)
    if age < expected * _EARLY:
        return _between(expected * _EARLY - age)
    if age <= expected * _LATE + _LATE_S:
        return max(DENSE_S, min(1.0 / RATE, expected * _FINE))
    return _between((age - expected) * _SHARE)


def _between(seconds: float) -> float:
    return max(DENSE_S, min(SPARSE_S, seconds))


class Durations:
    """How long the runs of each profile took lately: the median of the last few, so that one outlier moves nothing."""

    KEPT: Final = 9

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], list[float]] = {}

    def learn(self, guid: str, profile: str, seconds: float) -> None:
        """Take in how long a run took."""
        known = self._known.setdefault((guid, profile.casefold()), [])
        known.append(seconds)
        del known[: -self.KEPT]

    def expected(self, guid: str, profile: str) -> float | None:
        """Return how long the next run will take; None where none was seen."""
        known = self._known.get((guid, profile.casefold()))
        return sorted(known)[len(known) // 2] if known else None
