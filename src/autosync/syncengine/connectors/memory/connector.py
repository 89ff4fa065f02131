"""The connector for a system in memory."""

from pathlib import Path
from typing import Final

from autosync.syncengine.connectors.memory.reader import MemoryReader
from autosync.syncengine.connectors.memory.settings import MemorySettings
from autosync.syncengine.connectors.memory.system import MemorySystem
from autosync.syncengine.connectors.memory.writer import MemoryWriter, WriteCounter
from autosync.syncengine.connectors.port import (
    AttributeSchema,
    AttributeType,
    ConnectorError,
    Description,
    Reader,
    Writer,
)

_NAMED: Final[dict[str, MemorySystem]] = {}


class MemoryConnector:
    """A system in memory. ``system`` is open to tests."""

    def __init__(self, settings: MemorySettings, system: MemorySystem | None = None) -> None:
        self.settings = settings
        self.system = MemorySystem() if system is None else system
        self._counter = WriteCounter()

    def describe(self) -> Description:
        """Return the attributes of the settings and those that objects have."""
        settings = self.settings
        names = dict.fromkeys((*settings.attributes, *settings.multi_valued, *settings.types))
        names |= dict.fromkeys([settings.anchor] if settings.anchor else [])
        several = set(settings.multi_valued)
        for stored in (each for objects in self.system.objects.values() for each in objects.values()):
            names |= dict.fromkeys(stored.attributes)
            several |= {name for name, value in stored.attributes.items() if isinstance(value, list)}
        schema = tuple(
            AttributeSchema(name=name, type=settings.types.get(name, AttributeType.STRING), multivalued=name in several)
            for name in names
        )
        return Description(
            attributes=dict.fromkeys(settings.object_types, schema),
            partitions=settings.partitions,
            delta=settings.delta,
            writable=True,
            reference_by=settings.reference_by,
        )

    def open_full(self, partition: str) -> Reader:
        """Start reading everything."""
        return MemoryReader(self.system, self.settings, partition, None)

    def open_delta(self, partition: str, token: bytes | None) -> Reader:
        """Start reading the changes; raise ``ConnectorError`` when the journal no longer reaches back to the token."""
        since = int(token) if token is not None and token.isdigit() else None
        if since is None or not self.system.forgotten <= since <= self.system.sequence:
            raise ConnectorError("no-start-full-import-required", "the token is not known: import everything first")
        return MemoryReader(self.system, self.settings, partition, since)

    def open_export(self, partition: str) -> Writer:
        """Start writing."""
        return MemoryWriter(self.system, self.settings, partition, self._counter)


def memory_connector(settings: MemorySettings, folder: Path) -> MemoryConnector:  # noqa: ARG001 (nothing is in a folder)
    """Return a connector; one with a name shares its system with all of that name in this process."""
    system = _NAMED.setdefault(settings.name, MemorySystem()) if settings.name else None
    return MemoryConnector(settings, system)
