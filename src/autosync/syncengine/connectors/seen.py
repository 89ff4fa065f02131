"""Which anchors a reading has met, so that a second object with the same one is noticed."""

from collections.abc import Callable, Sequence


class SeenAnchors:
    """Eight bytes and a set entry an anchor, as long as none repeats; once one seems to, the lines of all.

    ``lines_before`` reads the file once more and returns the line of each anchor before a line: only a repetition is worth
    that, and a message that names both lines.
    """

    def __init__(self, lines_before: Callable[[int], dict[str, int]]) -> None:
        self._lines_before = lines_before
        self._hashes: set[int] = set()
        self._lines: dict[str, int] | None = None

    def take_all(self, anchors: Sequence[str]) -> bool:
        """Take anchors that are all new; otherwise take none and return False."""
        if self._lines is not None:
            return False
        hashes = set(map(hash, anchors))
        if len(hashes) < len(anchors) or not self._hashes.isdisjoint(hashes):
            return False
        self._hashes |= hashes
        return True

    def take(self, anchor: str, line: int) -> int | None:
        """Take one anchor; return the line where it was before, None when it is new."""
        if self._lines is None:
            key = hash(anchor)
            if key not in self._hashes:
                self._hashes.add(key)
                return None
            self._lines = dict(self._lines_before(line))
        first = self._lines.setdefault(anchor, line)
        return None if first == line else first
