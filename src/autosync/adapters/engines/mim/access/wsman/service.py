"""``SyncService`` by WS-Management: one connection a thread, and threads apart for calls that wait for a run."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from autosync.adapters.engines.mim.access import rows
from autosync.adapters.engines.mim.access.failing import NOT_INSTALLED, port_errors
from autosync.adapters.engines.mim.access.port import ListedAgent, ListedRun, Question
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.windows_remoting.cim import Cim, quoted
from autosync.windows_remoting.connection import Connection
from autosync.windows_remoting.failures import Cause, RemotingFailed
from autosync.windows_remoting.target import Target
from autosync.windows_remoting.workers import Workers, WorkTimedOut

T = TypeVar("T")

_ASKING: Final = 4
_STARTING: Final = 100
"""A server may have a hundred agents, and each can run."""
_STOPPING: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """How long answers may take, in seconds; WinRM itself gives up after a minute unless ``MaxTimeoutms`` was raised."""

    answer_s: int = 50
    execute_s: int = 30
    """``Execute`` answers when the run has ended; the run goes on without anybody waiting."""
    stop_s: int = 30


class WsmanService:
    """Implements ``SyncService``."""

    def __init__(
        self,
        target: Target,
        limits: TimeLimits | None = None,
        *,
        long_details: Callable[[str], Awaitable[str]] | None = None,
    ) -> None:
        """Connect to nothing yet. ``long_details`` fetches what is too long for one envelope, by the key of its row."""
        self._server = target.host
        self._limits = limits or TimeLimits()
        self._long_details = long_details
        self._asking = Workers(lambda: Connection(target), most=_ASKING, name=f"asks {target.name}")
        self._starting = Workers(lambda: Connection(target), most=_STARTING, name=f"starts on {target.name}")
        self._stopping = Workers(lambda: Connection(target), most=_STOPPING, name=f"stops on {target.name}")

    async def open(self) -> None:
        """Reach the server and sign in."""
        with port_errors(self._server):
            await self._asking.call(Connection.identify, limit_s=self._limits.answer_s)

    async def close(self) -> None:
        """Break what waits for answers, and let go of connections."""
        for workers in (self._starting, self._stopping, self._asking):
            await workers.close()

    async def agents(self) -> Sequence[ListedAgent]:
        """Return all management agents."""
        try:
            found = await self._ask(lambda cim: list(cim.query(rows.AGENTS)))
        except EngineRejected:
            raise EngineUnavailable(f"{self._server} {NOT_INSTALLED}") from None
        return tuple(rows.listed_agent(each) for each in found)

    async def execute(self, agent: str, profile: str) -> str | None:
        """Call ``Execute``, once: again only where the server surely carried out nothing."""
        limit_s = self._limits.execute_s

        def call(connection: Connection) -> str | None:
            cim = _cim(connection, limit_s)
            try:
                return _twice(
                    lambda: cim.call(rows.AGENT, {"Name": agent}, "Execute", {"RunProfileName": profile}),
                    harmless=False,
                )
            except RemotingFailed as failed:
                if failed.carried_out:
                    return None
                raise

        with port_errors(self._server):
            try:
                return await self._starting.call(call, limit_s=limit_s + _SPARE_S)
            except WorkTimedOut:
                return None

    async def stop(self, agent: str) -> str | None:
        """Call ``Stop``; after a lost answer again, where "not running" may mean that the first did it."""

        def call(connection: Connection) -> str | None:
            cim = _cim(connection, self._limits.stop_s)
            tries = 0

            def once() -> str:
                nonlocal tries
                tries += 1
                return cim.call(rows.AGENT, {"Name": agent}, "Stop", {})

            try:
                answer = _twice(once, harmless=True)
            except RemotingFailed as failed:
                if failed.carried_out and failed.cause in {Cause.TIME_OUT, Cause.LOST}:
                    return None
                raise
            return None if tries > 1 and answer.strip().lower() == "ma-not-running" else answer

        with port_errors(self._server):
            try:
                return await self._stopping.call(call, limit_s=self._limits.stop_s + _SPARE_S)
            except WorkTimedOut:
                return None

    async def ask(self, agent: str, question: Question) -> str:
        """Call a reading method of an agent."""
        return await self._ask(lambda cim: cim.call(rows.AGENT, {"Name": agent}, question.value, {}))

    async def run(self, key: str) -> ListedRun | None:
        """Return one row of the run history."""
        try:
            return rows.listed_run(await self._ask(lambda cim: cim.instance(rows.RUN, {"Key": key})))
        except EngineRejected:
            return None

    async def runs(
        self, *, agent: str | None = None, started_from: datetime | None = None, ended_until: datetime | None = None
    ) -> Sequence[ListedRun]:
        """Return rows of the run history, filtered by the server."""
        from_moment = rows.next_millisecond(started_from) if started_from is not None else None

        def read(cim: Cim) -> list[dict[str, str]]:
            wql = rows.runs_query(quoted, agent=agent, started_from=from_moment, ended_until=ended_until)
            return list(cim.query(wql))

        return rows.oldest_first(rows.listed_run(each) for each in await self._ask(read))

    async def details(self, key: str) -> str:
        """Call ``RunDetails`` of a row of the run history."""
        with port_errors(self._server):
            try:
                return await self._asked(lambda cim: cim.call(rows.RUN, {"Key": key}, "RunDetails", {}))
            except RemotingFailed as failed:
                if failed.cause is not Cause.TOO_LARGE or self._long_details is None:
                    raise
            return await self._long_details(key)

    async def clear_runs(self, before: datetime) -> str:
        """Call ``ClearRuns``."""
        moment = rows.written(before)
        return await self._ask(
            lambda cim: cim.call(rows.SERVER, rows.SERVER_KEYS, "ClearRuns", {"EndingBefore": moment})
        )

    async def time(self) -> datetime | None:
        """Return the server's clock, to the second: every answer over HTTP tells it, whatever the account may do."""
        with port_errors(self._server):
            return await self._asking.call(Connection.identify, limit_s=self._limits.answer_s)

    async def _ask(self, do: Callable[[Cim], T]) -> T:
        with port_errors(self._server):
            return await self._asked(do)

    async def _asked(self, do: Callable[[Cim], T]) -> T:
        """Ask, and once more on a new connection where the first broke; what asks changes nothing, or the same twice."""
        limit_s = self._limits.answer_s

        def call(connection: Connection) -> T:
            cim = _cim(connection, limit_s)
            return _twice(lambda: do(cim), harmless=True)

        return await self._asking.call(call, limit_s=limit_s + _SPARE_S)


_SPARE_S: Final = 15.0
"""For connecting and signing in, and for the server's own answer that its limit is over."""


def _cim(connection: Connection, limit_s: int) -> Cim:
    return Cim(connection=connection, namespace=rows.NAMESPACE, limit_s=limit_s)


def _twice(do: Callable[[], T], *, harmless: bool) -> T:
    """Do it, and a second time where the connection broke: if that does no harm, or nothing was carried out."""
    try:
        return do()
    except RemotingFailed as failed:
        if failed.cause is not Cause.LOST or (failed.carried_out and not harmless):
            raise
    return do()
