"""The file that an export replaces: its rows by anchor, and how to write it the way it was."""

import codecs
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from autosync.syncengine.connectors.delimited.layout import Layout
from autosync.syncengine.connectors.delimited.opening import OpenedFile
from autosync.syncengine.connectors.delimited.records import Format
from autosync.syncengine.connectors.delimited.rendering import RowWriter
from autosync.syncengine.connectors.delimited.settings import DelimitedSettings
from autosync.syncengine.connectors.port import ConnectorError
from autosync.syncengine.connectors.replacement import Replacement
from autosync.syncengine.connectors.rewriting import RecordFile
from autosync.syncengine.connectors.text_files import charset, for_new_file


class Target:
    """A delimited file about to be rewritten. A missing one is made when the settings name its ``columns``."""

    def __init__(self, path: Path, settings: DelimitedSettings) -> None:
        self._path = path
        self._settings = settings
        self._stack = ExitStack()
        self._opened: OpenedFile | None = None
        self.exists = path.exists() and (path.stat().st_size > 0 or not settings.columns)
        try:
            if self.exists:
                self._take_existing()
            else:
                self._start_new()
        except BaseException:
            self.close()
            raise

    def replace(self) -> None:
        """Write the file anew and put it in place of the old one; raise ``ConnectorError``."""
        with Replacement(self._path) as replacement:
            replacement.write(self._bom)
            if self._encoding == self.form.encoding:
                self.rows.copy_to(replacement.write)
            else:
                self._recode_to(replacement)
            if self._opened.source.changed() if self._opened else self._path.exists() and self._path.stat().st_size:
                message = f"{self._path} was changed by somebody else during the export; nothing was written"
                raise ConnectorError("stopped-export-write", message)
            self._stack.close()  # Windows replaces no file that is open
            replacement.commit()

    def close(self) -> None:
        """Free everything."""
        self._stack.close()

    def _take_existing(self) -> None:
        copy = cast("BinaryIO", self._stack.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115 (the stack closes it)
        opened = self._opened = OpenedFile(self._path, self._settings, copy=copy)
        source = opened.source
        self._stack.callback(source.close)
        self._bom, self._encoding = source.bom, source.file_encoding
        self.form, self.layout = opened.form, opened.layout
        transcoded = source.charset.transcoded
        self.rows = RecordFile(copy if transcoded else source.file)
        self._stack.callback(self.rows.close)
        last = self._index(opened, 0 if transcoded else len(source.bom))
        line_end = opened.line_end or self._settings.newline.text
        self.rows.missing_end = b"" if last.endswith((b"\n", b"\r")) else line_end.encode(self.form.encoding)
        self.render = RowWriter(self.layout, self.form, line_end, self._encoding)

    def _index(self, opened: OpenedFile, offset: int) -> bytes:
        """Take over every record with its place; return the last."""
        record = b""
        for record in opened.head:
            self.rows.keep(offset, len(record))
            offset += len(record)
        for block in opened.blocks():
            for index, record in enumerate(block.records):
                self.rows.keep(offset, len(record), opened.anchor_in(record, broken=index in block.broken) or None)
                offset += len(record)
        return record

    def _start_new(self) -> None:
        settings = self._settings
        if not settings.columns:
            message = f"there is no file {self._path}; give columns, and the export makes it"
            raise ConnectorError("no-start-file-not-found", message)
        self._bom, self._encoding = for_new_file(settings.encoding)
        self.form = Format.of(settings, charset(settings.encoding).raw)
        self.layout = Layout(settings.columns, settings, self._path)
        self.rows = RecordFile(None)
        self._stack.callback(self.rows.close)
        self.render = RowWriter(self.layout, self.form, settings.newline.text, self._encoding)
        if settings.header:
            self.rows.append(self.render.record(list(settings.columns)))

    def _recode_to(self, replacement: Replacement) -> None:
        decode = codecs.getincrementaldecoder(self.form.encoding)().decode
        encode = codecs.getincrementalencoder(self._encoding)().encode
        self.rows.copy_to(lambda data: replacement.write(encode(decode(data))))
