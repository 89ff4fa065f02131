"""What a finished run makes necessary, read from its steps in the order in which they ran."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from autosync.core import outcomes
from autosync.model.counts import Counts, RunResult, StepResult
from autosync.model.ids import AgentId, PartitionName
from autosync.model.steps import Profile, Slot, Step
from autosync.model.wording import number


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """A run that must follow on the same agent. ``expected`` changes wait for it; None: the engine did not count."""

    slot: Slot
    partition: PartitionName
    expected: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """A synchronization left changes to export: look at these agents. None: it did not say which, so at all."""

    targets: tuple[AgentId, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """Something was exported, so that the agents that this agent wakes have a reason to import."""

    partition: PartitionName


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """An export broke off and told nothing: only an import can say what it did."""

    partition: PartitionName


Followup = Needed | Outbound | Exported | Doubtful

_BEHIND: Final = frozenset({"cd-existing-object", "cd-missing-object"})
"""Microsoft's names for export errors that say that the connected system is not as the last import saw it."""


def steps_of(result: RunResult, profile: Profile | None) -> tuple[StepResult, ...]:
    """Return what each step did. Where a good run has no steps to show, its profile's steps ran and nothing is counted."""
    if result.steps or profile is None or not outcomes.ended_well(result.status):
        return result.steps
    return tuple(StepResult(kind=step.kind, partition=step.partition, status=result.status) for step in profile.steps)


def followups(steps: Sequence[StepResult], *, full_sync: bool) -> Iterator[Followup]:
    """Yield what the steps make necessary.

    Unknown counters of a step that ended well mean that there is work; of a step that did not, that nothing is known and
    its run comes again anyway. ``full_sync``: a full import is followed by a full synchronization.
    """
    for place, step in enumerate(steps):
        later = steps[place + 1 :]
        if step.kind.imports and not step.kind.syncs:
            yield from _after_import(step, later, full_sync=full_sync)
        if step.kind.syncs:
            yield from _after_sync(step)
        if step.kind.exports:
            yield from _after_export(step, later)


def doubts(status: str, steps: Sequence[StepResult], planned: Sequence[Step]) -> Iterator[Doubtful]:
    """Yield the partitions of which nobody knows what a run exported there before it broke off.

    The export comes again, and what was made and not told is made once more. But what is to be taken back in between would
    be thought not to be there, and stay.
    """
    if not outcomes.broke_off(status):
        return
    told = [(step.kind, step.partition, step.exported, step.status) for step in steps]
    exports = told or [(step.kind, step.partition, None, status) for step in planned]
    for kind, partition, exported, ended in exports:
        if kind.exports and exported is None and outcomes.broke_off(ended):
            yield Doubtful(partition=partition)


def _after_import(step: StepResult, later: Sequence[StepResult], *, full_sync: bool) -> Iterator[Followup]:
    if not _did_something(step, step.staged) or any(_synced(each, step.partition) for each in later):
        return
    staged = step.staged.total if step.staged is not None else None
    slot = Slot.FULL_SYNC if full_sync and step.kind.is_full_import else Slot.DELTA_SYNC
    yield Needed(slot=slot, partition=step.partition, expected=staged, reason=_changes(staged, "staged"))


def _after_sync(step: StepResult) -> Iterator[Followup]:
    if step.outbound is None:
        if _ended_well(step):
            yield Outbound(targets=None)
        return
    targets = tuple(sorted(agent for agent, count in step.outbound.items() if count > 0))
    if targets:
        yield Outbound(targets=targets)


def _after_export(step: StepResult, later: Sequence[StepResult]) -> Iterator[Followup]:
    """Failures alone confirm nothing: they would be exported, imported and counted for ever (W29).

    But those that tell that the engine's picture is old are mended by an import, and by nothing else: an object that is
    there already (its add was carried out before a crash), or is there no more.
    """
    done = _did_something(step, step.exported)
    if done:
        yield Exported(partition=step.partition)
    behind = any(error.error_type in _BEHIND for error in step.errors)
    if (done or behind) and not any(each.kind.imports and each.partition == step.partition for each in later):
        exported = step.exported.total if step.exported is not None else None
        reason = _changes(exported, "exported") if done else "found other objects there than it knew"
        yield Needed(slot=Slot.CONFIRMING_IMPORT, partition=step.partition, expected=exported, reason=reason)


def _did_something(step: StepResult, counts: Counts | None) -> bool:
    return _ended_well(step) if counts is None else counts.total > 0


def _ended_well(step: StepResult) -> bool:
    return outcomes.ended_well(step.status)


def _synced(step: StepResult, partition: PartitionName) -> bool:
    return step.kind.syncs and step.partition == partition


def _changes(count: int | None, done: str) -> str:
    return f"{done} changes that the engine did not count" if count is None else f"{done} {number(count, 'change')}"
