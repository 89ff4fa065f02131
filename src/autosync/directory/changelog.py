"""The change log that a directory keeps: entries with growing numbers (draft-good-ldap-changelog)."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from autosync.directory.client import Directory
from autosync.directory.filters import And, AtLeast, AtMost, Equals, Or
from autosync.directory.searching import Entry, Scope, Search

CHANGELOG: Final = "cn=changelog"
"""Where the log is, unless the directory says otherwise."""
NUMBER: Final = "changeNumber"
_AT_ONCE: Final = 1000
"""Rows of one search: servers limit what an account gets, even by pages."""
NO_IDS: Final = (
    "the change log does not tell the ids of what changed, and syncrepl would lose changes: give the plugin Retro Changelog "
    "nsslapd-attribute: nsuniqueid:targetUniqueId"
)
"""What is wrong, and the way out, where a ``LogState`` has no ids and syncrepl is asked for."""
_TARGET_ID: Final = "targetUniqueId"
_IDENTITIES: Final = ("nsUniqueId", "entryUUID")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """One log and the numbers of the changes that it holds.

    Numbers belong to one log: each server of a group has its own, and a log that was made anew begins again with 1.
    ``identity`` tells logs apart: the log's own entry, or the server's address where that entry has no id.
    """

    dn: str
    identity: str
    first: int
    last: int
    has_ids: bool = True
    """Whether the newest row has the id of what changed: without ids 389 Directory Server loses changes of syncrepl."""

    def why_lost(self, identity: str, number: int) -> str | None:
        """Return why reading cannot go on after a number of a log; None where it can."""
        if identity != self.identity:
            return "it is another change log: of another server, or made anew"
        if number > self.last:
            return (
                f"the change log ends with {self.last}, before what was read ({number}): it was made anew or restored"
            )
        if number + 1 < self.first:
            return f"the change log holds {self.first} to {self.last}, and was read to {number}: it was trimmed"
        return None


async def keeps_log(directory: Directory) -> bool:
    """Return whether the directory says that it keeps a change log, whether we may read it or not."""
    root = await directory.read("", ("changelog", "lastChangeNumber"))
    return root is not None and bool(root.attributes)


async def log_state(directory: Directory) -> LogState | None:
    """Return what the directory tells of its change log; None where it has none, or none that we may read.

    The numbers stand at the root for everybody, also for who may not see a single row.
    """
    root = await directory.read("", ("changelog", "firstChangeNumber", "lastChangeNumber"))
    last = root.text("lastChangeNumber") if root else None
    if root is None or last is None or not last.isdigit():
        return None
    dn, first = root.text("changelog") or CHANGELOG, root.text("firstChangeNumber") or "0"
    log = await directory.read(dn, _IDENTITIES)
    rows = await _ends(directory, dn, first, last) if log is not None else {}
    if log is None or (int(last) > 0 and not rows):
        return None
    ids = [text for name in _IDENTITIES if (text := log.text(name))]
    return LogState(
        dn=dn,
        identity=ids[0] if ids else str(directory.server),
        first=int(first),
        last=int(last),
        has_ids=last not in rows or rows[last],
    )


async def _ends(directory: Directory, dn: str, first: str, last: str) -> dict[str, bool]:
    """Return which of two rows can be seen, and whether each has an id."""
    wanted = Or([Equals(NUMBER, first), Equals(NUMBER, last)])
    search = Search(base=dn, scope=Scope.ONE, filter=wanted, attributes=(NUMBER, _TARGET_ID), page_size=0)
    return {row.text(NUMBER) or "": bool(row.values(_TARGET_ID)) async for row in directory.entries(search)}


async def rows_after(
    directory: Directory, log: LogState, number: int, attributes: Sequence[str]
) -> AsyncIterator[tuple[int, Entry]]:
    """Yield the rows with greater numbers in their order. One that is not visible yet comes the next time."""
    for first in range(max(number + 1, log.first), log.last + 1, _AT_ONCE):
        search = Search(
            base=log.dn,
            scope=Scope.ONE,
            filter=And([AtLeast(NUMBER, str(first)), AtMost(NUMBER, str(first + _AT_ONCE - 1))]),
            attributes=(NUMBER, *attributes),
            page_size=0,
        )
        rows = [(int(row.text(NUMBER) or 0), row) async for row in directory.entries(search)]
        for numbered in sorted(rows, key=lambda each: each[0]):
            yield numbered
