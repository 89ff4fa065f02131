"""Turn an entry into an LDIF record, and change only the touched lines of one that is there."""

import base64
import re
from collections.abc import Sequence
from typing import Final

from autosync.syncengine.connectors.changes import as_list
from autosync.syncengine.connectors.ldif.blocks import BadRecord
from autosync.syncengine.connectors.port import Attributes, Scalar
from autosync.syncengine.connectors.values import BooleanWords, text_encoder

_SAFE: Final = re.compile(
    rb"(?:[\x01-\x09\x0b\x0c\x0e-\x1f!-9;=-\x7f](?:[\x01-\x09\x0b\x0c\x0e-\x7f]*[\x01-\x09\x0b\x0c\x0e-\x1f!-\x7f])?)?"
)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9.-]*(?:;[A-Za-z0-9-]+)*")
_WIDTH: Final = 76


class EntryWriter:
    """Renders records, with LF as line end."""

    def __init__(self, words: BooleanWords) -> None:
        self._text = text_encoder(words)
        self._names: set[str] = set()

    def record(self, dn: str, classes: Sequence[str], attributes: Attributes) -> bytes:
        """Return a new record; raise ``BadRecord`` for a name that no attribute can have."""
        lines = [line("dn", dn.encode("utf-8"))]
        lines += [line("objectClass", name.encode("utf-8")) for name in classes]
        for name, value in attributes.items():
            lines += self.lines(name, value)
        return b"".join(lines)

    def lines(self, name: str, value: Scalar | list[Scalar]) -> list[bytes]:
        """Return the lines of one attribute; raise ``BadRecord``."""
        if name not in self._names:
            if not _NAME.fullmatch(name) or name.lower() in ("dn", "changetype", "control"):
                raise BadRecord("schema-violation", f"{name!r} is no name for an attribute", attribute=name)
            self._names.add(name)
        if type(value) is str and _is_safe(value) and len(name) + len(value) < _WIDTH - 2:
            return [f"{name}: {value}\n".encode()]
        return [
            line(name, each if isinstance(each, bytes) else self._text(each).encode("utf-8")) for each in as_list(value)
        ]

    def changed(self, record: bytes, dn: str | None, attributes: Attributes) -> bytes:
        """Return a record with another DN or other values of some attributes; its other lines stay as they are."""
        new = {name.lower(): self.lines(name, value) for name, value in attributes.items()}
        if dn is not None:
            new["dn"] = [line("dn", dn.encode("utf-8"))]
        kept = list[bytes]()
        for group in _groups(record):
            name = group.partition(b":")[0].lower().decode("ascii", "replace")
            if name not in new:
                kept.append(group)
            elif new[name]:  # where the first value was, all new ones come
                kept += new[name]
                new[name] = []
        return b"".join([*kept, *(each for lines in new.values() for each in lines)])


def line(name: str, value: bytes) -> bytes:
    """Return the physical lines of one value (RFC 2849: base64 where it is not safe, folded at 76 characters)."""
    if _SAFE.fullmatch(value):
        whole = b"%b: %b" % (name.encode("ascii"), value) if value else b"%b:" % name.encode("ascii")
    else:
        whole = b"%b:: %b" % (name.encode("ascii"), base64.b64encode(value))
    if len(whole) <= _WIDTH:
        return whole + b"\n"
    first, rest = whole[:_WIDTH], whole[_WIDTH:]
    folded = [b" " + rest[at : at + _WIDTH - 1] for at in range(0, len(rest), _WIDTH - 1)]
    return b"\n".join([first, *folded]) + b"\n"


def _is_safe(text: str) -> bool:
    """Return whether a text may stand in a line as it is: the quick half of ``_SAFE``."""
    return text.isascii() and text.isprintable() and text[:1] not in (" ", ":", "<", "") and text[-1] != " "


def _groups(record: bytes) -> list[bytes]:
    """Return the lines of a record, each with the folded lines that go on."""
    groups: list[bytes] = []
    for each in record.rstrip(b"\n").split(b"\n"):
        if each.startswith(b" ") and groups:
            groups[-1] += each + b"\n"
        else:
            groups.append(each + b"\n")
    return groups
