"""The partitions of an agent: found by id, name, display name, or by the place of an object."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from autosync.adapters.engines.mim.reading.values import guid
from autosync.model.ids import PartitionName

IMPORT_DELTA: Final = 0x1
_CHANGED: Final = {
    0x2: "the agent's configuration changed",
    0x4: "the metaverse's configuration changed",
    0x8: "the metaverse's extension changed",
    0x10: "the agent's extension changed",
}
NOT_ALLOWED: Final = 0x40000000


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A partition as the agent's configuration describes it.

    ``allowed_operations`` are the bits of MS-UPSCDS 2.2.2.16; None where the file does not say.
    """

    id: str
    """In lower case without braces."""
    name: PartitionName
    display_name: str = ""
    selected: bool = True
    dn: str = ""
    dns_name: str = ""
    """For Active Directory the domain's DNS name."""
    is_domain: bool = False
    domain_controllers: tuple[str, ...] = ()
    """The preferred ones, in order."""
    last_domain_controller: str = ""
    object_classes: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
    """Containers whose objects are read."""
    excluded: tuple[str, ...] = ()
    allowed_operations: int | None = None

    @property
    def is_usable(self) -> bool:
        """Return whether runs may work on it: selected, and not being created."""
        return self.selected and not (self.allowed_operations or 0) & NOT_ALLOWED

    @property
    def due(self) -> tuple[str, ...]:
        """Return why the engine says that a full import and a full synchronization are due; empty when they are not."""
        return tuple(text for bit, text in _CHANGED.items() if (self.allowed_operations or 0) & bit)


class PartitionIndex:
    """Finds partitions whatever name the engine uses: ids in profiles, names in history, display names in some of both."""

    def __init__(self, partitions: Iterable[Partition]) -> None:
        self._partitions = tuple(partitions)
        self._named: dict[str, Partition] = {}
        for partition in self._partitions:
            for word in (partition.name, partition.display_name, partition.dn):
                if word:
                    self._named.setdefault(word.strip().casefold(), partition)
        self._by_id = {partition.id: partition for partition in self._partitions if partition.id}

    def find(self, word: str) -> Partition | None:
        """Return the partition of an id, a name or a display name, whatever its case and braces."""
        by_name = self._named.get(word.strip().casefold()) if word.strip() else None
        return by_name or self._by_id.get(guid(word))

    def around(self, dn: str) -> Partition | None:
        """Return the selected partition that holds an object: the longest whose name ends the DN at a comma."""
        holding = [each for each in self._partitions if each.selected and is_within(dn, each.dn or each.name)]
        return max(holding, key=lambda each: len(each.dn or each.name), default=None)

    @property
    def selected(self) -> tuple[Partition, ...]:
        """Return the selected partitions, in the order of the file."""
        return tuple(each for each in self._partitions if each.selected)


def is_within(dn: str, container: str) -> bool:
    """Return whether a DN is the container or lies in it, whatever the case; an escaped comma separates nothing."""
    place, inner = container.strip().casefold(), dn.strip().casefold()
    if not place or not inner.endswith(place):
        return False
    before = inner[: -len(place)]
    if not before:
        return True
    rdn = before.rstrip()
    if not rdn.endswith(","):
        return False
    rdn = rdn[:-1]
    return (len(rdn) - len(rdn.rstrip("\\"))) % 2 == 0
