"""What fires by the clock: how late a request is in the queue after the moment at which it was due."""

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from autosync.adapters.clocks import SystemClock
from autosync.adapters.engines.simulated import EnginePlan, SimulatedEngine
from autosync.model.facts import FactKind
from autosync.model.ids import TriggerId
from autosync.model.schedules import Cron, Every, When
from autosync.model.settings import ScheduleSettings
from autosync.model.steps import Slot
from autosync.ports.store import Commit, StoredFact
from benchmarks.runtime.setting import SIM, running
from benchmarks.triggers.measuring import AGENT, PLANS, TimedStore

WAYS: tuple[tuple[str, When], ...] = (
    ("interval", Every(interval=timedelta(seconds=1))),
    ("schedule", Cron(expression="* * * * * *", zone="UTC")),
)


class FiringStore(TimedStore):
    """Notes the wall time of each commit that holds a firing by the clock."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.decided: list[float] = []
        self.at: list[float] = []

    async def commit(self, commit: Commit) -> Sequence[StoredFact]:
        """Store it."""
        stored = await super().commit(commit)
        if any(fact.kind is FactKind.SCHEDULE_FIRED for fact in commit.facts):
            self.decided.append(commit.at.timestamp())
            self.at.append(time.time())
        return stored


async def late(when: When, count: int, random: Random) -> tuple[list[float], list[float]]:
    """Return by how many seconds ``count`` firings were decided, and in the queue, after they were due."""
    engine = SimulatedEngine(EnginePlan(name=SIM, agents=PLANS, latency=(0.0, 0.0), spread=0.0), SystemClock(), random)
    schedule = ScheduleSettings(id=TriggerId(f"{AGENT}#clock"), agent=AGENT, when=when, run=Slot.DELTA_IMPORT)
    with TemporaryDirectory() as folder:
        store = FiringStore(Path(folder) / "autosync.db")
        async with running(engine, PLANS, Path(folder), store=store, schedules=(schedule,)):
            while len(store.at) <= count:
                store.news.clear()
                await store.news.wait()
    if isinstance(when, Cron):
        return [each % 1 for each in store.decided[1:]], [each % 1 for each in store.at[1:]]
    due = [each + 1 for each in store.decided[:-1]]
    return _after(store.decided[1:], due), _after(store.at[1:], due)


def _after(moments: Sequence[float], due: Sequence[float]) -> list[float]:
    return [max(0.0, moment - each) for moment, each in zip(moments, due, strict=True)]
