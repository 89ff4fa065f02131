"""The connector for LDIF files."""

from pathlib import Path

from autosync.syncengine.connectors.delta_files import NOTHING_READ, delta_token, token_after_full
from autosync.syncengine.connectors.file_end import mark_of, without_mark
from autosync.syncengine.connectors.ldif.blocks import BadRecord, is_nothing, pieces
from autosync.syncengine.connectors.ldif.decoding import EntryDecoder
from autosync.syncengine.connectors.ldif.delta import LdifDeltaReader
from autosync.syncengine.connectors.ldif.reader import LdifReader
from autosync.syncengine.connectors.ldif.settings import DN, USUAL_ATTRIBUTES, LdifSettings
from autosync.syncengine.connectors.ldif.target import LdifTarget
from autosync.syncengine.connectors.ldif.writer import LdifEdits
from autosync.syncengine.connectors.nothing import NothingReader
from autosync.syncengine.connectors.port import (
    AttributeSchema,
    AttributeType,
    ConnectorError,
    Description,
    Reader,
    ReferenceBy,
    Writer,
)
from autosync.syncengine.connectors.text_files import SourceFile
from autosync.syncengine.connectors.whole_files import WholeFileWriter

_SAMPLE_RECORDS = 5000


class LdifConnector:
    """One LDIF file. Relative paths count from ``folder``."""

    def __init__(self, settings: LdifSettings, folder: Path) -> None:
        self._settings = settings
        self._path = folder / settings.path
        self._changes = folder / settings.changes if settings.changes else None

    def describe(self) -> Description:
        """Return the attributes that the settings name and those in the first 5,000 records."""
        decoder = EntryDecoder(self._settings)
        names: dict[str, dict[str, None]] = {}
        if self._path.exists():
            self._sample(decoder, names)
        settings = self._settings
        classes = settings.object_types or {name: name for name in USUAL_ATTRIBUTES}
        for name, kind in classes.items():
            names.setdefault(kind, {}).update(dict.fromkeys(USUAL_ATTRIBUTES.get(name, ())))
        if settings.default_type:
            names.setdefault(settings.default_type, {})
        schema = {kind: self._schema(found) for kind, found in sorted(names.items())}
        delta = self._changes is not None
        return Description(attributes=schema, delta=delta, writable=True, reference_by=ReferenceBy.DN)

    def open_full(self, partition: str) -> Reader:  # noqa: ARG002 (a file is one partition)
        """Start reading the file; raise ``ConnectorError`` with a ``no-start-file-…`` status."""
        token = token_after_full(self._path, self._changes) if self._changes else None
        return LdifReader(self._path, self._settings, token)

    def open_delta(self, partition: str, token: bytes | None) -> Reader:  # noqa: ARG002 (a file is one partition)
        """Start reading the file of changes; one that has been read before holds nothing new."""
        if self._changes is None:
            raise ConnectorError("no-start-delta-step-type-not-configured", f"{self._path} has no file of changes")
        if token is None or not token.startswith(NOTHING_READ):
            raise ConnectorError("no-start-full-import-required", f"nothing was imported from {self._path} yet")
        now = delta_token(self._changes)
        if now == without_mark(token):
            return NothingReader(token)
        return LdifDeltaReader(self._changes, self._path, self._settings, now + mark_of(token))

    def open_export(self, partition: str) -> Writer:  # noqa: ARG002 (a file is one partition)
        """Start rewriting the file."""
        decoder = EntryDecoder(self._settings)
        target = LdifTarget(self._path, decoder)
        return WholeFileWriter(target, LdifEdits(target, decoder))

    def _sample(self, decoder: EntryDecoder, names: dict[str, dict[str, None]]) -> None:
        source, left = SourceFile(self._path, "utf-8"), _SAMPLE_RECORDS
        try:
            for piece in pieces(source.stream):
                for record in piece.records[:left]:
                    try:
                        if not is_nothing(record):
                            attributes, classes = decoder.attributes(record)
                            names.setdefault(decoder.object_type(classes, ""), {}).update(dict.fromkeys(attributes))
                    except BadRecord:
                        continue  # reading tells
                left -= len(piece.records)
                if left <= 0:
                    break
        finally:
            source.close()

    def _schema(self, found: dict[str, None]) -> tuple[AttributeSchema, ...]:
        settings, types, multi = self._settings, self._settings.all_types(), self._settings.all_multi_valued()
        anchor = () if settings.anchor.lower() == DN else (settings.anchor,)
        spellings = {
            name.lower(): name
            for name in ("objectClass", *anchor, *settings.attributes, *settings.multi_valued, *settings.types, *found)
        }
        return tuple(
            AttributeSchema(
                name=name,
                type=types.get(lower, AttributeType.STRING),
                multivalued=lower in multi,
                required=name in anchor,
            )
            for lower, name in spellings.items()
        )
