"""Cut an LDIF file into records (RFC 2849) and a record into its lines.

A record is what stands between blank lines. Nothing is parsed here that nobody asks for: an unchanged entry costs a search
for its anchor and a digest.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from autosync.syncengine.connectors.changes import Unfit
from autosync.syncengine.connectors.port import ConnectorError
from autosync.syncengine.connectors.text_files import ByteStream

CHUNK_BYTES: Final = 1 << 20
LONGEST_RECORD: Final = 256 << 20  # a group with some million members

BETWEEN: Final = b"\n\n"


class BadRecord(Unfit):
    """A record that is no LDIF; ``error_type`` is the engine's word for it, ``line`` counts from 0 in the record."""

    def __init__(self, error_type: str, message: str, line: int = 0, attribute: str | None = None) -> None:
        super().__init__(error_type, message)
        self.line = line
        self.attribute = attribute


@dataclass(slots=True)
class Piece:
    """Some thousand records: between two of them lies a blank line. Line ends are LF, whatever the file has.

    ``open_end`` says that the last record is the last of the file and has no line end.
    """

    records: list[bytes]
    first_line: int
    may_hold_changes: bool
    open_end: bool

    def lines(self) -> list[int]:
        """Return the line on which each record begins, from 1."""
        found, line = [], self.first_line
        for record in self.records:
            found.append(line + len(record) - len(record.lstrip(b"\n")))
            line += record.count(b"\n") + len(BETWEEN)
        return found


def pieces(stream: ByteStream) -> Iterator[Piece]:
    """Cut a stream into pieces; raise ``ConnectorError`` when a record does not end."""
    rest, line, final = b"", 1, False
    while not final:
        read = stream.read(CHUNK_BYTES)
        final = not read
        data = rest + read
        data, held = (data[:-1], b"\r") if data.endswith(b"\r") and not final else (data, b"")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        end = len(data) if final else data.rfind(BETWEEN)
        if end <= 0:
            rest = data + held
            if len(rest) > LONGEST_RECORD:
                message = f"line {line}: a record does not end within {LONGEST_RECORD >> 20} MiB"
                raise ConnectorError("stopped-parsing-errors", message)
            continue
        whole, rest = data[:end], data[end + len(BETWEEN) :] + held
        records = whole.split(BETWEEN)
        yield Piece(records, line, b"changetype" in whole.lower(), final and not whole.endswith(b"\n"))
        line += whole.count(b"\n") + len(BETWEEN)


def lines_of(record: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the logical lines of a record with their number from 0: folded lines joined, comments and blank lines left out."""
    number, parts = 0, list[bytes]()
    for index, line in enumerate(record.split(b"\n")):
        if line.startswith(b" "):
            if not parts:
                raise BadRecord("parse-error", "a continued line without a line before it", index)
            parts.append(line[1:])
            continue
        if parts and not parts[0].startswith(b"#"):
            yield number, b"".join(parts)
        number, parts = index, [line] if line else []
    if parts and not parts[0].startswith(b"#"):
        yield number, b"".join(parts)


def value_of(line: bytes, number: int) -> tuple[str, bytes]:
    """Return the attribute's name and value in a logical line; raise ``BadRecord``."""
    name, colon, rest = line.partition(b":")
    if not colon or not name or not name.isascii():
        shown = line[:40].decode("utf-8", "replace")
        raise BadRecord("parse-error", f"{shown!r} is no attribute with a value", number)
    attribute = name.decode("ascii").strip()
    if rest.startswith(b":"):
        try:
            return attribute, base64.b64decode(rest[1:].strip(), validate=True)
        except (binascii.Error, ValueError):
            raise BadRecord("invalid-base64-value", f"{attribute}: not base64", number, attribute) from None
    if rest.startswith(b"<"):
        message = f"{attribute}: a value by URL is not fetched; put the value in"
        raise BadRecord("unsupported-value-type", message, number, attribute)
    return attribute, rest.lstrip(b" ")


def is_nothing(record: bytes) -> bool:
    """Return whether a record holds only comments, blank lines or the version."""
    start = record.lstrip(b"\n")
    if start.startswith((b"dn:", b"DN:")):
        return False
    return not any(not line.lower().startswith(b"version:") for _, line in lines_of(start))
