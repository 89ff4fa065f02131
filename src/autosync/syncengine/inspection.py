"""Looking without touching: what is pending, exactly which changes, who is who, and what a synchronization would do."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autosync.syncengine.connectors.port import Description
from autosync.syncengine.errors import UnknownName
from autosync.syncengine.rules.plan import Plan
from autosync.syncengine.running.escrow import unpack
from autosync.syncengine.steps import Profile
from autosync.syncengine.store.codec import decode, encode
from autosync.syncengine.store.port import MvRow, Store
from autosync.syncengine.store.rows import CsRow, Staged


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDescription:
    """An agent as it can be run. ``kind`` is the connector's type as configured (``csv``, ``ldap``, …)."""

    name: str
    partitions: tuple[str, ...]
    profiles: tuple[Profile, ...]
    kind: str = ""
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCounts:
    """How many changes wait, by kind."""

    adds: int = 0
    updates: int = 0
    renames: int = 0
    deletes: int = 0
    delete_adds: int = 0

    @property
    def total(self) -> int:
        """Return the sum."""
        return self.adds + self.updates + self.renames + self.deletes + self.delete_adds


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionPending:
    """What waits in one partition's connector space, and how many objects that has."""

    imports: PendingCounts = PendingCounts()
    exports: PendingCounts = PendingCounts()
    objects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The exact set of pending changes of one partition: equal digests, equal sets."""

    digest: str
    counts: PendingCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingChange:
    """One pending change as a person would name it. ``attributes`` are the names of what changes, never values."""

    direction: str
    """``import`` or ``export``."""
    kind: str
    """``add``, ``update``, ``rename``, ``delete``, ``delete-add``."""
    partition: str
    dn: str
    object_type: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundObject:
    """An object of a connector space or of the metaverse, with its values: for people who may see them."""

    where: str
    """The agent's name, or ``metaverse``."""
    id: int
    object_type: str
    anchor: str | None = None
    dn: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    metaverse_id: int | None = None
    connectors: tuple[tuple[str, str], ...] = ()
    """Of a metaverse object: ``(agent, distinguished name)``."""
    staged: str = "none"
    pending: str = "none"
    unconfirmed: bool = False


class Inspection:
    """The looking half of the engine."""

    _store: Store
    _plan: Plan
    _numbers: dict[str, int]
    _descriptions: dict[str, Description]

    def pending(self, agent: str) -> Mapping[str, PartitionPending]:
        """Return what waits, by partition; read from counters, so that size costs nothing."""
        number = self._number(agent)
        tallies = self._store.tallies(number)
        return {
            space.partition: PartitionPending(
                imports=_counts(tallies, space.id, "staged"),
                exports=_counts(tallies, space.id, "pending"),
                objects=tallies.get((space.id, "objects"), 0),
            )
            for space in self._store.spaces(number)
        }

    def fingerprint_pending_imports(self, agent: str) -> Mapping[str, Fingerprint]:
        """Return the identity of the staged imports, by partition. Costs a look at each of them."""
        return self._fingerprints(agent, exports=False)

    def fingerprint_pending_exports(self, agent: str) -> Mapping[str, Fingerprint]:
        """Return the identity of the pending exports, by partition. Costs a look at each of them."""
        return self._fingerprints(agent, exports=True)

    def sample_pending(self, agent: str, limit: int = 20) -> list[PendingChange]:
        """Return some pending changes of each direction, deletions first."""
        found: list[PendingChange] = []
        for space in self._store.spaces(self._number(agent)):
            for direction, read in (("import", self._store.staged), ("export", self._store.pending)):
                room = limit
                for kind in (Staged.DELETE, Staged.DELETE_ADD, Staged.RENAME, Staged.ADD, Staged.UPDATE):
                    rows = read(space.id, int(kind), 0, room) if room > 0 else []
                    room -= len(rows)
                    found.extend(_change(row, direction, kind, space.partition) for row in rows)
        return found

    def search(self, where: str, attribute: str, value: str, limit: int = 50) -> list[FoundObject]:
        """Return objects of an agent, or of the ``metaverse``, that have a value, compared without case.

        In an agent ``anchor`` and ``dn`` are found by index; in the metaverse every key and join attribute. Other
        attributes cost a reading of all objects.
        """
        if where == "metaverse":
            return self._search_metaverse(attribute, value, limit)
        number = self._number(where)
        if attribute in {"anchor", "dn"}:
            return [self._found(row, where) for row in self._store.by_name(number, [value])][:limit]
        found: list[FoundObject] = []
        for space in self._store.spaces(number):
            after = 0
            while (rows := self._store.scan(space.id, after, 5000)) and len(found) < limit:
                after = rows[-1].id
                found.extend(self._found(row, where) for row in rows if _has(decode(row.blob).get(attribute), value))
        return found[:limit]

    def _search_metaverse(self, attribute: str, value: str, limit: int) -> list[FoundObject]:
        ids: list[int] = []
        for each in self._plan.types.values():
            index = f"{each.name}:{attribute}"
            if index in each.indexes:
                ids.extend(mv for _, mv in self._store.find_by_key(index, [value.casefold()]))
        if ids or any(f"{name}:{attribute}" in each.indexes for name, each in self._plan.types.items()):
            return self._metaverse_objects(self._store.metaverse(sorted(ids)[:limit]))
        after = 0
        found: list[MvRow] = []
        while (rows := self._store.scan_metaverse(after, 5000)) and len(found) < limit:
            after = rows[-1][0]
            found.extend(row for row in rows if _has(decode(row[2]).get(attribute), value))
        return self._metaverse_objects(found[:limit])

    def _metaverse_objects(self, rows: list[MvRow]) -> list[FoundObject]:
        names = {number: name for name, number in self._numbers.items()}
        connectors: dict[int, list[tuple[str, str]]] = {}
        for row in self._store.connectors([row[0] for row in rows]):
            if row.mv is not None:
                connectors.setdefault(row.mv, []).append((names.get(row.agent, str(row.agent)), row.dn))
        return [
            FoundObject(
                where="metaverse",
                id=number,
                object_type=name,
                attributes={key: value for key, value in decode(blob).items() if key},
                metaverse_id=number,
                connectors=tuple(connectors.get(number, ())),
            )
            for number, name, blob, _ in rows
        ]

    def _found(self, row: CsRow, where: str) -> FoundObject:
        return FoundObject(
            where=where,
            id=row.id,
            object_type=row.type,
            anchor=row.anchor,
            dn=row.dn,
            attributes=decode(row.blob),
            metaverse_id=row.mv,
            staged=Staged(row.staged).word,
            pending=Staged(row.pending).word,
            unconfirmed=row.escrow is not None,
        )

    def _fingerprints(self, agent: str, *, exports: bool) -> dict[str, Fingerprint]:
        number = self._number(agent)
        tallies = self._store.tallies(number)
        found: dict[str, Fingerprint] = {}
        for space in self._store.spaces(number):
            counts = _counts(tallies, space.id, "pending" if exports else "staged")
            digest = hashlib.blake2b(digest_size=16)
            for row in self._store.pending_digest_rows(space.id, exports=exports):
                digest.update(encode(row))
            found[space.partition] = Fingerprint(digest=digest.hexdigest() if counts.total else "", counts=counts)
        return found

    def _number(self, agent: str) -> int:
        if agent not in self._numbers:
            raise UnknownName(f"there is no agent {agent!r}; there are {', '.join(self._numbers)}")
        return self._numbers[agent]


def _counts(tallies: Mapping[tuple[int, str], int], space: int, what: str) -> PendingCounts:
    adds, updates, renames, deletes, delete_adds = (tallies.get((space, f"{what} {kind}"), 0) for kind in range(1, 6))
    return PendingCounts(adds=adds, updates=updates, renames=renames, deletes=deletes, delete_adds=delete_adds)


def _change(row: CsRow, direction: str, kind: Staged, partition: str) -> PendingChange:
    if direction == "export":
        export = unpack(row.export)
        names = {*export.attributes, *export.references, *export.initial}
    else:
        before, now = decode(row.before), decode(row.blob)
        names = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
    shown = () if kind is Staged.DELETE else tuple(sorted(names))
    return PendingChange(
        direction=direction, kind=kind.word, partition=partition, dn=row.dn, object_type=row.type, attributes=shown
    )


def _has(found: Any, value: str) -> bool:
    values = found if isinstance(found, list) else [found]
    return any(each is not None and str(each).casefold() == value.casefold() for each in values)
