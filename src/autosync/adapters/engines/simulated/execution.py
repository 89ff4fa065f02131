"""How runs go on inside a simulated engine: step after step, worked out when somebody looks."""

import heapq
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from autosync.adapters.engines.simulated.faults import Ending
from autosync.adapters.engines.simulated.history import EngineRun
from autosync.adapters.engines.simulated.plans import SECONDS, AgentPlan, EnginePlan
from autosync.adapters.engines.simulated.referee import Referee
from autosync.adapters.engines.simulated.spaces import Spaces
from autosync.model.counts import StepResult
from autosync.model.ids import RunId
from autosync.model.steps import Profile
from autosync.ports.clock import Clock

_COMPLETING = "completing-referential-updates"


class Execution:
    """Runs, and the agenda of what happens next in them. Time is that of the clock, and only ever looked at."""

    def __init__(self, plan: EnginePlan, spaces: Spaces, clock: Clock, random: Random, referee: Referee | None) -> None:
        self._name = plan.name
        self._spread = plan.spread
        self._spaces = spaces
        self._clock = clock
        self._random = random
        self.referee = referee
        """Who judges; None: nobody."""
        self._agenda: list[tuple[float, int, Callable[[float], object]]] = []
        self._entries = 0
        self._numbers: dict[str, int] = {}
        self.running: dict[str, EngineRun] = {}
        self.history: dict[str, dict[str, EngineRun]] = {}
        self.changed: Callable[[EngineRun], None] = lambda _run: None
        """Called whenever a run began or ended."""

    @property
    def next_at(self) -> float | None:
        """Return when the next thing happens by itself."""
        return self._agenda[0][0] if self._agenda else None

    def at(self, moment: float, happens: Callable[[float], object]) -> None:
        """Let something happen at a moment of elapsed time."""
        self._entries += 1
        heapq.heappush(self._agenda, (moment, self._entries, happens))

    def advance(self) -> None:
        """Let everything happen that was due until now, in order, each at its own time."""
        now = self._clock.elapsed()
        while self._agenda and self._agenda[0][0] <= now:
            moment, _, happens = heapq.heappop(self._agenda)
            happens(moment)

    def begin(self, plan: AgentPlan, profile: Profile, ending: Ending, label: RunId | None, asked: float) -> EngineRun:
        """Begin a run now; the agent must be free."""
        now = self._clock.elapsed()
        number = self._numbers[plan.name] = self._numbers.get(plan.name, 0) + 1
        run = EngineRun(
            agent=plan.name,
            handle=str(number),
            profile=profile,
            ending=ending,
            asked=asked,
            began=now,
            started=self._clock.now(),
            label=label,
        )
        if self.referee is not None:
            self.referee.began(run, tuple(self.running.values()), now)
        self.running[plan.name] = run
        self.history.setdefault(plan.name, {})[run.handle] = run
        self._begin_step(plan, run, now)
        self.changed(run)
        return run

    def stop(self, agent: str) -> None:
        """End the agent's run as a person would."""
        run = self.running.get(agent)
        if run is not None:
            self._end(run, self._clock.elapsed(), "stopped-user-termination-from-wmi-or-ui")

    def _begin_step(self, plan: AgentPlan, run: EngineRun, at: float) -> None:
        if not run.profile.steps:
            self._end(run, at, "success")
            return
        step = run.profile.steps[run.place]
        run.seen = self._spaces.look(run.agent, step)
        base, per_change = plan.seconds.get(step.kind, SECONDS[step.kind])
        seconds = base * self._factor() + per_change * run.seen.work
        if run.place == 0:
            seconds += run.ending.extra_s
        run.due = at + seconds
        self.at(run.due, lambda moment: self._end_step(plan, run, moment))

    def _factor(self) -> float:
        return math.exp(self._random.gauss(0.0, self._spread)) if self._spread else 1.0

    def _end_step(self, plan: AgentPlan, run: EngineRun, at: float) -> None:
        if run.ended is not None:
            return  # stopped meanwhile
        step = run.profile.steps[run.place]
        if not run.ending.does_its_work:
            run.steps.append(StepResult(kind=step.kind, partition=step.partition, status=run.ending.status))
            self._end(run, at, run.ending.status)
            return
        result = self._spaces.carry(run.agent, self._name, step, run.seen, at)
        if run.ending.discovery_errors and step.kind.imports:
            result = replace(result, discovery_errors=True, status="completed-discovery-errors")
        run.steps.append(result)
        run.place += 1
        if run.place < len(run.profile.steps):
            self._begin_step(plan, run, at)
        elif run.ending.completing_s:
            run.status, run.due = _COMPLETING, at + run.ending.completing_s
            self.at(run.due, lambda moment: self._end(run, moment, run.ending.status))
        else:
            self._end(run, at, run.ending.status)

    def _end(self, run: EngineRun, at: float, status: str) -> None:
        if run.ended is not None:
            return
        run.status, run.ended = status, at
        run.ended_at = self._clock.now() - timedelta(seconds=max(0.0, self._clock.elapsed() - at))
        self.running.pop(run.agent, None)
        run.tell()
        self.changed(run)
