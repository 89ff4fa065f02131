"""What a reader met and did not understand: told once each, bounded, never with an attribute's value."""

from typing import Final

MOST: Final = 50
_LONGEST: Final = 200


class Doubts:
    """Collects warnings. What is told is for people who look after the engine."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}
        self._more = 0

    def tell(self, text: str) -> None:
        """Note a warning; an equal one is noted once."""
        line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
        line = line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
        if line in self._told:
            return
        if len(self._told) < MOST:
            self._told[line] = None
        else:
            self._more += 1

    @property
    def told(self) -> tuple[str, ...]:
        """Return the warnings, in the order in which they came up."""
        more = (f"and {self._more} more",) if self._more else ()
        return (*self._told, *more)
