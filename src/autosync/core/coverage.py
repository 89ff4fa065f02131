"""Whether one run makes another unnecessary: the same parts on the same partitions, full where full was wanted."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from autosync.model.ids import PartitionName
from autosync.model.steps import StepKind


class Doing(Protocol):
    """A step that is planned, or the result of one that ran."""

    @property
    def kind(self) -> StepKind:
        """Return what it does."""
        ...

    @property
    def partition(self) -> PartitionName:
        """Return where."""
        ...


def covers(done: Iterable[Doing], wanted: Iterable[Doing]) -> bool:
    """Return whether the steps ``done`` do everything that ``wanted`` would do. A full one does what a delta would."""
    found = {part for step in done for part in _parts(step)}
    return all(part in found for step in wanted for part in _least(step))


def _parts(step: Doing) -> Iterator[tuple[str, PartitionName]]:
    """Yield what a step does, the lesser things that it includes too."""
    yield from _least(step)
    if step.kind.imports:
        yield "delta-import", step.partition
    if step.kind.syncs:
        yield "delta-sync", step.partition


def _least(step: Doing) -> Iterator[tuple[str, PartitionName]]:
    """Yield what another step must do at least to stand for this one."""
    kind = step.kind
    if kind.imports:
        yield ("full-import" if kind.is_full_import else "delta-import"), step.partition
    if kind.syncs:
        yield ("full-sync" if kind.value.endswith("full-sync") else "delta-sync"), step.partition
    if kind.exports:
        yield "export", step.partition
