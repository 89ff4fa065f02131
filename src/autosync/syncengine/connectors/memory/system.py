"""The connected system itself: objects, and a journal of what changed."""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import count

from autosync.syncengine.connectors.port import Attributes


@dataclass(slots=True)
class StoredObject:
    """One object of the system."""

    dn: str
    object_type: str
    attributes: Attributes


@dataclass(slots=True)
class MemorySystem:
    """Objects by partition and anchor. Tests change it directly with ``put`` and ``remove``, as its own users would."""

    objects: dict[str, dict[str, StoredObject]] = field(default_factory=dict)
    journal: list[tuple[int, str, str]] = field(default_factory=list)
    """Number of the change, partition, anchor."""
    sequence: int = 0
    forgotten: int = 0
    """The last change that the journal no longer holds."""
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def partition(self, name: str) -> dict[str, StoredObject]:
        """Return the objects of a partition by anchor."""
        return self.objects.setdefault(name, {})

    def put(self, anchor: str, stored: StoredObject, partition: str = "default") -> None:
        """Create or replace an object."""
        self.partition(partition)[anchor] = stored
        self._note(partition, anchor)

    def remove(self, anchor: str, partition: str = "default") -> None:
        """Delete an object, if it is there."""
        if self.partition(partition).pop(anchor, None) is not None:
            self._note(partition, anchor)

    def changed_since(self, sequence: int, partition: str) -> list[str]:
        """Return the anchors of what changed after ``sequence``, each once, in the order of its last change."""
        start = bisect_right(self.journal, sequence, key=lambda entry: entry[0])
        anchors = (anchor for _, where, anchor in reversed(self.journal[start:]) if where == partition)
        return list(dict.fromkeys(anchors))[::-1]

    def forget(self, keep: int) -> None:
        """Forget all but the last ``keep`` changes."""
        if len(self.journal) > keep:
            cut = len(self.journal) - keep
            self.forgotten = self.journal[cut - 1][0]
            del self.journal[:cut]

    def _note(self, partition: str, anchor: str) -> None:
        self.sequence += 1
        self.journal.append((self.sequence, partition, anchor))
