"""Read a file of change records (RFC 2849): what they make of the entries in the content file.

A ``modify`` says only what is different, so its entry is looked up in the content file. Whether that is older or newer than
the changes does not matter: applying a change twice gives the same entry.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from autosync.syncengine.connectors.changes import as_list
from autosync.syncengine.connectors.digests import settings_salt, value_digester
from autosync.syncengine.connectors.ldif.blocks import BadRecord, Piece, is_nothing, lines_of, pieces, value_of
from autosync.syncengine.connectors.ldif.decoding import CHANGE_TYPE, EntryDecoder
from autosync.syncengine.connectors.ldif.reader import BATCH, read_error
from autosync.syncengine.connectors.ldif.settings import DN, LdifSettings
from autosync.syncengine.connectors.port import Attributes, Entry, EntryError, ReadBatch, ReadError
from autosync.syncengine.connectors.text_files import SourceFile

_RENAMES: Final = ("modrdn", "moddn")


@dataclass(slots=True)
class _State:
    """One entry on its way through the changes. ``attributes`` None: gone."""

    dn: str
    attributes: Attributes | None
    line: int


@dataclass(slots=True)
class ChangedBatch:
    """Entries as the changes leave them."""

    states: list[_State]
    decoder: EntryDecoder
    anchors: list[str] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    errors: list[ReadError] = field(default_factory=list)

    def entry(self, index: int) -> Entry:
        """Return the entry at ``index``; raise ``EntryError`` where it has no object type."""
        state, anchor = self.states[index], self.anchors[index]
        assert state.attributes is not None, "only living entries have an index"
        classes = [str(name) for name in as_list(state.attributes.get("objectClass"))]
        try:
            kind = self.decoder.object_type(classes, state.dn)
        except BadRecord as error:
            wrong = ReadError(error_type=error.error_type, message=str(error), line=state.line, anchor=anchor)
            raise EntryError(wrong) from None
        return Entry(anchor=anchor, dn=state.dn, object_type=kind, attributes=dict(state.attributes))


class LdifDeltaReader:
    """One reading of a file of changes."""

    def __init__(self, changes: Path, content: Path, settings: LdifSettings, token: bytes) -> None:
        self._content = content
        self._settings = settings
        self._token = token
        self._source = SourceFile(changes, "utf-8")
        self._decoder = EntryDecoder(settings)
        self._digest = value_digester(settings_salt("ldif-delta", settings.meaning()))
        self._states: dict[str, _State] = {}
        self._gone: dict[str, str] = {}
        self._errors: list[ReadError] = []
        self._whole = False

    @property
    def complete(self) -> bool:
        """Return whether every change was understood."""
        return self._whole and not self._errors

    @property
    def token(self) -> bytes | None:
        """Return the token of this file's content."""
        return self._token

    def __iter__(self) -> Iterator[ReadBatch]:
        """Yield the changed entries and the anchors (or DNs) of those that went away."""
        records = list(pieces(self._source.stream))
        self._load({dn for piece in records for dn in self._needed(piece)})
        for piece in records:
            for index, record in enumerate(piece.records):
                try:
                    if not is_nothing(record):
                        self._apply(record, piece.lines()[index])
                except BadRecord as error:
                    self._errors.append(read_error(error, piece, index))
        if self._source.changed():
            message = f"{self._source.path} changed while it was read; import again when it is whole"
            self._errors.append(ReadError(error_type="read-error", message=message))
        self._whole = True
        yield from self._batches()

    def _needed(self, piece: Piece) -> Iterator[str]:
        """Yield the DNs, in lower case, whose entries must be known to apply a piece."""
        for record in piece.records:
            try:
                if not is_nothing(record):
                    yield self._decoder.full_identity(record).dn.lower()
            except BadRecord:
                continue  # told when it is applied

    def _load(self, names: set[str]) -> None:
        """Read the entries from the content file; after a rename they may be there under the new name only."""
        if not names or not self._content.exists():
            return
        source = SourceFile(self._content, "utf-8")
        try:
            for piece in pieces(source.stream):
                for record in piece.records:
                    self._load_one(record, names)
        finally:
            source.close()

    def _load_one(self, record: bytes, names: set[str]) -> None:
        try:
            if is_nothing(record):
                return
            dn = self._decoder.full_identity(record).dn
            if dn.lower() in names:
                self._states[dn.lower()] = _State(dn, self._decoder.attributes(record)[0], 0)
        except BadRecord:
            return  # the full import tells

    def _apply(self, record: bytes, line: int) -> None:
        identity = self._decoder.full_identity(record)
        key, dn = identity.dn.lower(), identity.dn
        state = self._states.get(key)
        match identity.change:
            case None | "add":
                attributes, _ = self._decoder.attributes(record)
                self._states[key] = _State(dn, attributes, line)
                self._gone.pop(key, None)
            case "delete":
                self._gone[key] = self._anchor(state) if state else dn
                self._states.pop(key, None)
            case "modify":
                changed = self._known(state, dn)
                self._modify(changed, record)
                changed.line = line
            case change if change in _RENAMES:
                self._rename(self._known(state, dn), record, line)
            case change:
                raise BadRecord("invalid-change-type", f"{dn}: changetype {change!r} is not known")

    def _known(self, state: _State | None, dn: str) -> _State:
        if state is None or state.attributes is None:
            message = f"{dn} is changed but is not in {self._content.name}; a full import reads it"
            raise BadRecord("need-full-object", message)
        return state

    def _modify(self, state: _State, record: bytes) -> None:
        """Apply the parts of a modify: a heading (add, delete, replace: name), its values, a line with a hyphen."""
        heading, name, values = "", "", list[bytes]()
        attributes = dict(state.attributes or {})
        for number, line in lines_of(record):
            if line.strip() == b"-":
                self._change(attributes, heading, name, values)
                heading, values = "", []
                continue
            key, value = value_of(line, number)
            if key.lower() in (DN, CHANGE_TYPE, "control"):
                continue
            if heading:
                values.append(value)
                continue
            heading, name = key.lower(), value.decode("utf-8", "replace")
            if heading not in ("add", "delete", "replace"):
                raise BadRecord(
                    "invalid-modification-type", f"{key!r} is none of add, delete and replace", number, name
                )
        if heading:
            self._change(attributes, heading, name, values)
        state.attributes = attributes

    def _change(self, attributes: Attributes, heading: str, name: str, raw: list[bytes]) -> None:
        spelling = self._decoder.spelling(name)
        given = [self._decoder.value(name, value, 0) for value in raw]
        before = as_list(attributes.pop(spelling, None))
        match heading:
            case "add":
                now = before + [value for value in given if value not in before]
            case "delete":
                now = [value for value in before if given and value not in given]
            case _:
                now = given
        if now and self._decoder.is_multi_valued(name):
            attributes[spelling] = now
        elif len(now) > 1:
            raise BadRecord("multi-single-mismatch", f"{name} has several values; put it into multi-valued")
        elif now:
            attributes[spelling] = now[0]

    def _rename(self, state: _State, record: bytes, line: int) -> None:
        parts = {
            key.lower(): value.decode("utf-8", "replace")
            for key, value in (value_of(text, number) for number, text in lines_of(record))
        }
        if "newrdn" not in parts:
            raise BadRecord("parse-error", f"{state.dn}: a rename without newrdn")
        superior = parts.get("newsuperior") or parent_of(state.dn)
        dn = f"{parts['newrdn']},{superior}" if superior else parts["newrdn"]
        old = state.dn
        self._states.pop(old.lower(), None)
        self._states[dn.lower()] = _State(dn, state.attributes, line)
        if self._settings.anchor.lower() == DN:
            self._gone[old.lower()] = old

    def _anchor(self, state: _State) -> str:
        if self._settings.anchor.lower() == DN:
            return state.dn
        anchor = (state.attributes or {}).get(self._decoder.spelling(self._settings.anchor))
        return str(anchor) if anchor is not None else state.dn

    def _batches(self) -> Iterator[ChangedBatch]:
        states = [state for state in self._states.values() if state.line]
        gone, errors = list(self._gone.values()), self._errors
        for start in range(0, max(len(states), 1), BATCH):
            batch = ChangedBatch(states[start : start + BATCH], self._decoder, deleted=gone, errors=errors)
            batch.anchors = [self._anchor(state) for state in batch.states]
            batch.digests = [self._digest((state.dn, list((state.attributes or {}).items()))) for state in batch.states]
            gone, errors = [], []
            yield batch

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.close()


def parent_of(dn: str) -> str:
    """Return the DN of the entry above; empty for the topmost."""
    escaped = False
    for index, letter in enumerate(dn):
        if letter == "," and not escaped:
            return dn[index + 1 :].lstrip()
        escaped = letter == "\\" and not escaped
    return ""
