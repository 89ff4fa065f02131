"""The controls that are used here: how each is asked for, and what its answers say."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from autosync.directory.codec import Control, Message, decode_value, encode_value
from autosync.directory.errors import BadMessage

PAGED: Final = "1.2.840.113556.1.4.319"
SHOW_DELETED: Final = "1.2.840.113556.1.4.417"
NOTIFICATION: Final = "1.2.840.113556.1.4.528"
DIR_SYNC: Final = "1.2.840.113556.1.4.841"
PERMISSIVE_MODIFY: Final = "1.2.840.113556.1.4.1413"
TREE_DELETE: Final = "1.2.840.113556.1.4.805"
DOMAIN_SCOPE: Final = "1.2.840.113556.1.4.1339"
MANAGE_DSA_IT: Final = "2.16.840.1.113730.3.4.2"
SYNC_REQUEST: Final = "1.3.6.1.4.1.4203.1.9.1.1"
SYNC_STATE: Final = "1.3.6.1.4.1.4203.1.9.1.2"
SYNC_DONE: Final = "1.3.6.1.4.1.4203.1.9.1.3"
SYNC_INFO: Final = "1.3.6.1.4.1.4203.1.9.1.4"
PERSISTENT_SEARCH: Final = "2.16.840.1.113730.3.4.3"
ENTRY_CHANGE: Final = "2.16.840.1.113730.3.4.7"
START_TLS: Final = "1.3.6.1.4.1.1466.20037"
WHO_AM_I: Final = "1.3.6.1.4.1.4203.1.11.3"
DISCONNECTION: Final = "1.3.6.1.4.1.1466.20036"


def paged(size: int, cookie: bytes = b"") -> Control:
    """Ask for a page of entries (RFC 2696)."""
    return Control(oid=PAGED, critical=True, value=encode_value("Page", {"size": size, "cookie": cookie}))


def next_page(value: bytes | None) -> bytes:
    """Return the cookie for the next page; empty when this was the last (or the server knows no pages)."""
    return bytes(decode_value("Page", value)["cookie"]) if value else b""


def show_deleted() -> Control:
    """Show what was deleted, too (Active Directory's tombstones)."""
    return Control(oid=SHOW_DELETED, critical=True)


def notification() -> Control:
    """Be told of changes (Active Directory): filter (objectClass=*), five a connection, no cookie."""
    return Control(oid=NOTIFICATION, critical=True)


def permissive_modify() -> Control:
    """Take a value that is there already, or gone already, for done (Active Directory, OpenLDAP)."""
    return Control(oid=PERMISSIVE_MODIFY)


def tree_delete() -> Control:
    """Delete what is below, too."""
    return Control(oid=TREE_DELETE, critical=True)


def domain_scope() -> Control:
    """Want no referrals to other domains (Active Directory)."""
    return Control(oid=DOMAIN_SCOPE)


class DirSyncFlag(IntEnum):
    """MS-ADTS 3.1.1.3.4.1.3."""

    OBJECT_SECURITY = 0x1
    ANCESTORS_FIRST = 0x800
    PUBLIC_DATA_ONLY = 0x2000
    INCREMENTAL_VALUES = -0x80000000


@dataclass(frozen=True, slots=True, kw_only=True)
class DirSyncState:
    """How far a reading of changes came. ``more`` says that the next answer is already waiting."""

    cookie: bytes
    more: bool


def dir_sync(cookie: bytes = b"", *, flags: Sequence[DirSyncFlag] = (), size: int = 0x7FFFFFFF) -> Control:
    """Ask for what changed since the cookie (Active Directory); the base must be the root of a naming context."""
    value = encode_value("DirSync", {"flags": sum(flags), "size": size, "cookie": cookie})
    return Control(oid=DIR_SYNC, critical=True, value=value)


def dir_sync_state(value: bytes | None) -> DirSyncState:
    """Return what the answer says; raise ``BadMessage``."""
    found = decode_value("DirSync", value)
    return DirSyncState(cookie=bytes(found["cookie"]), more=found["flags"] != 0)


class SyncMode(IntEnum):
    """RFC 4533 section 2.2."""

    REFRESH_ONLY = 1
    REFRESH_AND_PERSIST = 3


class SyncStateKind(IntEnum):
    """RFC 4533 section 2.3: what an entry's being sent means."""

    PRESENT = 0
    ADD = 1
    MODIFY = 2
    DELETE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    """What a directory says about one entry while it synchronizes."""

    kind: SyncStateKind
    entry_uuid: str
    cookie: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncInfo:
    """What a directory says in between (RFC 4533 section 2.5).

    ``present`` and ``gone`` are entry UUIDs. ``present_phase_ended`` says that what was neither sent nor named present is
    gone; ``refreshed`` that from now on changes are told as they happen.
    """

    cookie: bytes | None = None
    present: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    present_phase_ended: bool = False
    refreshed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncDone:
    """The end of a refresh. Without ``deletes_told`` what was neither sent nor named present is gone."""

    cookie: bytes | None = None
    deletes_told: bool = False


def sync_request(mode: SyncMode, cookie: bytes | None = None) -> Control:
    """Ask for a copy that is kept up to date (RFC 4533)."""
    value: dict[str, object] = {"mode": int(mode)}
    if cookie:
        value["cookie"] = cookie
    return Control(oid=SYNC_REQUEST, critical=True, value=encode_value("SyncRequest", value))


def sync_state(message: Message) -> SyncState:
    """Return what is said about an entry; raise ``BadMessage``."""
    found = decode_value("SyncState", message.control(SYNC_STATE))
    try:
        kind = SyncStateKind(found["state"])
    except ValueError:
        raise BadMessage(
            f"the directory sent the synchronization state {found['state']}, which does not exist"
        ) from None
    return SyncState(kind=kind, entry_uuid=_uuid(found["entryUUID"]), cookie=found.get("cookie"))


def sync_info(content: dict[str, bytes]) -> SyncInfo | None:
    """Return what an intermediate answer says; None when it is about something else. Raise ``BadMessage``."""
    if content.get("responseName") != SYNC_INFO.encode("ascii"):
        return None
    kind, found = decode_value("SyncInfo", content.get("responseValue"))
    match kind:
        case "newcookie":
            return SyncInfo(cookie=found)
        case "syncIdSet":
            uuids = tuple(map(_uuid, found["syncUUIDs"]))
            if found["refreshDeletes"]:
                return SyncInfo(cookie=found.get("cookie"), gone=uuids)
            return SyncInfo(cookie=found.get("cookie"), present=uuids)
        case _:
            ended = kind == "refreshPresent"
            return SyncInfo(cookie=found.get("cookie"), present_phase_ended=ended, refreshed=found["refreshDone"])


def sync_done(value: bytes | None) -> SyncDone:
    """Return what the end of a refresh says; raise ``BadMessage``."""
    found = decode_value("SyncDone", value)
    return SyncDone(cookie=found.get("cookie"), deletes_told=found["refreshDeletes"])


class EntryChangeKind(IntEnum):
    """What happened to an entry, as bits of a persistent search."""

    ADD = 1
    DELETE = 2
    MODIFY = 4
    RENAME = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChange:
    """Why a persistent search sent an entry. ``previous`` is its name before a rename."""

    kind: EntryChangeKind
    previous: str | None = None
    number: int | None = None


def persistent_search(kinds: int = 15, *, changes_only: bool = True) -> Control:
    """Be told of changes (draft-ietf-ldapext-psearch)."""
    value = {"changeTypes": kinds, "changesOnly": changes_only, "returnECs": True}
    return Control(oid=PERSISTENT_SEARCH, critical=True, value=encode_value("PersistentSearch", value))


def entry_change(message: Message) -> EntryChange | None:
    """Return why an entry was sent; None where the server does not say. Raise ``BadMessage``."""
    value = message.control(ENTRY_CHANGE)
    if value is None:
        return None
    found = decode_value("EntryChange", value)
    previous = found.get("previousDN")
    try:
        return EntryChange(
            kind=EntryChangeKind(found["changeType"]),
            previous=None if previous is None else previous.decode("utf-8", "replace"),
            number=found.get("changeNumber"),
        )
    except ValueError:
        raise BadMessage(f"the directory sent the change type {found['changeType']}, which does not exist") from None


def _uuid(octets: bytes) -> str:
    if len(octets) != 16:
        raise BadMessage("the directory sent an entryUUID that is none")
    text = octets.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
