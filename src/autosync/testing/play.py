"""Plays a scenario from the first start to the last quiet, and says what it saw."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final, TypeAlias

from autosync.adapters.engines.simulated import Rates
from autosync.model.counts import ChangeKind
from autosync.model.ids import AgentId
from autosync.testing.clock import SimulatedClock
from autosync.testing.controller_scripts import Whims
from autosync.testing.scenario import ENGINE, Scenario, draw
from autosync.testing.simulation import SimulatedLoop, run_simulated
from autosync.testing.verdict import Broken, Watcher, is_quiet, judge
from autosync.testing.world import World

Deed: TypeAlias = Callable[[], Awaitable[None]]
_LOOK_S: Final = 600.0
_LONGEST_SETTLING_S: Final = 48 * 3600.0


@dataclass(slots=True, kw_only=True)
class Report:
    """What a play did: proof that it went somewhere."""

    seed: int
    replay: str = "the scenario is in the test"
    """The command that plays it again."""
    hours: float = 0.0
    lives: int = 0
    moments: int = 0
    states: int = 0
    starts: int = 0
    overlaps: int = 0
    wrong: list[str] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Return the failure as a person needs it: what is wrong, and how to see it again."""
        return "\n".join([f"seed {self.seed}:", *self.wrong, f"replay: {self.replay}"])


def play_seed(seed: int, *, hours: float = 4.0, changes: int = 30) -> Report:
    """Draw the scenario of a seed and play it."""
    report = play(draw(seed, hours=hours, changes=changes))
    report.replay = f"python -m autosync.testing.replay {seed} --hours {hours} --changes {changes}"
    return report


def play(scenario: Scenario, *, dies_at: int | None = None, tell: Callable[[World], None] | None = None) -> Report:
    """Play in simulated time. ``dies_at`` kills the first life at that moment; ``tell`` gets the world at the end."""
    report = Report(seed=scenario.seed)

    async def main(clock: SimulatedClock, random: Random) -> None:
        world = World(scenario, clock, random)
        try:
            await _play(world, report, dies_at)
        finally:
            _sum_up(world, report)
            if tell is not None:
                tell(world)

    try:
        run_simulated(main, seed=scenario.seed)
    except* Broken as broken:
        report.wrong.append(_first_text(broken))
    return report


async def _play(world: World, report: Report, dies_at: int | None) -> None:
    watcher = Watcher(world)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    async with asyncio.TaskGroup() as group:
        world.begin_life(group, dies_at=dies_at)
        loop.each_step = watcher.look
        await _Script(world, group).run()
        world.faults.rates = Rates()
        for script in world.scripts.values():
            script.whims = Whims()
        world.store.is_sulking = False
        if world.life is None:
            world.begin_life(group)
        await _settle(world, group)
        report.wrong.extend(await judge(world))
        await world.stop()
        watcher.is_over = True
    report.states = watcher.states


async def _settle(world: World, group: asyncio.TaskGroup) -> None:
    """Wait until it is quiet, twice in a row; persons decide holds meanwhile. A life that ends early is replaced."""
    quiet = 0
    until = world.clock.elapsed() + _LONGEST_SETTLING_S
    while quiet < 2 and world.clock.elapsed() < until:
        await world.clock.sleep(_LOOK_S)
        if world.life is None:
            world.begin_life(group)
        await world.decide_holds()
        quiet = quiet + 1 if is_quiet(world) else 0


class _Script:
    """The causes and troubles of a scenario, at their times."""

    def __init__(self, world: World, group: asyncio.TaskGroup) -> None:
        self._world = world
        self._group = group
        self._random = Random(world.scenario.seed + 1)
        self._agenda: list[tuple[float, int, Deed]] = []
        self._plan()

    async def run(self) -> None:
        """Do everything in order."""
        while self._agenda:
            at, _, deed = heapq.heappop(self._agenda)
            await self._world.clock.sleep(max(0.0, at - self._world.clock.elapsed()))
            await deed()

    def _at(self, moment: float, deed: Deed) -> None:
        heapq.heappush(self._agenda, (moment, len(self._agenda) + self._random.randrange(1 << 30), deed))

    def _sometime(self, count: int, deed: Deed) -> None:
        for _ in range(count):
            self._at(self._random.uniform(1.0, self._world.scenario.hours * 3600), deed)

    def _plan(self) -> None:
        scenario, troubles = self._world.scenario, self._world.scenario.troubles
        self._sometime(scenario.changes, self._change)
        self._sometime(scenario.bursts, self._burst)
        self._sometime(scenario.wishes, self._wish)
        self._sometime(1 if scenario.deletions else 0, self._delete_many)
        self._sometime(troubles.crashes, self._crash)
        self._sometime(troubles.outages, self._outage)
        self._sometime(troubles.foreign_runs, self._foreign_run)
        self._sometime(troubles.trigger_failures, self._trigger_failure)
        self._sometime(troubles.clock_steps, self._clock_step)
        self._sometime(troubles.cleared_histories, self._clear_history)
        self._sometime(troubles.store_outages, self._store_outage)
        self._sometime(max(1, round(scenario.hours * 2)), self._world.decide_holds)

    async def _change(self) -> None:
        self._world.change(*self._random.choice(list(self._world.triggers)))

    async def _burst(self) -> None:
        place = self._random.choice(list(self._world.triggers))
        for _ in range(self._random.randint(5, 60)):
            self._world.change(*place)
            await self._world.clock.sleep(self._random.expovariate(2.0))

    async def _delete_many(self) -> None:
        agent, partition = self._random.choice(list(self._world.triggers))
        for _ in range(self._world.scenario.deletions):
            self._world.engine.change(agent, partition, ChangeKind.DELETES)
        self._world.triggers[agent, partition].change(changed=self._world.clock.now())

    async def _wish(self) -> None:
        agent, _ = self._random.choice(list(self._world.triggers))
        await self._world.wish(AgentId(f"{ENGINE}/{agent}"))

    async def _crash(self) -> None:
        if self._world.life is None:
            return
        # Not only between two deeds, when all is calm: some turns of the loop later.
        for _ in range(self._random.randrange(200)):
            await asyncio.sleep(0)
        await self._world.crash()
        away = self._random.choice((0.0, 1.0, 60.0, 1200.0))
        self._at(self._world.clock.elapsed() + away, self._begin_life)

    async def _begin_life(self) -> None:
        if self._world.life is None:
            dies_at = self._random.randrange(1, 400) if self._random.random() < 0.3 else None
            self._world.begin_life(self._group, dies_at=dies_at)
            if dies_at is not None:
                self._at(self._world.clock.elapsed() + 1800.0, self._begin_life)

    async def _outage(self) -> None:
        self._world.engine.go_down(self._random.choice((5.0, 300.0, 3600.0)))

    async def _foreign_run(self) -> None:
        plan = self._random.choice(self._world.scenario.plan.agents)
        profile = self._random.choice(sorted(plan.profiles or ()))
        self._world.engine.start_foreign(plan.name, profile)

    async def _trigger_failure(self) -> None:
        trigger = self._random.choice(list(self._world.triggers.values()))
        if self._random.random() < 0.3:
            trigger.forget()
        else:
            trigger.fail()

    async def _clock_step(self) -> None:
        self._world.clock.shift(timedelta(seconds=self._random.uniform(-3600, 3600)))

    async def _clear_history(self) -> None:
        self._world.engine.forget_history()

    async def _store_outage(self) -> None:
        self._world.store.is_sulking = True
        self._at(self._world.clock.elapsed() + self._random.uniform(1, 600), self._store_well)

    async def _store_well(self) -> None:
        self._world.store.is_sulking = False


def _sum_up(world: World, report: Report) -> None:
    report.hours = world.clock.elapsed() / 3600
    report.lives = world.lives
    report.moments = world.moments + (world.life.mortal.moments if world.life else 0)
    report.starts = world.referee.starts
    report.overlaps = world.referee.overlaps
    report.facts.update(stored.fact.kind.value for stored in world.store.told)


def _first_text(group: BaseExceptionGroup[BaseException]) -> str:
    inner = group.exceptions[0]
    return _first_text(inner) if isinstance(inner, BaseExceptionGroup) else str(inner)
