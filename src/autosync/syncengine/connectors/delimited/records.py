"""Cut a delimited file into records.

Two ways lead to the same records. Where a piece of the file has no quote in it, its lines are its records: nothing is parsed
that nobody asks for, which is four times as fast as ``csv.reader``. Where there is one, ``csv.reader`` (strict) decides
where records end. A property test holds the two together.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from autosync.syncengine.connectors.delimited.settings import DelimitedSettings, Quoting
from autosync.syncengine.connectors.port import ConnectorError
from autosync.syncengine.connectors.text_files import ByteStream

CHUNK_BYTES: Final = 1 << 20
LONGEST_RECORD: Final = 16 << 20
"""Bytes after which an open quote is taken for a mistake and the run ends."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is cut and its records are parsed; ``encoding`` is that of the bytes that records are cut from."""

    encoding: str
    delimiter: str
    quote: str
    quoting: Quoting
    comment: str | None

    @classmethod
    def of(cls, settings: DelimitedSettings, encoding: str) -> "Format":
        """Return the format that the settings describe."""
        return cls(encoding, settings.delimiter, settings.quote, settings.quoting, settings.comment)

    @property
    def quote_bytes(self) -> bytes | None:
        """Return the quote as bytes; None where quotes mean nothing."""
        return None if self.quoting is Quoting.NONE else self.quote.encode(self.encoding)

    def parse(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """Return a strict ``csv.reader`` over ``lines``; not for files where quotes mean nothing."""
        if csv.field_size_limit() < LONGEST_RECORD:
            csv.field_size_limit(LONGEST_RECORD)  # the default of 131,072 is less than a photo
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=True)

    def fields(self, record: bytes, errors: str = "strict") -> list[str]:
        """Return the fields of one record; raise ``UnicodeDecodeError`` or ``csv.Error``."""
        text = record.decode(self.encoding, errors).rstrip("\r\n")
        if self.quoting is Quoting.NONE or self.quote not in text:
            return text.split(self.delimiter)
        return next(iter(self.parse(io.StringIO(text, newline=""))), [])


@dataclass(slots=True)
class Block:
    """Some thousand records, with their line ends.

    ``lines`` is where each begins; without it they are one line each. ``rows`` are the fields, where finding the ends of
    the records gave them anyway. ``broken`` maps the index of a record that could not be cut to the reason. ``open_end``
    says that the last record is the last of the file and has no line end. ``clean`` promises text in the file's encoding,
    without NUL.
    """

    records: list[bytes]
    first_line: int
    lines: Sequence[int] | None = None
    rows: list[list[str]] | None = None
    broken: dict[int, str] = field(default_factory=dict)
    clean: bool = True
    open_end: bool = False

    def line(self, index: int) -> int:
        """Return the number of the line where a record begins, from 1."""
        return self.first_line + index if self.lines is None else self.lines[index]


class Scanner:
    """Cuts a stream into blocks; comments and blank lines are records, too (``is_nothing`` knows them)."""

    def __init__(self, stream: ByteStream, form: Format, path: Path) -> None:
        self._stream = stream
        self._form = form
        self._path = path
        self._quote = form.quote_bytes
        self._comment = None if form.comment is None else form.comment.encode(form.encoding)
        self._line = 1

    def is_nothing(self, record: bytes) -> bool:
        """Return whether a record is a blank line or a comment."""
        if self._comment is not None and record.startswith(self._comment):
            return True
        return not record.rstrip(b"\r\n")

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks; raise ``ConnectorError`` when a quote stays open for ever."""
        rest = b""
        final = False
        while not final:
            piece = self._stream.read(CHUNK_BYTES)
            final = not piece
            chunk, rest = _cut(rest + piece, final=final)
            self._limit(rest)
            if not chunk:
                continue
            if self._quote is None or self._quote not in chunk:
                block = self._plain(chunk)
            else:
                block, unread = self._quoted(chunk, final=final)
                rest = unread + rest
                self._limit(rest)
            block.clean = self._is_clean(chunk)
            block.open_end = final and chunk[-1:] not in (b"\n", b"\r")
            yield block

    def _plain(self, chunk: bytes) -> Block:
        records = chunk.splitlines(keepends=True)
        block = Block(records, self._line)
        self._line += len(records)
        return block

    def _quoted(self, chunk: bytes, *, final: bool) -> tuple[Block, bytes]:
        """Cut with ``csv.reader``; return what belongs to a record that goes on in the next chunk, too."""
        raw = chunk.splitlines(keepends=True)
        if (rows := self._one_line_each(chunk, len(raw))) is not None:
            block = Block(raw, self._line, rows=rows)
            self._line += len(raw)
            return block, b""
        source = _Lines(raw, self._form, self._comment)
        reader = self._form.parse(source)
        first, records, lines, rows = self._line, list[bytes](), list[int](), list[list[str]]()
        block = Block(records, first, lines, rows)
        taken = 0
        while taken < len(raw):
            source.between = True
            try:
                rows.append(next(reader))
            except csv.Error as error:
                if source.taken == len(raw) and not final:
                    break  # the record may go on
                block.broken[len(records)] = _reason(error, first + taken, first + source.taken - 1)
                rows.append([])
            records.append(b"".join(raw[taken : source.taken]) if source.taken - taken > 1 else raw[taken])
            lines.append(first + taken)
            taken = source.taken
        self._line += taken
        return block, b"".join(raw[taken:])

    def _one_line_each(self, chunk: bytes, lines: int) -> list[list[str]] | None:
        """Return the rows of a chunk in which every line is a sound record, as is usual; None otherwise."""
        if self._comment is not None:
            return None
        try:
            rows = list(self._form.parse(io.StringIO(chunk.decode(self._form.encoding), newline="")))
        except (UnicodeDecodeError, csv.Error):
            return None
        return rows if len(rows) == lines else None

    def _limit(self, rest: bytes) -> None:
        if len(rest) > LONGEST_RECORD:
            reason = f"line {self._line}: a record does not end within {LONGEST_RECORD >> 20} MiB (an open quote?)"
            raise ConnectorError("stopped-parsing-errors", f"{self._path}, {reason}")

    def _is_clean(self, chunk: bytes) -> bool:
        if b"\0" in chunk:
            return False
        if chunk.isascii():
            return True
        try:
            chunk.decode(self._form.encoding)
        except UnicodeDecodeError:
            return False
        return True


class _Lines:
    """Lines for ``csv.reader``, one a call, that counts what was taken. A comment between records becomes a blank line."""

    def __init__(self, raw: list[bytes], form: Format, comment: bytes | None) -> None:
        self._raw = raw
        self._encoding = form.encoding
        self._comment = comment
        self.taken = 0
        self.between = True

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.taken >= len(self._raw):
            raise StopIteration
        line = self._raw[self.taken]
        self.taken += 1
        is_comment = self.between and self._comment is not None and line.startswith(self._comment)
        self.between = False
        return "\n" if is_comment else line.decode(self._encoding, "replace")


def _cut(data: bytes, *, final: bool) -> tuple[bytes, bytes]:
    """Split after the last whole line. A CR at the very end may be half of a CRLF: it waits."""
    if final:
        return data, b""
    end = data.rfind(b"\n") + 1
    if not end:
        end = data.rfind(b"\r", 0, -1) + 1  # lines that end in CR alone
    return data[:end], data[end:]


def _reason(error: csv.Error, first: int, last: int) -> str:
    if "unexpected end" in str(error):
        return f"a quote opened in the record at line {first} is not closed before the end of the file"
    lines = f"line {first}" if first == last else f"lines {first} to {last}"
    return f"wrong quotes in {lines}: {error}"
