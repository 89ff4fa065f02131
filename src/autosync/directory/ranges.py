"""Attributes that a server gives in pieces: Active Directory sends 1,500 values at a time (MS-ADTS 3.1.1.3.1.3.3)."""

import re
from typing import Final

from autosync.directory.connection import Connection
from autosync.directory.errors import BadMessage
from autosync.directory.searching import Entry, Found, Search, only_base

_RANGE: Final = re.compile(r"(?P<name>[^;]+(?:;(?!range=)[^;]+)*);range=(?P<first>\d+)-(?P<last>\d+|\*)", re.IGNORECASE)


def has_ranges(entry: Entry) -> bool:
    """Return whether an attribute of the entry came in a piece."""
    return any(";" in name and _RANGE.fullmatch(name) for name in entry.attributes)


async def complete(connection: Connection, entry: Entry, search: Search, timeout_s: float | None) -> Entry:
    """Return the entry with every value of the attributes that came in pieces.

    Raises ``RequestFailed`` when the rest cannot be read, and ``BadMessage`` when the pieces make no whole.
    """
    attributes = {name: values for name, values in entry.attributes.items() if not _RANGE.fullmatch(name)}
    for name, values in entry.attributes.items():
        piece = _RANGE.fullmatch(name)
        if piece is not None:
            whole = list(values)
            last = piece["last"]
            while last != "*":
                asked = f"{piece['name']};range={int(last) + 1}-*"
                async with Found(connection, only_base(search, entry.dn, (asked,)), timeout_s) as found:
                    more, last = await _next_piece(found, asked)
                whole += more
            attributes[piece["name"]] = whole
    return Entry(entry.dn, attributes, entry.message)


async def _next_piece(found: Found, asked: str) -> tuple[list[bytes], str]:
    """Return the values of the piece, and the number of the last one; ``*`` when there are no more."""
    answers = [each for each in await found.take(2) if isinstance(each, Entry)]
    if found.ended:
        found.result.require(f"cannot read {asked}")
    wanted = _RANGE.fullmatch(asked)
    for spelt, values in (pair for entry in answers for pair in entry.attributes.items()):
        piece = _RANGE.fullmatch(spelt)
        if piece is not None and wanted is not None and (piece["first"] == wanted["first"] or piece["last"] == "*"):
            return list(values), piece["last"] if values else "*"
    if not any(answer.attributes for answer in answers):
        return [], "*"  # it shrank meanwhile
    raise BadMessage(f"the directory did not send {asked}, but something else")
