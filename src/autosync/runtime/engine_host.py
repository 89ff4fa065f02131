"""Keeps the contact to one engine: opens, describes, looks around, watches; and hands commands to its agents' controllers."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from random import Random
from typing import Final, TypeAlias

import structlog

from autosync.model.agents import Agent, Sighting
from autosync.model.commands import Describe
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.model.ids import AgentId, EngineName
from autosync.model.stimuli import AgentsDescribed, EngineConnected, EngineLost, Stimulus
from autosync.ports.clock import Clock
from autosync.ports.engine import Engine
from autosync.runtime.controller import AgentCommand, Controller, FindRun
from autosync.runtime.link import Limits, Link

HostCommand: TypeAlias = AgentCommand | Describe
_LOG: Final = structlog.get_logger("autosync.engine")


class EngineHost:
    """One engine's place in the task tree. Tells of a loss once, and once when the engine is back."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        random: Random,
        submit: Callable[[Stimulus], object],
        *,
        find_run: FindRun,
        limits: Limits | None = None,
    ) -> None:
        self._link = Link(engine, clock, random, limits or Limits())
        self._submit = submit
        self._find_run = find_run
        self._controllers: dict[AgentId, Controller] = {}
        self._waiting: list[HostCommand] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._described: tuple[Agent, ...] | None = None
        self._said_lost = False

    @property
    def name(self) -> EngineName:
        """Return the engine's name in the configuration."""
        return self._link.engine.name

    @property
    def engine(self) -> Engine:
        """Return the engine itself."""
        return self._link.engine

    @property
    def is_connected(self) -> bool:
        """Return whether the engine answers."""
        return self._link.is_up

    async def run(self) -> None:
        """Keep the contact until cancelled; then let go of the engine, in which runs go on."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                waiting, self._waiting = self._waiting, []
                for command in waiting:
                    self.carry_out(command)
                try:
                    await self._keep_contact()
                finally:
                    self._tasks = None  # a group that ends takes nothing more in, and the writer may still be in a turn
        finally:
            await self._close()

    def carry_out(self, command: HostCommand) -> None:
        """Begin what ``command`` says; what comes before ``run`` waits for it."""
        if self._tasks is None:
            self._waiting.append(command)
            return
        if isinstance(command, Describe):
            self._described = None
            self._link.look_now()
            return
        self._controller(command.agent).carry_out(command)

    def _controller(self, agent: AgentId) -> Controller:
        if agent not in self._controllers:
            assert self._tasks is not None, "controllers live in the host's task group"
            self._controllers[agent] = Controller(agent, self._link, self._tasks, self._submit, self._find_run)
        return self._controllers[agent]

    async def _keep_contact(self) -> None:
        pauses = self._link.pauses()
        while True:
            try:
                await self._connect()
                pauses.reset()
                await self._watch()
            except* (EngineUnavailable, EngineRejected) as lost:
                self._lost(_first(lost))
            await self._link.clock.sleep(pauses.next_delay())

    async def _connect(self) -> None:
        """Open, and tell all that is there in one breath: agents, their newest runs, and only then the contact."""
        engine = self._link.engine
        await self._link.ask(engine.open, "open")
        agents = tuple(await self._link.ask(engine.agents, "list the agents"))
        sightings = [sighting for agent in agents if (sighting := await self._newest(agent.id)) is not None]
        self._described = agents
        self._submit(AgentsDescribed(engine=self.name, agents=agents))
        for sighting in sightings:
            self._controller(sighting.agent).sighted(sighting)
        self._submit(EngineConnected(engine=self.name))
        self._said_lost = False
        self._link.up()

    async def _newest(self, agent: AgentId) -> Sighting | None:
        try:
            return await self._link.ask(lambda: self._link.engine.newest(agent), f"what {agent} ran last")
        except EngineRejected:
            return None  # gone between the list and the question; the next list tells

    async def _watch(self) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(self._watch_runs(), name=f"{self.name}: sightings")
            both.create_task(self._describe_again(), name=f"{self.name}: description")

    async def _watch_runs(self) -> None:
        async def watch() -> None:
            sightings = self._link.engine.sightings()
            try:
                async for sighting in sightings:
                    self._controller(sighting.agent).sighted(sighting)
            finally:
                if isinstance(sightings, AsyncGenerator):
                    await sightings.aclose()

        await self._link.ask(watch, "watch the runs", bounded=False)
        raise EngineUnavailable(f"{self.name}: the watch of its runs ended")

    async def _describe_again(self) -> None:
        """Ask for the agents now and then, and at once when somebody got no answer: it shows whether the engine is there."""
        while True:
            await self._link.wait_doubt(self._link.limits.describe_every.total_seconds())
            agents = tuple(await self._link.ask(self._link.engine.agents, "list the agents"))
            if agents != self._described:
                self._described = agents
                self._submit(AgentsDescribed(engine=self.name, agents=agents))

    def _lost(self, error: BaseException) -> None:
        self._link.down()
        if not self._said_lost:
            self._said_lost = True
            self._submit(EngineLost(engine=self.name, error=str(error)))

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(self._link.limits.close.total_seconds()):
                await self._link.engine.close()
        except Exception as error:  # noqa: BLE001 - the border to an adapter; the way out must not be blocked
            _LOG.warning("close-failed", engine=self.name, error=repr(error))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
