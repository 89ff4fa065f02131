"""What every engine must do. A test module gives an ``EngineStage`` and runs each of ``CASES`` on a loop of its choice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from autosync.model.agents import PendingSide
from autosync.model.counts import RunResult
from autosync.model.errors import EngineRejected
from autosync.model.ids import AgentId, ProfileName, RunId
from autosync.ports.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStage:
    """An engine with one agent that never ran, and a change in the system behind it."""

    make: Callable[[], Engine]
    """Return an unopened engine: always on the same agents and history."""
    agent: AgentId
    imports: ProfileName
    """A delta import without a sync part."""
    syncs: ProfileName
    """A delta sync."""
    change: Callable[[], object]
    """Change one object in the system behind the agent."""
    patience_s: float = 60.0
    """How long a run, or a sighting, may take."""


class EngineContract:
    """The suite."""

    def __init__(self, stage: EngineStage) -> None:
        self._stage = stage

    async def _opened(self) -> Engine:
        engine = self._stage.make()
        await engine.open()
        return engine

    async def _import(self, engine: Engine, run: int = 1) -> RunResult:
        handle = await engine.start(self._stage.agent, self._stage.imports, RunId(run))
        async with asyncio.timeout(self._stage.patience_s):
            return await engine.wait(self._stage.agent, handle)

    async def agents_are_described_with_partitions_and_profiles(self) -> None:
        """Say what there is to run."""
        engine = await self._opened()
        agents = {agent.id: agent for agent in await engine.agents()}

        agent = agents[self._stage.agent]
        assert agent.partitions
        assert agent.profiles[self._stage.imports].imports
        assert agent.profiles[self._stage.syncs].syncs
        assert all(name == profile.name for name, profile in agent.profiles.items())
        assert str(agent.id).startswith(f"{engine.name}/")
        await engine.close()

    async def a_run_is_started_by_one_call_and_ended_by_another(self) -> None:
        """Return a handle at once, and the result under it when the run has really ended."""
        engine = await self._opened()
        self._stage.change()
        handle = await engine.start(self._stage.agent, self._stage.imports, RunId(1))

        async with asyncio.timeout(self._stage.patience_s):
            result = await engine.wait(self._stage.agent, handle)
        assert result.handle == handle
        assert result.status == "success"
        assert [step.kind.imports for step in result.steps] == [True]
        assert result.steps[0].staged is None or result.steps[0].staged.total == 1
        assert result.started is None or result.ended is None or result.started <= result.ended
        await engine.close()

    async def a_result_can_be_asked_for_again(self) -> None:
        """Answer about a run that ended long ago, also to a new object."""
        engine = await self._opened()
        first = await self._import(engine)
        await engine.close()
        later = await self._opened()

        assert (await later.wait(self._stage.agent, first.handle)).status == first.status
        await later.close()

    async def a_wait_may_be_cancelled_and_called_again(self) -> None:
        """Lose nothing when the caller gives up."""
        engine = await self._opened()
        handle = await engine.start(self._stage.agent, self._stage.imports, RunId(1))
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(engine.wait(self._stage.agent, handle), name="a wait that is given up")
            await asyncio.sleep(0)
            waiting.cancel()

        async with asyncio.timeout(self._stage.patience_s):
            assert (await engine.wait(self._stage.agent, handle)).handle == handle
        await engine.close()

    async def the_newest_run_is_told(self) -> None:
        """Know nothing before the first run, and its handle after it; handles are never used twice."""
        engine = await self._opened()
        before = await engine.newest(self._stage.agent)
        first = await self._import(engine, 1)
        seen = await engine.newest(self._stage.agent)
        second = await self._import(engine, 2)

        assert before is None
        assert seen is not None
        assert (seen.handle, seen.running, seen.profile) == (first.handle, False, self._stage.imports)
        assert seen.label in {"", "1"}
        assert second.handle != first.handle
        await engine.close()

    async def what_does_not_exist_is_rejected(self) -> None:
        """Say no, in the engine's words, to an unknown profile, agent or run."""
        engine = await self._opened()
        agent, nobody = self._stage.agent, AgentId(f"{engine.name}/no such agent")

        assert await _rejected(engine.start(agent, ProfileName("no such profile"), RunId(1)))
        assert await _rejected(engine.start(nobody, self._stage.imports, RunId(2)))
        assert await _rejected(engine.wait(agent, "999999"))
        assert await engine.newest(agent) is None
        await engine.close()

    async def pending_counts_what_an_import_staged_until_a_sync_took_it(self) -> None:
        """Count, and name the set so that another one is told from it."""
        engine = await self._opened()
        agent = self._stage.agent
        self._stage.change()
        await self._import(engine, 1)
        staged = (await engine.pending(agent, frozenset({PendingSide.IMPORTS}))).imports
        handle = await engine.start(agent, self._stage.syncs, RunId(2))
        async with asyncio.timeout(self._stage.patience_s):
            await engine.wait(agent, handle)
        after = await engine.pending(agent)

        assert staged is not None
        assert [each.counts is None or each.counts.total for each in staged.values()] in ([1], [True])
        assert after.imports == {}
        assert after.exports is not None
        await engine.close()

    async def a_stop_with_nothing_to_stop_is_no_error(self) -> None:
        """Return at once."""
        engine = await self._opened()
        await engine.stop(self._stage.agent)

        assert (await self._import(engine)).status == "success"
        await engine.close()

    async def a_watcher_sees_runs_come_and_go(self) -> None:
        """Yield the newest run of an agent after it changed."""
        engine = await self._opened()
        seen: list[tuple[str, bool]] = []

        async def watch() -> None:
            async for sighting in engine.sightings():
                seen.append((sighting.handle, sighting.running))
                if not sighting.running:
                    return

        async with asyncio.timeout(self._stage.patience_s), asyncio.TaskGroup() as group:
            group.create_task(watch(), name="watcher")
            await asyncio.sleep(0.05)
            result = await self._import(engine)
        assert (result.handle, False) in seen
        await engine.close()

    async def closing_and_opening_again_changes_nothing(self) -> None:
        """Let go twice, open twice."""
        engine = await self._opened()
        await engine.open()
        await engine.close()
        await engine.close()
        await engine.open()

        assert (await self._import(engine)).status == "success"
        await engine.close()

    async def history_can_be_cleared(self) -> None:
        """Forget old runs only."""
        engine = await self._opened()
        result = await self._import(engine)
        assert result.ended is not None

        assert await engine.clear_history(result.ended - timedelta(days=1)) == 0
        assert await engine.newest(self._stage.agent) is not None
        await engine.close()


async def _rejected(attempt: Awaitable[object]) -> bool:
    try:
        await attempt
    except EngineRejected as no:
        return bool(no.status)
    return False


CASES = tuple(name for name, method in vars(EngineContract).items() if callable(method) and not name.startswith("_"))
