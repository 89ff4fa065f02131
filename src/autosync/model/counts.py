"""Counters of runs. Unknown is not zero: a counter that the engine cannot give is None."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from autosync.model.ids import AgentId, PartitionName
from autosync.model.steps import StepKind


class ChangeKind(StrEnum):
    """The kinds of change that engines count, and thresholds limit."""

    ADDS = "adds"
    UPDATES = "updates"
    RENAMES = "renames"
    DELETES = "deletes"
    DELETE_ADDS = "delete-adds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many objects changed, by kind of change."""

    adds: int = 0
    updates: int = 0
    renames: int = 0
    deletes: int = 0
    delete_adds: int = 0

    @property
    def total(self) -> int:
        """Return the sum of all kinds."""
        return self.adds + self.updates + self.renames + self.deletes + self.delete_adds

    def of(self, kind: ChangeKind) -> int:
        """Return the count of one kind."""
        return int(getattr(self, kind.name.lower()))

    def __add__(self, other: "Counts") -> "Counts":
        """Return the sums, kind by kind."""
        return Counts(
            adds=self.adds + other.adds,
            updates=self.updates + other.updates,
            renames=self.renames + other.renames,
            deletes=self.deletes + other.deletes,
            delete_adds=self.delete_adds + other.delete_adds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectError:
    """One object that a run could not import, synchronize or export. Never holds attribute values."""

    stage: str
    """``discovery``, ``sync`` or ``export``."""
    error_type: str
    dn: str = ""
    message: str = ""
    line: int | None = None
    retry_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What one step did. None means that the engine did not say."""

    kind: StepKind
    partition: PartitionName
    status: str
    started: datetime | None = None
    ended: datetime | None = None
    staged: Counts | None = None
    exported: Counts | None = None
    export_failures: int | None = None
    outbound: Mapping[AgentId, int] | None = None
    """Outbound changes per target agent: all of an outbound-flow block but ``connector-no-flow``."""
    counters: Mapping[str, int] = field(default_factory=dict)
    """Every counter as the engine names it, for display; outbound ones as ``target: name``."""
    errors: tuple[ObjectError, ...] = ()
    error_count: int = 0
    """All object errors of the step; ``errors`` may hold only the first of them."""
    discovery_errors: bool = False
    """Whether objects could not be read, so that the engine skipped deletions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run did, as the engine reports it, steps in the order in which they ran."""

    handle: str
    status: str
    steps: tuple[StepResult, ...] = ()
    started: datetime | None = None
    ended: datetime | None = None
    message: str = ""
    """What a person should read beside the status; no secret, no attribute value."""
    doubts: tuple[str, ...] = ()
    """What the engine wrote about the run that is not understood, and was taken for the safe case; also in ``message``."""
