"""AutoSync's two access protocols straight on the provider, without a network: fakes at the port."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from autosync.adapters.engines.mim.access.port import ListedAgent, ListedRun, Question
from autosync.model.agents import PendingSide
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.testing.mim.provider import ACCOUNT, MimProvider, ProviderFault, Reason
from autosync.testing.mim.run_xml import written

_GRANULE_S: Final = 0.25
"""How often a waiting ``Execute`` looks whether somebody stopped its run."""
_HELP: Final = {
    Reason.DENIED: "the account is in none of the engine's groups that may do this",
    Reason.AWAY: "the Synchronization Service is not running",
    Reason.TOOLS: "install them, or name their folder",
}
_PIECE: Final = 64 * 1024


class _Direct:
    """What both faces share: one provider, reached or not."""

    def __init__(self, provider: MimProvider) -> None:
        self._provider = provider

    async def open(self) -> None:
        """Reach the server."""
        await self._reach()

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def _reach(self) -> None:
        knobs = self._provider.knobs
        await self._provider.clock.sleep(knobs.answer_s)
        if not knobs.reachable:
            raise EngineUnavailable(f"{self._provider.name}: connection refused; is WinRM running there?")

    def _check_lost(self, method: str) -> None:
        if self._provider.knobs.is_lost(method):
            raise EngineUnavailable(f"{self._provider.name}: the connection was lost before {method} was answered")


class DirectService(_Direct):
    """``SyncService`` on a provider. ``time_limit_s`` is how long ``Execute`` and ``Stop`` wait for their answers."""

    def __init__(self, provider: MimProvider, *, account: str = ACCOUNT, time_limit_s: float = 30.0) -> None:
        super().__init__(provider)
        self._account = account
        self._time_limit_s = time_limit_s

    async def agents(self) -> Sequence[ListedAgent]:
        """Return all management agents."""
        await self._reach()
        with _told():
            return self._provider.agents()

    async def execute(self, agent: str, profile: str) -> str | None:
        """Call ``Execute`` and wait for its answer as long as the time limit lets it."""
        await self._reach()
        with _told():
            begun = self._provider.begin(agent, profile, self._account)
        if self._provider.knobs.is_lost("Execute"):
            return None
        if isinstance(begun, str):
            return begun
        clock = self._provider.clock
        until = clock.elapsed() + min(self._time_limit_s, self._provider.knobs.time_limit_s)
        while (answer := self._provider.answer_of(begun)) is None:
            now = clock.elapsed()
            if now >= until:
                self._provider.timed_out(begun)
                return None
            await clock.sleep(min(max(0.0, self._provider.next_at(begun) - now), until - now, _GRANULE_S))
        return answer

    async def stop(self, agent: str) -> str | None:
        """Call ``Stop``."""
        await self._reach()
        with _told():
            answer = self._provider.stop(agent)
        return None if self._provider.knobs.is_lost("Stop") else answer

    async def ask(self, agent: str, question: Question) -> str:
        """Call a reading method."""
        await self._reach()
        with _told():
            answer = self._provider.ask(agent, question.value)
        self._check_lost(question.value)
        return answer

    async def run(self, key: str) -> ListedRun | None:
        """Return one row of the run history."""
        await self._reach()
        with _told():
            return self._provider.run(key)

    async def runs(
        self,
        *,
        agent: str | None = None,
        started_from: datetime | None = None,
        ended_until: datetime | None = None,
    ) -> Sequence[ListedRun]:
        """Return rows of the run history."""
        await self._reach()
        least = _text(started_from) if started_from else ""
        most = _text(ended_until) if ended_until else ""
        with _told():
            return tuple(
                row
                for row in self._provider.runs(started_from)
                if (agent is None or row.agent.casefold() == agent.casefold())
                and row.started >= least
                and (not most or "" < row.ended <= most)
            )

    async def details(self, key: str) -> str:
        """Call ``RunDetails`` of a row."""
        await self._reach()
        with _told():
            answer = self._provider.details(key)
        self._check_lost("RunDetails")
        return answer

    async def clear_runs(self, before: datetime) -> str:
        """Call ``ClearRuns``."""
        await self._reach()
        answer = self._provider.clear_runs(_text(before))
        self._check_lost("ClearRuns")
        return answer

    async def time(self) -> datetime | None:
        """Return the server's clock."""
        await self._reach()
        return self._provider.time()


class DirectTools(_Direct):
    """``EngineTools`` on a provider."""

    async def open(self) -> None:
        """Reach the server and find the tools."""
        await self._reach()
        if not self._provider.knobs.tools:
            raise EngineUnavailable(f"{self._provider.name}: maexport and csexport were not found; is this the server?")

    async def export_agent(self, agent: str) -> AsyncIterator[bytes]:
        """Yield what ``maexport`` writes."""
        await self._reach()
        with _told():
            whole = self._provider.export_agent(agent)
        for start in range(0, len(whole), _PIECE):
            yield whole[start : start + _PIECE]

    async def export_pending(self, agent: str, side: PendingSide) -> AsyncIterator[bytes]:
        """Yield what ``csexport`` writes."""
        await self._reach()
        with _told():
            pieces = self._provider.export_pending(agent, side)
        for piece in pieces:
            yield piece


def _text(moment: datetime) -> str:
    return written(moment.astimezone(UTC))


@contextmanager
def _told() -> Iterator[None]:
    """Tell the provider's faults as the port does."""
    try:
        yield
    except ProviderFault as fault:
        if fault.reason is Reason.NOT_FOUND:
            raise EngineRejected("no-such-object", str(fault)) from None
        raise EngineUnavailable(f"{fault}: {_HELP[fault.reason]}") from None
