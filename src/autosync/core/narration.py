"""The words of facts: numbers, durations and names as a person reads them."""

from datetime import timedelta

from autosync.model.counts import ChangeKind, Counts
from autosync.model.ids import PartitionName
from autosync.model.steps import Slot
from autosync.model.wording import number

_ONE = {
    ChangeKind.ADDS: "add",
    ChangeKind.UPDATES: "update",
    ChangeKind.RENAMES: "rename",
    ChangeKind.DELETES: "delete",
    ChangeKind.DELETE_ADDS: "delete-add",
}


def counts_text(counts: Counts | None) -> str:
    """Return ``3 adds, 1 delete``; ``an unknown number of changes`` where the engine does not count."""
    if counts is None:
        return "an unknown number of changes"
    parts = [number(counts.of(kind), one) for kind, one in _ONE.items() if counts.of(kind)]
    return ", ".join(parts) or "no changes"


def duration(span: timedelta) -> str:
    """Return ``0.14 s``, ``45 s``, ``1 min 4 s``, ``2 h 5 min``, ``3 d 2 h``."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    whole = round(seconds)
    for size, unit, smaller, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def slot_text(slot: Slot, partition: PartitionName | None) -> str:
    """Return ``delta import``, ``delta import of DC=corp,DC=example``."""
    words = slot.value.replace("-", " ")
    return words if partition in {None, "default"} else f"{words} of {partition}"


def by_whom(person: str, reason: str) -> str:
    """Return ``by anna: CHG0042``."""
    return f"by {person}: {reason}" if reason else f"by {person}"
