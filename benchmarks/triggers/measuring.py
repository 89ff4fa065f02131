"""One trigger in a running AutoSync: changes are made one after the other, and its firings and requests are timed."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TypeAlias

from autosync.adapters.clocks import SystemClock
from autosync.adapters.engines.simulated import AgentPlan, EnginePlan, SimulatedEngine
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.stores.sqlite import SqliteStore
from autosync.bootstrap.kinds import KINDS
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, TriggerId
from autosync.model.requests import Token
from autosync.model.steps import StepKind
from autosync.ports.registry import Surroundings
from autosync.ports.store import Commit, StoredFact
from autosync.ports.trigger import Firing, Pulse, Trigger
from autosync.runtime.supervisor import Supervisor
from autosync.runtime.trigger_watch import TriggerPart
from benchmarks.runtime.setting import SIM, running

AGENT = AgentId(f"{SIM}/hr")
PLANS = (AgentPlan(name="hr", seconds=dict.fromkeys(StepKind, (0.002, 0.0))),)
PATIENCE_S = 30.0
_QUEUED = frozenset({FactKind.REQUEST_QUEUED, FactKind.REQUEST_MERGED})

Change: TypeAlias = Callable[[], Awaitable[object]]
Watching: TypeAlias = AsyncGenerator[tuple[Trigger, Change]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A trigger to be measured, and how what it watches is changed."""

    kind: str
    way: str
    watching: Callable[[], AbstractAsyncContextManager[tuple[Trigger, Change]]]
    every_s: float | None = None
    """How often it asks; None where it is told."""
    pushes: bool = False
    """Whether the goal for triggers that are told counts."""


@dataclass(slots=True)
class Times:
    """Seconds from the change to the firing, and to the request in the queue, for each change."""

    fired: list[float] = field(default_factory=list)
    queued: list[float] = field(default_factory=list)


class Timed:
    """A trigger whose firings are timed."""

    def __init__(self, trigger: Trigger) -> None:
        self._trigger = trigger
        self.fired: list[float] = []

    async def watch(self, token: Token | None) -> AsyncGenerator[Firing | Pulse]:
        """Pass on what the trigger sees."""
        watching = self._trigger.watch(token)
        assert isinstance(watching, AsyncGenerator)
        async with aclosing(watching):
            async for seen in watching:
                if isinstance(seen, Firing):
                    self.fired.append(time.perf_counter())
                yield seen


class TimedStore(SqliteStore):
    """A store that notes when a request in the queue is durable."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.queued: list[float] = []
        self.news = asyncio.Event()

    async def commit(self, commit: Commit) -> Sequence[StoredFact]:
        """Store it."""
        stored = await super().commit(commit)
        if any(fact.kind in _QUEUED for fact in commit.facts):
            self.queued.append(time.perf_counter())
            self.news.set()
        return stored


def trigger_of(kind: str, data: dict[str, object], **known: str) -> Trigger:
    """Return a trigger as a configuration would describe it."""
    found = KINDS.triggers[kind]
    parsed = found.parse(data, Path.cwd())
    assert not parsed.mistakes, parsed.mistakes
    return found.build(parsed.options, Surroundings(clock=SystemClock(), secrets=Secrets(known), agent=AGENT))


async def measure(subject: Subject, count: int, random: Random) -> Times:
    """Make ``count`` changes, each after the last has been imported and at a random moment of the asking."""
    engine = SimulatedEngine(EnginePlan(name=SIM, agents=PLANS, latency=(0.0, 0.0), spread=0.0), SystemClock(), random)
    times = Times()
    with TemporaryDirectory() as folder:
        store = TimedStore(Path(folder) / "autosync.db")
        async with subject.watching() as (trigger, change):
            timed = Timed(trigger)
            part = TriggerPart(id=TriggerId(f"{AGENT}#measured"), agent=AGENT, trigger=timed)
            async with running(engine, PLANS, Path(folder), (part,), store=store) as service:
                await _until_quiet(service)
                for _ in range(count):
                    await asyncio.sleep(0.05 + random.random() * (subject.every_s or 0.05))
                    await _one(change, timed, store, times)
                    await _until_quiet(service)
    return times


async def _one(change: Change, timed: Timed, store: TimedStore, times: Times) -> None:
    store.news.clear()
    store.queued.clear()
    timed.fired.clear()
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group, asyncio.timeout(PATIENCE_S):
        group.create_task(_awaited(change), name="change")
        await store.news.wait()
    times.fired.append(timed.fired[0] - begun)
    times.queued.append(store.queued[0] - begun)


async def _awaited(change: Change) -> None:
    await change()


async def _until_quiet(service: Supervisor) -> None:
    """Wait until nothing waits or runs, twice in a row."""
    quiet = 0
    while quiet < 2:
        state = service.dispatcher.state
        quiet = 0 if state.requests or state.runs else quiet + 1
        await asyncio.sleep(0.05)
