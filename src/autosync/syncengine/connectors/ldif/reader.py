"""Read an LDIF content file whole."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from autosync.syncengine.connectors.digests import raw_digester, settings_salt
from autosync.syncengine.connectors.file_end import FileEnd
from autosync.syncengine.connectors.ldif.blocks import BadRecord, Piece, is_nothing, pieces
from autosync.syncengine.connectors.ldif.decoding import EntryDecoder, Identity
from autosync.syncengine.connectors.ldif.settings import LdifSettings
from autosync.syncengine.connectors.port import Entry, EntryError, ReadBatch, ReadError
from autosync.syncengine.connectors.seen import SeenAnchors
from autosync.syncengine.connectors.text_files import SourceFile

BATCH: Final = 5000


class LdifBatch:
    """Up to 5,000 records; a record is parsed when its entry is asked for."""

    def __init__(self, decoder: EntryDecoder, piece: Piece | None = None) -> None:
        self._decoder = decoder
        self._piece = piece
        self.anchors: list[str] = []
        self.digests: list[bytes] = []
        self.deleted: list[str] = []
        self.errors: list[ReadError] = []
        self.taken: list[tuple[int, Identity]] = []

    def entry(self, index: int) -> Entry:
        """Decode the record at ``index``; raise ``EntryError`` with its line number."""
        assert self._piece is not None, "a batch of errors only has no entries"
        at, identity = self.taken[index]
        try:
            return self._decoder.entry(self._piece.records[at], identity)
        except BadRecord as error:
            raise EntryError(read_error(error, self._piece, at, identity.anchor)) from None


class LdifReader:
    """One reading of a whole file. ``complete`` is False as soon as a record may hide whose it is."""

    def __init__(self, path: Path, settings: LdifSettings, token: bytes | None) -> None:
        self._path = path
        self._settings = settings
        self._token = token
        self._source = SourceFile(path, "utf-8")
        self._decoder = EntryDecoder(settings)
        self._digest = raw_digester(settings_salt("ldif", settings.meaning()))
        self._seen = SeenAnchors(self._lines_before)
        self._end = FileEnd(settings.final_newline)
        self._gap = False
        self._whole = False

    @property
    def complete(self) -> bool:
        """Return whether the end was reached and every record is known."""
        return self._whole and not self._gap

    @property
    def token(self) -> bytes | None:
        """Return where a delta import starts after this reading, and how this one ended."""
        return self._end.token(self._token)

    @property
    def remark(self) -> str:
        """Return a doubt about the end of a file that was never read before."""
        return self._end.remark

    def recall(self, token: bytes | None) -> None:
        """Take note of how the file ended when it was last read."""
        self._end.recall(token)

    def __iter__(self) -> Iterator[ReadBatch]:
        """Yield batches; raise ``ConnectorError``."""
        for piece in pieces(self._source.stream):
            self._end.has_line_end = not piece.open_end
            for start in range(0, len(piece.records), BATCH):
                yield self._batch(piece, range(start, min(start + BATCH, len(piece.records))))
        if self._source.changed():
            batch = LdifBatch(self._decoder)
            message = f"{self._path} changed while it was read; import again when it is whole"
            batch.errors.append(ReadError(error_type="read-error", message=message))
            yield batch
        else:
            self._whole = True

    def _batch(self, piece: Piece, indexes: range) -> LdifBatch:
        batch = LdifBatch(self._decoder, piece)
        found = []
        for index in indexes:
            try:
                if (identity := self._identity(piece, index)) is not None:
                    found.append((index, identity))
            except BadRecord as error:
                self._gap = True
                batch.errors.append(read_error(error, piece, index))
        if not self._seen.take_all([identity.anchor for _, identity in found]):
            found = self._without_repetitions(batch, piece, found)
        digest, records = self._digest, piece.records
        batch.taken = found
        batch.anchors = [identity.anchor for _, identity in found]
        batch.digests = [digest(records[index].strip(b"\n")) for index, _ in found]
        return batch

    def _identity(self, piece: Piece, index: int) -> Identity | None:
        """Return who a record is about; None when it holds nothing; raise ``BadRecord``."""
        record = piece.records[index]
        if not record.lstrip(b"\n").startswith(b"dn:") and is_nothing(record):
            return None
        if piece.open_end and index == len(piece.records) - 1:
            self._decoder.attributes(record)  # the file ends without a line end: is the last line whole?
            if reason := self._end.reason:
                raise BadRecord("parse-error", reason)
        if not piece.may_hold_changes:
            return self._decoder.identity(record)
        identity = self._decoder.full_identity(record)
        if identity.change not in (None, "add"):
            message = f"{identity.dn}: changetype {identity.change} in a file of whole entries; see changes:"
            raise BadRecord("invalid-change-type", message)
        return identity

    def _without_repetitions(
        self, batch: LdifBatch, piece: Piece, found: list[tuple[int, Identity]]
    ) -> list[tuple[int, Identity]]:
        """Return what is new, after noting the records whose anchor was there before."""
        new, lines = [], piece.lines()
        for index, identity in found:
            line, anchor = lines[index], identity.anchor
            if first := self._seen.take(anchor, line):
                # One of the two may be another entry's with a mistyped anchor: that one only seems to be gone.
                self._gap = True
                message = f"line {line}: the anchor {anchor!r} is in line {first} already; that entry counts"
                error = ReadError(error_type="duplicate-object", message=message, line=line, anchor=anchor)
                batch.errors.append(error)
            else:
                new.append((index, identity))
        return new

    def _lines_before(self, line: int) -> dict[str, int]:
        found: dict[str, int] = {}
        again = LdifReader(self._path, self._settings, None)
        with again:
            for piece in pieces(again._source.stream):
                for index, start in enumerate(piece.lines()):
                    if start >= line:
                        return found
                    with suppress(BadRecord):
                        if identity := again._identity(piece, index):
                            found.setdefault(identity.anchor, start)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.close()


def read_error(error: BadRecord, piece: Piece, index: int, anchor: str | None = None) -> ReadError:
    """Return the engine's error for a bad record, with its line in the file."""
    line = piece.lines()[index] + error.line
    return ReadError(
        error_type=error.error_type,
        message=f"line {line}: {error}",
        line=line,
        anchor=anchor,
        attribute=error.attribute,
    )
