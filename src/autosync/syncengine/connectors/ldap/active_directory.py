"""What changed in Active Directory: by DirSync, or by the numbers that each domain controller gives its changes."""

from typing import Final

from autosync.directory.client import Directory
from autosync.directory.controls import DIR_SYNC, DirSyncFlag, DirSyncState, dir_sync, dir_sync_state, show_deleted
from autosync.directory.errors import RequestFailed
from autosync.directory.filters import ANYTHING, And, AtLeast, AtMost, Equals, Filter, Not, Or
from autosync.directory.names import is_within, parent_of, same_name_key, split_name
from autosync.directory.results import INSUFFICIENT_ACCESS, Result
from autosync.directory.searching import Entry, Search
from autosync.syncengine.connectors.ldap.changes import Changes, Lookup
from autosync.syncengine.connectors.ldap.failures import needs_full_import
from autosync.syncengine.connectors.ldap.settings import OBJECT_GUID, DeltaKind, LdapSettings
from autosync.syncengine.connectors.ldap.shape import uuid_text
from autosync.syncengine.connectors.ldap.token import Token, scope_of
from autosync.syncengine.connectors.port import ConnectorError

_CONTAINERS: Final = ("organizationalUnit", "container", "builtinDomain")
_ROW: Final = (OBJECT_GUID, "name", "parentGUID", "isDeleted", "lastKnownParent", "objectClass")


class DirSync:
    """Active Directory's own delta: a cookie that every controller of the domain understands (MS-ADTS 3.1.1.3.4.1.3)."""

    def __init__(self, settings: LdapSettings, base: str, lookup: Lookup) -> None:
        self._settings = settings
        self._base = base
        self._lookup = lookup

    async def begin(self, directory: Directory) -> Token:
        """Return a cookie from now on: a reading in which nothing is wanted."""
        cookie = b""
        while True:
            _, state = await self._page(directory, cookie, Not(ANYTHING))
            cookie = state.cookie
            if not state.more:
                break
        return Token(kind=DeltaKind.DIR_SYNC.value, scope=scope_of(self._settings, self._base), cookie=cookie)

    async def since(self, directory: Directory, token: Token) -> Changes:
        """Return what changed since the cookie."""
        cookie = token.cookie
        rows: list[Entry] = []
        while True:
            some, state = await self._page(directory, cookie, _ours_and_containers(self._settings))
            rows += some
            cookie = state.cookie
            if not state.more:
                break
        begun = Token(kind=token.kind, scope=token.scope, cookie=cookie)
        changes = Changes(token=begun)
        for row in rows:
            await _take(directory, row, changes, self._lookup, renamed=bool(row.values("name")))
        return changes

    async def _page(self, directory: Directory, cookie: bytes, wanted: Filter) -> tuple[list[Entry], DirSyncState]:
        search = Search(
            base=await naming_context(directory, self._base),
            filter=wanted,
            attributes=(*self._settings.attributes, *_ROW) if self._settings.attributes else (),
            page_size=0,
            controls=(dir_sync(cookie, flags=(DirSyncFlag.INCREMENTAL_VALUES,)),),
        )
        async with directory.search(search) as found:
            rows = [each async for each in found if isinstance(each, Entry)]
        return rows, dir_sync_state(_accepted(found.result, had_cookie=bool(cookie)).control(DIR_SYNC))


class UsnChanged:
    """Polling by ``uSNChanged``: numbers that belong to one controller, as long as its database lives (invocationId)."""

    def __init__(self, settings: LdapSettings, base: str, lookup: Lookup) -> None:
        self._settings = settings
        self._base = base
        self._lookup = lookup

    async def begin(self, directory: Directory) -> Token:
        """Return the newest number."""
        await self._check_rights(directory)
        return Token(
            kind=DeltaKind.USN_CHANGED.value,
            scope=scope_of(self._settings, self._base),
            server=await controller(directory),
            number=await _newest(directory),
        )

    async def since(self, directory: Directory, token: Token) -> Changes:
        """Return what has a greater number; raise ``ConnectorError`` when another controller answers."""
        server = await controller(directory)
        if server != token.server:
            raise needs_full_import(f"{directory.server} is another controller, or its database was restored")
        newest = await _newest(directory)
        if newest < token.number:
            raise needs_full_import(f"the newest change of {directory.server} is older than the last import")
        changes = Changes(token=Token(kind=token.kind, scope=token.scope, server=server, number=newest))
        if newest == token.number:
            return changes
        between: list[Filter] = [AtLeast("uSNChanged", str(token.number + 1)), AtMost("uSNChanged", str(newest))]
        search = Search(
            base=await naming_context(directory, self._base),
            filter=And([*between, _ours_and_containers(self._settings)]),
            attributes=_ROW,
            controls=(show_deleted(),),
            page_size=self._settings.page_size,
        )
        rows = [row async for row in directory.entries(search)]
        for row in rows:
            await _take(directory, row, changes, self._lookup, renamed=True)
        return changes

    async def _check_rights(self, directory: Directory) -> None:
        """Look whether deletions can be seen: who may not look into Deleted Objects would never hear of one."""
        place = f"CN=Deleted Objects,{await naming_context(directory, self._base)}"
        if await directory.read(place, ("1.1",), controls=(show_deleted(),)) is None:
            message = (
                f"deletions cannot be seen: the account may not list {place}. Grant it list and read there, or the right "
                "Replicating Directory Changes and delta: dir-sync"
            )
            raise ConnectorError("no-start-permission", message)


async def naming_context(directory: Directory, base: str) -> str:
    """Return the root of the naming context in which a base lies; raise ``ConnectorError`` where there is none."""
    root = await directory.read("", ("namingContexts",))
    key = same_name_key(base)
    contexts = [value.decode("utf-8", "replace") for value in (root.values("namingContexts") if root else ())]
    holding = [context for context in contexts if is_within(key, same_name_key(context))]
    if not holding:
        message = f"{base} is in none of the server's naming contexts: {', '.join(contexts)}"
        raise ConnectorError("no-start-partition-not-found", message)
    return max(holding, key=len)


async def controller(directory: Directory) -> str:
    """Return which controller answers, and which life its database has."""
    root = await directory.read("", ("dsServiceName",))
    place = (root.text("dsServiceName") if root else None) or ""
    settings = await directory.read(place, ("invocationId",)) if place else None
    values = settings.values("invocationId") if settings else ()
    return f"{place}#{values[0].hex() if values else ''}"


async def _newest(directory: Directory) -> int:
    root = await directory.read("", ("highestCommittedUSN",))
    text = root.text("highestCommittedUSN") if root else None
    if text is None or not text.isdigit():
        message = f"{directory.server} has no highestCommittedUSN: it is no Active Directory"
        raise ConnectorError("no-start-bad-ma-configuration", message)
    return int(text)


async def _take(directory: Directory, row: Entry, changes: Changes, lookup: Lookup, *, renamed: bool) -> None:
    values = row.values(OBJECT_GUID)
    if not values:
        return
    deleted = bool(row.values("isDeleted"))
    changes.touched[uuid_text(values[0], windows=True)] = _last_name(row) if deleted else row.dn
    if renamed and not deleted and await _is_container(directory, row):
        changes.touched |= await lookup.below(directory, row.dn)


async def _is_container(directory: Directory, row: Entry) -> bool:
    """Return whether something may lie below an entry; what changed only partly does not say what it is."""
    classes = row.values("objectClass")
    if not classes:
        entry = await directory.read(row.dn, ("objectClass",))
        classes = entry.values("objectClass") if entry else ()
    return any(name.decode("utf-8", "replace") in _CONTAINERS for name in classes)


def _last_name(row: Entry) -> str | None:
    r"""Return the name that a deleted object had: its own is ``CN=name\0ADEL:guid,CN=Deleted Objects,…``."""
    above = row.text("lastKnownParent")
    if not above or not parent_of(row.dn):
        return None
    return f"{split_name(row.dn)[0].partition(chr(92) + '0ADEL:')[0]},{above}"


def _ours_and_containers(settings: LdapSettings) -> Filter:
    names = dict.fromkeys((*settings.object_types, *_CONTAINERS))
    return Or([Equals("objectClass", name) for name in names])


def _accepted(result: Result, *, had_cookie: bool) -> Result:
    """Return the result of DirSync; raise ``ConnectorError`` for the usual reasons of a no."""
    if result.code == INSUFFICIENT_ACCESS:
        message = (
            f"the directory does not let us read its changes: {result.say()}. Grant the account the right Replicating "
            "Directory Changes on the naming context, or set delta: usn-changed"
        )
        raise ConnectorError("no-start-permission", message)
    if not result.succeeded and had_cookie:
        raise needs_full_import(f"the directory does not know the cookie any more: {result.say()}")
    try:
        return result.require("cannot read the directory's changes")
    except RequestFailed as error:
        raise ConnectorError("no-start-bad-ma-configuration", str(error)) from None
