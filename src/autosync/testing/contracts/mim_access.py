"""What every way into a synchronization server must do: ``SyncService`` and ``EngineTools``.

A test module gives a ``MimAccessStage`` and runs each of ``SERVICE_CASES`` and ``TOOLS_CASES`` on a loop of its choice;
they hold for a real server, too. ``mim_access_faults`` plays faults and needs the stand-in (``autosync.testing.mim``).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from autosync.adapters.engines.mim.access.port import EngineTools, ListedRun, Question, SyncService
from autosync.adapters.engines.mim.reading import statuses
from autosync.adapters.engines.mim.reading.answers import counted, history_text
from autosync.adapters.engines.mim.reading.csexport import EXPORTS, IMPORTS, read_pending
from autosync.adapters.engines.mim.reading.ma_export import read_agent
from autosync.adapters.engines.mim.reading.run_history import Known, read_run
from autosync.adapters.engines.mim.reading.values import guid, moment
from autosync.model.agents import PendingSide
from autosync.model.errors import EngineRejected
from autosync.model.ids import EngineName
from autosync.testing.mim.provider import MimProvider

HOSTILE_NAMES = ("x' OR MaName <> '", 'a"b', "back\\slash", "<&>", "$(Get-Date)", "a`nb; Remove-Item x", "Größe 木")
"""What an agent, or a profile, may be called: nothing in it may change what is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MimAccessStage:
    """A server with an agent that nobody else runs."""

    make: Callable[[], SyncService]
    """Return an unopened service: always of the same server."""
    make_tools: Callable[[], EngineTools]
    """Return unopened tools of the same server."""
    agent: str
    imports: str
    """A profile of one delta import without a sync part, of a few seconds at most."""
    patience_s: float = 60.0
    """How long a run may take."""
    provider: MimProvider | None = None
    """The stand-in behind it; None for a real server."""

    @property
    def stand_in(self) -> MimProvider:
        """Return the stand-in, without which faults cannot be played."""
        assert self.provider is not None, "faults are played on the stand-in"
        return self.provider


class SyncServiceContract:
    """The suite for ``SyncService``."""

    def __init__(self, stage: MimAccessStage) -> None:
        self._stage = stage

    async def agents_are_listed_with_name_id_and_type(self) -> None:
        """Tell what the server has."""
        service = await opened(self._stage)
        agents = {each.name: each for each in await service.agents()}

        assert guid(agents[self._stage.agent].guid)
        assert agents[self._stage.agent].type
        await service.close()

    async def every_question_is_answered_with_text(self) -> None:
        """Pass on what the server said, and nothing else."""
        service = await opened(self._stage)
        answers = {question: await service.ask(self._stage.agent, question) for question in Question}

        assert all(counted(text) >= 0 for question, text in answers.items() if question.value.startswith("Num"))
        assert history_text(answers[Question.RUN_DETAILS])
        await service.close()

    async def a_run_is_started_found_by_its_key_and_told_in_detail(self) -> None:
        """Start, whether or not the answer comes in time, and read how it ended."""
        service = await opened(self._stage)
        answer = await service.execute(self._stage.agent, self._stage.imports)
        row = await ended(self._stage, service)
        found = await service.run(row.key)
        read = read_run(history_text(await service.details(row.key)), Known(engine=EngineName("mim")))

        assert answer is None or statuses.is_known(answer)
        assert row.profile == self._stage.imports
        assert found == row
        assert read is not None
        assert (read.result.handle, read.agent) == (row.number, self._stage.agent)
        assert await service.ask(self._stage.agent, Question.RUN_NUMBER) == row.number
        await service.close()

    async def the_server_filters_rows_by_agent_and_time(self) -> None:
        """Return what fits every bound, oldest first; bounds are included."""
        service, agent = await opened(self._stage), self._stage.agent
        first, second = await _run(self._stage, service), await _run(self._stage, service)
        began, ended = _moment(second.started), _moment(first.ended)
        later = began + timedelta(milliseconds=1)

        assert [row.key for row in await service.runs(agent=agent, started_from=_moment(first.started))] == [
            first.key,
            second.key,
        ]
        assert second.key in {row.key for row in await service.runs(started_from=began)}
        assert second.key not in {row.key for row in await service.runs(started_from=later)}
        assert first.key in {row.key for row in await service.runs(agent=agent, ended_until=ended)}
        assert not await service.runs(agent=agent, started_from=later, ended_until=ended)
        await service.close()

    async def what_is_not_there_is_told_apart(self) -> None:
        """Return None for a row, a word for a profile, and reject an agent or a row that is asked in detail."""
        service, agent = await opened(self._stage), self._stage.agent
        key = f"{(await service.agents())[0].guid}-999999"

        assert await service.run(key) is None
        assert await service.execute(agent, "no such profile") == "no-start-unknown-profile-name"
        assert await rejected(service.details(key))
        assert await rejected(service.ask("no such agent", Question.RUN_STATUS))
        assert await rejected(service.execute("no such agent", "DI"))
        assert not await service.runs(agent="no such agent")
        await service.close()

    async def names_are_values(self) -> None:
        """Ask for exactly what was named, whatever is in the name."""
        service = await opened(self._stage)
        await _run(self._stage, service)
        for name in HOSTILE_NAMES:
            assert not await service.runs(agent=name)
            assert await service.run(name) is None
            assert await rejected(service.ask(name, Question.RUN_STATUS))
            assert await service.execute(self._stage.agent, name) == "no-start-unknown-profile-name"
        await service.close()

    async def a_stop_with_nothing_to_stop_says_so(self) -> None:
        """Return the server's word."""
        service = await opened(self._stage)

        assert await service.stop(self._stage.agent) == "ma-not-running"
        await service.close()

    async def history_is_cleared_up_to_a_moment(self) -> None:
        """Forget what ended until then, and nothing later."""
        service, agent = await opened(self._stage), self._stage.agent
        first, second = await _run(self._stage, service), await _run(self._stage, service)
        answers = [await service.clear_runs(_moment(first.started)), await service.clear_runs(_moment(first.ended))]

        assert answers == ["success", "success"]
        assert await service.run(first.key) is None
        assert await service.run(second.key) == second
        assert [row.key for row in await service.runs(agent=agent, started_from=_moment(first.started))] == [second.key]
        await service.close()

    async def the_servers_clock_is_told_in_utc(self) -> None:
        """Be aware, or say that it is unknown; a run that begins later began later."""
        service = await opened(self._stage)
        before = await service.time()
        row = await _run(self._stage, service)

        assert before is None or before.tzinfo is not None
        assert before is None or before - timedelta(seconds=2) <= _moment(row.started)
        await service.close()

    async def closing_and_opening_again_changes_nothing(self) -> None:
        """Let go twice, open twice; two objects are two connections."""
        service = await opened(self._stage)
        other = await opened(self._stage)
        await service.open()
        await service.close()
        await service.close()

        assert await other.agents()
        await service.open()
        assert await service.agents()
        await service.close()
        await other.close()

    async def many_may_ask_at_once(self) -> None:
        """Mix up no answers."""
        service = await opened(self._stage)
        names = [each.name for each in await service.agents()]
        async with asyncio.timeout(self._stage.patience_s), asyncio.TaskGroup() as group:
            asked = [
                (name, group.create_task(service.ask(name, Question.RUN_DETAILS), name=f"details of {name}"))
                for name in names * 4
            ]

        for name, task in asked:
            read = read_run(history_text(task.result()), Known(engine=EngineName("mim")))
            assert read is None or read.agent == name
        await service.close()


class EngineToolsContract:
    """The suite for ``EngineTools``."""

    def __init__(self, stage: MimAccessStage) -> None:
        self._stage = stage

    async def _opened(self) -> EngineTools:
        tools = self._stage.make_tools()
        await tools.open()
        return tools

    async def an_agents_configuration_is_exported(self) -> None:
        """Yield the file whole."""
        tools = await self._opened()
        read = read_agent(await whole(tools.export_agent(self._stage.agent)))

        assert read.name == self._stage.agent
        assert self._stage.imports in {profile.name for profile in read.profiles}
        await tools.close()

    async def pending_changes_are_exported_for_each_side(self) -> None:
        """Yield a file that is whole, also when nothing is pending."""
        tools = await self._opened()
        index = read_agent(await whole(tools.export_agent(self._stage.agent))).index
        for side, meant in ((PendingSide.IMPORTS, IMPORTS), (PendingSide.EXPORTS, EXPORTS)):
            assert not read_pending(
                await whole(tools.export_pending(self._stage.agent, side)), meant, index
            ).unplaced_count
        await tools.close()

    async def names_are_values(self) -> None:
        """Reject agents that are not there, whatever they are called."""
        tools = await self._opened()
        for name in ("no such agent", *HOSTILE_NAMES):
            assert await rejected(whole(tools.export_agent(name)))
            assert await rejected(whole(tools.export_pending(name, PendingSide.EXPORTS)))
        await tools.close()

    async def several_files_at_once_do_not_mix(self) -> None:
        """Yield to each reader its own."""
        tools = await self._opened()
        async with asyncio.timeout(self._stage.patience_s), asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(whole(tools.export_agent(self._stage.agent)), name=f"file {number}")
                for number in range(4)
            ]

        assert {read_agent(task.result()).name for task in tasks} == {self._stage.agent}
        await tools.close()

    async def a_reader_may_leave_in_the_middle(self) -> None:
        """Clean up, and answer the next."""
        tools = await self._opened()
        async for piece in tools.export_agent(self._stage.agent):
            assert piece
            break

        assert read_agent(await whole(tools.export_agent(self._stage.agent))).name == self._stage.agent
        await tools.close()

    async def closing_and_opening_again_changes_nothing(self) -> None:
        """Let go twice, open twice."""
        tools = await self._opened()
        await tools.open()
        await tools.close()
        await tools.close()
        await tools.open()

        assert await whole(tools.export_agent(self._stage.agent))
        await tools.close()


async def opened(stage: MimAccessStage) -> SyncService:
    """Return a service of the stage, opened."""
    service = stage.make()
    await service.open()
    return service


async def _run(stage: MimAccessStage, service: SyncService) -> ListedRun:
    await service.execute(stage.agent, stage.imports)
    return await ended(stage, service)


async def ended(stage: MimAccessStage, service: SyncService) -> ListedRun:
    """Return the agent's newest row once its run has ended."""
    async with asyncio.timeout(stage.patience_s):
        while True:
            number = await service.ask(stage.agent, Question.RUN_NUMBER)
            rows = await service.runs(agent=stage.agent)
            row = next((each for each in rows if each.number == number), None)
            if row is not None and row.ended:
                return row
            await asyncio.sleep(0.02)


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    """Return all pieces as one."""
    return b"".join([piece async for piece in pieces])


async def rejected(attempt: Awaitable[object]) -> bool:
    """Return whether the server said no, in a word of its own."""
    try:
        await attempt
    except EngineRejected as no:
        return bool(no.status)
    return False


def _moment(text: str) -> datetime:
    found = moment(text)
    assert found is not None, text
    return found.astimezone(UTC)


def cases_of(suite: type) -> tuple[str, ...]:
    """Return the names of a suite's cases."""
    return tuple(name for name, method in vars(suite).items() if callable(method) and not name.startswith("_"))


SERVICE_CASES = cases_of(SyncServiceContract)
TOOLS_CASES = cases_of(EngineToolsContract)
