"""What every way into a synchronization server over a network must do when connections break: played on the stand-in."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta

from autosync.adapters.engines.mim.access.port import Question
from autosync.adapters.engines.mim.reading.ma_export import read_agent
from autosync.model.agents import PendingSide
from autosync.model.errors import EngineUnavailable
from autosync.testing.contracts.mim_access import MimAccessStage, cases_of, opened, whole
from autosync.testing.mim.server import Area, MimStandIn

_IDLE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class MimLineStage:
    """A stage whose ways in go to a server on a port."""

    access: MimAccessStage
    server: MimStandIn


class MimAccessLineContract:
    """The suite. Each stage needs a server of its own."""

    def __init__(self, stage: MimLineStage) -> None:
        self._stage = stage.access
        self._server = stage.server
        self._line = stage.server.line

    async def _let_connections_close(self) -> None:
        await asyncio.sleep(_IDLE_S * 3)
        self._line.idle_s = 120

    async def an_idle_connection_that_was_closed_is_replaced(self) -> None:
        """Answer, whatever was agreed on the old connection."""
        service = await opened(self._stage)
        await service.ask(self._stage.agent, Question.RUN_STATUS)
        self._line.idle_s = _IDLE_S
        await service.ask(self._stage.agent, Question.RUN_STATUS)
        await self._let_connections_close()

        assert await service.ask(self._stage.agent, Question.RUN_STATUS) == ""
        await service.close()

    async def a_start_on_a_closed_connection_is_not_lost(self) -> None:
        """Notice that nothing was carried out, and start on a new one, once."""
        service = await opened(self._stage)
        await service.execute(self._stage.agent, self._stage.imports)
        self._line.idle_s = _IDLE_S
        await service.execute(self._stage.agent, self._stage.imports)
        await self._let_connections_close()
        answer = await service.execute(self._stage.agent, self._stage.imports)

        assert answer == "success"
        assert len(self._stage.stand_in.executed) == 3
        await service.close()

    async def broken_connections_mend_by_themselves(self) -> None:
        """Ask again where asking does no harm."""
        service = await opened(self._stage)
        await service.ask(self._stage.agent, Question.RUN_STATUS)
        self._server.break_connections()
        first = await service.ask(self._stage.agent, Question.RUN_STATUS)
        self._line.drops = 1
        second = await service.ask(self._stage.agent, Question.RUN_STATUS)

        assert (first, second) == ("", "")
        await service.close()

    async def a_start_that_may_have_begun_is_not_repeated(self) -> None:
        """Return None where the connection broke behind the question; begin where it broke before."""
        service = await opened(self._stage)
        await service.execute(self._stage.agent, self._stage.imports)
        self._line.drops = 1
        answer = await service.execute(self._stage.agent, self._stage.imports)

        assert (answer, len(self._stage.stand_in.executed)) in {(None, 1), ("success", 2)}
        await service.close()

    async def a_server_that_is_overloaded_is_asked_again_later(self) -> None:
        """Raise ``EngineUnavailable``, once."""
        service = await opened(self._stage)
        self._line.statuses.append(503)
        busy = await _unavailable(service.agents())

        assert busy
        assert await service.agents()
        await service.close()

    async def lack_of_rights_at_any_door_is_told(self) -> None:
        """Raise ``EngineUnavailable``: neither WinRM, nor WMI, nor PowerShell may be open to the account."""
        service, tools = self._stage.make(), self._stage.make_tools()
        self._server.denies = {Area.WMI}
        closed = [await _unavailable(service.agents())]
        self._server.denies = {Area.POWERSHELL}
        closed.append(await _unavailable(tools.open()))
        self._server.denies = {Area.WINRM}
        closed.append(await _unavailable(service.open()))
        self._server.denies = set()

        assert closed == [True, True, True]
        await service.open()
        await tools.open()
        await tools.close()
        await service.close()

    async def the_servers_clock_is_told_even_if_it_is_wrong(self) -> None:
        """Be right to two seconds, or say that it is unknown."""
        service = await opened(self._stage)
        self._stage.stand_in.knobs.skew_s = 3600
        told, right = await service.time(), self._stage.stand_in.time()

        assert told is None or abs(told - right) < timedelta(seconds=2)
        await service.close()

    async def details_longer_than_an_envelope_arrive_all_the_same(self) -> None:
        """Find another way where WMI's answer would be larger than the server sends."""
        service = await opened(self._stage)
        await service.execute(self._stage.agent, self._stage.imports)
        run = self._stage.stand_in.executed[0]
        self._stage.stand_in.knobs.details = f"<run-history>{'<!-- long -->' * 100_000}</run-history>"

        assert await service.details(run.key) == self._stage.stand_in.knobs.details
        await service.close()

    async def shells_that_are_gone_are_made_anew(self) -> None:
        """Yield the file, also after WinRM was restarted and every connection broken."""
        tools = self._stage.make_tools()
        await tools.open()
        await whole(tools.export_agent(self._stage.agent))
        self._server.shells.close()
        first = await whole(tools.export_agent(self._stage.agent))
        self._server.break_connections()
        second = await whole(tools.export_pending(self._stage.agent, PendingSide.EXPORTS))

        assert read_agent(first).name == self._stage.agent
        assert second
        await tools.close()

    async def no_shell_stays_behind(self) -> None:
        """Delete it when letting go, also when a reader left in the middle; and say when there are too many."""
        self._server.shells.most_shells = 1
        first, second = self._stage.make_tools(), self._stage.make_tools()
        await first.open()
        async for _ in first.export_agent(self._stage.agent):
            break
        full = await _unavailable(second.open())
        await first.close()

        assert full
        assert self._server.shells.count == 0
        await second.open()
        await second.close()
        assert self._server.shells.count == 0


async def _unavailable(attempt: Awaitable[object]) -> bool:
    try:
        await attempt
    except EngineUnavailable as away:
        return bool(str(away))
    return False


LINE_CASES = cases_of(MimAccessLineContract)
