"""Open a delimited file, read its header and settle what its columns mean."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from autosync.syncengine.connectors.delimited.layout import Layout
from autosync.syncengine.connectors.delimited.records import Block, Format, Scanner
from autosync.syncengine.connectors.delimited.settings import DelimitedSettings
from autosync.syncengine.connectors.digests import raw_digester, settings_salt
from autosync.syncengine.connectors.port import ConnectorError
from autosync.syncengine.connectors.text_files import Copying, SourceFile, conversion_error


class OpenedFile:
    """A delimited file with a known header. Raises ``ConnectorError`` with a ``no-start-…`` status."""

    def __init__(
        self, path: Path, settings: DelimitedSettings, change_column: str | None = None, copy: BinaryIO | None = None
    ) -> None:
        """Open ``path``. Where records are not cut from the file's own bytes, those they are cut from go to ``copy``."""
        self.settings = settings
        self.source = SourceFile(path, settings.encoding)
        try:
            self.form = Format.of(settings, self.source.charset.raw)
            stream = self.source.stream
            if copy is not None and self.source.charset.transcoded:
                stream = Copying(stream, copy)
            self.scanner = Scanner(stream, self.form, path)
            self._blocks = iter(self.scanner)
            self.head: list[bytes] = []
            """What stands before the first row, header included."""
            self._first = b""
            self.layout = Layout(self._names(), settings, path, change_column)
        except BaseException:
            self.source.close()
            raise
        self.digest = raw_digester(settings_salt("delimited", settings.meaning(), self.layout.names))

    @property
    def plain_anchors(self) -> bool:
        """Return whether a row's anchor and fate can be seen without parsing the row."""
        settings = self.settings
        return (
            len(settings.anchor) == 1
            and settings.deleted is None
            and settings.comment is None
            and (len(self.layout.names) > 1)
        )

    @property
    def line_end(self) -> str | None:
        """Return how the first line ends; None when it has no end."""
        return next((end.decode() for end in (b"\r\n", b"\n", b"\r") if self._first.endswith(end)), None)

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of rows after the header. Can be asked once."""
        return self._blocks

    def lines_before(self, line: int) -> dict[str, int]:
        """Return the line of each anchor in the rows before ``line``: a second look for the sake of a good message."""
        found: dict[str, int] = {}
        again = OpenedFile(self.source.path, self.settings)
        try:
            for block in again.blocks():
                for index, record in enumerate(block.records):
                    if block.line(index) >= line:
                        return found
                    if anchor := again.anchor_in(record, broken=index in block.broken):
                        found.setdefault(anchor, block.line(index))
        finally:
            again.source.close()
        return found

    def anchor_in(self, record: bytes, *, broken: bool) -> str:
        """Return the anchor of a record; empty when it is no sound, living row."""
        if broken or self.scanner.is_nothing(record):
            return ""
        try:
            fields = self.form.fields(record)
        except (UnicodeDecodeError, csv.Error):
            return ""
        if len(fields) != len(self.layout.names) or self.layout.is_deleted(fields):
            return ""
        return self.layout.anchor_of(fields)

    def _names(self) -> list[str]:
        """Return the names of the columns, and put what follows the header back in front."""
        if not self.settings.header:
            block = next(self._blocks, None)
            if block is not None:
                self._first = block.records[0]
                self._blocks = chain([block], self._blocks)
            return list(self.settings.columns)
        for block in self._blocks:
            for index, record in enumerate(block.records):
                self.head.append(record)
                self._first = record
                if self.scanner.is_nothing(record):
                    continue
                self._blocks = chain([_after(block, index + 1)], self._blocks)
                return self._header(record, block.broken.get(index))
        raise ConnectorError(
            "no-start-header-row-mismatch",
            f"{self.source.path} is empty: not even the header line is there, so it is not taken for a file without rows",
        )

    def _header(self, record: bytes, broken: str | None) -> list[str]:
        if broken:
            raise ConnectorError("no-start-header-row-mismatch", f"{self.source.path}: the header: {broken}")
        try:
            names = self.form.fields(record)
        except UnicodeDecodeError:
            raise conversion_error(self.source.path, f"has a header that is not {self.source.charset.name}") from None
        return [name.strip() for name in names] if self.settings.trim else names


def _after(block: Block, taken: int) -> Block:
    """Return what is left of a block after its first records."""
    return replace(
        block,
        records=block.records[taken:],
        first_line=block.first_line + taken,
        lines=None if block.lines is None else block.lines[taken:],
        rows=None if block.rows is None else block.rows[taken:],
        broken={index - taken: reason for index, reason in block.broken.items() if index >= taken},
    )
