"""Write to a system in memory."""

from collections.abc import Iterator, Sequence
from itertools import count
from random import Random

from autosync.syncengine.connectors.changes import apply_change, as_list
from autosync.syncengine.connectors.memory.settings import MemorySettings
from autosync.syncengine.connectors.memory.system import MemorySystem, StoredObject
from autosync.syncengine.connectors.port import Attributes, Change, ChangeKind, ChangeOutcome, ConnectorError


class WriteCounter:
    """Counts what a connector has written in its life, so that each fault comes once."""

    def __init__(self) -> None:
        self.objects: Iterator[int] = count(1)
        self.batches: Iterator[int] = count(1)


class MemoryWriter:
    """One export."""

    def __init__(self, system: MemorySystem, settings: MemorySettings, partition: str, counter: WriteCounter) -> None:
        self._system = system
        self._settings = settings
        self._partition = partition
        self._counter = counter
        self._objects = system.partition(partition)
        if settings.atomic:
            self._objects = dict(self._objects)
        self._touched: dict[str, None] = {}

    def write(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        """Apply the changes; raise ``ConnectorError`` where the faults say so."""
        faults, outcomes = self._settings.faults, []
        for change in changes:
            number = next(self._counter.objects)
            outcomes.append(self._write(change, number))
            if number == faults.disconnect_write_after:
                raise ConnectorError(
                    "stopped-connectivity", f"the connection broke after {number} objects (on purpose)"
                )
        if next(self._counter.batches) == faults.lose_answer_of_batch:
            raise ConnectorError("stopped-connectivity", "the batch was applied and its answer lost (on purpose)")
        return outcomes

    def close(self) -> None:
        """Make an atomic export visible."""
        if self._settings.atomic:
            for anchor in self._touched:
                if (stored := self._objects.get(anchor)) is None:
                    self._system.remove(anchor, self._partition)
                else:
                    self._system.put(anchor, stored, self._partition)
        self._system.forget(self._settings.keep_changes)

    def abandon(self) -> None:
        """Forget an atomic export."""
        self._touched.clear()

    def _write(self, change: Change, number: int) -> ChangeOutcome:
        faults = self._settings.faults
        if number in faults.fail_nth or Random(f"{faults.seed}:{number}").random() < faults.fail_chance:
            return ChangeOutcome(error_type="cd-error", message=f"refused on purpose: change number {number}")
        match change.kind:
            case ChangeKind.ADD:
                return self._add(change)
            case ChangeKind.DELETE:
                self._remove(change.anchor or change.dn)
                return ChangeOutcome()
            case ChangeKind.DELETE_ADD:
                self._remove(change.anchor or change.dn)
                return self._add(change)
            case ChangeKind.UPDATE | ChangeKind.RENAME:
                return self._update(change)

    def _add(self, change: Change) -> ChangeOutcome:
        own = change.attributes.get(self._settings.anchor) if self._settings.anchor else None
        anchor = change.anchor or (str(own) if own is not None else "")
        if not anchor and self._settings.generated:
            there = next((name for name, each in self._objects.items() if each.dn == change.dn), None)
            anchor = there or ""
        if not anchor and not self._settings.generated:
            anchor = change.dn
        if (stored := self._objects.get(anchor)) is not None:
            if _has(stored.attributes, change.attributes):
                return ChangeOutcome(anchor=anchor)
            return ChangeOutcome(error_type="cd-existing-object", message=f"{anchor!r} is there already")
        attributes = _copy(change.attributes)
        if self._settings.generated:
            number = next(self._system.numbers)
            attributes |= self._settings.generated(number, attributes)
            given = attributes.get(self._settings.anchor) if self._settings.anchor else None
            anchor = anchor or str(given if given is not None else number)
        self._put(anchor, StoredObject(change.dn or anchor, change.object_type, attributes))
        return ChangeOutcome(anchor=anchor)

    def _update(self, change: Change) -> ChangeOutcome:
        anchor = change.anchor or change.old_dn or change.dn
        stored = self._objects.get(anchor)
        if stored is None:
            return ChangeOutcome(error_type="cd-missing-object", message=f"there is no {anchor!r}")
        dn = change.dn if change.kind is ChangeKind.RENAME else stored.dn
        self._put(anchor, StoredObject(dn, stored.object_type, _copy(apply_change(stored.attributes, change))))
        return ChangeOutcome(anchor=anchor)

    def _put(self, anchor: str, stored: StoredObject) -> None:
        if self._objects.get(anchor) == stored:
            return
        if self._settings.atomic:
            self._objects[anchor] = stored
            self._touched[anchor] = None
        else:
            self._system.put(anchor, stored, self._partition)

    def _remove(self, anchor: str) -> None:
        if self._settings.atomic:
            self._objects.pop(anchor, None)
            self._touched[anchor] = None
        else:
            self._system.remove(anchor, self._partition)


def _copy(attributes: Attributes) -> Attributes:
    return {
        name: list(value) if isinstance(value, list) else value for name, value in attributes.items() if value != []
    }


def _has(have: Attributes, want: Attributes) -> bool:
    return all(set(as_list(have.get(name))) == set(as_list(value)) for name, value in want.items())
