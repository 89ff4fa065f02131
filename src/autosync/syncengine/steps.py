"""Run profiles and their steps, in Microsoft's terms."""

from dataclasses import dataclass
from enum import StrEnum


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

    @property
    def imports(self) -> bool:
        """Return whether the step stages an import."""
        return "import" in self.value

    @property
    def syncs(self) -> bool:
        """Return whether the step synchronizes, alone or combined with an import."""
        return "sync" in self.value

    @property
    def exports(self) -> bool:
        """Return whether the step exports."""
        return self is StepKind.EXPORT

    @property
    def reads_everything(self) -> bool:
        """Return whether the step's import reads the connected system whole."""
        return self.value.startswith("full-import")

    @property
    def syncs_everything(self) -> bool:
        """Return whether the step's synchronization takes every object, not only those with staged changes."""
        return self.value.endswith("full-sync")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a profile: what it does, where, and after how many objects it stops (None: no limit)."""

    kind: StepKind
    partition: str = "default"
    object_limit: int | None = None
    """Stop after this many objects: ``stopped-object-limit``."""
    deletion_limit: int | None = None
    """Stop before more deletions than this are staged or exported: ``stopped-deletion-limit``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A run profile of an agent."""

    name: str
    steps: tuple[Step, ...]
