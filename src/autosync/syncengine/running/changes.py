"""Pending exports as the connector takes them: references turned into names, differences gathered, the whole at hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from autosync.syncengine.connectors.port import Change, ChangeKind
from autosync.syncengine.rules.plan import AgentPlan
from autosync.syncengine.running.escrow import Export, expected, overlay, unpack
from autosync.syncengine.store.port import ExportRef, Name, Store
from autosync.syncengine.store.rows import ADD, DELETE, DELETE_ADD, RENAME, UPDATE, CsRow

_KINDS: Final = {
    ADD: ChangeKind.ADD,
    UPDATE: ChangeKind.UPDATE,
    RENAME: ChangeKind.RENAME,
    DELETE: ChangeKind.DELETE,
    DELETE_ADD: ChangeKind.DELETE_ADD,
}


@dataclass(slots=True, eq=False)
class Prepared:
    """One object on its way out. ``change`` None means that all it has to say waits for other objects."""

    row: CsRow
    export: Export
    change: Change | None = None
    written: dict[str, Any] = field(default_factory=dict)
    deferred: dict[str, int] = field(default_factory=dict)
    """References whose object has no name yet."""
    waits: bool = False
    """Whether differences of multi-valued references wait for the same reason."""
    differences: list[tuple[int, int, int | str, str]] = field(default_factory=list)
    """``(attribute number, removes, key, value)`` that go out with this change."""
    void: list[tuple[int, int, int, int | str]] = field(default_factory=list)
    """Differences about objects that have gone meanwhile: to be forgotten."""
    old_dn: str | None = None


class PreparedBatch:
    """Prepares one batch; names are looked up once for all of it."""

    def __init__(self, store: Store, agent: AgentPlan, rows: list[CsRow]) -> None:
        self._store = store
        self._agent = agent
        self._prepared = [Prepared(row, unpack(row.export)) for row in rows]
        self._many: dict[int, list[ExportRef]] = {}
        self._attributes = {store.attribute_number(name): name for name in sorted(agent.multiple_references)}
        if self._attributes:
            for ref in store.export_refs([row.id for row in rows]):
                self._many.setdefault(ref[0], []).append(ref)
        wanted = {number for each in self._prepared for number in each.export.references.values()}
        wanted |= {ref[3] for refs in self._many.values() for ref in refs if not ref[2] and isinstance(ref[3], int)}
        self._names: dict[int, Name] = store.names(sorted(wanted))
        self._shown: dict[tuple[int, int], set[str]] = {}
        if self._many:
            for cs, attribute, value, state in store.refs(sorted(self._many)):
                if state != 2:
                    self._shown.setdefault((cs, attribute), set()).add(value)
        self._lay_sent_over()

    def _lay_sent_over(self) -> None:
        """Count what was sent and not yet seen again among what is there; leave only what has to go out."""
        for number, refs in list(self._many.items()):
            for cs, attribute, removes, _, value, sent in refs:
                if sent and value is not None:
                    shown = self._shown.setdefault((cs, attribute), set())
                    (shown.discard if removes else shown.add)(value)
            left = [ref for ref in refs if not ref[5]]
            if left:
                self._many[number] = left
            else:
                del self._many[number]

    def changes(self) -> Iterator[Prepared]:
        """Yield every object of the batch, in order."""
        for each in self._prepared:
            self._prepare(each)
            yield each

    def _prepare(self, each: Prepared) -> None:
        row, export = each.row, each.export
        if export.kind == DELETE:
            each.change = Change(kind=ChangeKind.DELETE, object_type=row.type, anchor=row.anchor, dn=row.dn)
            return
        each.written = dict(export.attributes) if export.references else export.attributes
        for name, number in export.references.items():
            text = self._name(number, export.kind)
            if text is None:
                if number in self._names:
                    each.deferred[name] = number
            else:
                each.written[name] = text
        is_add = export.kind in {ADD, DELETE_ADD}
        added, removed, whole = self._differences(each)
        if not (is_add or each.written or added or removed or export.dn):
            return
        attributes = {**each.written, **export.initial} if export.initial or whole else each.written
        if is_add:
            attributes.update((name, list(values)) for name, values in whole.items() if values)
        each.change = Change(
            kind=_KINDS[export.kind],
            object_type=row.type,
            anchor=self._anchor(row) if is_add else row.anchor,
            dn=export.dn or row.dn,
            old_dn=row.dn if export.dn is not None else None,
            attributes=attributes,
            added={} if is_add else added,
            removed={} if is_add else removed,
            whole=attributes if is_add else self._whole(row, attributes, whole),
        )

    @staticmethod
    def _anchor(row: CsRow) -> str | None:
        """Return the anchor: a plain name where a system has no names of its own, never a distinguished one."""
        return row.anchor if row.anchor is not None else None if "=" in row.dn else row.dn

    def _differences(self, each: Prepared) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        added: dict[str, Any] = {}
        removed: dict[str, Any] = {}
        whole: dict[str, Any] = {}
        for cs, attribute, removes, key, _, _ in self._many.get(each.row.id, ()):
            name = self._attributes[attribute]
            text = key if isinstance(key, str) else self._name(key, each.export.kind)
            if text is None:
                if key in self._names:
                    each.waits = True
                else:
                    each.void.append((cs, attribute, removes, key))
                continue
            (removed if removes else added).setdefault(name, []).append(text)
            each.differences.append((attribute, removes, key, text))
            if name not in whole:
                whole[name] = self._shown.get((cs, attribute), set())
        for name, shown in whole.items():
            whole[name] = sorted((shown | set(added.get(name, ()))) - set(removed.get(name, ())))
        return added, removed, whole

    @staticmethod
    def _whole(row: CsRow, attributes: dict[str, Any], many: dict[str, Any]) -> dict[str, Any]:
        return overlay(expected(row.blob, row.escrow), attributes) | many

    def _name(self, number: int, kind: int) -> str | None:
        """Return how the connected system names an object; None while it does not have it.

        Also while the object is about to get another name beside the one that refers to it: updates come after all renames.
        """
        found = self._names.get(number)
        if found is None or found[3] in {ADD, DELETE_ADD} or (self._agent.by_dn and kind == RENAME == found[3]):
            return None
        _, anchor, dn, _ = found
        return dn if self._agent.by_dn else anchor
