"""Runs inside the stand-in server: step after step, worked out when somebody looks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from autosync.adapters.engines.simulated.spaces import Change, Seen, Spaces
from autosync.model.counts import ChangeKind, ObjectError, StepResult
from autosync.model.ids import PartitionName
from autosync.model.steps import Profile, Step
from autosync.ports.clock import Clock
from autosync.testing.mim.knobs import Knobs, RunScript
from autosync.testing.mim.plan import Files, MimAgent, MimProfile, MimStep, guid_of

COMPLETING: Final = "completing-referential-updates"
GOING_ON: Final = "in-progress"
STOPPED_BY_HAND: Final = "stopped-user-termination-from-wmi-or-ui"
ENGINE: Final = "mim"
"""The name under which connector spaces count outbound changes."""

_AFTER_ERRORS: Final = {
    "discovery": "completed-discovery-errors",
    "export": "completed-export-errors",
    "sync": "completed-sync-errors",
}
_NEVER: Final = math.inf


@dataclass(slots=True, kw_only=True)
class RanStep:
    """A step that runs or ran."""

    number: int
    step: MimStep
    id: str
    began: datetime
    seen: Seen
    population: int
    ended: datetime | None = None
    status: str = GOING_ON
    result: StepResult | None = None
    errors: tuple[ObjectError, ...] = ()
    incidents: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class MimRun:
    """One run, from its begin until ``ClearRuns``."""

    agent: str
    guid: str
    number: int
    profile: MimProfile
    account: str
    script: RunScript
    began: float
    started: datetime
    asked: float
    steps: list[RanStep] = field(default_factory=list)
    status: str = GOING_ON
    due: float = _NEVER
    """When the next thing happens in it."""
    ended: float | None = None
    ended_at: datetime | None = None
    ours: bool = True
    noticed: float | None = None

    @property
    def key(self) -> str:
        """Return the key of its row in the run history."""
        return f"{self.guid}-{self.number}"

    @property
    def has_answered(self) -> bool:
        """Return whether the ``Execute`` that began it returns: at its end, or when only references are left to do."""
        return self.status != GOING_ON


class RefereedRun:
    """A run as a ``Referee`` sees it."""

    def __init__(self, run: MimRun) -> None:
        self._run = run
        self.agent = run.agent
        self.profile: Profile = run.profile.as_profile
        self.ours = run.ours
        self.asked = run.asked

    @property
    def noticed(self) -> float | None:
        """Return when AutoSync could first know of it."""
        return self._run.noticed


class Runs:
    """All runs of a server. Time is that of the clock, and only ever looked at."""

    def __init__(self, spaces: Spaces, clock: Clock, random: Random, knobs: Knobs, spread: float) -> None:
        self._spaces = spaces
        self._clock = clock
        self._random = random
        self._knobs = knobs
        self._spread = spread
        self._numbers: dict[str, int] = {}
        self.running: dict[str, MimRun] = {}
        self.history: dict[str, MimRun] = {}
        """By key in lower case, in the order in which they began."""
        self._newest: dict[str, MimRun] = {}
        self.agents: dict[str, MimAgent] = {}

    def now(self, moment: float | None = None) -> datetime:
        """Return the server's wall time, now or at a moment of elapsed time, in the server's precision."""
        ago = 0.0 if moment is None else max(0.0, self._clock.elapsed() - moment)
        at = self._clock.now() + timedelta(seconds=self._knobs.skew_s - ago)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def advance(self) -> None:
        """Let everything happen that was due until now, in order, each at its own time."""
        now = self._clock.elapsed()
        while self.running:
            run = min(self.running.values(), key=lambda each: each.due)
            if run.due > now:
                return
            self._happen(run, run.due)

    def begin(self, agent: MimAgent, profile: MimProfile, account: str, script: RunScript, *, ours: bool) -> MimRun:
        """Begin a run now; the agent must be free."""
        elapsed = self._clock.elapsed()
        number = self._numbers[agent.guid] = self._numbers.get(agent.guid, 0) + 1
        run = MimRun(
            agent=agent.name,
            guid=agent.guid,
            number=number,
            profile=profile,
            account=account,
            script=script,
            began=elapsed,
            started=self.now(),
            asked=elapsed,
            ours=ours,
        )
        self.running[agent.name] = run
        self.history[run.key.casefold()] = self._newest[agent.name] = run
        self._begin_step(run, elapsed)
        return run

    def stop(self, run: MimRun, status: str = STOPPED_BY_HAND) -> None:
        """End a run before its time."""
        at = self._clock.elapsed()
        if run.ended is None:
            if run.steps and run.steps[-1].ended is None:
                self._close_step(run.steps[-1], at, status)
            self._end(run, at, status)

    def newest(self, agent: str) -> MimRun | None:
        """Return the agent's last run, if it is remembered."""
        return self._newest.get(agent)

    def forget(self, before: datetime) -> int:
        """Forget runs that ended at the moment or before."""
        gone = [key for key, run in self.history.items() if run.ended_at is not None and run.ended_at <= before]
        for key in gone:
            run = self.history.pop(key)
            if self._newest.get(run.agent) is run:
                del self._newest[run.agent]
        return len(gone)

    def _happen(self, run: MimRun, at: float) -> None:
        if run.status == COMPLETING:
            self._end(run, at, self._status(run))
            return
        current = run.steps[-1]
        status = self._carry(run, current, at)
        self._close_step(current, at, status)
        goes_on = status == "success" or (status.startswith("completed-") and status != "completed-discovery-errors")
        if goes_on and len(run.steps) < len(run.profile.steps):
            self._begin_step(run, at)
        elif run.script.ending.completing_s:
            run.status, run.due = COMPLETING, at + run.script.ending.completing_s
        else:
            self._end(run, at, self._status(run))

    def _begin_step(self, run: MimRun, at: float) -> None:
        if not run.profile.steps:
            self._end(run, at, "no-start-no-steps-in-profile")
            return
        step = run.profile.steps[len(run.steps)]
        number = len(run.steps) + 1
        population = self._spaces.of(run.agent, _place(step)).population if self._has_place(run, step) else 0
        seen = self._look(run, step) if self._has_place(run, step) else Seen()
        base, per_change = self.agents[run.agent].seconds[step.kind]
        factor = math.exp(self._random.gauss(0.0, self._spread)) if self._spread else 1.0
        seconds = base * factor + per_change * seen.work + (run.script.ending.extra_s if number == 1 else 0.0)
        first = number == 1
        run.steps.append(
            RanStep(
                number=number,
                step=step,
                id=guid_of(run.key, str(number)),
                began=self.now(at),
                seen=seen,
                population=population,
                errors=run.script.errors if first else (),
                incidents=run.script.incidents if first else (),
            )
        )
        run.due = at + seconds

    def _has_place(self, run: MimRun, step: MimStep) -> bool:
        return (run.agent, _place(step)) in self._spaces.all()

    def _look(self, run: MimRun, step: MimStep) -> Seen:
        seen = self._spaces.look(run.agent, _model(step))
        return Seen() if step.files in {Files.TO_FILE, Files.FROM_FILE} else seen

    def _carry(self, run: MimRun, current: RanStep, at: float) -> str:
        """Do the step's work as far as script and thresholds allow, and return its status."""
        ending, step = run.script.ending, current.step
        if not self._has_place(run, step):
            return "missing-partition-for-run-step"
        if not ending.does_its_work:
            return ending.status
        seen, limit = _within_thresholds(current.seen, step)
        failed = sum(1 for error in current.errors if error.stage == "export")
        seen = replace(seen, exports=seen.exports[failed:])
        current.result = self._spaces.carry(run.agent, ENGINE, _model(step), seen, at)
        if ending.discovery_errors and step.kind.imports:
            return _AFTER_ERRORS["discovery"]
        if limit:
            return limit
        if current.errors:
            return _AFTER_ERRORS[current.errors[0].stage]
        return ending.status if len(run.steps) == len(run.profile.steps) else "success"

    def _close_step(self, step: RanStep, at: float, status: str) -> None:
        step.ended, step.status = self.now(at), status

    def _status(self, run: MimRun) -> str:
        bad = [step.status for step in run.steps if step.status != "success"]
        return bad[-1] if bad else run.script.ending.status

    def _end(self, run: MimRun, at: float, status: str) -> None:
        run.status, run.ended, run.ended_at, run.due = status, at, self.now(at), _NEVER
        self.running.pop(run.agent, None)


def _place(step: MimStep) -> PartitionName:
    return PartitionName(step.partition)


def _model(step: MimStep) -> Step:
    return Step(kind=step.kind, partition=_place(step))


def _within_thresholds(seen: Seen, step: MimStep) -> tuple[Seen, str]:
    """Return what the step's thresholds let through, and the status with which one of them stops it."""
    carried: Sequence[Change] = seen.exports if step.kind.exports else seen.source
    if step.objects and len(carried) >= step.objects:
        return _cut(seen, step, step.objects), "stopped-object-limit"
    deletions = [place for place, change in enumerate(carried) if change.kind is ChangeKind.DELETES]
    if step.deletions and len(deletions) > step.deletions:
        return _cut(seen, step, deletions[step.deletions]), "stopped-deletion-limit"
    return seen, ""


def _cut(seen: Seen, step: MimStep, most: int) -> Seen:
    if step.kind.exports:
        return replace(seen, exports=seen.exports[:most])
    return replace(seen, source=seen.source[:most])
