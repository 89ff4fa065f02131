"""How far a reading came, as the bytes that the engine keeps."""

import hashlib

import msgspec

from autosync.syncengine.connectors.ldap.failures import needs_full_import
from autosync.syncengine.connectors.ldap.settings import DeltaKind, LdapSettings

_VERSION = 1


class Token(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Where the next delta begins. What a field means is the affair of the kind.

    ``known`` holds the UUIDs of all entries, 16 octets each, and ``names`` their anchors in the same order where those are
    not the UUIDs: a directory tells deletions by UUID, and one that has forgotten them only tells what is still there
    (RFC 4533 section 3.3.1).
    """

    version: int = _VERSION
    kind: str
    scope: bytes
    server: str = ""
    cookie: bytes = b""
    number: int = 0
    mark: str = ""
    seen: list[str] = []
    known: bytes = b""
    names: list[str] = []

    def octets(self) -> bytes:
        """Return the token as bytes."""
        return msgspec.msgpack.encode(self)


def scope_of(settings: LdapSettings, base: str) -> bytes:
    """Return what must not change between two readings: with another filter, the difference would be another."""
    text = repr((base.lower(), settings.filter, sorted(settings.object_types), settings.anchor, settings.attributes))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def read_token(octets: bytes | None, kind: DeltaKind, scope: bytes) -> Token:
    """Return the token in the bytes; raise ``ConnectorError`` when only a full import helps."""
    if not octets:
        raise needs_full_import("nothing was imported yet")
    try:
        token = msgspec.msgpack.decode(octets, type=Token)
    except msgspec.DecodeError:
        raise needs_full_import("the watermark of the last import cannot be read") from None
    if (token.version, token.kind, token.scope) != (_VERSION, kind.value, scope):
        raise needs_full_import("the settings that decide what is read have changed since the last import")
    return token
