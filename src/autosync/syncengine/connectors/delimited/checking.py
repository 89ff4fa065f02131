"""Look at one row closely, and say what is wrong with it and whether that hides an object."""

import csv

from autosync.syncengine.connectors.delimited.opening import OpenedFile
from autosync.syncengine.connectors.delimited.records import Block
from autosync.syncengine.connectors.port import ReadError


class RowCheck:
    """Checks rows of one file. ``gap`` becomes True with the first row of which nobody knows whose it is."""

    def __init__(self, opened: OpenedFile) -> None:
        self._opened = opened
        self._columns = len(opened.layout.names)
        self.gap = False

    def fields(self, block: Block, index: int) -> list[str] | ReadError:
        """Return the fields of a row that has as many as there are columns."""
        record, line, form = block.records[index], block.line(index), self._opened.form
        if index in block.broken:
            return self._lost(line, block.broken[index])
        try:
            fields = form.fields(record)
        except UnicodeDecodeError as error:
            return self._undecodable(record, line, record[error.start])
        except csv.Error as error:
            return self._lost(line, f"line {line}: {error}")
        if "\0" in record.decode(form.encoding):
            return self._lost(line, f"line {line}: has a NUL character (a damaged file?)")
        if len(fields) == self._columns:
            return fields
        last = block.open_end and index == len(block.records) - 1
        hint = "; the file ends there without a line end, so it is not whole" if last else ""
        return self._lost(line, f"line {line}: {len(fields)} fields instead of {self._columns}{hint}")

    def anchor(self, fields: list[str], line: int) -> str | ReadError:
        """Return the anchor of a row."""
        if anchor := self._opened.layout.anchor_of(fields):
            return anchor
        self.gap = True
        missing = " or ".join(self._opened.settings.anchor)
        message = f"line {line}: no {missing}, so nobody knows whose row it is"
        return ReadError(error_type="missing-anchor-component", message=message, line=line)

    def duplicate(self, anchor: str, first: int, line: int) -> ReadError:
        """Return the error for a second row of an object."""
        # One of the two rows may be another object's with a mistyped anchor: then that one only seems to be gone.
        self.gap = True
        message = f"line {line}: the anchor {anchor!r} is in line {first} already; that row counts"
        return ReadError(error_type="duplicate-object", message=message, line=line, anchor=anchor)

    def cut(self, line: int | None, reason: str) -> ReadError:
        """Return the error for the end of a file that may be cut."""
        return self._lost(line, reason if line is None else f"line {line}: {reason}")

    def _undecodable(self, record: bytes, line: int, byte: int) -> ReadError:
        """Return the error for a row in another encoding; where its anchor can be read, only that object is in doubt."""
        try:
            fields = self._opened.form.fields(record, "replace")
        except csv.Error:
            fields = []
        anchor = self._opened.layout.anchor_of(fields) if len(fields) == self._columns else ""
        known = anchor if anchor and "\ufffd" not in anchor else None
        self.gap = self.gap or known is None
        message = f"line {line}: byte 0x{byte:02x} is not {self._opened.source.charset.name}; check the encoding"
        return ReadError(error_type="parse-error", message=message, line=line, anchor=known)

    def _lost(self, line: int | None, message: str) -> ReadError:
        self.gap = True
        return ReadError(error_type="parse-error", message=message, line=line)
