"""What changed by OpenLDAP's accesslog."""

from datetime import datetime, timedelta
from typing import Final

from autosync.directory.client import Directory
from autosync.directory.filters import And, AtLeast, AtMost, Equals, Filter
from autosync.directory.names import is_within, same_name_key
from autosync.directory.searching import Entry, Scope, Search
from autosync.syncengine.connectors.ldap.changes import Changes, Lookup
from autosync.syncengine.connectors.ldap.failures import needs_full_import
from autosync.syncengine.connectors.ldap.settings import DeltaKind, LdapSettings
from autosync.syncengine.connectors.ldap.token import Token, scope_of

_OVERLAP: Final = timedelta(seconds=10)
"""How late a row may become visible: it carries the time at which its change began."""
_TIME: Final = "%Y%m%d%H%M%S.%fZ"
_ROW: Final = ("reqStart", "reqType", "reqDN", "reqEntryUUID", "reqNewRDN", "reqNewSuperior", "reqNewDN")


class AccessLog:
    """OpenLDAP's accesslog: a row for every write that was done. The account needs to read it."""

    def __init__(self, settings: LdapSettings, base: str, lookup: Lookup) -> None:
        self._settings = settings
        self._base = base
        self._lookup = lookup

    async def begin(self, directory: Directory) -> Token:
        """Return the time of the newest row; those of the last seconds before it count as read."""
        rows = await self._rows(directory, None, ("reqStart",))
        mark = max(rows, default="")
        scope = scope_of(self._settings, self._base)
        return Token(kind=DeltaKind.ACCESS_LOG.value, scope=scope, mark=mark, seen=_recent(rows, mark))

    async def since(self, directory: Directory, token: Token) -> Changes:
        """Return what was written since then."""
        rows = await self._rows(directory, _earlier(token.mark) if token.mark else None, _ROW)
        if token.mark and not await self._has_row(directory, token.mark):
            raise needs_full_import("the access log does not reach back to the last import")
        new = {start: row for start, row in rows.items() if start not in set(token.seen)}
        mark = max([*new, token.mark])
        seen = _recent({*token.seen, *new}, mark)
        changes = Changes(token=Token(kind=token.kind, scope=token.scope, mark=mark, seen=seen))
        for start in sorted(new):
            await self._take(directory, new[start], changes)
        return changes

    async def _rows(self, directory: Directory, earliest: str | None, asked: tuple[str, ...]) -> dict[str, Entry]:
        parts: list[Filter] = [Equals("objectClass", "auditWriteObject"), Equals("reqResult", "0")]
        if earliest is not None:
            parts.append(AtLeast("reqStart", earliest))
        search = Search(base=self._settings.log_base, filter=And(parts), attributes=asked)
        return {start: row async for row in directory.entries(search) if (start := row.text("reqStart"))}

    async def _has_row(self, directory: Directory, mark: str) -> bool:
        """Return whether the log still has what was read last, or something older."""
        older = And([Equals("objectClass", "auditWriteObject"), AtMost("reqStart", mark)])
        search = Search(
            base=self._settings.log_base, scope=Scope.ONE, filter=older, attributes=("1.1",), page_size=0, size_limit=1
        )
        async with directory.search(search) as found:
            return any(isinstance(each, Entry) for each in await found.take(1))

    async def _take(self, directory: Directory, row: Entry, changes: Changes) -> None:
        dn = row.text("reqDN") or ""
        identity = row.text("reqEntryUUID")
        if identity is None:
            changes.named[dn] = dn
            return
        if not is_within(same_name_key(dn), same_name_key(self._base)) and row.text("reqType") != "modrdn":
            return
        changes.touched.setdefault(identity.lower(), dn)
        if row.text("reqType") == "modrdn":
            moved = row.text("reqNewDN") or await _current_name(directory, self._base, identity)
            if moved:
                changes.touched |= dict.fromkeys(await self._lookup.below(directory, moved))


async def _current_name(directory: Directory, base: str, identity: str) -> str | None:
    search = Search(base=base, filter=Equals("entryUUID", identity), attributes=("1.1",), page_size=0)
    async with directory.search(search) as found:
        return next((each.dn for each in await found.take(1) if isinstance(each, Entry)), None)


def _earlier(mark: str) -> str:
    try:
        moment = datetime.strptime(mark, _TIME)  # noqa: DTZ007 - the log's own time, compared with itself
    except ValueError:
        raise needs_full_import(f"the access log's time {mark!r} cannot be read") from None
    return (moment - _OVERLAP).strftime(_TIME)


def _recent(starts: set[str] | dict[str, Entry], mark: str) -> list[str]:
    if not mark:
        return []
    edge = _earlier(mark)
    return sorted(start for start in starts if start >= edge)
