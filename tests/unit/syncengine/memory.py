"""A connected system in memory, with everything that the port allows: delta, gaps, refusals, crashes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from autosync.syncengine.connectors.changes import apply_change
from autosync.syncengine.connectors.digests import settings_salt, value_digester
from autosync.syncengine.connectors.port import (
    Attributes,
    AttributeSchema,
    AttributeType,
    Change,
    ChangeKind,
    ChangeOutcome,
    ConnectorError,
    Description,
    Entry,
    ReadError,
    ReferenceBy,
)

_digest = value_digester(settings_salt("memory"))


@dataclass(slots=True)
class MemoryBatch:
    entries: list[Entry]
    deleted: Sequence[str] = ()
    errors: Sequence[ReadError] = ()

    @property
    def anchors(self) -> Sequence[str]:
        return [entry.anchor for entry in self.entries]

    @property
    def digests(self) -> Sequence[bytes]:
        return [
            _digest((entry.anchor, entry.dn, entry.object_type, sorted(entry.attributes.items())))
            for entry in self.entries
        ]

    def entry(self, index: int) -> Entry:
        found = self.entries[index]
        return Entry(anchor=found.anchor, dn=found.dn, object_type=found.object_type, attributes=dict(found.attributes))


@dataclass(slots=True)
class MemoryReader:
    batches: list[MemoryBatch]
    complete: bool = True
    token: bytes | None = None

    def __iter__(self) -> Iterator[MemoryBatch]:
        return iter(self.batches)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


@dataclass(slots=True)
class MemorySystem:
    """``entries`` by anchor. ``names`` True gives objects names of their own, and anchors that it makes up itself."""

    entries: dict[str, Entry] = field(default_factory=dict)
    names: bool = False
    types: dict[str, AttributeType] = field(default_factory=dict)
    reference_by: ReferenceBy = ReferenceBy.ANCHOR
    delta: bool = False
    batch: int = 5000
    errors: list[ReadError] = field(default_factory=list)
    complete: bool = True
    refuse: dict[str, str] = field(default_factory=dict)
    ignore: set[str] = field(default_factory=set)
    """Attributes that it accepts and does not keep."""
    written: list[Change] = field(default_factory=list)
    fail_close: bool = False
    journal: list[tuple[str, str]] = field(default_factory=list)
    made: int = 0

    def put(self, anchor: str, dn: str | None = None, object_type: str = "person", **attributes: object) -> None:
        values: Attributes = {name: value for name, value in attributes.items() if value not in (None, [])}  # type: ignore[misc]
        self.entries[anchor] = Entry(anchor=anchor, dn=dn or anchor, object_type=object_type, attributes=values)
        self.journal.append(("put", anchor))

    def remove(self, anchor: str) -> None:
        del self.entries[anchor]
        self.journal.append(("gone", anchor))

    def values(self) -> dict[str, Attributes]:
        return {entry.dn: entry.attributes for entry in self.entries.values()}

    def describe(self) -> Description:
        schema = [AttributeSchema(name=name, type=kind) for name, kind in self.types.items()]
        return Description(
            attributes={"person": schema, "group": schema},
            delta=self.delta,
            writable=True,
            reference_by=self.reference_by,
        )

    def open_full(self, partition: str) -> MemoryReader:
        entries = list(self.entries.values())
        batches = [MemoryBatch(entries[at : at + self.batch]) for at in range(0, len(entries), self.batch)]
        batches.append(MemoryBatch([], errors=list(self.errors)))
        return MemoryReader(batches, self.complete, str(len(self.journal)).encode())

    def open_delta(self, partition: str, token: bytes | None) -> MemoryReader:
        if token is None:
            raise ConnectorError("no-start-full-import-required", "nothing was read yet")
        anchors = dict.fromkeys(anchor for _, anchor in self.journal[int(token) :])
        there = [self.entries[anchor] for anchor in anchors if anchor in self.entries]
        gone = [anchor for anchor in anchors if anchor not in self.entries]
        return MemoryReader([MemoryBatch(there, deleted=gone)], self.complete, str(len(self.journal)).encode())

    def open_export(self, partition: str) -> "MemoryWriter":
        return MemoryWriter(self)


@dataclass(slots=True)
class MemoryWriter:
    system: MemorySystem

    def write(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        return [self._one(change) for change in changes]

    def close(self) -> None:
        if self.system.fail_close:
            raise ConnectorError("stopped-export-write", "the disk is full")

    def abandon(self) -> None:
        return None

    def _one(self, change: Change) -> ChangeOutcome:
        system = self.system
        system.written.append(change)
        if change.dn in system.refuse:
            return ChangeOutcome(error_type=system.refuse[change.dn], message="refused")
        if change.kind is ChangeKind.DELETE:
            if change.anchor in system.entries:
                system.remove(change.anchor)
            return ChangeOutcome()
        kept = {name: value for name, value in change.attributes.items() if name not in system.ignore}
        if change.kind is ChangeKind.ADD:
            return self._add(change, kept)
        anchor = change.anchor or ""
        old = system.entries.get(anchor)
        if old is None:
            return ChangeOutcome(error_type="cd-missing-object", message="no such object")
        change.attributes = kept
        values = apply_change(old.attributes, change)
        if change.kind is ChangeKind.RENAME:
            del system.entries[anchor]
            anchor = anchor if system.names else change.dn
        dn = change.dn if change.kind is ChangeKind.RENAME else old.dn
        system.entries[anchor] = Entry(anchor=anchor, dn=dn, object_type=old.object_type, attributes=values)
        system.journal.append(("put", anchor))
        return ChangeOutcome(anchor=anchor)

    def _add(self, change: Change, kept: Attributes) -> ChangeOutcome:
        system = self.system
        there = next((entry for entry in system.entries.values() if entry.dn == change.dn), None)
        if there is not None:
            same = all(there.attributes.get(name) == value for name, value in kept.items())
            return ChangeOutcome(anchor=there.anchor) if same else ChangeOutcome(error_type="cd-existing-object")
        system.made += 1
        anchor = f"id-{system.made}" if system.names else change.dn
        values = {name: value for name, value in kept.items() if value != []}
        system.entries[anchor] = Entry(anchor=anchor, dn=change.dn, object_type=change.object_type, attributes=values)
        system.journal.append(("put", anchor))
        return ChangeOutcome(anchor=anchor)
