"""Puts the parts of a running AutoSync together and takes them apart in order: outside in, the store last."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from autosync.core.state import State
from autosync.model.agents import Agent
from autosync.model.commands import AskScript, Command, TellScript
from autosync.model.facts import Fact
from autosync.model.ids import AgentId, EngineName, RunId, TriggerId
from autosync.model.requests import Token
from autosync.model.runs import Run
from autosync.model.settings import Settings
from autosync.model.stimuli import ServiceStarted
from autosync.ports.clock import Clock
from autosync.ports.notifier import Notifier
from autosync.ports.store import NewMessage, Store
from autosync.runtime.dispatcher import Dispatcher, Router, Tools
from autosync.runtime.engine_hosts import EngineHosts, EnginePart, Surroundings
from autosync.runtime.journal import Journal
from autosync.runtime.layers import layer
from autosync.runtime.outbox import Outbox
from autosync.runtime.retention import Keep, Retention
from autosync.runtime.script_hosts import Around, ScriptHosts, ScriptPart
from autosync.runtime.timer import Timer
from autosync.runtime.trigger_host import TriggerHost
from autosync.runtime.trigger_watch import TriggerPart, Ways

Face: TypeAlias = Callable[[], Coroutine[None, None, object]]
"""Something that people or programs talk to: it is started last and stopped first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the shell behaves; what it decides is in ``Settings``."""

    keep: Keep = field(default_factory=Keep)
    log_facts: bool = True
    look_again_s: float = 60.0
    """How often the timer looks whether the wall clock was set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that a running AutoSync is made of."""

    store: Store
    settings: Settings
    clock: Clock
    random: Random
    engines: Mapping[EngineName, EnginePart] = field(default_factory=dict)
    triggers: tuple[TriggerPart, ...] = ()
    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    router: Router = lambda _facts: ()
    scripts: Mapping[AgentId, ScriptPart] = field(default_factory=dict)
    """Controller scripts, by the agent that they are of."""
    tell_system: Callable[[str], None] = lambda _word: None
    """Tells the system's service manager (systemd's words: ``READY=1``, ``STOPPING=1``)."""
    options: Options = field(default_factory=Options)


class Supervisor:
    """One AutoSync, from opening its store to closing it."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        clock, random = parts.clock, parts.random
        self.journal = Journal(parts.store, logged=parts.options.log_facts)
        self.dispatcher = Dispatcher(
            Tools(store=parts.store, journal=self.journal, clock=clock, random=random, router=self._route)
        )
        submit = self.dispatcher.submit
        self.timer = Timer(clock, submit, look_again=parts.options.look_again_s)
        ways = Ways(submit=submit, token_of=self._token_of, record=self.dispatcher.submit_and_wait)
        self.triggers = TriggerHost(ways, clock, random)
        self.engines = EngineHosts(Surroundings(clock=clock, random=random, submit=submit, find_run=self._find_run))
        self.outbox = Outbox(parts.store, parts.notifiers, clock, random)
        self.router = parts.router
        self._retention = Retention(parts.store, lambda: self.engines.engines, clock, parts.options.keep)
        self.scripts = ScriptHosts(Around(submit=submit, find_ended=parts.store.run, describe=self._describe))
        self._has_messages = False
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @property
    def store(self) -> Store:
        """Return the store; ``service`` reads from it, only the writer writes."""
        return self.parts.store

    def stop(self) -> None:
        """Ask for an ordered stop; asked a second time, cancel everything and leave the rest to recovery."""
        if not self._stopping.is_set():
            self._stopping.set()
        elif self._running is not None:
            self.engines.cancel()
            self._running.cancel()

    async def run(self, *faces: Face) -> None:
        """Run until stopped. Raises what the store raises when it cannot be opened."""
        self._running = asyncio.current_task()
        await self.parts.store.open()
        try:
            await self.dispatcher.load(self.parts.settings)
            self.dispatcher.submit(ServiceStarted())
            self.triggers.replace(self.parts.triggers)
            await self.scripts.replace(self.parts.scripts)
            await self.engines.replace(self.parts.engines)
            async with asyncio.TaskGroup() as writer:
                writer.create_task(self.dispatcher.run(self._act, self._turned), name="writer")
                try:
                    await self._run_layers(faces)
                finally:
                    self.dispatcher.close()
        finally:
            await self.parts.store.close()

    async def _run_layers(self, faces: Iterable[Face]) -> None:
        """Start inside out, wait for the stop, and let the stack take all down outside in."""
        layers: dict[str, Coroutine[None, None, object]] = {
            "timer": self.timer.run(),
            "outbox": self.outbox.run(),
            "retention": self._retention.run(),
            "scripts": self.scripts.run(),
            "engines": self.engines.run(),
            "triggers": self.triggers.run(),
            **{f"face {place}": face() for place, face in enumerate(faces)},
        }
        async with AsyncExitStack() as stack:
            for name, work in layers.items():
                await stack.enter_async_context(layer(work, name=name))
            self.parts.tell_system("READY=1")
            await self._stopping.wait()
            self.parts.tell_system("STOPPING=1")

    def _act(self, commands: Iterable[Command]) -> None:
        for command in commands:
            if isinstance(command, AskScript | TellScript):
                self.scripts.carry_out(command)
            else:
                self.engines.carry_out(command)

    def _turned(self, state: State) -> None:
        # Set from the state rather than by SetTimer: also right after a turn in which the clock stepped back.
        self.timer.set(state.timer)
        if self._has_messages:
            self._has_messages = False
            self.outbox.wake()

    def _route(self, facts: Sequence[Fact]) -> Sequence[NewMessage]:
        messages = self.router(facts)
        self._has_messages = self._has_messages or bool(messages)
        return messages

    def _describe(self, agent: AgentId) -> Agent:
        known = self.dispatcher.state.agents.get(agent)
        return known.agent if known is not None and known.agent is not None else Agent(id=agent)

    def _token_of(self, trigger: TriggerId) -> Token | None:
        row = self.dispatcher.state.tokens.get(trigger)
        return None if row is None else row.token

    def _find_run(self, run: RunId) -> Run | None:
        return self.dispatcher.state.runs.get(run)
