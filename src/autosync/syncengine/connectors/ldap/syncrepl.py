"""What changed by RFC 4533 (OpenLDAP's syncprov): a cookie, and phases that tell what is gone.

OpenLDAP shows a refresh only what is not younger than its ``contextCSN``. That stays behind when changes end in another order
than they began, until somebody changes something again (2.5, measured: after every seventh burst of changes at once, for as
long as nothing else was written). So a refresh is believed in what it shows, and not in what it does not show: everything is
read by pages, what is younger than the cookie is asked for beside it, and what is not mentioned is looked for by its id.
"""

import re
from contextlib import suppress
from typing import Final
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
from autosync.directory.filters import And, AtLeast, Equals, Filter, Not
from autosync.directory.results import Result
from autosync.directory.searching import Between, Entry, Found, Search
from autosync.syncengine.connectors.ldap.changes import Changes, Lookup
from autosync.syncengine.connectors.ldap.failures import needs_full_import
from autosync.syncengine.connectors.ldap.settings import ENTRY_UUID, DeltaKind, LdapSettings
from autosync.syncengine.connectors.ldap.shape import MissingAnchor, Shape
from autosync.syncengine.connectors.ldap.token import Token, scope_of
from autosync.syncengine.connectors.port import ConnectorError

ENTRY_CSN: Final = "entryCSN"
_CSN: Final = re.compile(rb"(?:^|,)csn=([^,]+)")
_NOBODY: Final = Equals(ENTRY_UUID, "00000000-0000-0000-0000-000000000000")


class Known:
    """The anchor of each entry by its UUID: without it, nobody could tell whom a deletion means."""

    def __init__(self, shape: Shape, token: Token) -> None:
        self._shape = shape
        self._token = token
        self._by_uuid = shape.settings.anchor.lower() == ENTRY_UUID.lower()
        uuids = [token.known[at : at + 16] for at in range(0, len(token.known), 16)]
        self.anchors = dict(zip(uuids, token.names or map(_text, uuids), strict=True))

    def add(self, entry: Entry) -> None:
        """Take an entry in that was seen; one without an anchor is left to whoever reads it. Raises ``ConnectorError``."""
        identity = self._shape.identity(entry)
        if not identity:
            message = f"{entry.dn} shows no {ENTRY_UUID}: let the account read it, or set delta: none"
            raise ConnectorError("no-start-bad-ma-configuration", message)
        with suppress(MissingAnchor, ValueError):
            self.anchors[_octets(identity)] = self._shape.anchor(entry)

    def token(self, cookie: bytes) -> Token:
        """Return where the next delta begins."""
        uuids = sorted(self.anchors)
        return Token(
            kind=self._token.kind,
            scope=self._token.scope,
            cookie=cookie,
            known=b"".join(uuids),
            names=[] if self._by_uuid else [self.anchors[uuid] for uuid in uuids],
        )


class Refresh:
    """One refresh from a cookie on: ``read`` it, then see what it told."""

    def __init__(self, found: Found, known: Known) -> None:
        self._found = found
        self._known = known
        self._mentioned: set[bytes] = set()
        self._gone: set[bytes] = set()
        self._cookie: bytes | None = None
        self._deletes_told = False
        self.entries: list[Entry] = []

    async def read(self) -> None:
        """Take everything; raise ``ConnectorError`` when the directory does not know the cookie any more."""
        while (answer := await self._found.next()) is not None:
            if isinstance(answer, Between):
                self._take_info(answer)
            elif isinstance(answer, Entry):
                self._take_entry(answer)
        result = self._found.result
        if not result.succeeded:
            raise needs_full_import(f"the directory does not take the cookie any more: {result.say()}")
        done = sync_done(result.control(SYNC_DONE))
        self._cookie, self._deletes_told = done.cookie or self._cookie, done.deletes_told

    @property
    def cookie(self) -> bytes | None:
        """Return where the next refresh begins; None where the directory did not say."""
        return self._cookie

    @property
    def gone(self) -> set[bytes]:
        """Return what the directory says is gone, of what was known."""
        return self._gone & self._known.anchors.keys()

    @property
    def unmentioned(self) -> set[bytes]:
        """Return what may be gone: a directory that has forgotten its deletions only mentions what is there."""
        return set() if self._deletes_told else self._known.anchors.keys() - self._mentioned - self._gone

    def _take_entry(self, entry: Entry) -> None:
        if entry.message is None or entry.message.control(SYNC_STATE) is None:
            return  # told for another reason
        state = sync_state(entry.message)
        uuid = _octets(state.entry_uuid)
        self._cookie = state.cookie or self._cookie
        if state.kind is SyncStateKind.DELETE:
            self._gone.add(uuid)
            return
        self._mentioned.add(uuid)
        self._gone.discard(uuid)
        if state.kind is not SyncStateKind.PRESENT:
            self.entries.append(entry)

    def _take_info(self, answer: Between) -> None:
        info = sync_info(dict(answer.content))
        if info is not None:
            self._cookie = info.cookie or self._cookie
            self._mentioned.update(_octets(each) for each in info.present)
            self._gone.update(_octets(each) for each in info.gone)


class Syncrepl:
    """The delta by syncrepl."""

    def __init__(self, shape: Shape, base: str, lookup: Lookup) -> None:
        self._shape = shape
        self._base = base
        self._lookup = lookup

    async def begin(self, directory: Directory) -> Token:
        """Return a token for what is read from now on; raise ``ConnectorError``.

        389 Directory Server is refused (2.3, measured): with a cookie it sends entries without their ids, and it ends without
        ``refreshDeletes`` though it has told what was deleted: after RFC 4533 everything else would be gone. It keeps a log.
        """
        if await keeps_log(directory):
            message = (
                f"syncrepl of {directory.server} does not tell enough, but it keeps a change log: set delta: changelog"
            )
            raise ConnectorError("no-start-bad-ma-configuration", message)
        found = self._search(directory, _NOBODY, None)
        while await found.next() is not None:
            pass
        _require(found.result)
        cookie = sync_done(found.result.control(SYNC_DONE)).cookie
        return Token(kind=DeltaKind.SYNCREPL.value, scope=scope_of(self._settings, self._base), cookie=cookie or b"")

    async def since(self, directory: Directory, token: Token) -> Changes:
        """Return what changed since the cookie."""
        known = Known(self._shape, token)
        refresh = Refresh(self._search(directory, self._settings.wanted(), token.cookie or None), known)
        await refresh.read()
        unmentioned = [_text(uuid) for uuid in sorted(refresh.unmentioned)]
        found = await self._lookup.there(directory, unmentioned)
        lost = refresh.gone | {_octets(identity) for identity in unmentioned if identity not in found}
        gone = [known.anchors.pop(uuid) for uuid in sorted(lost)]
        for entry in (*refresh.entries, *await self._younger(directory, refresh.cookie)):
            known.add(entry)
            found[self._shape.identity(entry)] = entry
        return Changes(token=known.token(refresh.cookie or token.cookie), entries=list(found.values()), gone=gone)

    async def _younger(self, directory: Directory, cookie: bytes | None) -> list[Entry]:
        """Return the entries that are younger than a cookie says the directory's content is."""
        found = _CSN.search(cookie or b"")
        if found is None:
            return []
        newest = max(found[1].split(b";"))
        younger = And([AtLeast(ENTRY_CSN, newest), Not(Equals(ENTRY_CSN, newest)), self._settings.wanted()])
        search = Search(base=self._base, filter=younger, attributes=self._shape.asked(), page_size=0)
        return [entry async for entry in directory.entries(search)]

    def _search(self, directory: Directory, wanted: Filter, cookie: bytes | None) -> Found:
        search = Search(
            base=self._base,
            filter=wanted,
            attributes=self._shape.asked(),
            page_size=0,
            controls=(sync_request(SyncMode.REFRESH_ONLY, cookie),),
        )
        return directory.search(search)

    @property
    def _settings(self) -> LdapSettings:
        settings: LdapSettings = self._shape.settings
        return settings


def _require(result: Result) -> None:
    result.require("the directory cannot be copied by syncrepl; see delta")


def _octets(uuid: str) -> bytes:
    return bytes.fromhex(uuid.replace("-", ""))


def _text(uuid: bytes) -> str:
    return str(UUID(bytes=uuid))
