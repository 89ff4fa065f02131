"""Read a system in memory."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from autosync.syncengine.connectors.changes import as_list
from autosync.syncengine.connectors.digests import settings_salt, value_digester
from autosync.syncengine.connectors.memory.settings import MemorySettings
from autosync.syncengine.connectors.memory.system import MemorySystem, StoredObject
from autosync.syncengine.connectors.port import ConnectorError, Entry, EntryError, ReadBatch, ReadError

_digest = value_digester(settings_salt("memory"))


class MemoryBatch:
    """Some objects."""

    def __init__(self, objects: list[tuple[str, StoredObject]], deleted: list[str], bad: frozenset[str]) -> None:
        self._objects = objects
        self._bad = bad
        self.anchors = [anchor for anchor, _ in objects]
        self.digests = [_digest((each.dn, each.object_type, sorted(each.attributes.items()))) for _, each in objects]
        self.deleted = deleted
        self.errors: list[ReadError] = []

    def entry(self, index: int) -> Entry:
        """Return the object at ``index``; raise ``EntryError`` for one that the faults make unreadable."""
        anchor, stored = self._objects[index]
        if anchor in self._bad:
            message = f"{anchor!r} cannot be read (a fault on purpose)"
            raise EntryError(ReadError(error_type="invalid-attribute-value", message=message, anchor=anchor))
        attributes = {
            name: list(as_list(value)) if isinstance(value, list) else value
            for name, value in stored.attributes.items()
        }
        return Entry(anchor=anchor, dn=stored.dn, object_type=stored.object_type, attributes=attributes)


class MemoryReader:
    """One reading: of everything, or of what changed after ``since``."""

    def __init__(self, system: MemorySystem, settings: MemorySettings, partition: str, since: int | None) -> None:
        self._settings = settings
        self._sequence = system.sequence
        self._whole = False
        objects = system.partition(partition)
        anchors = list(objects) if since is None else system.changed_since(since, partition)
        self._living = [(anchor, objects[anchor]) for anchor in anchors if anchor in objects]
        self._deleted = [anchor for anchor in anchors if anchor not in objects]

    @property
    def complete(self) -> bool:
        """Return whether the end was reached."""
        return self._whole

    @property
    def token(self) -> bytes | None:
        """Return the number of the last change that this reading saw."""
        return str(self._sequence).encode("ascii") if self._settings.delta else None

    def __iter__(self) -> Iterator[ReadBatch]:
        """Yield batches; raise ``ConnectorError`` where the faults say so."""
        limit, size, bad = (
            self._settings.faults.disconnect_read_after,
            self._settings.batch,
            self._settings.faults.unreadable,
        )
        if self._deleted:
            yield MemoryBatch([], self._deleted, bad)
        for start in range(0, len(self._living), size):
            if limit is not None and start + size > limit:
                yield MemoryBatch(self._living[start:limit], [], bad)
                raise ConnectorError("stopped-connectivity", f"the connection broke after {limit} objects (on purpose)")
            yield MemoryBatch(self._living[start : start + size], [], bad)
        self._whole = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
