"""Pending exports and escrow as bytes: what is to be written, and what was written and not yet seen again."""

from typing import Any, NamedTuple

from autosync.syncengine.rules.coercion import same
from autosync.syncengine.store.codec import decode, decode_any, encode
from autosync.syncengine.store.rows import UPDATE


class Export(NamedTuple):
    """One object's pending export.

    ``attributes`` are plain values ([] removes one), ``references`` connector space ids of the same agent (0 removes),
    ``initial`` values for a new object that are never read back, ``dn`` the new name where it is to be renamed.
    """

    kind: int
    attributes: dict[str, Any]
    references: dict[str, int]
    initial: dict[str, Any]
    dn: str | None
    many: bool = False
    """Whether differences of multi-valued references wait; they are in a table of their own."""

    @property
    def is_empty(self) -> bool:
        """Return whether an update has nothing to say."""
        return not (self.attributes or self.references or self.dn or self.many)


NOTHING = Export(0, {}, {}, {}, None)


def pack(export: Export) -> bytes:
    """Return an export as bytes; the same export gives the same bytes."""
    return encode(tuple(export))


def unpack(blob: bytes | None) -> Export:
    """Return an export from bytes; ``NOTHING`` for None."""
    if blob is None:
        return NOTHING
    return Export(*decode_any(blob))


def overlay(image: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return an image with changes laid over it; an empty list removes an attribute."""
    if not changes:
        return image
    merged = {**image, **changes}
    return {name: value for name, value in merged.items() if value != []} if [] in changes.values() else merged


def expected(blob: bytes | None, escrow: bytes | None) -> dict[str, Any]:
    """Return an object as the engine believes it to be: as read last, with what was exported since."""
    image = decode(blob)
    return image if escrow is None else overlay(image, unpack(escrow).attributes)


def not_kept(escrow: Export, image: dict[str, Any]) -> dict[str, Any]:
    """Return the exported attributes that the connected system does not show."""
    missing: dict[str, Any] = {}
    for name, value in escrow.attributes.items():
        shown = image.get(name)
        if shown is None and value == []:
            continue
        if shown != value and not (shown is not None and same(shown, value)):
            missing[name] = value
    return missing


def again(missing: dict[str, Any], pending: Export) -> Export:
    """Return the pending export that sends ``missing`` once more; what waits already is newer and wins."""
    attributes = {name: value for name, value in missing.items() if name not in pending.references}
    attributes |= pending.attributes
    return pending._replace(kind=pending.kind or UPDATE, attributes=attributes)
