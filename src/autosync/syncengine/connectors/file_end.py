"""The end of a text file: one that is cut inside its last value looks whole, but for the line end that is missing.

Nobody can see that in one file. Its writer's habit can be seen: where the reading before ended with a line end and this one
does not, the file is taken for cut. The habit travels at the end of the token.
"""

from enum import StrEnum
from typing import Final

_MARKS: Final = {True: b"+", False: b"-"}


class FinalNewline(StrEnum):
    """What a file without a line end at its end means."""

    SAME = "same"
    REQUIRED = "required"
    OPTIONAL = "optional"


class FileEnd:
    """What one reading has seen of its file's end, beside how the reading before ended."""

    def __init__(self, rule: FinalNewline) -> None:
        self._rule = rule
        self._before: bool | None = None
        self.has_line_end = True
        """Set it to False when the last record has none."""

    def recall(self, token: bytes | None) -> None:
        """Take note of how the last whole reading ended; without a token nobody knows."""
        mark = (token or b"")[-1:]
        self._before = next((ended for ended, known in _MARKS.items() if known == mark), None)

    @property
    def reason(self) -> str | None:
        """Return why a file that ends here without a line end is taken for cut; None where it is not."""
        if self.has_line_end or self._rule is FinalNewline.OPTIONAL:
            return None
        if self._rule is FinalNewline.SAME and not self._before:
            return None
        known = "" if self._rule is FinalNewline.REQUIRED else ", and did not so far"
        return f"the file ends without a line end{known}: it may be cut (if it is whole, set final-newline: optional)"

    @property
    def remark(self) -> str:
        """Return what a person should hear of a first reading."""
        if self.has_line_end or self._rule is not FinalNewline.SAME or self._before is not None:
            return ""
        return "the file ends without a line end: see whether its last line is whole (final-newline: required would refuse it)"

    def token(self, before: bytes | None) -> bytes:
        """Return the token of a whole reading with how it ended."""
        return (before or b"") + _MARKS[self.has_line_end]


def without_mark(token: bytes) -> bytes:
    """Return a token as it was before ``FileEnd.token``."""
    return token[:-1] if token[-1:] in _MARKS.values() else token


def mark_of(token: bytes | None) -> bytes:
    """Return what ``FileEnd.token`` put at the end of a token, to be handed on by readings of other files."""
    return token[-1:] if token is not None and token[-1:] in _MARKS.values() else b""
