"""What a script says, on its way into AutoSync's log: secrets masked, floods cut, the last words kept."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import structlog

_LOG: Final = structlog.get_logger("autosync.script")
_MOST_LINES: Final = 200
"""Lines that are logged in one period; the rest is counted."""
_PERIOD_S: Final = 60.0
_LONGEST: Final = 2000
_LAST: Final = 5
_LOUD: Final = frozenset({"warning", "error"})


class Voice:
    """The log of one script."""

    def __init__(self, script: str, elapsed: Callable[[], float]) -> None:
        self._script = script
        self._elapsed = elapsed
        self._secrets: tuple[str, ...] = ()
        self._last: deque[str] = deque(maxlen=_LAST)
        self._began = elapsed()
        self._lines = 0

    def mask(self, secrets: Iterable[str]) -> None:
        """Let these never appear."""
        self._secrets = tuple(secret for secret in secrets if secret)

    def cleaned(self, text: str) -> str:
        """Return the text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def say(self, stream: str, text: str) -> None:
        """Log what came on a stream."""
        line = self.cleaned(text).rstrip()[:_LONGEST]
        if not line:
            return
        if stream != "noise":
            self._last.append(line)
        if self._has_room():
            (_LOG.warning if stream in _LOUD else _LOG.info)(
                "script-said", script=self._script, stream=stream, text=line
            )

    def last_words(self) -> str:
        """Return what it said last, for the message about its end, and forget it."""
        words = " / ".join(self._last)
        self._last.clear()
        return words

    def _has_room(self) -> bool:
        now = self._elapsed()
        if now - self._began >= _PERIOD_S:
            if self._lines > _MOST_LINES:
                _LOG.warning("script-said-more", script=self._script, lines_left_out=self._lines - _MOST_LINES)
            self._began, self._lines = now, 0
        self._lines += 1
        return self._lines <= _MOST_LINES
