"""All engines of this AutoSync: one host each; commands find their way by the engine in the agent's id."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from autosync.model.commands import (
    AskScript,
    Command,
    Describe,
    FollowRun,
    InquireRun,
    Inspect,
    SetTimer,
    StartRun,
    StopRun,
    TellScript,
)
from autosync.model.ids import EngineName, engine_of
from autosync.model.runs import Run
from autosync.model.stimuli import Stimulus
from autosync.ports.clock import Clock
from autosync.ports.engine import Engine
from autosync.runtime.controller import FindRun
from autosync.runtime.engine_host import EngineHost, HostCommand
from autosync.runtime.link import Limits
from autosync.runtime.watched import WatchedEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePart:
    """An engine, ready made."""

    engine: Engine
    limits: Limits = field(default_factory=Limits)
    shadow: bool = False
    """Whether it is only watched: then nothing is ever started, stopped or cleared in it."""
    fingerprint: str = ""
    """Everything that the engine was made from, as text: a part with an equal one need not be replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What hosts need beside their engine."""

    clock: Clock
    random: Random
    submit: Callable[[Stimulus], object]
    find_run: FindRun


class EngineHosts:
    """Starts a host for each engine and keeps it going."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._parts: dict[EngineName, EnginePart] = {}
        self._hosts: dict[EngineName, EngineHost] = {}
        self._tasks: dict[EngineName, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    @property
    def engines(self) -> tuple[Engine, ...]:
        """Return the engines that are there now."""
        return tuple(part.engine for part in self._parts.values())

    async def run(self) -> None:
        """Keep all engines until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for name in self._parts:
                    self._start(name)
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None

    def cancel(self) -> None:
        """Let every host go at once, also one that is letting go of its engine already."""
        for task in self._tasks.values():
            task.cancel()

    async def replace(self, parts: Mapping[EngineName, EnginePart], runs: Iterable[Run] = ()) -> None:
        """Let exactly ``parts`` be there. A changed engine is let go of, opened anew, and asked about its ``runs``."""
        for name in [name for name, part in self._parts.items() if not _same(part, parts.get(name))]:
            await self._stop(name)
        for name, given in parts.items():
            if name not in self._parts:
                part = replace(given, engine=WatchedEngine(given.engine)) if given.shadow else given
                self._parts[name] = part
                self._hosts[name] = self._host(part)
                self._start(name)
                for run in runs:
                    if engine_of(run.agent) == name:
                        self._hosts[name].carry_out(_inquiry(run))

    def carry_out(self, command: Command) -> None:
        """Hand the command to its engine's host; one for an engine that is gone has nobody to do it."""
        match command:
            case SetTimer() | AskScript() | TellScript():
                return
            case Describe():
                self._pass_on(command.engine, command)
            case StartRun() | FollowRun() | InquireRun() | StopRun() | Inspect():
                self._pass_on(engine_of(command.agent), command)

    def _pass_on(self, name: EngineName, command: HostCommand) -> None:
        host = self._hosts.get(name)
        if host is not None:
            host.carry_out(command)

    def _host(self, part: EnginePart) -> EngineHost:
        around = self._surroundings
        return EngineHost(
            part.engine, around.clock, around.random, around.submit, find_run=around.find_run, limits=part.limits
        )

    def _start(self, name: EngineName) -> None:
        if self._group is not None:
            self._tasks[name] = self._group.create_task(self._hosts[name].run(), name=f"engine {name}")

    async def _stop(self, name: EngineName) -> None:
        del self._parts[name], self._hosts[name]
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])


def _same(old: EnginePart, new: EnginePart | None) -> bool:
    return new is not None and old.fingerprint == new.fingerprint != "" and old.shadow == new.shadow


def _inquiry(run: Run) -> InquireRun:
    return InquireRun(
        run=run.id, agent=run.agent, profile=run.profile, handle=run.handle, handle_before=run.handle_before
    )
