"""What every way into a synchronization server must do when something goes wrong: played on the stand-in server."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

from autosync.adapters.engines.mim.access.port import ListedRun, Question, SyncService
from autosync.adapters.engines.mim.reading.answers import history_text
from autosync.adapters.engines.mim.reading.ma_export import read_agent
from autosync.adapters.engines.simulated.faults import Ending
from autosync.model.agents import PendingSide
from autosync.model.errors import EngineUnavailable
from autosync.testing.contracts.mim_access import (
    HOSTILE_NAMES,
    MimAccessStage,
    cases_of,
    ended,
    opened,
    rejected,
    whole,
)
from autosync.testing.mim.knobs import Rights, RunScript, TimedOut
from autosync.testing.mim.plan import MimAgent


class MimAccessFaultContract:
    """The suite. Each stage needs a server of its own."""

    def __init__(self, stage: MimAccessStage) -> None:
        self._stage = stage
        self._server = stage.stand_in
        self._knobs = stage.stand_in.knobs

    def _make_long(self, seconds: float) -> None:
        self._knobs.script(self._stage.agent, self._stage.imports, RunScript(ending=Ending(extra_s=seconds)))

    async def _execute(self, service: SyncService) -> str | None:
        return await service.execute(self._stage.agent, self._stage.imports)

    async def _began(self) -> None:
        """Wait until something runs."""
        async with asyncio.timeout(self._stage.patience_s):
            while True:
                if self._server.executed:
                    return
                await asyncio.sleep(0.01)

    async def a_long_run_outlives_the_time_limit_of_its_execute(self) -> None:
        """Return None, neither a failure nor a second start."""
        service = await opened(self._stage)
        self._knobs.time_limit_s = 0.1
        self._make_long(3600)
        answer = await self._execute(service)
        going_on = self._server.running()
        self._server.stop(self._stage.agent)
        row = await ended(self._stage, service)

        assert answer is None
        assert [run.key for run in going_on] == [row.key]
        assert len(self._server.executed) == 1
        await service.close()

    async def a_server_may_cancel_a_run_with_its_execute(self) -> None:
        """Return None all the same: the history tells."""
        service = await opened(self._stage)
        self._knobs.time_limit_s, self._knobs.timed_out = 0.1, TimedOut.CANCELLED
        self._make_long(3600)
        answer = await self._execute(service)
        row = await ended(self._stage, service)

        assert (answer, row.status) == (None, "stopped-user-termination-from-wmi-or-ui")
        await service.close()

    async def a_lost_answer_to_execute_starts_nothing_twice(self) -> None:
        """Return None; the run is in the history, once."""
        service = await opened(self._stage)
        self._knobs.lose("Execute")
        answer = await self._execute(service)
        row = await ended(self._stage, service)

        assert answer is None
        assert (row.status, len(self._server.executed)) == ("success", 1)
        await service.close()

    async def a_start_that_cannot_have_begun_raises(self) -> None:
        """Tell it from one whose answer got lost; the next one may begin."""
        service = self._stage.make()
        self._knobs.reachable = False
        refused = await _unavailable(self._execute(service))
        self._knobs.reachable = True
        answer = await self._execute(service)

        assert refused
        assert (answer, len(self._server.executed)) == ("success", 1)
        await service.close()

    async def a_lost_answer_to_stop_has_stopped_all_the_same(self) -> None:
        """Return None, and ask nothing twice that did something."""
        service = await opened(self._stage)
        self._knobs.time_limit_s = 0.1
        self._make_long(3600)
        await self._execute(service)
        self._knobs.lose("Stop")
        answer = await service.stop(self._stage.agent)
        row = await ended(self._stage, service)

        assert answer in {None, "ma-not-running"}
        assert row.status == "stopped-user-termination-from-wmi-or-ui"
        await service.close()

    async def a_running_agent_refuses_a_second_start_and_can_be_stopped(self) -> None:
        """Answer other questions while an ``Execute`` waits, and return the words of the server."""
        service = await opened(self._stage)
        self._make_long(3600)
        self._knobs.time_limit_s = 5
        async with asyncio.timeout(self._stage.patience_s), asyncio.TaskGroup() as group:
            first = group.create_task(self._execute(service), name="a long run")
            await self._began()
            second = await self._execute(service)
            status = await service.ask(self._stage.agent, Question.RUN_STATUS)
            stopped = await service.stop(self._stage.agent)

        assert (second, status, stopped) == ("no-start-ma-already-running", "in-progress", "success")
        assert first.result() in {None, "stopped-user-termination-from-wmi-or-ui"}
        await service.close()

    async def a_caller_may_give_up_waiting_for_execute(self) -> None:
        """Start once, and answer the next question."""
        service = await opened(self._stage)
        self._make_long(0.2)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._execute(service), name="a start that is given up")
            await self._began()
            task.cancel()
        row = await ended(self._stage, service)

        assert (row.status, len(self._server.executed)) == ("success", 1)
        await service.close()

    async def transitional_and_unknown_words_are_passed_on(self) -> None:
        """Interpret nothing."""
        service = await opened(self._stage)
        ending = Ending(status="completed-in-a-new-way", completing_s=0.6)
        self._knobs.script(self._stage.agent, self._stage.imports, RunScript(ending=ending))
        first = await self._execute(service)
        row = await ended(self._stage, service)
        self._knobs.say("Execute", "sql-deadlock", "call-failure:0x80230405")
        words = [await self._execute(service), await self._execute(service)]

        assert first == "completing-referential-updates"
        assert row.status == "completed-in-a-new-way"
        assert words == ["sql-deadlock", "call-failure:0x80230405"]
        await service.close()

    async def a_question_whose_answer_is_lost_is_answered_the_next_time(self) -> None:
        """Mend the connection by itself."""
        service = await opened(self._stage)
        self._knobs.lose("RunStatus")
        with suppress(EngineUnavailable):
            await service.ask(self._stage.agent, Question.RUN_STATUS)

        assert await service.ask(self._stage.agent, Question.RUN_STATUS) == ""
        await service.close()

    async def a_server_that_is_away_is_told_and_found_again(self) -> None:
        """Raise ``EngineUnavailable``, also from the first ``open``, and go on by itself."""
        service = await opened(self._stage)
        self._knobs.reachable = False
        lost = await _unavailable(service.agents())
        newcomer = self._stage.make()
        not_opened = await _unavailable(newcomer.open())
        self._knobs.reachable = True

        assert lost
        assert not_opened
        assert await service.agents()
        await newcomer.close()
        await service.close()

    async def a_stopped_service_is_told_and_comes_back(self) -> None:
        """Pass on the server's word for methods; raise where there is none."""
        service = await opened(self._stage)
        self._server.stop_service()
        with suppress(EngineUnavailable):
            assert await service.ask(self._stage.agent, Question.RUN_STATUS) == "connection-failure"
        lost = await _unavailable(service.agents())
        self._server.start_service()

        assert lost
        assert await service.ask(self._stage.agent, Question.RUN_STATUS) == ""
        await service.close()

    async def lack_of_rights_is_told(self) -> None:
        """Pass on the word of methods; raise where there is none."""
        service = await opened(self._stage)
        self._knobs.rights = Rights.BROWSE
        word, lost = await self._execute(service), await _unavailable(service.run("x"))
        self._knobs.rights = Rights.NONE
        denied = await _unavailable(service.agents())

        assert (word, lost, denied) == ("access-denied", True, True)
        assert not self._server.executed
        await service.close()

    async def a_history_that_lags_shows_what_it_has(self) -> None:
        """Return None for a row that is not there yet."""
        service = await opened(self._stage)
        self._knobs.history_lag_s = 3600
        await self._execute(service)
        run = self._server.executed[0]
        early = await service.run(run.key)
        self._knobs.history_lag_s = 0
        row = await ended(self._stage, service)

        assert early is None
        assert row.key == run.key
        await service.close()

    async def long_texts_and_long_histories_arrive_whole(self) -> None:
        """Page through rows, and take details as long as a server sends them (500 KiB, if nobody changed it)."""
        service = await opened(self._stage)
        for _ in range(120):
            self._server.begin(self._stage.agent, self._stage.imports)
            self._server.stop(self._stage.agent)
        self._knobs.details = f"<run-history>{'<!-- long -->' * 15_000}</run-history>"
        rows = await service.runs(agent=self._stage.agent)

        assert [row.number for row in rows] == [str(number) for number in range(1, 121)]
        assert history_text(await service.details(rows[0].key)) == self._knobs.details
        await service.close()

    async def every_name_can_be_an_agents_name(self) -> None:
        """Run, ask and export agents whose names have meanings elsewhere."""
        service, tools = await opened(self._stage), self._stage.make_tools()
        await tools.open()
        for name in HOSTILE_NAMES:
            self._server.administration.add_agent(MimAgent(name=name))
            answer = await service.execute(name, "DI")
            rows: list[ListedRun] = list(await service.runs(agent=name))

            assert (answer, [row.agent for row in rows]) == ("success", [name])
            assert await service.ask(name, Question.RUN_NUMBER) == "1"
            assert await service.details(rows[0].key)
            assert read_agent(await whole(tools.export_agent(name))).name == name
        assert set(HOSTILE_NAMES) <= {each.name for each in await service.agents()}
        await tools.close()
        await service.close()

    async def missing_tools_are_told(self) -> None:
        """Raise ``EngineUnavailable`` from ``open``."""
        self._knobs.tools = False
        tools = self._stage.make_tools()

        assert await _unavailable(tools.open())
        await tools.close()

    async def a_large_file_arrives_whole(self) -> None:
        """Yield megabytes in pieces, byte for byte."""
        self._knobs.agent_file = bytes(range(256)) * 8192
        tools = self._stage.make_tools()
        await tools.open()
        pieces = [piece async for piece in tools.export_agent(self._stage.agent)]

        assert b"".join(pieces) == self._knobs.agent_file
        assert len(pieces) > 1
        await tools.close()

    async def tools_without_rights_are_told(self) -> None:
        """Raise ``EngineUnavailable``, and find the way back."""
        tools = self._stage.make_tools()
        await tools.open()
        self._knobs.rights = Rights.NONE
        denied = await _unavailable(whole(tools.export_pending(self._stage.agent, PendingSide.EXPORTS)))
        self._knobs.rights = Rights.OPERATORS

        assert denied
        assert await rejected(whole(tools.export_agent("no such agent")))
        assert await whole(tools.export_agent(self._stage.agent))
        await tools.close()


async def _unavailable(attempt: Awaitable[object]) -> bool:
    try:
        await attempt
    except EngineUnavailable as away:
        return bool(str(away))
    return False


FAULT_CASES = cases_of(MimAccessFaultContract)
