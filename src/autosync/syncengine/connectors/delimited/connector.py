"""The connector for delimited files."""

from pathlib import Path

from autosync.syncengine.connectors.delimited.delta import DelimitedDeltaReader, delta_settings
from autosync.syncengine.connectors.delimited.layout import Layout
from autosync.syncengine.connectors.delimited.opening import OpenedFile
from autosync.syncengine.connectors.delimited.reader import DelimitedReader
from autosync.syncengine.connectors.delimited.settings import DelimitedSettings
from autosync.syncengine.connectors.delimited.target import Target
from autosync.syncengine.connectors.delimited.writer import DelimitedEdits
from autosync.syncengine.connectors.delta_files import NOTHING_READ, delta_token, token_after_full
from autosync.syncengine.connectors.file_end import mark_of, without_mark
from autosync.syncengine.connectors.nothing import NothingReader
from autosync.syncengine.connectors.port import ConnectorError, Description, Reader, Writer
from autosync.syncengine.connectors.whole_files import WholeFileWriter


class DelimitedConnector:
    """One delimited file. Relative paths count from ``folder``."""

    def __init__(self, settings: DelimitedSettings, folder: Path) -> None:
        self._settings = settings
        self._path = folder / settings.path
        self._delta_path = folder / settings.delta.path if settings.delta else None

    def describe(self) -> Description:
        """Return the columns as attributes: of the file, or of the settings where there is no file yet."""
        settings = self._settings
        if settings.columns and not self._path.exists():
            layout = Layout(settings.columns, settings, self._path)
        else:
            opened = OpenedFile(self._path, settings)
            opened.source.close()
            layout = opened.layout
        kind = settings.object_type or "*"
        return Description(attributes={kind: layout.schema()}, delta=settings.delta is not None, writable=True)

    def open_full(self, partition: str) -> Reader:  # noqa: ARG002 (a file is one partition)
        """Start reading the file; raise ``ConnectorError`` with a ``no-start-file-…`` status."""
        delta = self._delta_path
        token = token_after_full(self._path, delta) if delta else None
        return DelimitedReader(OpenedFile(self._path, self._settings), token)

    def open_delta(self, partition: str, token: bytes | None) -> Reader:  # noqa: ARG002 (a file is one partition)
        """Start reading the delta file; one that has been read before holds nothing new."""
        delta, path = self._settings.delta, self._delta_path
        if delta is None or path is None:
            raise ConnectorError("no-start-delta-step-type-not-configured", f"{self._path} has no delta file")
        if token is None or not token.startswith(NOTHING_READ):
            raise ConnectorError("no-start-full-import-required", f"nothing was imported from {self._path} yet")
        now = delta_token(path)
        if now == without_mark(token):
            return NothingReader(token)
        opened = OpenedFile(path, delta_settings(self._settings, delta), delta.column)
        return DelimitedDeltaReader(opened, delta, now + mark_of(token))

    def open_export(self, partition: str) -> Writer:  # noqa: ARG002 (a file is one partition)
        """Start rewriting the file."""
        target = Target(self._path, self._settings)
        return WholeFileWriter(target, DelimitedEdits(target))
