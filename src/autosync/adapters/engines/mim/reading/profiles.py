"""Run profiles as an agent's configuration describes them: what their steps do, where, and when they stop."""

from collections.abc import Iterator
from dataclasses import dataclass

from autosync.adapters.engines.mim.reading.doubts import Doubts
from autosync.adapters.engines.mim.reading.partitions import PartitionIndex
from autosync.adapters.engines.mim.reading.steps import is_test_run, step_kind
from autosync.adapters.engines.mim.reading.values import guid, whole
from autosync.model.ids import PartitionName, ProfileName
from autosync.model.steps import Profile, Step, StepKind
from autosync.untrusted_xml import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Where a step stops by itself; 0 is never. The run then ends as ``stopped-object-limit`` or ``stopped-deletion-limit``."""

    objects: int = 0
    deletions: int = 0
    batch_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileStep:
    """One step of a profile."""

    kind: StepKind
    partition: PartitionName
    partition_id: str
    """In lower case without braces; empty where the step names none."""
    threshold: Threshold
    is_test_run: bool = False
    is_misplaced: bool = False
    """Whether its partition does not exist or is not selected: ``missing-partition-for-run-step``."""

    @property
    def is_partial(self) -> bool:
        """Return whether it never does all of its work: a test run, or one that stops after some objects."""
        return self.is_test_run or self.threshold.objects > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProfile:
    """A run profile as the engine has it."""

    id: str
    name: ProfileName
    steps: tuple[ProfileStep, ...]

    @property
    def as_profile(self) -> Profile:
        """Return the profile in AutoSync's words.

        Steps that never do all of their work are ``UNKNOWN``: nobody's slot (as in the predecessor), and taken as doing
        everything where a person starts them.
        """
        steps = (Step(kind=_planned(step), partition=step.partition) for step in self.steps)
        return Profile(name=self.name, steps=tuple(steps))


def run_profile(node: Node, partitions: PartitionIndex, doubts: Doubts) -> RunProfile:
    """Return the profile of a ``run-configuration``. Its name says nothing about what it does; its steps do."""
    name = node.words("name")
    steps = tuple(_step(step, name, partitions, doubts) for step in _steps(node))
    if not steps:
        doubts.tell(f"the run profile {name} has no steps: it cannot be started")
    return RunProfile(id=guid(node.words("id")), name=ProfileName(name), steps=steps)


def _steps(node: Node) -> Iterator[Node]:
    configuration = node.at("configuration")
    return configuration.all("step") if configuration is not None else iter(())


def _step(node: Node, profile: str, partitions: PartitionIndex, doubts: Doubts) -> ProfileStep:
    word = node.words("partition")
    partition = partitions.find(word)
    if partition is None:
        doubts.tell(
            f"a step of the run profile {profile} names the partition {word or 'none'}, which the agent has not"
        )
    elif not partition.selected:
        doubts.tell(f"a step of the run profile {profile} works on {partition.name}, which is not selected")
    return ProfileStep(
        kind=step_kind(node, doubts),
        partition=partition.name if partition is not None else PartitionName(word or "default"),
        partition_id=guid(word),
        threshold=_threshold(node.at("threshold")),
        is_test_run=is_test_run(node),
        is_misplaced=partition is None or not partition.selected,
    )


def _threshold(node: Node | None) -> Threshold:
    """Return the threshold; the element may be absent, empty, or a bare number (MS-UPSDBDAP)."""
    if node is None:
        return Threshold()
    return Threshold(
        objects=whole(node.words("object")) or (0 if node.children else whole(node.text) or 0),
        deletions=whole(node.words("delete")) or 0,
        batch_size=whole(node.words("batch-size")) or 0,
    )


def _planned(step: ProfileStep) -> StepKind:
    return StepKind.UNKNOWN if step.is_partial else step.kind
