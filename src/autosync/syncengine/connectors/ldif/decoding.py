"""Turn a record into an entry."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from autosync.syncengine.connectors.changes import as_list
from autosync.syncengine.connectors.ldif.blocks import BadRecord, lines_of, value_of
from autosync.syncengine.connectors.ldif.settings import DN, USUAL_ATTRIBUTES, LdifSettings
from autosync.syncengine.connectors.port import Attributes, AttributeType, Entry, Scalar
from autosync.syncengine.connectors.values import ValueMisfit, text_decoder

CHANGE_TYPE: Final = "changetype"
_DIRECTIVES: Final = frozenset((CHANGE_TYPE, "control", "version"))

_ODD: Final = frozenset(("", " ", "<"))
_MOST_PLANS: Final = 10_000


class _NotPlain(Exception):
    """The record needs the careful way."""


class Identity(NamedTuple):
    """Who a record is about, and what it says happened (None in a content record)."""

    anchor: str
    dn: str
    change: str | None = None


class EntryDecoder:
    """Decodes the records of one file; remembers spellings."""

    def __init__(self, settings: LdifSettings) -> None:
        self.settings = settings
        self._spellings = settings.spellings()
        self._multi_valued = settings.all_multi_valued()
        self._types = settings.all_types()
        self._classes = {name.lower(): kind for name, kind in settings.object_types.items()}
        self._plans: dict[str, tuple[str, bool, bool]] = {}
        self._class_spellings = {name.lower(): name for name in USUAL_ATTRIBUTES}
        self._decoders: dict[str, Callable[[str], Scalar] | None] = {}
        self._anchor_start = b"\n" + settings.anchor.encode("utf-8") + b": "
        self._by_dn = settings.anchor.lower() == DN

    def identity(self, record: bytes) -> Identity:
        """Return who a content record is about: fast in the usual spelling; raise ``BadRecord``."""
        record = record.lstrip(b"\n")
        try:
            dn = _plain_value(record, 0, b"dn: ")
            anchor = dn if self._by_dn else _plain_value(record, record.find(self._anchor_start), self._anchor_start)
        except UnicodeDecodeError:
            anchor = dn = ""
        return Identity(anchor, dn) if anchor and dn else self.full_identity(record)

    def full_identity(self, record: bytes) -> Identity:
        """Return who a record is about, whatever its spelling; raise ``BadRecord``."""
        dn = anchor = change = ""
        wanted = self.settings.anchor.lower()
        for number, line in lines_of(record):
            head = line.partition(b":")[0].lower().strip()
            if head in (b"dn", wanted.encode("utf-8"), b"changetype"):
                name, value = value_of(line, number)
                text = _text(name, value, number)
                if head == b"dn":
                    dn = dn or text
                elif head == b"changetype":
                    change = change or text.lower()
                else:
                    anchor = anchor or text
        if not dn:
            raise BadRecord("missing-dn", "a record without dn")
        anchor = dn if self._by_dn else anchor
        if not anchor and not change:
            raise BadRecord("missing-anchor-component", f"{dn} has no {self.settings.anchor}")
        return Identity(anchor, dn, change or None)

    def entry(self, record: bytes, identity: Identity) -> Entry:
        """Return the entry in a record; raise ``BadRecord``."""
        found, classes = self.attributes(record)
        kind = self.object_type(classes, identity.dn)
        return Entry(anchor=identity.anchor, dn=identity.dn, object_type=kind, attributes=found)

    def attributes(self, record: bytes) -> tuple[Attributes, list[str]]:
        """Return the attributes and the object classes in a record; raise ``BadRecord``."""
        if b"\n " not in record and b":: " not in record and b"\n#" not in record:
            with suppress(_NotPlain, UnicodeDecodeError):
                found = self._plain_attributes(record.decode("utf-8"))
                return found, [str(name) for name in as_list(found.get("objectClass"))]
        return self._all_attributes(record)

    def _plain_attributes(self, text: str) -> Attributes:
        """Return the attributes of a record in the usual spelling, fast."""
        found: Attributes = {}
        plans = self._plans
        for line in text.strip("\n").split("\n"):
            name, between, value = line.partition(": ")
            try:
                spelling, is_plain, multi = plans[name]
            except KeyError:
                spelling, is_plain, multi = self._plan(name)
            if not is_plain or not between or value[:1] in _ODD or not spelling:
                if name.lower() != DN:
                    raise _NotPlain
            elif multi:
                values = found.setdefault(spelling, [])
                assert isinstance(values, list)
                values.append(value)
            elif spelling in found:
                raise _NotPlain
            else:
                found[spelling] = value
        return found

    def _plan(self, name: str) -> tuple[str, bool, bool]:
        """Return how an attribute is spelt, whether its value is the text as it stands, and whether it has several."""
        lower = name.lower()
        is_text = self._types.get(lower, AttributeType.STRING) in (AttributeType.STRING, AttributeType.REFERENCE)
        is_plain = is_text and name.isascii() and lower != DN and lower not in _DIRECTIVES
        plan = (self.spelling(name) if is_plain else "", is_plain, self.is_multi_valued(name))
        if len(self._plans) < _MOST_PLANS:
            self._plans[name] = plan
        return plan

    def _all_attributes(self, record: bytes) -> tuple[Attributes, list[str]]:
        found: Attributes = {}
        classes: list[str] = []
        for number, line in lines_of(record):
            name, raw = value_of(line, number)
            lower = name.lower()
            if lower == DN or lower in _DIRECTIVES or not raw:
                continue
            value = self.value(name, raw, number)
            spelling = self._spellings.setdefault(lower, name)
            if lower == "objectclass":
                classes.append(str(value))
            self._add(found, spelling, value, number)
        return found, classes

    def object_type(self, classes: list[str], dn: str) -> str:
        """Return the object type for object classes; raise ``BadRecord``."""
        names = {name.lower() for name in classes}
        for name, kind in self._classes.items():
            if name in names:
                return kind
        if self.settings.default_type:
            return self.settings.default_type
        if classes and not self._classes:
            return self._class_spellings.setdefault(classes[-1].lower(), classes[-1])
        if not classes:
            raise BadRecord("missing-object-class", f"{dn} has no objectClass", attribute="objectClass")
        message = f"{dn}: none of {', '.join(classes)} is in object-types"
        raise BadRecord("unmappable-object-type", message, attribute="objectClass")

    def value(self, name: str, raw: bytes, number: int) -> Scalar:
        """Return the value of an attribute; raise ``BadRecord``."""
        lower = name.lower()
        kind = self._types.get(lower, AttributeType.STRING)
        if kind is AttributeType.BINARY:
            return raw
        if lower not in self._decoders:
            self._decoders[lower] = text_decoder(kind, self.settings.booleans)
        text, decode = _text(name, raw, number), self._decoders[lower]
        try:
            return decode(text) if decode else text
        except ValueMisfit as error:
            raise BadRecord(error.error_type, f"{name}: {error}", number, name) from None

    def spelling(self, name: str) -> str:
        """Return how an attribute is spelt."""
        return self._spellings.setdefault(name.lower(), name)

    def is_multi_valued(self, name: str) -> bool:
        """Return whether an attribute may have several values."""
        return name.lower() in self._multi_valued

    def _add(self, found: Attributes, name: str, value: Scalar, number: int) -> None:
        if name.lower() in self._multi_valued:
            values = found.setdefault(name, [])
            assert isinstance(values, list)
            values.append(value)
        elif name in found:
            message = f"{name} has several values; put it into multi-valued"
            raise BadRecord("multi-single-mismatch", message, number, name)
        else:
            found[name] = value


def _text(name: str, raw: bytes, number: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        message = f"{name} is not UTF-8; give types: {{{name}: binary}} if it is no text"
        raise BadRecord("parse-error", message, number, name) from None


def _plain_value(record: bytes, at: int, start: bytes) -> str:
    """Return the value of the line that begins with ``start`` at ``at``; empty when it is not there or goes on in a fold."""
    end = record.find(b"\n", at + len(start))
    if at < 0 or end < 0 or not record.startswith(start, at) or record.startswith(b" ", end + 1):
        return ""
    return record[at + len(start) : end].decode("utf-8")
