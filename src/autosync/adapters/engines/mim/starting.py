"""Starting and stopping: ``Execute`` is only a start, its answer only a hint; what became of it stands in the run history."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeVar

from autosync.adapters.engines.mim.access.port import ListedAgent, Question, SyncService
from autosync.adapters.engines.mim.known_runs import is_newer
from autosync.adapters.engines.mim.reading import answers, statuses
from autosync.adapters.engines.mim.reading.values import guid, whole
from autosync.adapters.engines.mim.rows import HistoryRow, history_row, key_of
from autosync.adapters.engines.mim.watch import RunWatch
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.ports.clock import Clock

_Answer = TypeVar("_Answer")

LATEST_S: Final = 15.0
"""How long after ``Execute`` gave up the run may still turn up in the history."""
_LATEST_KNOWN_S: Final = 60.0
"""The same where ``Execute`` answered how the run ended: it is sure to have begun."""
_WITHOUT_ROW: Final = frozenset(
    {
        "access-denied",
        "no-start-concurrent-execution-not-support",
        "no-start-ma-already-running",
        "no-start-ma-update-in-progress",
        "no-start-unknown-profile-name",
    }
)
"""What ``Execute`` alone answers (ms697765): such a start leaves no row. Other refusals may be in the history as runs."""
_STOP_S: Final = 5.0
_CLOSE_S: Final = 2.0


class Calls:
    """Calls that block on the server for as long as a run takes: they go on when nobody waits for their answer any more."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, call: Coroutine[Any, Any, _Answer], name: str) -> asyncio.Task[_Answer]:
        """Make the call beside everything else."""
        # The task belongs to this object, which ends it in close(); no task group of the caller lives that long.
        task = asyncio.get_running_loop().create_task(call, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Give up waiting for all of them; what they began goes on in the engine."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_S)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # an error that nobody waits for any more is none


class Starter:
    """Starts runs and finds them in the history."""

    def __init__(self, service: SyncService, watch: RunWatch, clock: Clock, calls: Calls) -> None:
        self._service = service
        self._watch = watch
        self._clock = clock
        self._calls = calls

    async def start(self, agent: ListedAgent, profile: str) -> HistoryRow:
        """Start a run and return its row.

        Raises ``EngineRejected`` with the engine's word when nothing began, ``EngineUnavailable`` when nobody can tell.
        """
        try:
            number = await self._number(agent) or 0
        except EngineUnavailable as error:
            raise _not_asked(agent, profile, error) from error
        newest = self._watch.known.newest(guid(agent.guid))
        if newest is None or newest.number < number:
            newest = _bare_row(agent, number)
        call = self._calls.begin(self._execute(agent, profile), f"Execute {profile} of {agent.name}")
        return await self._row_of(agent, profile, newest, call)

    async def stop(self, agent: str) -> None:
        """Ask for the end of the agent's run; the run's own row tells when it has come."""
        call = self._calls.begin(self._service.stop(agent), f"Stop {agent}")
        done, _ = await asyncio.wait((call,), timeout=_STOP_S)
        if done:
            answer = call.result()
            if answer is not None:
                answers.stopped(answer)
        self._watch.hurry()

    async def newest(self, agent: ListedAgent) -> HistoryRow | None:
        """Return the row of the agent's newest run as the server tells it now."""
        number = await self._number(agent)
        if number is None:
            return None
        listed = await self._service.run(key_of(agent.guid, number))
        if listed is None:
            return await self._without_row(agent, number)
        row = history_row(listed)
        self._watch.tell(row)
        return row

    async def _execute(self, agent: ListedAgent, profile: str) -> str | None:
        """Call ``Execute``; where it answers how the run ended, read the run's row at once instead of polling for it."""
        try:
            answer = await self._service.execute(agent.name, profile)
            if answer is not None and answers.executed(answer).began:
                with suppress(EngineUnavailable, EngineRejected):  # then the history tells, with the next look
                    row = await self.newest(agent)
                    if row is not None and not row.goes_on:
                        return answer
        except BaseException:
            self._watch.hurry()
            raise
        self._watch.hurry()
        return answer

    async def _row_of(
        self, agent: ListedAgent, profile: str, before: HistoryRow, call: "asyncio.Task[str | None]"
    ) -> HistoryRow:
        latest: float | None = None
        refusal: EngineRejected | None = None
        while True:
            if call.done() and latest is None:
                refusal = _refusal(agent, profile, call)
                latest = self._clock.elapsed() + (_LATEST_KNOWN_S if _has_begun(call) else LATEST_S)
            row = self._watch.known.newest(before.guid)
            if row is not None and _is_after(row, before, profile):
                return row
            if latest is not None and self._clock.elapsed() >= latest:
                return await self._last_look(agent, profile, before)
            await self._watch.turn()
            if refusal is not None and not _is_after(self._watch.known.newest(before.guid), before, profile):
                raise refusal  # it has no row of its own, as refusals mostly have none

    async def _last_look(self, agent: ListedAgent, profile: str, before: HistoryRow) -> HistoryRow:
        """Ask the agent itself: its row may be hidden while the run goes on."""
        row = await self.newest(agent)
        if _is_after(row, before, profile):
            assert row is not None
            return row
        raise EngineUnavailable(
            f"whether {profile} of {agent.name} began is not known: no answer came, and the run history shows no new run. "
            "It is looked for before anything is started again"
        )

    async def _number(self, agent: ListedAgent) -> int | None:
        """Return the number of the agent's last run; None when it never ran, or its history was cleared."""
        answer = await self._service.ask(agent.name, Question.RUN_NUMBER)
        number = whole(answer)
        if number is None and answer.strip():
            raise answers.said_no(answer)
        return number

    async def _without_row(self, agent: ListedAgent, number: int) -> HistoryRow | None:
        """Return what the agent itself tells of a run whose row is not shown; None when that run is over."""
        status = await self._service.ask(agent.name, Question.RUN_STATUS)
        if not statuses.is_transitional(status):
            return None
        profile = await self._service.ask(agent.name, Question.RUN_PROFILE)
        return replace(_bare_row(agent, number), profile=profile.strip(), status=status.strip())


def _bare_row(agent: ListedAgent, number: int) -> HistoryRow:
    """Return a row of which only the number is known."""
    return HistoryRow(
        key=key_of(agent.guid, number),
        agent=agent.name,
        guid=guid(agent.guid),
        number=number,
        profile="",
        status="",
        started=None,
        ended=None,
    )


def _is_after(row: HistoryRow | None, before: HistoryRow, profile: str) -> bool:
    """Return whether a row is of a run of the profile that began after another."""
    if row is None or row.key == before.key or row.profile.casefold() != profile.casefold():
        return False
    return is_newer(row, before)


def _refusal(agent: ListedAgent, profile: str, call: "asyncio.Task[str | None]") -> EngineRejected | None:
    """Return the engine's no where ``Execute`` gave one that may have a row; raise it where it has none for sure.

    Every other answer, and none, leaves the word to the history.
    """
    error = call.exception()
    if isinstance(error, EngineUnavailable):
        return _not_asked(agent, profile, error)
    answer = call.result()
    said = answers.executed(answer) if answer is not None else None
    if said is None or said.began is not False:
        return None
    no = EngineRejected(said.status, f"{profile} of {agent.name} did not start: {answers.said_no(said.status)}")
    if said.status.lower() in _WITHOUT_ROW:
        raise no
    return no


def _not_asked(agent: ListedAgent, profile: str, error: EngineUnavailable) -> EngineRejected:
    """Return the refusal for a start of which it is sure that the server never got it."""
    return EngineRejected("engine-unavailable", f"{profile} of {agent.name} was not started: {error}")


def _has_begun(call: "asyncio.Task[str | None]") -> bool:
    answer = call.result() if call.exception() is None else None
    return answer is not None and answers.executed(answer).began is True
