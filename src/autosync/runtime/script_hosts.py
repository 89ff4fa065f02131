"""All controller scripts of this AutoSync: one task each, so that one that hangs or fails keeps its own agent waiting alone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

import structlog

from autosync.model.agents import Agent
from autosync.model.commands import AskScript, TellScript
from autosync.model.errors import ScriptFailed
from autosync.model.ids import AgentId, RunId
from autosync.model.runs import Run
from autosync.model.stimuli import ScriptAnswered, ScriptHeard, Stimulus
from autosync.ports.scripts import ControllerScript, EndedRun, Verdict

ScriptCommand: TypeAlias = AskScript | TellScript
FindEnded: TypeAlias = Callable[[RunId], Awaitable[Run | None]]
Describe: TypeAlias = Callable[[AgentId], Agent]
_CLOSE_S: Final = 10.0
_LOG: Final = structlog.get_logger("autosync.script")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptPart:
    """A controller script, ready made."""

    script: ControllerScript
    time_limit: timedelta
    """For loading it, and for each answer."""
    fingerprint: str = ""
    """Everything that the script was made from, as text: a part with an equal one need not be replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What script hosts need beside their scripts."""

    submit: Callable[[Stimulus], object]
    find_ended: FindEnded
    describe: Describe


class ScriptHost:
    """One script: asked one thing after the other, and made anew after each failure."""

    def __init__(self, part: ScriptPart, around: Around) -> None:
        self._part = part
        self._around = around
        self._waiting: dict[object, ScriptCommand] = {}
        self._something = asyncio.Event()
        self._is_open = False

    def ask(self, command: ScriptCommand) -> None:
        """Have the script asked; what waits to be asked already is asked once."""
        self._waiting.setdefault(_key(command), command)
        self._something.set()

    async def run(self) -> None:
        """Ask until cancelled, then end the script."""
        try:
            while True:
                await self._something.wait()
                self._something.clear()
                while self._waiting:
                    key, command = next(iter(self._waiting.items()))
                    answer = await self._answer(command)
                    del self._waiting[key]
                    self._around.submit(answer)
        finally:
            await self._close()

    async def _answer(self, command: ScriptCommand) -> Stimulus:
        verdict, error = Verdict(), ""
        try:
            verdict = await self._verdict(command)
        except ScriptFailed as failed:
            error = str(failed)
        except TimeoutError:
            error = f"no answer within {self._part.time_limit.total_seconds():g} s"
        except Exception as broken:  # noqa: BLE001 - the border to an adapter: contain, record, carry on
            _LOG.error("script-broke", agent=command.agent, error=repr(broken))
            error = f"unexpected: {broken!r}"
        if error:
            await self._close()
        if isinstance(command, AskScript):
            return ScriptAnswered(
                agent=command.agent,
                profile=command.profile,
                allowed=verdict.allowed,
                text=verdict.text,
                error=error,
                unexpected=verdict.unexpected,
            )
        return ScriptHeard(agent=command.agent, run=command.run, error=error, unexpected=verdict.unexpected)

    async def _verdict(self, command: ScriptCommand) -> Verdict:
        limit = self._part.time_limit.total_seconds()
        if not self._is_open:
            async with asyncio.timeout(limit):
                await self._part.script.open()
            self._is_open = True
        if isinstance(command, AskScript):
            async with asyncio.timeout(limit):
                return await self._part.script.should_execute(command.profile)
        ended = await self._ended(command)
        if ended is None:
            return Verdict()
        async with asyncio.timeout(limit):
            return await self._part.script.execution_complete(ended)

    async def _ended(self, command: TellScript) -> EndedRun | None:
        """Return what the script gets to see; None where the run is no longer known, and nothing can be told."""
        run = await self._around.find_ended(command.run)
        if run is None or run.result is None:
            return None
        return EndedRun(
            agent=self._around.describe(run.agent), profile=run.profile, result=run.result, managed=run.managed
        )

    async def _close(self) -> None:
        self._is_open = False
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._part.script.close()
        except Exception as error:  # noqa: BLE001 - the border to an adapter; the way out must not be blocked
            _LOG.warning("close-failed", agent=self._part.script.agent, error=repr(error))


class ScriptHosts:
    """Starts a host for each script and keeps it going."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._parts: dict[AgentId, ScriptPart] = {}
        self._hosts: dict[AgentId, ScriptHost] = {}
        self._tasks: dict[AgentId, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Keep all hosts until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for agent in self._parts:
                    self._start(agent)
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None

    async def replace(self, parts: Mapping[AgentId, ScriptPart]) -> None:
        """Let exactly ``parts`` be there; one that changed is ended and loaded anew."""
        for agent in [agent for agent, part in self._parts.items() if not _same(part, parts.get(agent))]:
            await self._stop(agent)
        for agent, part in parts.items():
            if agent not in self._parts:
                self._parts[agent] = part
                self._hosts[agent] = ScriptHost(part, self._around)
                self._start(agent)

    def carry_out(self, command: ScriptCommand) -> None:
        """Have the agent's script asked; a script that is not there has failed, and the core knows what that means."""
        host = self._hosts.get(command.agent)
        if host is not None:
            host.ask(command)
            return
        error = "no controller script is loaded"
        match command:
            case AskScript():
                self._around.submit(
                    ScriptAnswered(agent=command.agent, profile=command.profile, allowed=False, error=error)
                )
            case TellScript():
                self._around.submit(ScriptHeard(agent=command.agent, run=command.run, error=error))

    def _start(self, agent: AgentId) -> None:
        if self._group is not None:
            self._tasks[agent] = self._group.create_task(self._hosts[agent].run(), name=f"script of {agent}")

    async def _stop(self, agent: AgentId) -> None:
        del self._parts[agent], self._hosts[agent]
        task = self._tasks.pop(agent, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])


def _same(old: ScriptPart, new: ScriptPart | None) -> bool:
    return new is not None and old.fingerprint == new.fingerprint != ""


def _key(command: ScriptCommand) -> object:
    return command.profile if isinstance(command, AskScript) else command.run
