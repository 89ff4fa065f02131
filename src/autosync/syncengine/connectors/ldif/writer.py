"""Change the entries of an LDIF file: what no change touches stays as it is."""

from autosync.syncengine.connectors.changes import as_list, changed_attributes
from autosync.syncengine.connectors.ldif.blocks import BadRecord
from autosync.syncengine.connectors.ldif.decoding import EntryDecoder
from autosync.syncengine.connectors.ldif.rendering import EntryWriter
from autosync.syncengine.connectors.ldif.settings import DN
from autosync.syncengine.connectors.ldif.target import LdifTarget
from autosync.syncengine.connectors.port import Attributes, Change, ChangeKind, ChangeOutcome


class LdifEdits:
    """The changes of one export to an LDIF file."""

    def __init__(self, target: LdifTarget, decoder: EntryDecoder) -> None:
        self._target = target
        self._records = target.records
        self._decoder = decoder
        self._render = EntryWriter(decoder.settings.booleans)
        self._by_dn = decoder.settings.anchor.lower() == DN
        self.changed = not target.exists

    def add(self, change: Change) -> ChangeOutcome:
        """Add an entry; one that is there already with the same content is done."""
        attributes, anchor = dict(change.attributes), change.dn
        if not self._by_dn:
            name = self._decoder.settings.anchor
            own = next((value for key, value in attributes.items() if key.lower() == name.lower()), None)
            if own is None and change.anchor:
                own = attributes[name] = change.anchor
            if own is None:
                return ChangeOutcome(error_type="missing-anchor-component", message=f"{change.dn} has no {name}")
            anchor = str(own)
        record = self._render.record(change.dn, self._classes(change), attributes)
        old = self._records.get(anchor)
        if old is not None:
            if self._has(old, change.dn, record):
                return ChangeOutcome(anchor=anchor)
            message = f"{anchor!r} is there already, with other values"
            return ChangeOutcome(error_type="cd-existing-object", message=message)
        if change.dn.lower() in self._target.names:
            return ChangeOutcome(error_type="cd-existing-object", message=f"{change.dn} belongs to another object")
        self._put(anchor, record)
        self._target.names.add(change.dn.lower())
        return ChangeOutcome(anchor=anchor)

    def delete(self, change: Change) -> ChangeOutcome:
        """Delete an entry; one that has gone is done."""
        anchor = change.anchor or change.dn
        if (record := self._records.get(anchor)) is not None:  # gone already: done
            self._target.names.discard(self._decoder.full_identity(record).dn.lower())
            self._records.remove(anchor)
            self.changed = True
        return ChangeOutcome()

    def update(self, change: Change) -> ChangeOutcome:
        """Change an entry, or its name."""
        anchor = change.anchor or change.old_dn or change.dn
        if self._by_dn and anchor not in self._records and change.dn in self._records:
            anchor = change.dn  # renamed in an earlier try
        record = self._records.get(anchor)
        if record is None:
            return ChangeOutcome(error_type="cd-missing-object", message=f"no entry has the anchor {anchor!r}")
        old_dn = self._decoder.full_identity(record).dn
        dn = change.dn if change.kind is ChangeKind.RENAME and change.dn != old_dn else None
        if dn and dn.lower() != old_dn.lower() and dn.lower() in self._target.names:
            return ChangeOutcome(error_type="cd-existing-object", message=f"{dn} belongs to another object")
        current: Attributes = self._decoder.attributes(record)[0] if change.added or change.removed else {}
        new = self._render.changed(record, dn, changed_attributes(change, current))
        wanted = anchor if dn is None or not self._by_dn else dn
        if self._decoder.full_identity(new).anchor != wanted:
            message = f"{anchor!r}: the anchor {self._decoder.settings.anchor} cannot be changed by an update"
            return ChangeOutcome(error_type="modify-naming-attribute", message=message)
        self._put(anchor, new, record)
        if dn:
            self._target.names.discard(old_dn.lower())
            self._target.names.add(dn.lower())
        if wanted != anchor:
            self._records.rename(anchor, wanted)
        return ChangeOutcome(anchor=wanted)

    def _classes(self, change: Change) -> list[str]:
        """Return the object classes of an add that brings none: those that mean its object type."""
        if any(name.lower() == "objectclass" for name in change.attributes):
            return []
        object_types = self._decoder.settings.object_types or {change.object_type: change.object_type}
        classes = [name for name, kind in object_types.items() if change.object_type in (kind, name)]
        if not classes:
            message = f"no object class means {change.object_type!r}; add it to object-types or export objectClass"
            raise BadRecord("missing-object-class", message)
        return classes[:1]

    def _has(self, old: bytes, dn: str, wanted: bytes) -> bool:
        """Return whether an entry has the name and everything else that an add wants."""
        if self._decoder.full_identity(old).dn != dn:
            return False
        have, want = self._decoder.attributes(old)[0], self._decoder.attributes(wanted)[0]
        return all(set(as_list(have.get(name))) >= set(as_list(value)) for name, value in want.items())

    def _put(self, anchor: str, record: bytes, old: bytes | None = None) -> None:
        if record != (old or b"").strip(b"\n") + b"\n":
            self._records.put(anchor, record + b"\n")
            self.changed = True
