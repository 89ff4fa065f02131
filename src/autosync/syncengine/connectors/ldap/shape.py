"""How an entry of a directory becomes an object of the engine, and values become octets."""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

from autosync.directory import searching
from autosync.syncengine.connectors.digests import settings_salt, value_digester
from autosync.syncengine.connectors.ldap.schema import AttributeKind, Schema
from autosync.syncengine.connectors.ldap.settings import OBJECT_GUID, LdapSettings
from autosync.syncengine.connectors.port import Attributes, AttributeType, Entry, EntryError, ReadError, Scalar
from autosync.syncengine.connectors.values import ValueMisfit, text_decoder, text_encoder

_GUID: Final = OBJECT_GUID.lower()
_SID: Final = "objectsid"
_PASSWORD: Final = "unicodepwd"  # noqa: S105 - the attribute's name

Decode = Callable[[bytes], Scalar]


class MissingAnchor(Exception):
    """An entry without the attribute that is its anchor."""


class Shape:
    """What entries of one directory mean: its schema, and what the settings say above it."""

    def __init__(self, settings: LdapSettings, schema: Schema) -> None:
        self.settings = settings
        self.schema = schema
        self._types = settings.all_types()
        self._multi = settings.all_multi_valued()
        self._classes = {name.lower(): kind for name, kind in settings.object_types.items()}
        self._ignored = frozenset(name.lower() for name in settings.ignored) - frozenset(
            name.lower() for name in settings.attributes
        )
        asked_for = {name.lower() for name in settings.attributes}
        # Asked for by us, wanted by nobody; Active Directory shows its objectGUID to everybody.
        own = set() if settings.is_ad else {settings.identity.lower()} - asked_for
        self._unwanted = self._ignored | own if "+" not in asked_for else self._ignored
        wanted = (*settings.attributes, *settings.multi_valued, *settings.types, settings.anchor, "objectClass")
        self._spellings = {name.lower(): name for name in wanted}
        self._plans: dict[str, tuple[str, bool, Decode] | None] = {}
        self._digest = value_digester(settings_salt("ldap", settings.meaning()))
        self._text = text_encoder(settings.booleans)
        self._decode_anchor = self._decoder(settings.anchor.lower(), AttributeType.STRING)

    def asked(self) -> tuple[str, ...]:
        """Return the attributes to ask the directory for."""
        named = self.settings.attributes or ("*",)
        extra = [self.settings.identity] if self.settings.by_dn else [self.settings.identity, self.settings.anchor]
        return tuple(dict.fromkeys((*named, "objectClass", *extra)))

    def anchor(self, entry: searching.Entry) -> str:
        """Return the entry's anchor; raise ``MissingAnchor``."""
        if self.settings.by_dn:
            return entry.dn
        values = entry.values(self.settings.anchor)
        if not values:
            raise MissingAnchor(f"{entry.dn} has no {self.settings.anchor}")
        return str(self._decode_anchor(values[0]))

    def identity(self, entry: searching.Entry) -> str:
        """Return what names the entry for ever; empty where the directory does not tell."""
        values = entry.values(self.settings.identity)
        return uuid_text(values[0], windows=self.settings.is_ad) if values else ""

    def digest(self, entry: searching.Entry) -> bytes:
        """Return 16 octets that are equal for equal entries, in whatever order their values came."""
        counted = [
            (name, values if len(values) < 2 else sorted(values))
            for name, values in entry.attributes.items()
            if not self._ignored or name.lower() not in self._ignored
        ]
        counted.sort()
        return self._digest((entry.dn, counted))

    def entry(self, found: searching.Entry, anchor: str) -> Entry:
        """Return the entry as the engine takes it; raise ``EntryError``."""
        attributes: Attributes = {}
        for name, values in found.attributes.items():
            plan = self._plans[name] if name in self._plans else self._plan(name)
            if plan is None or not values:
                continue
            spelling, multi, decode = plan
            try:
                if multi:
                    attributes[spelling] = [decode(value) for value in values]
                elif len(values) == 1:
                    attributes[spelling] = decode(values[0])
                else:
                    message = f"{found.dn}: {name} has several values; put it into multi-valued"
                    raise _bad("multi-single-mismatch", message, anchor, name)
            except ValueMisfit as error:
                raise _bad(error.error_type, f"{found.dn}: {name}: {error}", anchor, name) from None
        kind = self.object_type(found, anchor)
        return Entry(anchor=anchor, dn=found.dn, object_type=kind, attributes=attributes)

    def object_type(self, found: searching.Entry, anchor: str) -> str:
        """Return the object type that the entry's classes mean; raise ``EntryError``."""
        classes = [value.decode("utf-8", "replace") for value in found.values("objectClass")]
        names = [name.lower() for name in classes]
        if self.settings.is_ad:  # from the most general to the most special
            kind = next((self._classes[name] for name in reversed(names) if name in self._classes), None)
        else:
            kind = next((kind for name, kind in self._classes.items() if name in names), None)
        if kind is None:
            message = f"{found.dn}: none of {', '.join(classes) or 'its classes'} is in object-types"
            raise _bad("unmappable-object-type", message, anchor, "objectClass")
        return kind

    def kind_of(self, name: str) -> AttributeKind:
        """Return what is known about an attribute."""
        lower = name.partition(";")[0].lower()
        known = self.schema.attributes.get(lower)
        spelt = self._spellings.get(lower) or (known.name if known else name)
        single = lower not in self._multi and (not self.settings.is_ad or known is None or known.single)
        return AttributeKind(
            name=spelt,
            type=self._types.get(lower, known.type if known else AttributeType.STRING),
            single=single,
            writable=known.writable if known else True,
        )

    def octets(self, name: str, values: Sequence[Scalar]) -> list[bytes]:
        """Return values as the directory takes them; raise ``ValueMisfit`` for what it cannot take."""
        lower = name.lower()
        if lower == _PASSWORD:
            return [f'"{value}"'.encode("utf-16-le") if isinstance(value, str) else _raw(value) for value in values]
        if lower == _GUID:
            return [UUID(str(value)).bytes_le for value in values]
        if lower == _SID:
            return [sid_octets(str(value)) for value in values]
        try:
            return [value if isinstance(value, bytes) else self._text(value).encode("utf-8") for value in values]
        except UnicodeEncodeError:
            raise ValueMisfit("code-page-conversion", f"{name}: a value is no Unicode text") from None

    def classes_of(self, object_type: str) -> list[str]:
        """Return the object classes of a new object of a type that brings none."""
        return [name for name, kind in self.settings.object_types.items() if object_type in (kind, name)][:1]

    def _plan(self, name: str) -> tuple[str, bool, Decode] | None:
        plan = None
        if name.lower() not in self._unwanted:
            kind = self.kind_of(name)
            plan = (kind.name if ";" not in name else name, not kind.single, self._decoder(name.lower(), kind.type))
        if len(self._plans) < 10_000:
            self._plans[name] = plan
        return plan

    def _decoder(self, lower: str, kind: AttributeType) -> Decode:
        if lower == _GUID:
            return lambda value: uuid_text(value, windows=True)
        if lower == _SID:
            return sid_text
        if kind is AttributeType.BINARY:
            return bytes
        decode = text_decoder(kind, self.settings.booleans)

        def text(value: bytes) -> Scalar:
            try:
                found = value.decode("utf-8")
            except UnicodeDecodeError:
                message = "is not UTF-8; give types: {name: binary} if it is no text"
                raise ValueMisfit("parse-error", message) from None
            return decode(found) if decode else found

        return text


def uuid_text(octets: bytes, *, windows: bool) -> str:
    """Return a UUID's text; ``windows`` says that it is sixteen octets in Microsoft's order, else it is text already."""
    if not windows:
        return octets.decode("utf-8", "replace").lower()
    try:
        return str(UUID(bytes_le=octets))
    except ValueError:
        raise ValueMisfit("parse-error", "is no GUID") from None


def sid_text(octets: bytes) -> str:
    """Return a security identifier's text (MS-DTYP 2.4.2.1); raise ``ValueMisfit``."""
    if len(octets) < 8 or len(octets) != 8 + 4 * octets[1]:
        raise ValueMisfit("parse-error", "is no SID")
    authority = int.from_bytes(octets[2:8], "big")
    parts = struct.unpack(f"<{octets[1]}I", octets[8:])
    return "-".join(["S", str(octets[0]), str(authority), *map(str, parts)])


def sid_octets(text: str) -> bytes:
    """Return a security identifier's octets; raise ``ValueMisfit``."""
    try:
        revision, authority, *parts = text.removeprefix("S-").split("-")
        head = bytes([int(revision), len(parts)]) + int(authority).to_bytes(6, "big")
        return head + struct.pack(f"<{len(parts)}I", *map(int, parts))
    except (ValueError, struct.error, OverflowError):
        raise ValueMisfit("parse-error", f"{text[:40]!r} is no SID") from None


def _raw(value: Scalar) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-16-le")


def _bad(error_type: str, message: str, anchor: str, attribute: str) -> EntryError:
    return EntryError(ReadError(error_type=error_type, message=message, anchor=anchor, attribute=attribute))


def first_text(attributes: Mapping[str, Sequence[bytes]], name: str) -> str:
    """Return an attribute's first value as text, empty where there is none."""
    values = attributes.get(name, ())
    return values[0].decode("utf-8", "replace") if values else ""
