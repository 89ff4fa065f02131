"""A model of Lithnet AutoSync in supported mode, with its sleeps, its gate and its lossy Active Directory trigger.

From its source: one first-in-first-out queue per agent, follow-ups at the front; before a run: wait until the gate is
open, an exclusive run (every synchronization) defers 2 s, closes the gate and waits until all agents are idle; then the
agent's own lock, and 1 s of stagger under a global lock; after a run 2 s with all locks held. Its Active Directory trigger
discards events within 60 s of the last; an import is scheduled when none ran for 60 minutes.
"""

from collections.abc import Callable, Generator
from functools import partial

from benchmarks.orchestrator.world import Run, World

DEFERRAL = 2.0
STAGGER = 1.0
POST_RUN = 2.0
QUIET_TIME = 60.0
SCHEDULED = 3600.0

Step = float | Callable[[], bool]
"""What a controller waits for: some seconds, or a condition."""


class Predecessor:
    """One controller per agent, each a small process."""

    fixed_probe = True

    def __init__(self) -> None:
        self._queues: dict[str, list[str]] = {}
        self._last_event: dict[str, float] = {}
        self._last_import: dict[str, float] = {}
        self._gate: str | None = None
        self._locked: set[str] = set()
        self._staggering = False
        self._in_hand = 0
        self._results: dict[str, Run] = {}
        self._waiting: list[tuple[str, Callable[[], bool], Generator[Step, None, None]]] = []

    def attach(self, world: World) -> None:
        self._world = world
        for agent in world.topology.agents:
            self._queues[agent] = []
            self._advance(agent, self._controller(agent))
            if world.topology.detects(agent).push:
                self._last_import[agent] = 0.0
                world.at(SCHEDULED, partial(self._scheduled, agent))

    def _scheduled(self, agent: str) -> None:
        due = self._last_import[agent] + SCHEDULED
        if self._world.now >= due:
            self._queue(agent, "DI")
            due = self._world.now + SCHEDULED
        self._world.at(due, lambda: self._scheduled(agent))

    def fired(self, agent: str, changed: float) -> None:
        if self._world.topology.detects(agent).push:
            if changed < self._last_event.get(agent, -QUIET_TIME) + QUIET_TIME:
                return  # the event is lost
            self._last_event[agent] = changed
        self._queue(agent, "DI")

    def full_import_due(self, agent: str) -> None:
        self._queue(agent, "FI")

    def _queue(self, agent: str, kind: str, *, front: bool = False) -> None:
        queue = self._queues[agent]
        if front:
            if kind in queue:
                queue.remove(kind)
            queue.insert(0, kind)
        elif kind not in queue:
            queue.append(kind)

    def ended(self, run: Run) -> None:
        self._results[run.agent] = run

    def settle(self) -> None:
        moved = True
        while moved:
            moved = False
            for entry in list(self._waiting):
                agent, condition, process = entry
                if condition():
                    self._waiting.remove(entry)
                    self._advance(agent, process)
                    moved = True

    def _advance(self, agent: str, process: Generator[Step, None, None]) -> None:
        step = next(process)
        if callable(step):
            self._waiting.append((agent, step, process))
        else:
            self._world.at(self._world.now + step, lambda: self._advance(agent, process))

    def _controller(self, agent: str) -> Generator[Step, None, None]:
        queue = self._queues[agent]
        while True:
            yield lambda: bool(queue)
            kind = queue.pop(0)
            self._in_hand += 1
            yield lambda: self._gate is None
            exclusive = kind == "DS"
            if exclusive:
                yield DEFERRAL
                yield lambda: self._gate is None
                self._gate = agent
                yield lambda: not self._locked
            self._locked.add(agent)
            yield lambda: not self._staggering
            self._staggering = True
            yield STAGGER
            self._staggering = False
            if kind in {"DI", "FI"} and agent in self._last_import:
                self._last_import[agent] = self._world.now
            self._world.start(agent, kind)
            yield lambda: agent in self._results
            run = self._results.pop(agent)
            yield POST_RUN
            self._follow_up(run)
            self._locked.discard(agent)
            self._in_hand -= 1
            if exclusive:
                self._gate = None

    def _follow_up(self, run: Run) -> None:
        if run.kind in {"DI", "FI"} and run.carried:
            self._queue(run.agent, "DS", front=True)
        elif run.kind == "DS":
            for target in run.outbound:
                if self._world.pending(target):
                    self._queue(target, "EX")
        elif run.kind == "EX" and run.carried:
            self._queue(run.agent, "DI", front=True)

    def is_idle(self) -> bool:
        return self._in_hand == 0 and not any(self._queues.values())
