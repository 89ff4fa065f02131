"""The one watch over a server's run history: whoever waits for anything shares it, and all looks together are one a second.

There is no task of its own: of those who wait, one carries out the next look and the others get what it saw. So nothing
looks when nobody waits, and a caller that is cancelled leaves nothing behind.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from autosync.adapters.engines.mim.access.port import Question, SyncService
from autosync.adapters.engines.mim.known_runs import KnownRuns
from autosync.adapters.engines.mim.pace import SPARSE_S, Budget, Durations, until_next_look
from autosync.adapters.engines.mim.reading import statuses
from autosync.adapters.engines.mim.reading.values import whole
from autosync.adapters.engines.mim.rows import HistoryRow, history_row
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.ports.clock import Clock

_TRY_AGAIN_S: Final = 1.0
_SOON_S: Final = 1e-3
_DOUBTED_FROM_S: Final = 600.0

UNKNOWN_END: Final = "completed-unknown"
"""The status of a run that ended without a word in the history. By its beginning it counts as done, so that whatever it staged
or exported is looked after; what it did is unknown."""


class RunWatch:
    """Knows the runs of one server as of its last look."""

    def __init__(
        self, service: SyncService, clock: Clock, on_change: Callable[[HistoryRow], None] = lambda _: None
    ) -> None:
        """``on_change`` hears of each row that is new or changed, before anybody who waits."""
        self._on_change = on_change
        self._service = service
        self._clock = clock
        self.known = KnownRuns()
        self._durations = Durations()
        self._budget = Budget()
        self._began: dict[str, float] = {}
        self._looked: dict[str, float] = {}
        self._doubted: dict[str, float] = {}
        self._swept = float("-inf")
        self._alone_last = False
        self._is_news = False
        self._is_told = False
        self._leads = False
        self._hurried = asyncio.Event()
        self._over = asyncio.Event()
        self._failure: EngineUnavailable | None = None
        self._unseen: dict[int, list[HistoryRow]] = {}
        self._skew = timedelta(0)

    def begin(self, server_time_skew: timedelta) -> None:
        """Let the next look reach back to now, by the server's clock, which is ahead of ours by the skew."""
        self._skew = server_time_skew
        self.known.anchor_at(self._clock.now() + server_time_skew)

    def hurry(self) -> None:
        """Look as soon as the budget allows: something is known to have happened."""
        self._swept = float("-inf")
        self._alone_last = self._is_news = True
        self._hurried.set()

    def tell(self, row: HistoryRow) -> None:
        """Take in a row that somebody asked about by the way, and let everybody who waits look at it at once."""
        self._take([row])
        self._is_told = True
        self._hurried.set()

    def _take(self, rows: Sequence[HistoryRow]) -> None:
        now = self._clock.elapsed()
        for row in rows:
            self._looked[row.key] = now
        for row in self.known.take(rows):
            self._note(row, now)
            self._on_change(row)
            for unseen in self._unseen.values():
                unseen.append(row)

    async def turn(self) -> None:
        """Wait until something may be new: for the next look, which whoever waits first carries out, or for ``tell``.

        Raises ``EngineUnavailable``.
        """
        if self._leads:
            over = self._over
            await over.wait()
            if self._failure is not None:
                raise EngineUnavailable(str(self._failure))
            return
        self._leads, self._failure = True, None
        try:
            if await self._pause():
                await self._look()
        except EngineUnavailable as error:
            self._failure = error
            raise
        finally:
            self._leads = False
            over, self._over = self._over, asyncio.Event()
            over.set()

    async def changes(self) -> AsyncIterator[HistoryRow]:
        """Yield each row that is new or changed from now on, in the order of the runs."""
        unseen: list[HistoryRow] = []
        self._unseen[id(unseen)] = unseen
        try:
            while True:
                while unseen:
                    yield unseen.pop(0)
                await self.turn()
        finally:
            del self._unseen[id(unseen)]

    async def end_of(self, row: HistoryRow) -> HistoryRow | None:
        """Wait until a run has really ended and return its last row; None when its row is gone from the history."""
        if self.known.row(row.key) is None:
            self.tell(row)
        while True:
            known = self.known.row(row.key)
            if known is None or not known.goes_on:
                return known
            await self.turn()

    async def goes_on_hidden(self, row: HistoryRow) -> bool:
        """Return whether the agent itself says that it is running this very run, whatever the history shows."""
        try:
            status = await self._service.ask(row.agent, Question.RUN_STATUS)
            if not statuses.is_transitional(status):
                return False
            return whole(await self._service.ask(row.agent, Question.RUN_NUMBER)) == row.number
        except EngineRejected:
            return False

    def _note(self, row: HistoryRow, now: float) -> None:
        if row.key not in self._began:
            age = (self._clock.now() + self._skew - row.started).total_seconds() if row.started is not None else 0.0
            self._began[row.key] = now - max(0.0, age)
        if not row.goes_on:
            self._began.pop(row.key, None)
            self._looked.pop(row.key, None)
            self._doubted.pop(row.key, None)
            if row.started is not None and row.ended is not None:
                self._durations.learn(row.guid, row.profile, (row.ended - row.started).total_seconds())

    async def _pause(self) -> bool:
        """Wait until a look is due; return False when somebody told something instead."""
        while True:
            self._hurried.clear()
            if self._is_told:
                self._is_told = False
                return False
            now = self._clock.elapsed()
            delay = max(self._due() - now, self._budget.delay(now, is_news=self._is_news))
            if delay <= _SOON_S:
                return True
            try:
                async with asyncio.timeout(delay):
                    await self._hurried.wait()
            except TimeoutError:
                pass

    def _due(self) -> float:
        """Return when the next look is due: for what is new, or for a run that may be at its end."""
        return min([self._swept + SPARSE_S, *(self._next_look(row) for row in self.known.going_on)])

    def _next_look(self, row: HistoryRow) -> float:
        looked = self._looked.get(row.key, float("-inf"))
        age = max(0.0, looked - self._began.get(row.key, looked))
        return looked + until_next_look(age, self._durations.expected(row.guid, row.profile))

    async def _look(self) -> None:
        """Ask once; a question without an answer is asked once more, for connections that ended while nobody used them."""
        try:
            await self._ask()
        except EngineUnavailable:
            await self._clock.sleep(_TRY_AGAIN_S)
            await self._ask()

    async def _ask(self) -> None:
        now = self._clock.elapsed()
        self._budget.spend(now)
        self._is_news = False
        window = self.known.window()
        assert window is not None, "begin() comes first"
        alone = min(window.alone, key=self._next_look, default=None)
        is_new_due = self._swept + SPARSE_S <= now
        if alone is not None and self._next_look(alone) <= now and not (is_new_due and self._alone_last):
            self._alone_last = True
            await self._ask_about(alone)
            return
        self._alone_last = False
        self._swept = now
        rows = [history_row(each) for each in await self._service.runs(started_from=window.started_from)]
        self._take(rows)
        for row in self.known.missing(window, rows):
            self._budget.spend(now)
            await self._ask_about(row)
        await self._doubt_what_takes_long(now)

    async def _doubt_what_takes_long(self, now: float) -> None:
        """Ask the agent of one long run whether it really goes on: a service that died may leave its row as it was."""
        row = min(
            (each for each in self.known.going_on if now - self._began.get(each.key, now) > _DOUBTED_FROM_S),
            key=lambda each: self._doubted.get(each.key, float("-inf")),
            default=None,
        )
        if row is None or now - self._doubted.get(row.key, float("-inf")) < _DOUBTED_FROM_S:
            return
        self._doubted[row.key] = now
        self._budget.spend(now)
        if not await self.goes_on_hidden(row):
            current = await self._service.run(row.key)
            if current is not None and history_row(current).goes_on:
                self._take([replace(row, status=UNKNOWN_END, ended=self._clock.now() + self._skew)])

    async def _ask_about(self, row: HistoryRow) -> None:
        listed = await self._service.run(row.key)
        if listed is not None:
            self._take([history_row(listed)])
        elif await self.goes_on_hidden(row):
            self._looked[row.key] = self._clock.elapsed()
        else:
            self.known.forget(row.key)
            self._began.pop(row.key, None)
            self._looked.pop(row.key, None)
