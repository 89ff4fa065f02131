"""How long to wait before the next try: growing, randomised, bounded. Chance comes from an injected source."""

from dataclasses import dataclass
from random import Random


@dataclass(slots=True, kw_only=True)
class BackOff:
    """The delays of one series of tries. All times in seconds."""

    random: Random
    first: float = 1.0
    factor: float = 2.0
    longest: float = 60.0
    jitter: float = 0.2
    tries: int = 0

    def next_delay(self) -> float:
        """Return the delay before the next try, and count that try."""
        plain = min(self.longest, self.first * self.factor ** min(self.tries, 60))
        self.tries += 1
        return plain * (1 + self.jitter * (2 * self.random.random() - 1))

    def reset(self) -> None:
        """Begin anew: the last try was good."""
        self.tries = 0
