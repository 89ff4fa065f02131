"""What the engine wrote and AutoSync did not understand: told once for each kind, in AutoSync's log."""

import re
from collections.abc import Iterable
from typing import Final

import structlog

from autosync.model.ids import EngineName

_LOG: Final = structlog.get_logger("autosync.engine")
_NUMBERS: Final = re.compile(r"\d[\d,.]*")
_MOST: Final = 500


class Told:
    """Remembers what was told. Two warnings that differ in numbers alone are of one kind."""

    def __init__(self, engine: EngineName) -> None:
        self.engine = engine
        self._kinds: set[str] = set()

    def warn(self, about: str, text: str) -> None:
        """Tell people who look after the engine."""
        kind = f"{about}: {_NUMBERS.sub('#', text)}"
        if kind in self._kinds or len(self._kinds) >= _MOST:
            return
        self._kinds.add(kind)
        _LOG.warning("engine-not-understood", engine=self.engine, about=about, text=text)

    def warn_all(self, about: str, texts: Iterable[str]) -> None:
        """Tell of several things."""
        for text in texts:
            self.warn(_NUMBERS.sub("#", about), text)

    def once(self, event: str, **values: object) -> None:
        """Tell that something is as it is, once for each set of values."""
        kind = f"{event}: {sorted(values.items())!r}"
        if kind not in self._kinds:
            self._kinds.add(kind)
            _LOG.warning(event, engine=self.engine, **values)
