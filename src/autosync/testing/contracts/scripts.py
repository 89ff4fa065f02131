"""What every controller script adapter must do. A test module gives a ``ScriptStage`` and runs each of ``CASES``."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from autosync.model.agents import Agent
from autosync.model.counts import Counts, RunResult, StepResult
from autosync.model.errors import ScriptFailed
from autosync.model.ids import AgentId, PartitionName, ProfileName
from autosync.model.steps import StepKind
from autosync.ports.scripts import ControllerScript, EndedRun, Verdict

AGENT = AgentId("mim/HR")
OFTEN, NEVER = ProfileName("DI"), ProfileName("FS")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptStage:
    """Scripts to ask."""

    make: Callable[[], ControllerScript]
    """Of a script for ``AGENT`` in the adapter's language that answers as the suite expects.

    Asked whether it may run: ``DI`` gives true, ``FS`` false and the text ``not today``, ``hang`` never ends, ``fail``
    raises an error with the text ``broken`` in line 3 or later, ``stop`` an unexpected change with the message ``too many``
    that stops the agent, ``count`` allows the first call since the script was loaded and no later one. Told of an ended
    run: an unexpected change that stops all, with the message ``emptied``, where the first step that ran staged more than
    1,000 deletions.
    """
    make_empty: Callable[[], ControllerScript]
    """Of a script without functions."""
    make_broken: Callable[[], ControllerScript]
    """Of a script with a syntax error in its first line."""
    patience_s: float = 5.0
    """Beyond its time limit, how long a call may take to end."""
    limit_s: float = 1.0
    """The time limit of the scripts."""


class ScriptContract:
    """The suite. Each case opens what it uses, and closes it."""

    def __init__(self, stage: ScriptStage) -> None:
        self._stage = stage

    async def _ask(self, *profiles: str) -> list[Verdict]:
        script = self._stage.make()
        try:
            await script.open()
            return [await script.should_execute(ProfileName(profile)) for profile in profiles]
        finally:
            await script.close()

    async def it_knows_whose_it_is(self) -> None:
        """Say which agent it belongs to, before it is opened."""
        assert self._stage.make().agent == AGENT

    async def yes_and_no_are_told_with_the_reason(self) -> None:
        """Allow, and refuse with a text."""
        yes, no = await self._ask(OFTEN, NEVER)

        assert (yes.allowed, yes.unexpected) == (True, None)
        assert (no.allowed, no.text) == (False, "not today")

    async def a_function_that_is_missing_is_no_error(self) -> None:
        """Allow everything and say nothing."""
        script = self._stage.make_empty()
        try:
            await script.open()
            assert await script.should_execute(OFTEN) == Verdict()
            assert await script.execution_complete(ended_run(deletes=5000)) == Verdict()
        finally:
            await script.close()

    async def a_syntax_error_is_told_with_its_place(self) -> None:
        """Name the file and the line, when it is opened."""
        script = self._stage.make_broken()
        told = ""
        try:
            await script.open()
        except ScriptFailed as error:
            told = str(error)
        finally:
            await script.close()

        assert ":1:" in told, told or "a script with a syntax error was opened"

    async def an_error_is_told_with_its_place_and_the_script_goes_on(self) -> None:
        """Raise ``ScriptFailed``, and answer the next question; state is kept."""
        script = self._stage.make()
        try:
            await script.open()
            assert (await script.should_execute(ProfileName("count"))).allowed
            error = await _failure(script, "fail")
            assert "broken" in str(error)
            assert any(f":{line}:" in str(error) for line in range(3, 100)), error
            assert not (await script.should_execute(ProfileName("count"))).allowed
        finally:
            await script.close()

    async def a_call_ends_within_its_limit_and_the_next_finds_a_fresh_script(self) -> None:
        """Stop what hangs."""
        script = self._stage.make()
        try:
            await script.open()
            assert (await script.should_execute(ProfileName("count"))).allowed
            began = time.monotonic()
            await _failure(script, "hang")
            assert time.monotonic() - began < self._stage.limit_s + self._stage.patience_s
            assert (await script.should_execute(ProfileName("count"))).allowed
        finally:
            await script.close()

    async def an_unexpected_change_before_a_run_keeps_it_back(self) -> None:
        """Refuse, and say that the agent must stop."""
        (verdict,) = await self._ask("stop")

        assert not verdict.allowed
        assert verdict.unexpected is not None
        assert (verdict.unexpected.message, verdict.unexpected.stop_all) == ("too many", False)

    async def a_run_is_told_with_its_counters(self) -> None:
        """Let the script see what a run did, and stop everything because of it."""
        script = self._stage.make()
        try:
            await script.open()
            assert (await script.execution_complete(ended_run(deletes=1000))).unexpected is None
            verdict = await script.execution_complete(ended_run(deletes=1001))
        finally:
            await script.close()

        assert verdict.unexpected is not None
        assert (verdict.unexpected.message, verdict.unexpected.stop_all) == ("emptied", True)

    async def a_call_opens_what_is_closed(self) -> None:
        """Answer after ``close``, and close twice."""
        script = self._stage.make()
        try:
            await script.open()
            await script.close()
            await script.close()
            assert (await script.should_execute(OFTEN)).allowed
        finally:
            await script.close()


async def _failure(script: ControllerScript, profile: str) -> ScriptFailed:
    try:
        await script.should_execute(ProfileName(profile))
    except ScriptFailed as error:
        return error
    raise AssertionError(f"{profile} did not fail")


def ended_run(deletes: int) -> EndedRun:
    """Return a run of two steps; the first to run, an import, staged so many deletions."""
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    partition = PartitionName("default")
    steps = (
        StepResult(
            kind=StepKind.DELTA_IMPORT,
            partition=partition,
            status="success",
            started=at,
            ended=at,
            staged=Counts(adds=1, deletes=deletes),
            counters={"stage-add": 1, "stage-delete": deletes, "stage-no-change": 7},
        ),
        StepResult(
            kind=StepKind.DELTA_SYNC,
            partition=partition,
            status="completed-sync-errors",
            outbound={AgentId("mim/Corp AD"): 3},
            counters={"connector-flow": 2, "Corp AD: connector-flow": 3, "Corp AD: connector-no-flow": 4},
        ),
    )
    result = RunResult(handle="4711", status="completed-sync-errors", steps=steps, started=at, ended=at)
    return EndedRun(agent=Agent(id=AGENT), profile=OFTEN, result=result, managed=True)


CASES = tuple(name for name, method in vars(ScriptContract).items() if callable(method) and not name.startswith("_"))
