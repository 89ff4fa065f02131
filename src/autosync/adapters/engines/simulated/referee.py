"""Watches who runs beside whom, by rules written down a second time: it shares no line with the core's admission."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from autosync.model.steps import Profile


class Runner(Protocol):
    """What the referee sees of a run."""

    @property
    def agent(self) -> str:
        """Return the agent's name."""
        ...

    @property
    def profile(self) -> Profile:
        """Return what it runs."""
        ...

    @property
    def ours(self) -> bool:
        """Return whether AutoSync started it."""
        ...

    @property
    def asked(self) -> float:
        """Return when the engine was asked to start it; the answer may have taken a while."""
        ...

    @property
    def noticed(self) -> float | None:
        """Return when AutoSync could first know of it."""
        ...


@dataclass(kw_only=True)
class Referee:
    """Collects what must not have happened. Blames AutoSync only for what it could know."""

    syncs_run_alone: bool = True
    """Run mode ``supported``."""
    all_run_alone: bool = False
    """Run mode ``exclusive``."""
    most_at_once: int | None = None
    """How many runs that AutoSync started may go on at the same time."""
    locked_together: frozenset[frozenset[str]] = frozenset()
    """Agents that must not run at the same time."""
    mim_service: frozenset[str] = frozenset()
    """Agents whose delta imports and exports run beside no synchronization, and beside none of each other."""
    margin_s: float = 2.0
    """How long after it could be known a foreign run counts as known."""
    violations: list[str] = field(default_factory=list)
    starts: int = 0
    overlaps: int = 0
    """Runs that began while others ran, allowed: proof that the referee had something to look at."""

    def began(self, run: Runner, others: Iterable[Runner], at: float) -> None:
        """Judge a run that begins beside ``others``."""
        self.starts += 1
        beside = tuple(others)
        ours = sum(1 for other in beside if other.ours)
        if run.ours and self.most_at_once is not None and ours >= self.most_at_once:
            self.violations.append(f"at {at:.3f} s {run.agent} {run.profile.name} began beside {ours} others")
        for other in beside:
            self.overlaps += 1
            reason = self._clash(run, other)
            if reason and run.ours and self._is_known(other, run.asked):
                self.violations.append(
                    f"at {at:.3f} s {run.agent} {run.profile.name} began beside {other.agent} {other.profile.name}: {reason}"
                )

    def _is_known(self, other: Runner, asked: float) -> bool:
        return other.ours or (other.noticed is not None and other.noticed + self.margin_s < asked)

    def _clash(self, run: Runner, other: Runner) -> str:
        if run.agent == other.agent:
            return "one run an agent"
        if frozenset((run.agent, other.agent)) in self.locked_together:
            return "locked together"
        if self.all_run_alone:
            return "every run runs alone"
        if self._counts_as_sync(run) and self._counts_as_sync(other):
            return "two synchronizations"
        if self.syncs_run_alone and (run.profile.syncs or other.profile.syncs):
            return "a synchronization runs alone"
        return ""

    def _counts_as_sync(self, run: Runner) -> bool:
        if run.profile.syncs:
            return True
        return run.agent in self.mim_service and any(
            step.kind.exports or step.kind.value == "delta-import" for step in run.profile.steps
        )
