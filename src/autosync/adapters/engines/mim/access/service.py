"""``SyncService`` on WMI, whatever carries it: which questions may be asked twice, and which may wait for a run."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

from autosync.adapters.engines.mim.access import rows
from autosync.adapters.engines.mim.access.failing import NOT_INSTALLED, port_errors
from autosync.adapters.engines.mim.access.port import ListedAgent, ListedRun, Question
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.windows_remoting.failures import Cause, RemotingFailed
from autosync.windows_remoting.workers import Workers, WorkTimedOut
from autosync.windows_remoting.wql import quoted

T = TypeVar("T")

_ASKING: Final = 4
_STARTING: Final = 100
"""A server may have a hundred agents, and each can run."""
_STOPPING: Final = 8


class Door(Protocol):
    """The namespace of the synchronization server, for one thread. Everything may raise ``RemotingFailed``."""

    def enter(self) -> datetime | None:
        """Reach the server, sign in, and return its clock where it tells it."""
        ...

    def instance(self, of: str, keys: Mapping[str, str], *, limit_s: float) -> Mapping[str, str]:
        """Return the properties of an instance; ``NOT_FOUND`` where there is none."""
        ...

    def query(self, wql: str, *, limit_s: float) -> Iterator[Mapping[str, str]]:
        """Yield the properties of every instance that fits."""
        ...

    def call(
        self, of: str, keys: Mapping[str, str], method: str, arguments: Mapping[str, str], *, limit_s: float
    ) -> str:
        """Call a method and return what it returns."""
        ...

    def abort(self) -> None:
        """Break off what is going on, from another thread."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """How long answers may take, in seconds; WinRM itself gives up after a minute unless ``MaxTimeoutms`` was raised."""

    answer_s: float = 50
    execute_s: float = 30
    """``Execute`` answers when the run has ended; the run goes on without anybody waiting."""
    stop_s: float = 30
    spare_s: float = 15
    """For connecting and signing in, and for the carrier's own word that its limit is over."""


class WmiService:
    """Implements ``SyncService``: a door for each thread, and threads apart for calls that wait for a run."""

    def __init__(
        self,
        server: str,
        door: Callable[[], Door],
        limits: TimeLimits | None = None,
        *,
        long_details: Callable[[str], Awaitable[str]] | None = None,
    ) -> None:
        """Connect to nothing yet. ``long_details`` fetches what is too long for one envelope, by the key of its row."""
        self._server = server
        self._limits = limits or TimeLimits()
        self._long_details = long_details
        self._asking = Workers(door, most=_ASKING, name=f"asks {server}")
        self._starting = Workers(door, most=_STARTING, name=f"starts on {server}")
        self._stopping = Workers(door, most=_STOPPING, name=f"stops on {server}")

    async def open(self) -> None:
        """Reach the server and sign in."""
        await self.time()

    async def close(self) -> None:
        """Break what waits for answers, and let go of connections."""
        for workers in (self._starting, self._stopping, self._asking):
            await workers.close()

    async def agents(self) -> Sequence[ListedAgent]:
        """Return all management agents."""
        limit_s = self._limits.answer_s
        try:
            found = await self._ask(lambda door: list(door.query(rows.AGENTS, limit_s=limit_s)))
        except EngineRejected:
            raise EngineUnavailable(f"{self._server} {NOT_INSTALLED}") from None
        return tuple(rows.listed_agent(each) for each in found)

    async def execute(self, agent: str, profile: str) -> str | None:
        """Call ``Execute``, once: again only where the server surely carried out nothing."""
        limit_s, keys = self._limits.execute_s, {"Name": agent}
        arguments = {"RunProfileName": profile}

        def call(door: Door) -> str | None:
            try:
                return _twice(
                    lambda: door.call(rows.AGENT, keys, "Execute", arguments, limit_s=limit_s), harmless=False
                )
            except RemotingFailed as failed:
                if failed.carried_out:
                    return None
                raise

        return await self._wait(self._starting, call, limit_s)

    async def stop(self, agent: str) -> str | None:
        """Call ``Stop``; after a lost answer again, where "not running" may mean that the first did it."""
        limit_s = self._limits.stop_s

        def call(door: Door) -> str | None:
            tries = 0

            def once() -> str:
                nonlocal tries
                tries += 1
                return door.call(rows.AGENT, {"Name": agent}, "Stop", {}, limit_s=limit_s)

            try:
                answer = _twice(once, harmless=True)
            except RemotingFailed as failed:
                if failed.carried_out and failed.cause in {Cause.TIME_OUT, Cause.LOST}:
                    return None
                raise
            return None if tries > 1 and answer.strip().lower() == "ma-not-running" else answer

        return await self._wait(self._stopping, call, limit_s)

    async def ask(self, agent: str, question: Question) -> str:
        """Call a reading method of an agent."""
        limit_s = self._limits.answer_s
        return await self._ask(lambda door: door.call(rows.AGENT, {"Name": agent}, question.value, {}, limit_s=limit_s))

    async def run(self, key: str) -> ListedRun | None:
        """Return one row of the run history."""
        limit_s = self._limits.answer_s
        try:
            return rows.listed_run(await self._ask(lambda door: door.instance(rows.RUN, {"Key": key}, limit_s=limit_s)))
        except EngineRejected:
            return None

    async def runs(
        self, *, agent: str | None = None, started_from: datetime | None = None, ended_until: datetime | None = None
    ) -> Sequence[ListedRun]:
        """Return rows of the run history, filtered by the server."""
        limit_s = self._limits.answer_s
        from_moment = rows.next_millisecond(started_from) if started_from is not None else None

        def read(door: Door) -> list[Mapping[str, str]]:
            wql = rows.runs_query(quoted, agent=agent, started_from=from_moment, ended_until=ended_until)
            return list(door.query(wql, limit_s=limit_s))

        return rows.oldest_first(rows.listed_run(each) for each in await self._ask(read))

    async def details(self, key: str) -> str:
        """Call ``RunDetails`` of a row of the run history."""
        limit_s = self._limits.answer_s
        with port_errors(self._server):
            try:
                return await self._asked(
                    lambda door: door.call(rows.RUN, {"Key": key}, "RunDetails", {}, limit_s=limit_s)
                )
            except RemotingFailed as failed:
                if failed.cause is not Cause.TOO_LARGE or self._long_details is None:
                    raise
            return await self._long_details(key)

    async def clear_runs(self, before: datetime) -> str:
        """Call ``ClearRuns``."""
        limit_s, arguments = self._limits.answer_s, {"EndingBefore": rows.written(before)}
        return await self._ask(
            lambda door: door.call(rows.SERVER, rows.SERVER_KEYS, "ClearRuns", arguments, limit_s=limit_s)
        )

    async def time(self) -> datetime | None:
        """Return the server's clock, where the way in tells it."""
        return await self._ask(lambda door: door.enter())

    async def _ask(self, do: Callable[[Door], T]) -> T:
        with port_errors(self._server):
            return await self._asked(do)

    async def _asked(self, do: Callable[[Door], T]) -> T:
        """Ask, and once more on a new connection where the first broke; what asks changes nothing, or the same twice."""
        limit_s = self._limits.answer_s + self._limits.spare_s
        return await self._asking.call(lambda door: _twice(lambda: do(door), harmless=True), limit_s=limit_s)

    async def _wait(self, workers: Workers[Door], call: Callable[[Door], str | None], limit_s: float) -> str | None:
        """Return the answer, or None when it did not come in time."""
        with port_errors(self._server):
            try:
                return await workers.call(call, limit_s=limit_s + self._limits.spare_s)
            except WorkTimedOut:
                return None


def _twice(do: Callable[[], T], *, harmless: bool) -> T:
    """Do it, and a second time where the connection broke: if that does no harm, or nothing was carried out."""
    try:
        return do()
    except RemotingFailed as failed:
        if failed.cause is not Cause.LOST or (failed.carried_out and not harmless):
            raise
    return do()
