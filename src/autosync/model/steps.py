"""Run profiles and their steps, in Microsoft's terms."""

from dataclasses import dataclass
from enum import StrEnum

from autosync.model.ids import PartitionName, ProfileName


class StepKind(StrEnum):
    """What one step of a run profile does; the combined kinds stage and synchronize in one step."""

    FULL_IMPORT = "full-import"
    DELTA_IMPORT = "delta-import"
    FULL_SYNC = "full-sync"
    DELTA_SYNC = "delta-sync"
    EXPORT = "export"
    FULL_IMPORT_DELTA_SYNC = "full-import-delta-sync"
    FULL_IMPORT_FULL_SYNC = "full-import-full-sync"
    DELTA_IMPORT_DELTA_SYNC = "delta-import-delta-sync"
    UNKNOWN = "unknown"
    """A step type that this version does not know: treated as if it did everything."""

    @property
    def imports(self) -> bool:
        """Return whether the step stages an import."""
        return self in _IMPORTING

    @property
    def syncs(self) -> bool:
        """Return whether the step synchronizes, alone or combined with an import."""
        return self in _SYNCHRONIZING

    @property
    def exports(self) -> bool:
        """Return whether the step exports."""
        return self is StepKind.EXPORT or self is StepKind.UNKNOWN

    @property
    def is_full_import(self) -> bool:
        """Return whether the step reads the connected system whole."""
        return self.value.startswith("full-import")


_IMPORTING = frozenset(kind for kind in StepKind if "import" in kind.value) | {StepKind.UNKNOWN}
_SYNCHRONIZING = frozenset(kind for kind in StepKind if "sync" in kind.value) | {StepKind.UNKNOWN}


class Slot(StrEnum):
    """What AutoSync needs a profile for on a partition. An empty slot means: never do this."""

    DELTA_IMPORT = "delta-import"
    FULL_IMPORT = "full-import"
    SCHEDULED_IMPORT = "scheduled-import"
    CONFIRMING_IMPORT = "confirming-import"
    DELTA_SYNC = "delta-sync"
    FULL_SYNC = "full-sync"
    EXPORT = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a profile: what it does and where."""

    kind: StepKind
    partition: PartitionName


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A run profile of an agent."""

    name: ProfileName
    steps: tuple[Step, ...]

    @property
    def imports(self) -> bool:
        """Return whether any step imports."""
        return any(step.kind.imports for step in self.steps)

    @property
    def syncs(self) -> bool:
        """Return whether any step synchronizes."""
        return any(step.kind.syncs for step in self.steps)

    @property
    def exports(self) -> bool:
        """Return whether any step exports."""
        return any(step.kind.exports for step in self.steps)
