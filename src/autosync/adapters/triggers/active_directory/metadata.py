"""Which attributes of an object changed after an update sequence number: its replication metadata, in two forms."""

import struct
from typing import Final

from autosync.directory.searching import Entry
from autosync.untrusted_xml import XmlRefused, whole

_NAMED: Final = "msDS-ReplAttributeMetaData"
"""An XML fragment for each attribute, with its name (MS-ADTS 3.1.1.4.5.15)."""
_PACKED: Final = "replPropertyMetaData"
"""The same with numbers for names, packed (MS-DRSR 5.162 and 5.163); where a directory has no other."""
METADATA: Final = (_NAMED, _PACKED)

_HEAD: Final = struct.Struct("<8xI4x")
_ITEM: Final = struct.Struct("<I12x16x8xq")
_NUMBERS: Final = {0x0: "objectClass", 0x90001: "name", 0x20030: "isDeleted", 0x9030D: "lastKnownParent"}
"""Attributes whose numbers are the same everywhere (MS-DRSR 5.16.4) and that tell where an object is."""
UNNAMED: Final = "0x"
"""How the name of an attribute begins that has a number only."""


def changed_after(entry: Entry, usn: int) -> frozenset[str] | None:
    """Return the names (or numbers, as ``0x1f``) of what changed after a number; None where nothing tells."""
    if named := entry.values(_NAMED):
        return _from_named([bytes(each) for each in named], usn)
    packed = entry.values(_PACKED)
    return _from_packed(bytes(packed[0]), usn) if packed else None


def _from_named(values: list[bytes], usn: int) -> frozenset[str] | None:
    names: set[str] = set()
    for value in values:
        try:
            node = whole(value.rstrip(b"\0"))
        except XmlRefused:
            return None
        name, change = node.words("pszAttributeName"), node.words("usnLocalChange")
        if not name or not change.isdigit():
            return None
        if int(change) > usn:
            names.add(name)
    return frozenset(names)


def _from_packed(value: bytes, usn: int) -> frozenset[str] | None:
    try:
        (count,) = _HEAD.unpack_from(value)
        items = [_ITEM.unpack_from(value, _HEAD.size + place * _ITEM.size) for place in range(count)]
    except struct.error:
        return None
    return frozenset(_NUMBERS.get(number, f"{UNNAMED}{number:x}") for number, local in items if local > usn)
