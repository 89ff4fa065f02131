"""What is known of the run history: the rows that count, what changed in them, and from which moment on to ask next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from autosync.adapters.engines.mim.rows import HistoryRow

OVERLAP: Final = timedelta(seconds=5)
"""How far a row may stand back behind one that was seen: runs start at the same time on many agents, and rows come late."""
MOST_ROWS: Final = 200
"""Rows of one answer, so that it stays small; runs that started before those are asked about one by one."""
_KEPT_ENDED: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What one question asks for. ``alone``: the runs that go on and began before it."""

    started_from: datetime
    alone: tuple[HistoryRow, ...]


class KnownRuns:
    """The rows that were seen: all that go on, the newest of each agent, and the ended ones of late."""

    def __init__(self) -> None:
        self._rows: dict[str, HistoryRow] = {}
        self._going_on: dict[str, HistoryRow] = {}
        self._newest: dict[str, HistoryRow] = {}
        self._anchor: datetime | None = None

    def row(self, key: str) -> HistoryRow | None:
        """Return a row that was seen."""
        return self._rows.get(key)

    def newest(self, guid: str) -> HistoryRow | None:
        """Return the newest row of an agent."""
        return self._newest.get(guid)

    @property
    def going_on(self) -> tuple[HistoryRow, ...]:
        """Return the runs that had not ended when they were seen last."""
        return tuple(self._going_on.values())

    def anchor_at(self, moment: datetime) -> None:
        """Let the next question reach back to ``moment`` at least: the server's clock as it was read."""
        self._anchor = moment if self._anchor is None else min(self._anchor, moment)

    def take(self, rows: Iterable[HistoryRow]) -> list[HistoryRow]:
        """Take in rows; return those that are new or changed."""
        changed = []
        for row in rows:
            if self._rows.get(row.key) == row:
                continue
            self._rows[row.key] = row
            self._going_on.pop(row.key, None)
            if row.goes_on:
                self._going_on[row.key] = row
            changed.append(row)
            if is_newer(row, self._newest.get(row.guid)):
                self._newest[row.guid] = row
            if row.started is not None and (self._anchor is None or row.started > self._anchor):
                self._anchor = row.started
        self._forget_old()
        return changed

    def forget(self, key: str) -> None:
        """Forget a row that the history has no more."""
        row = self._rows.pop(key, None)
        self._going_on.pop(key, None)
        if row is not None and self._newest.get(row.guid) == row:
            del self._newest[row.guid]

    def window(self) -> Window | None:
        """Return what to ask next: everything new, and as many runs that go on as fit a small answer. None: no anchor yet."""
        if self._anchor is None:
            return None
        started_from = self._anchor - OVERLAP
        starts = sorted((row.started for row in self._rows.values() if row.started is not None), reverse=True)
        reach = starts[min(MOST_ROWS, len(starts)) - 1] if starts else started_from
        waited = [row for row in self.going_on if row.started is None or row.started < started_from]
        near = [row.started for row in waited if row.started is not None and row.started >= reach]
        started_from = min([started_from, *near])
        alone = tuple(row for row in waited if row.started is None or row.started < started_from)
        return Window(started_from=started_from, alone=alone)

    def missing(self, window: Window, answered: Sequence[HistoryRow]) -> list[HistoryRow]:
        """Return runs that go on and should have been in the answer, but were not: their rows were cleared, or come late."""
        seen = {row.key for row in answered}
        alone = {row.key for row in window.alone}
        return [row for row in self.going_on if row.key not in seen and row.key not in alone]

    def _forget_old(self) -> None:
        if len(self._rows) <= 2 * _KEPT_ENDED:
            return
        ended = [row for row in self._rows.values() if not row.goes_on and row.started is not None]
        ended.sort(key=lambda row: row.started or datetime.min)  # noqa: DTZ901 - rows without a start were left out
        newest = {row.key for row in self._newest.values()}
        for row in ended[:-_KEPT_ENDED]:
            if row.key not in newest:
                del self._rows[row.key]


def is_newer(row: HistoryRow, known: HistoryRow | None) -> bool:
    """Return whether a row is of a later run: by number, and by start where a cleared history may count from 1 again."""
    if known is None or row.key == known.key or row.number > known.number:
        return True
    return row.started is not None and known.started is not None and row.started > known.started
