"""One agent's hands: starts, follows, asks about, stops and inspects, one task for each purpose, and reports.

It never decides. When the engine does not answer it says so once (``RunLost``) and asks again until it knows: a run keeps its
locks until the engine has told how it ended, or that it never began.
"""

from asyncio import Task, TaskGroup
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TypeAlias

from autosync.model.agents import PendingSide, Sighting
from autosync.model.commands import FollowRun, InquireRun, Inspect, StartRun, StopRun
from autosync.model.counts import RunResult
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.model.ids import AgentId, RunId
from autosync.model.runs import Run
from autosync.model.stimuli import (
    Inspected,
    RunAccepted,
    RunEnded,
    RunLost,
    RunNeverBegan,
    RunRefused,
    Sighted,
    Stimulus,
)
from autosync.runtime.link import Link

AgentCommand: TypeAlias = StartRun | FollowRun | InquireRun | StopRun | Inspect
Submit: TypeAlias = Callable[[Stimulus], object]
FindRun: TypeAlias = Callable[[RunId], Run | None]
"""Looks a run up among those that have not ended."""

_LOOK_AGAIN_S = 1.0
_OWN_HANDLES = 16


class Controller:
    """Carries out the commands for one agent. Repeating a command that is being carried out changes nothing."""

    def __init__(self, agent: AgentId, link: Link, tasks: TaskGroup, submit: Submit, find_run: FindRun) -> None:
        self._agent = agent
        self._link = link
        self._engine = link.engine
        self._task_group = tasks
        self._submit = submit
        self._find_run = find_run
        self._tasks: dict[str, Task[None]] = {}
        self._own: deque[str] = deque(maxlen=_OWN_HANDLES)
        self._nameless: set[RunId] = set()
        self._held_back: Sighting | None = None
        self._told: tuple[str, bool] | None = None
        self._look_again = False
        self._sides: frozenset[PendingSide] = frozenset()

    def carry_out(self, command: AgentCommand) -> None:
        """Begin what ``command`` says, unless that is being done already."""
        match command:
            case StartRun():
                self._nameless.add(command.run)
                self._begin(f"run {command.run}", self._start(command))
            case FollowRun():
                self._begin(f"run {command.run}", self._follow(command.run, command.handle))
            case InquireRun():
                if command.handle is None:
                    self._nameless.add(command.run)
                self._begin(f"run {command.run}", self._inquire(command))
            case StopRun():
                self._begin("stop", self._stop(command))
            case Inspect():
                # What is being counted right now may be older than the reason to count again.
                self._look_again = self._is_busy("inspect")
                self._sides = command.sides | (self._sides if self._look_again else frozenset())
                self._begin("inspect", self._inspect())

    def sighted(self, sighting: Sighting) -> None:
        """Report somebody else's run; while one of ours has no handle yet, it may be ours: wait."""
        if sighting.handle in self._own:
            return
        if self._nameless:
            self._held_back = sighting
            return
        if (sighting.handle, sighting.running) != self._told:
            self._told = sighting.handle, sighting.running
            self._submit(Sighted(sighting=sighting))

    def _begin(self, purpose: str, work: Coroutine[None, None, None]) -> None:
        if self._is_busy(purpose):
            work.close()
            return
        self._tasks = {name: task for name, task in self._tasks.items() if not task.done()}
        self._tasks[purpose] = self._task_group.create_task(work, name=f"{self._agent}: {purpose}")

    def _is_busy(self, purpose: str) -> bool:
        task = self._tasks.get(purpose)
        return task is not None and not task.done()

    async def _start(self, command: StartRun) -> None:
        run, profile = command.run, command.profile
        try:
            handle = await self._link.ask(
                lambda: self._engine.start(self._agent, profile, run), f"start {profile} of {self._agent}"
            )
        except EngineRejected as no:
            self._submit(RunRefused(run=run, status=no.status, message=str(no)))
            self._known(run)
        except EngineUnavailable as error:
            known = self._find_run(run)
            before = known.handle_before if known else None
            self._submit(RunLost(run=run, error=str(error)))
            await self._inquire(
                InquireRun(run=run, agent=self._agent, profile=profile, handle=None, handle_before=before)
            )
        else:
            self._accepted(run, handle)
            await self._follow(run, handle, command.settle.total_seconds())

    async def _follow(self, run: RunId, handle: str, settle: float = 0.0) -> None:
        if handle not in self._own:
            self._own.append(handle)
        result = await self._result_of(run, handle)
        if settle:
            await self._link.clock.sleep(settle)
        self._submit(RunEnded(run=run, result=result))

    async def _result_of(self, run: RunId, handle: str) -> RunResult:
        pauses = self._link.pauses()
        while True:
            try:
                return await self._link.ask(
                    lambda: self._engine.wait(self._agent, handle), f"wait for run {run}", bounded=False
                )
            except EngineRejected as no:
                return RunResult(handle=handle, status=no.status, message=str(no))
            except EngineUnavailable as error:
                self._submit(RunLost(run=run, error=str(error)))
                await self._link.clock.sleep(pauses.next_delay())
                await self._link.wait_up()
                self._submit(RunAccepted(run=run, handle=handle))

    async def _inquire(self, asked: InquireRun) -> None:
        """Find out what became of a run: it goes on, it ended, or it never began."""
        if asked.handle is not None:
            await self._link.wait_up()
            await self._follow(asked.run, asked.handle)
            return
        handle = await self._handle_of(asked)
        if handle is None:
            self._submit(RunNeverBegan(run=asked.run))
            self._known(asked.run)
            return
        self._accepted(asked.run, handle)
        await self._follow(asked.run, handle)

    async def _handle_of(self, asked: InquireRun) -> str | None:
        """Return the engine's handle of the run; None once it is too late for it to begin."""
        pauses, clock = self._link.pauses(), self._link.clock
        asked_first: float | None = None
        while True:
            await self._link.wait_up()
            try:
                newest = await self._link.ask(lambda: self._engine.newest(self._agent), f"what {self._agent} ran last")
            except EngineRejected:
                return None
            except EngineUnavailable:
                await clock.sleep(pauses.next_delay())
                continue
            if newest is not None and _is_ours(newest, asked):
                return newest.handle
            asked_first = clock.elapsed() if asked_first is None else asked_first
            if clock.elapsed() - asked_first >= self._link.limits.late_start.total_seconds():
                return None
            await clock.sleep(_LOOK_AGAIN_S)

    async def _stop(self, command: StopRun) -> None:
        pauses = self._link.pauses()
        while (known := self._find_run(command.run)) is not None and known.ended is None:
            await self._link.wait_up()
            try:
                await self._link.ask(lambda: self._engine.stop(self._agent), f"stop {self._agent}")
            except EngineRejected:
                return  # nothing that the engine would stop; the run's own end tells the rest
            except EngineUnavailable:
                await self._link.clock.sleep(pauses.next_delay())
            else:
                return

    async def _inspect(self) -> None:
        pauses = self._link.pauses()
        while True:
            await self._link.wait_up()
            self._look_again = False
            try:
                pending = await self._link.ask(
                    lambda: self._engine.pending(self._agent, self._sides), f"what is pending on {self._agent}"
                )
                answer = Inspected(agent=self._agent, pending=pending)
            except EngineRejected as no:
                answer = Inspected(agent=self._agent, pending=None, error=str(no))
            except EngineUnavailable:
                await self._link.clock.sleep(pauses.next_delay())
                continue
            if not self._look_again:
                self._submit(answer)
                return

    def _accepted(self, run: RunId, handle: str) -> None:
        self._own.append(handle)
        self._submit(RunAccepted(run=run, handle=handle))
        self._known(run)

    def _known(self, run: RunId) -> None:
        """Every sighting can now be told from ours: pass on the one that was held back, if it is not."""
        self._nameless.discard(run)
        held_back, self._held_back = self._held_back, None
        if held_back is not None:
            self.sighted(held_back)


def _is_ours(newest: Sighting, asked: InquireRun) -> bool:
    if newest.label:
        return newest.label == str(asked.run)
    return newest.handle != asked.handle_before and newest.profile == asked.profile
