"""What changed by RFC 4533 (OpenLDAP's syncprov): a cookie, and phases that tell what is gone."""

from contextlib import suppress
from uuid import UUID

from autosync.directory.changelog import keeps_log
from autosync.directory.client import Directory
from autosync.directory.controls import (
    SYNC_DONE,
    SYNC_STATE,
    SyncMode,
    SyncStateKind,
    sync_done,
    sync_info,
    sync_request,
    sync_state,
)
from autosync.directory.results import Result
from autosync.directory.searching import Between, Entry, Found, Search
from autosync.syncengine.connectors.ldap.changes import Changes
from autosync.syncengine.connectors.ldap.failures import needs_full_import
from autosync.syncengine.connectors.ldap.settings import ENTRY_UUID, DeltaKind, LdapSettings
from autosync.syncengine.connectors.ldap.shape import MissingAnchor, Shape
from autosync.syncengine.connectors.ldap.token import Token, scope_of
from autosync.syncengine.connectors.port import ConnectorError


class Refresh:
    """One refresh: without a cookie everything, with one what changed. ``take`` until nothing comes, then ``end``."""

    def __init__(self, found: Found, shape: Shape, token: Token) -> None:
        self._found = found
        self._shape = shape
        self._token = token
        self._by_uuid = shape.settings.anchor.lower() == ENTRY_UUID.lower()
        uuids = [token.known[at : at + 16] for at in range(0, len(token.known), 16)]
        self._known = dict(zip(uuids, token.names or map(_text, uuids), strict=True))
        """The anchor of each entry by its UUID."""
        self._mentioned: set[bytes] = set()
        self._gone: set[bytes] = set()
        self._cookie: bytes | None = None

    async def take(self, most: int) -> list[Entry]:
        """Return the next whole entries; fewer than ``most`` only at the end."""
        entries: list[Entry] = []
        while len(entries) < most and (answer := await self._found.next()) is not None:
            if isinstance(answer, Between):
                self._take_info(answer)
            elif isinstance(answer, Entry) and (entry := self._take_entry(answer)) is not None:
                entries.append(entry)
        return entries

    def end(self) -> tuple[Token, list[str]]:
        """Return the new token, and the anchors of what is gone; raise ``ConnectorError``.

        Where the directory has forgotten its deletions, what it did not mention is gone.
        """
        result = self._found.result
        if not result.succeeded:
            raise _refused(result, had_cookie=bool(self._token.cookie))
        done = sync_done(result.control(SYNC_DONE))
        gone = self._gone & self._known.keys()
        if self._token.cookie and not done.deletes_told:
            gone |= self._known.keys() - self._mentioned
        names = [self._known.pop(uuid) for uuid in sorted(gone)]
        uuids = sorted(self._known)
        token = Token(
            kind=self._token.kind,
            scope=self._token.scope,
            cookie=done.cookie or self._cookie or self._token.cookie,
            known=b"".join(uuids),
            names=[] if self._by_uuid else [self._known[uuid] for uuid in uuids],
        )
        return token, names

    def _take_entry(self, entry: Entry) -> Entry | None:
        if entry.message is None or entry.message.control(SYNC_STATE) is None:
            return None  # told for another reason
        state = sync_state(entry.message)
        uuid = _octets(state.entry_uuid)
        self._cookie = state.cookie or self._cookie
        if state.kind is SyncStateKind.DELETE:
            self._gone.add(uuid)
            return None
        self._mentioned.add(uuid)
        self._gone.discard(uuid)
        if state.kind is SyncStateKind.PRESENT:
            return None
        with suppress(MissingAnchor, ValueError):  # whoever takes the entry tells
            self._known[uuid] = self._shape.anchor(entry)
        return entry

    def _take_info(self, answer: Between) -> None:
        info = sync_info(dict(answer.content))
        if info is not None:
            self._cookie = info.cookie or self._cookie
            self._mentioned.update(_octets(each) for each in info.present)
            self._gone.update(_octets(each) for each in info.gone)


async def start_refresh(directory: Directory, shape: Shape, base: str, token: Token | None) -> Refresh:
    """Start a refresh from a token, or from nothing; raise ``ConnectorError``.

    389 Directory Server is refused (2.3, measured): with a cookie it sends entries without their ids, and it ends without
    ``refreshDeletes`` though it has told what was deleted: after RFC 4533 everything else would be gone. It keeps a change log.
    """
    settings: LdapSettings = shape.settings
    if await keeps_log(directory):
        message = (
            f"syncrepl of {directory.server} does not tell enough, but it keeps a change log: set delta: changelog"
        )
        raise ConnectorError("no-start-bad-ma-configuration", message)
    begun = token or Token(kind=DeltaKind.SYNCREPL.value, scope=scope_of(settings, base))
    search = Search(
        base=base,
        filter=settings.wanted(),
        attributes=shape.asked(),
        page_size=0,
        controls=(sync_request(SyncMode.REFRESH_ONLY, begun.cookie or None),),
    )
    return Refresh(directory.search(search), shape, begun)


class Syncrepl:
    """The delta by syncrepl."""

    def __init__(self, shape: Shape, base: str) -> None:
        self._shape = shape
        self._base = base

    async def begin(self, directory: Directory) -> Token:  # noqa: ARG002 (the full reading gives the cookie)
        """Return a token before everything."""
        return Token(kind=DeltaKind.SYNCREPL.value, scope=scope_of(self._shape.settings, self._base))

    async def since(self, directory: Directory, token: Token) -> Changes:
        """Return what changed since the cookie."""
        refresh = await start_refresh(directory, self._shape, self._base, token)
        entries: list[Entry] = []
        while some := await refresh.take(1000):
            entries += some
        new, gone = refresh.end()
        return Changes(token=new, entries=entries, gone=gone)


def _refused(result: Result, *, had_cookie: bool) -> Exception:
    if had_cookie:
        return needs_full_import(f"the directory does not take the cookie any more: {result.say()}")
    try:
        result.require("the directory cannot be copied by syncrepl; see delta")
    except Exception as error:  # noqa: BLE001 - handed to the caller, who raises it
        return error
    raise AssertionError("a result that is no success raises")


def _octets(uuid: str) -> bytes:
    return bytes.fromhex(uuid.replace("-", ""))


def _text(uuid: bytes) -> str:
    return str(UUID(bytes=uuid))
