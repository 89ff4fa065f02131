"""Runs that import and synchronize in one go: nobody can look at what was staged in between (W41).

Where limits were configured, such a profile is taken apart into separate ones; where the agent has none, it waits visibly.
With the limits that apply by default it may run, and what passed them unseen is told: those of exports stand behind it.
"""

from collections.abc import Iterator, Sequence

from autosync.core import coverage, guards
from autosync.core.turn import Turn
from autosync.model.agents import Agent, PendingSet
from autosync.model.counts import Counts, StepResult
from autosync.model.facts import FactKind, Severity
from autosync.model.ids import AgentId, PartitionName, ProfileName
from autosync.model.runs import Run
from autosync.model.settings import AgentSettings, Guards
from autosync.model.steps import Profile, Step, StepKind

_USUAL = Guards().staged
_IMPORTS = {True: StepKind.FULL_IMPORT, False: StepKind.DELTA_IMPORT}


def unseen(steps: Sequence[coverage.Doing]) -> frozenset[PartitionName]:
    """Return the partitions whose staged imports are synchronized by the very run that stages them."""
    found: set[PartitionName] = set()
    imported: set[PartitionName] = set()
    for step in steps:
        if step.kind.imports:
            imported.add(step.partition)
        if step.kind.syncs and step.partition in imported:
            found.add(step.partition)
    return frozenset(found)


def is_kept_back(settings: AgentSettings, profile: Profile) -> bool:
    """Return whether the agent's limits forbid the profile: they were set on purpose, and it would go round them."""
    staged = settings.guards.staged
    if staged is _USUAL or settings.guards.allow_combined or staged == _USUAL:
        return False
    return guards.has_limits(staged) and bool(unseen(profile.steps))


def why(profile: Profile) -> str:
    """Return what a person reads about a profile that is kept back."""
    return (
        f"{profile.name} imports and synchronizes in one run, so that nobody can look at the limits of staged changes in "
        "between: make separate run profiles, or set guards › allow-combined: true"
    )


def apart(agent: Agent, profile: Profile) -> tuple[ProfileName, ...]:
    """Return the profiles that do the same one after the other; empty where the agent does not have them.

    Delta synchronizations are not named: what the import stages brings them about.
    """
    found: list[ProfileName] = []
    for wanted in _single(profile.steps):
        plain = next((each.name for each in agent.profiles.values() if each.steps == (wanted,)), None)
        if plain is None:
            return ()
        found.append(plain)
    return tuple(dict.fromkeys(found))


def tell(turn: Turn, agent: AgentId, profile: Profile) -> None:
    """Say once that a profile is kept back."""
    known = turn.agent(agent)
    key = f"combined {profile.name}"
    if key not in known.reported:
        turn.report(agent, key)
        text = f"a run of {agent} is kept back: {why(profile)}; this is said once"
        turn.record(FactKind.PROFILE_HELD, text, severity=Severity.WARNING, agent=agent)


def look_back(turn: Turn, run: Run, steps: Sequence[StepResult]) -> None:
    """Tell when a run, ours or somebody else's, synchronized more staged changes than may pass unseen."""
    hidden = unseen(steps)
    limits = turn.agent_settings(run.agent).guards.staged
    for partition in sorted(hidden):
        staged = [step.staged for step in steps if step.partition == partition and step.staged is not None]
        passed = guards.breaches(PendingSet(counts=sum(staged, Counts())), None, limits)
        if passed:
            said = "; ".join(each.text for each in passed)
            text = f"run {run.id}, {run.profile} of {run.agent}, staged and synchronized in one go: {said}"
            turn.record(FactKind.LIMIT_PASSED, text, severity=Severity.ERROR, agent=run.agent, run=run.id)


def _single(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield the steps with combined ones taken apart, without the delta synchronizations."""
    for step in steps:
        if step.kind.imports and step.kind.syncs:
            yield Step(kind=_IMPORTS[step.kind.is_full_import], partition=step.partition)
            if step.kind.value.endswith("full-sync"):
                yield Step(kind=StepKind.FULL_SYNC, partition=step.partition)
        elif step.kind is not StepKind.DELTA_SYNC:
            yield step
