"""The LDIF file that an export replaces: its records by anchor, and how to write it the way it was."""

import os
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, cast

from autosync.syncengine.connectors.ldif.blocks import BETWEEN, BadRecord, is_nothing, pieces
from autosync.syncengine.connectors.ldif.decoding import EntryDecoder, Identity
from autosync.syncengine.connectors.port import ConnectorError
from autosync.syncengine.connectors.replacement import Replacement
from autosync.syncengine.connectors.rewriting import RecordFile
from autosync.syncengine.connectors.text_files import SourceFile

_PIECE = 1 << 20


class LdifTarget:
    """An LDIF file about to be rewritten; a missing one is made."""

    def __init__(self, path: Path, decoder: EntryDecoder) -> None:
        self._path = path
        self._decoder = decoder
        self._stack = ExitStack()
        self._source: SourceFile | None = None
        self._crlf = False
        self.names: set[str] = set()
        """The DNs, in lower case."""
        try:
            self.records = self._take_over() if path.exists() else RecordFile(None)
        except BaseException:
            self.close()
            raise
        self._stack.callback(self.records.close)

    @property
    def exists(self) -> bool:
        """Return whether there was a file."""
        return self._source is not None

    def replace(self) -> None:
        """Write the file anew and put it in place of the old one; raise ``ConnectorError``."""
        with Replacement(self._path) as replacement:
            if not self.exists:
                replacement.write(b"version: 1\n\n")
            self.records.copy_to(
                (lambda data: replacement.write(data.replace(b"\n", b"\r\n"))) if self._crlf else replacement.write
            )
            if self._source.changed() if self._source else self._path.exists():
                message = f"{self._path} was changed by somebody else during the export; nothing was written"
                raise ConnectorError("stopped-export-write", message)
            self._stack.close()  # Windows replaces no file that is open
            replacement.commit()

    def close(self) -> None:
        """Free everything."""
        self._stack.close()

    def _take_over(self) -> RecordFile:
        source = self._source = SourceFile(self._path, "utf-8")
        self._stack.callback(source.close)
        base = source.file
        start = base.tell()
        self._crlf = b"\r\n" in base.read(_PIECE)
        base.seek(start)
        if self._crlf:
            base = cast("BinaryIO", self._stack.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115 (the stack closes it)
            source.file.seek(start)
            for text in iter(source.file.readline, b""):
                base.write(text.removesuffix(b"\r\n") + b"\n" if text.endswith(b"\r\n") else text)
            base.seek(start := 0)
        records = RecordFile(base)
        self._index(records, base, start)
        return records

    def _index(self, records: RecordFile, base: BinaryIO, offset: int) -> None:
        end = base.seek(0, os.SEEK_END)
        base.seek(max(end - len(BETWEEN), 0))
        tail = base.read()
        records.missing_end = b"" if tail.endswith(BETWEEN) else b"\n" if tail.endswith(b"\n") else BETWEEN
        base.seek(offset)
        for piece in pieces(base):
            for record in piece.records:
                identity = self._identity(record)
                length = min(len(record) + len(BETWEEN), end - offset)
                records.keep(offset, length, identity.anchor if identity else None)
                offset += length
                if identity:
                    self.names.add(identity.dn.lower())

    def _identity(self, record: bytes) -> Identity | None:
        with suppress(BadRecord):
            if not is_nothing(record):
                return self._decoder.identity(record)
        return None
