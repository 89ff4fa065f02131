"""What ``csexport`` writes about pending changes, as a stream: files of gigabytes, one object in memory at a time.

Counts, a fingerprint and some names per partition; attribute values go into digests and nowhere else.
"""

from dataclasses import dataclass, field
from typing import Final

from autosync.adapters.engines.mim.reading.deltas import OPERATIONS, Fingerprint, digest, kind_of
from autosync.adapters.engines.mim.reading.doubts import Doubts
from autosync.adapters.engines.mim.reading.partitions import Partition, PartitionIndex
from autosync.model.agents import PendingSet
from autosync.model.counts import ChangeKind, Counts
from autosync.model.ids import PartitionName
from autosync.untrusted_xml import Choice, Limits, Node, Source, SubtreeReader, XmlRefused, pieces

SAMPLE: Final = 5
UNPLACED: Final = 1000
"""Ids of objects without a partition that are kept, to be asked about one by one."""

_LIMITS: Final = Limits(size=None)
_DROPPED: Final = frozenset(
    {
        "synchronized-hologram",
        "unapplied-export-hologram",
        "escrowed-export-hologram",
        "unconfirmed-export-hologram",
        "pending-import-hologram",
        "hologram",
        "mv-link",
        "cs-mv-links",
        "export-errordetail",
        "sequencers",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Which pending changes are meant, by the names of their elements."""

    delta: str
    operation: str


EXPORTS: Final = Side(delta="unapplied-export", operation="export-delta-operation")
"""From ``csexport … /f:x``."""
IMPORTS: Final = Side(delta="pending-import", operation="import-delta-operation")
"""From ``csexport … /f:m``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingChanges:
    """What is pending, per partition."""

    sets: dict[PartitionName, PendingSet]
    unplaced: tuple[str, ...] = ()
    """Ids (``MIIS_CSObject.Guid``) of objects whose partition the file does not tell, at most a thousand."""
    unplaced_count: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Tally:
    counts: dict[ChangeKind, int] = field(default_factory=lambda: dict.fromkeys(ChangeKind, 0))
    fingerprint: Fingerprint = field(default_factory=Fingerprint)
    sample: list[str] = field(default_factory=list)

    def frozen(self) -> PendingSet:
        counts = Counts(**{kind.name.lower(): number for kind, number in self.counts.items()})
        return PendingSet(counts=counts, fingerprint=str(self.fingerprint), sample=tuple(self.sample))


class PendingReader:
    """Takes the output of ``csexport`` in pieces.

    With ``stop_when_all_seen`` reading may end as soon as each selected partition had one change: ``is_enough`` tells.
    The sets then say only that there is something: they have neither counts nor a fingerprint.
    """

    def __init__(self, side: Side, partitions: PartitionIndex, *, stop_when_all_seen: bool = False) -> None:
        self._side = side
        self._partitions = partitions
        self._reader = SubtreeReader(_choose, dropped=_DROPPED, limits=_LIMITS)
        self._tallies: dict[PartitionName, _Tally] = {}
        self._stops = stop_when_all_seen
        self._unplaced: list[str] = []
        self._unplaced_count = 0
        self._doubts = Doubts()

    def feed(self, piece: str | bytes) -> None:
        """Take a piece. Raises ``XmlRefused``."""
        for node in self._reader.feed(piece):
            self._take(node)

    def close(self) -> PendingChanges:
        """Return what is pending. Raises ``XmlRefused`` when the end of the file is missing and was needed."""
        if not self.is_enough:
            for node in self._reader.close():
                self._take(node)
        if self._unplaced_count:
            self._doubts.tell(f"the partition of {self._unplaced_count:,} objects is unknown")
        sets = {name: tally.frozen() for name, tally in self._tallies.items()}
        if self._stops:
            sets = {name: PendingSet(counts=None, sample=each.sample) for name, each in sets.items()}
        return PendingChanges(
            sets=sets,
            unplaced=tuple(self._unplaced),
            unplaced_count=self._unplaced_count,
            warnings=self._doubts.told,
        )

    @property
    def is_enough(self) -> bool:
        """Return whether nothing that comes can change the answer."""
        selected = self._partitions.selected
        return self._stops and bool(selected) and all(each.name in self._tallies for each in selected)

    def _take(self, node: Node) -> None:
        delta = node.at(self._side.delta, "delta")
        operation = (node.words(self._side.operation) or _attribute(delta, "operation")).lower()
        if delta is None and operation in {"", "none"}:
            return
        if operation not in OPERATIONS:
            self._doubts.tell(f"unknown operation {operation or 'without a name'}: counted as a deletion")
        kind = kind_of(operation, delta)
        if kind is None:
            return
        dn = node.attributes.get("cs-dn", "") or _attribute(delta, "dn")
        place = self._place(node, dn)
        if place is None:
            self._unplaced_count += 1
            if len(self._unplaced) < UNPLACED:
                self._unplaced.append(node.attributes.get("id", "") or dn)
            return
        self._count(self._tallies.setdefault(place, _Tally()), kind, dn, operation, delta)

    def _count(self, tally: _Tally, kind: ChangeKind, dn: str, operation: str, delta: Node | None) -> None:
        tally.counts[kind] += 1
        tally.fingerprint.add(dn, operation, digest(delta) if delta is not None else b"")
        if len(tally.sample) < SAMPLE:
            tally.sample.append(f"{operation or 'change'} {dn}".strip())

    def _place(self, node: Node, dn: str) -> PartitionName | None:
        """Return the partition: by id, by name, by the object's DN; or the only one that there is."""
        for word in (node.words("partition-id"), node.words("partition-name"), node.words("partition-display-name")):
            found = self._partitions.find(word) if word else None
            if found is not None:
                return found.name
        around: Partition | None = self._partitions.around(dn)
        if around is not None:
            return around.name
        selected = self._partitions.selected
        return selected[0].name if len(selected) == 1 else None


def read_pending(source: Source, side: Side, partitions: PartitionIndex) -> PendingChanges:
    """Return everything that is pending on one side. Raises ``XmlRefused``; an empty file is no answer, but an error."""
    reader = PendingReader(side, partitions)
    for piece in pieces(source):
        reader.feed(piece)
    return reader.close()


def partitions_with_changes(source: Source, side: Side, partitions: PartitionIndex) -> frozenset[PartitionName]:
    """Return the partitions that have anything pending, reading no further than needed.

    Objects that cannot be placed make all selected partitions count. Raises ``XmlRefused``.
    """
    reader = PendingReader(side, partitions, stop_when_all_seen=True)
    for piece in pieces(source):
        reader.feed(piece)
        if reader.is_enough:
            break
    found = reader.close()
    everywhere = (each.name for each in partitions.selected) if found.unplaced_count else ()
    return frozenset(found.sets) | frozenset(everywhere)


def _choose(path: tuple[str, ...]) -> Choice:
    if path[-1] == "cs-object":
        return Choice.KEEP
    if path == ("cs-objects",):
        return Choice.ENTER
    if len(path) == 1:
        raise XmlRefused(f"this is no output of csexport: its root is {path[0][:60]}, not cs-objects")
    return Choice.SKIP


def _attribute(node: Node | None, name: str) -> str:
    return node.attributes.get(name, "") if node is not None else ""
