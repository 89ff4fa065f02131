"""Pending changes of single objects: which kind, and a digest that tells two changes apart without keeping a value."""

import hashlib
from collections.abc import Mapping
from typing import Final

from autosync.model.counts import ChangeKind
from autosync.untrusted_xml import Node

OPERATIONS: Final[Mapping[str, ChangeKind | None]] = {
    "add": ChangeKind.ADDS,
    "update": ChangeKind.UPDATES,
    "replace": ChangeKind.UPDATES,
    "modify": ChangeKind.UPDATES,
    "rename": ChangeKind.RENAMES,
    "delete": ChangeKind.DELETES,
    "obsolete": ChangeKind.DELETES,
    "delete-add": ChangeKind.DELETE_ADDS,
    "none": None,
}
"""An object that a full import no longer found (``obsolete``) is deleted. ``none`` changes nothing."""

_MODULUS: Final = 1 << 512


def kind_of(operation: str, delta: Node | None) -> ChangeKind | None:
    """Return the kind of change; an unknown operation counts as a deletion, so that guards rather hold too early.

    An update that gives another DN is a rename.
    """
    kind = OPERATIONS.get(operation, ChangeKind.DELETES)
    if kind is ChangeKind.UPDATES and delta is not None and delta.attributes.get("newdn"):
        return ChangeKind.RENAMES
    return kind


def digest(node: Node) -> bytes:
    """Return a digest of an element, whatever the order of its attributes and children and the white space between."""
    found = hashlib.blake2b(digest_size=32)
    parts = [node.name, *(word for pair in sorted(node.attributes.items()) for word in pair), node.text.strip()]
    for part in parts:
        encoded = part.encode("utf-8")
        found.update(len(encoded).to_bytes(8, "big") + encoded)
    for child in sorted(digest(each) for each in node.children):
        found.update(child)
    return found.digest()


class Fingerprint:
    """Identifies a set of changes, whatever their order, in constant memory: the sum of their hashes."""

    __slots__ = ("_count", "_sum")

    def __init__(self) -> None:
        self._sum = 0
        self._count = 0

    def add(self, *parts: str | bytes) -> None:
        """Take in one change."""
        found = hashlib.blake2b(digest_size=64)
        for part in parts:
            encoded = part.encode("utf-8") if isinstance(part, str) else part
            found.update(len(encoded).to_bytes(8, "big") + encoded)
        self._sum = (self._sum + int.from_bytes(found.digest(), "big")) % _MODULUS
        self._count += 1

    def __str__(self) -> str:
        """Return 32 hexadecimal digits; empty for no change at all."""
        if not self._count:
            return ""
        whole = self._sum.to_bytes(64, "big") + self._count.to_bytes(8, "big")
        return hashlib.blake2b(whole, digest_size=16).hexdigest()
