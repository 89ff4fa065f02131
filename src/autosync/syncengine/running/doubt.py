"""What an export that broke off leaves behind: objects of which only the connected system knows whether they are there.

Before objects are sent to be made, it is noted which they are. When the export breaks off, those without an answer are in
doubt. Meanwhile a person may go: an object in doubt is not forgotten like one that was never sent, and not deleted like one
that is known to be ours. It waits for an import that shows it, or shows that it is not there; that import reads everything.
"""

from collections.abc import Sequence
from typing import Final

from autosync.syncengine.running.escrow import NOTHING, Export, pack, unpack
from autosync.syncengine.store.port import Store
from autosync.syncengine.store.rows import ADD, DELETE, DELETE_ADD, UPDATE, CsRow, WriteBatch

IN_DOUBT: Final = pack(NOTHING)
"""The escrow of an object that was sent to be made, and of which nothing was heard."""


def is_in_doubt(row: CsRow) -> bool:
    """Return whether nobody knows if the connected system has the object."""
    return row.blob is None and row.escrow == IN_DOUBT


def announce(store: Store, space: int, rows: Sequence[CsRow]) -> None:
    """Note which objects are about to be sent to be made: one small write for all of them."""
    if rows and rows[0].pending == ADD:
        store.remember(_on_their_way(space), f"{rows[0].id} {rows[-1].id}".encode())


def all_answered(store: Store, space: int) -> None:
    """Note that an export came to its end: nothing is on its way."""
    if store.fact(_on_their_way(space)):
        store.remember(_on_their_way(space), b"")


def waits_to_be_seen(row: CsRow) -> None:
    """Let an object in doubt wait for the import that shows it: it is to be deleted then."""
    row.pending, row.export = DELETE, pack(Export(DELETE, {}, {}, {}, None))


def has_doubts(store: Store, space: int) -> bool:
    """Return whether an export broke off since everything was read."""
    return bool(store.fact(_broken_off(space)))


def settle_doubts(store: Store, space: int) -> None:
    """Note that everything was read: what is there was seen, and what was not seen is not there."""
    if has_doubts(store, space):
        store.remember(_broken_off(space), b"")


def _mark(store: Store, space: int) -> None:
    """Mark what was on its way when the export broke off."""
    noted = store.fact(_on_their_way(space))
    if not noted:
        return
    first, last = map(int, noted.split())
    after = first - 1
    while rows := store.pending(space, ADD, after, 5000):
        after = rows[-1].id
        sent = [row for row in rows if row.id <= last and row.blob is None and row.escrow is None]
        for row in sent:
            row.escrow = IN_DOUBT
        store.apply(WriteBatch(cs_sent=sent))
        if after >= last:
            break
    all_answered(store, space)


def take_back(store: Store, space: int) -> None:
    """Put what was exported and never confirmed back among the pending exports: nobody knows whether it is there.

    Writing it again does no harm (the connector's promise). Called when an export broke off. The next import reads everything.
    """
    store.remember(_broken_off(space), b"1")
    _mark(store, space)
    after = 0
    while rows := store.escrowed(space, after, 5000):
        after = rows[-1].id
        batch = WriteBatch()
        refs = [ref for ref in store.export_refs([row.id for row in rows]) if ref[5]]
        many = {ref[0] for ref in refs}
        batch.export_refs_sent.extend((0, value or "", cs, at, removes, key) for cs, at, removes, key, value, _ in refs)
        for row in rows:
            was = row.pending
            escrow, pending = unpack(row.escrow), unpack(row.export)
            kind = escrow.kind if escrow.kind in {ADD, DELETE_ADD, DELETE} else (pending.kind or UPDATE)
            if pending.kind == DELETE:
                kind = DELETE
            attributes = {name: value for name, value in escrow.attributes.items() if name not in pending.references}
            row.export = pack(
                Export(
                    kind, {**attributes, **pending.attributes}, pending.references, escrow.initial or pending.initial,
                    pending.dn, pending.many or row.id in many,
                )
            )  # fmt: skip
            row.pending, row.escrow = kind, IN_DOUBT if row.blob is None else None
            batch.cs_sent.append(row)
            batch.count(row, row.staged, was)
        store.apply(batch)


def _broken_off(space: int) -> str:
    return f"export broke off {space}"


def _on_their_way(space: int) -> str:
    return f"sent to be made {space}"
