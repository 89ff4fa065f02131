"""Turn an object into a row, and refuse what the file could not give back."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from autosync.syncengine.connectors.anchors import split_anchor
from autosync.syncengine.connectors.changes import Unfit, as_list
from autosync.syncengine.connectors.delimited.layout import Layout
from autosync.syncengine.connectors.delimited.records import Format
from autosync.syncengine.connectors.delimited.settings import Quoting
from autosync.syncengine.connectors.port import Attributes, Scalar
from autosync.syncengine.connectors.settings_reading import nearest
from autosync.syncengine.connectors.values import text_encoder

_WRITER_END: Final = "\r\n"  # csv.writer quotes what holds a letter of its line end: both must be in it


class RowWriter:
    """Renders rows of one file."""

    def __init__(self, layout: Layout, form: Format, line_end: str, encoding: str) -> None:
        self._layout = layout
        self._form = form
        self._encoding = encoding
        self._line_end = line_end.encode(form.encoding)
        self._text = text_encoder(layout.settings.booleans)
        self._indexes = {name: index for index, name in enumerate(layout.names)}
        self._separators = layout.settings.multi_valued
        self._plain = {name: index for name, index in self._indexes.items() if name not in self._separators}
        self._nothing = frozenset((*layout.settings.null_words, ""))
        self._trim = layout.settings.trim
        self._buffer = io.StringIO(newline="")
        self._writers = {quoting: self._csv_writer(quoting) for quoting in (form.quoting, Quoting.ALL)}

    def cells(self, attributes: Attributes) -> list[str]:
        """Return the cells of a new row; raise ``Unfit``."""
        cells = [""] * len(self._layout.names)
        for index, text in self.some(attributes).items():
            cells[index] = text
        return cells

    def some(self, attributes: Attributes) -> Mapping[int, str]:
        """Return the cells of some attributes by their column; raise ``Unfit``."""
        found: dict[int, str] = {}
        plain, nothing, trim = self._plain.get, self._nothing, self._trim
        for name, value in attributes.items():
            index = plain(name)
            # The usual value, looked at here because the call of a function for each would cost more than the look.
            if index is not None and value.__class__ is str and value not in nothing and "\0" not in value and not trim:
                found[index] = value
            else:
                found[self._index(name)] = self._joined(name, as_list(value), self._separators.get(name))
        return found

    def set_anchor(self, cells: list[str], anchor: str) -> None:
        """Put an anchor into its columns; raise ``Unfit``."""
        try:
            parts = split_anchor(anchor, len(self._layout.anchor))
        except ValueError as error:
            raise Unfit("invalid-attribute-value", str(error)) from None
        for index, part in zip(self._layout.anchor, parts, strict=True):
            cells[index] = self._checked(self._layout.names[index], part)

    def record(self, cells: list[str]) -> bytes:
        """Return the bytes of a row with its line end; raise ``Unfit``."""
        row = self._row(cells, self._form.quoting)
        comment = self._form.comment
        if (comment and row.startswith(comment)) or not row:
            row = self._row(cells, Quoting.ALL)  # or the row would be taken for a comment or a blank line
        try:
            if self._encoding != self._form.encoding:
                row.encode(self._encoding)
            return row.encode(self._form.encoding) + self._line_end
        except UnicodeEncodeError as error:
            letter = ascii(row[error.start])
            raise Unfit("code-page-conversion", f"the character {letter} does not exist in {self._encoding}") from None

    def _row(self, cells: list[str], quoting: Quoting) -> str:
        if quoting is Quoting.NONE:
            return self._bare(cells)
        self._buffer.seek(0)
        self._buffer.truncate()
        self._writers[quoting](cells)
        return self._buffer.getvalue()[: -len(_WRITER_END)]

    def _bare(self, cells: list[str]) -> str:
        for name, cell in zip(self._layout.names, cells, strict=True):
            if self._form.delimiter in cell or "\n" in cell or "\r" in cell:
                message = f"column {name}: a delimiter or line end in a value needs quotes, and quoting is none"
                raise Unfit("invalid-attribute-value", message)
        row = self._form.delimiter.join(cells)
        if self._form.comment and row.startswith(self._form.comment):
            raise Unfit("invalid-attribute-value", "the row would be taken for a comment, and quoting is none")
        return row

    def _index(self, name: str) -> int:
        index = self._indexes.get(name)
        if index is None:
            raise Unfit("schema-violation", f"the file has no column {name!r}{nearest(name, self._layout.names)}")
        return index

    def _joined(self, name: str, values: list[Scalar], separator: str | None) -> str:
        texts = [self._checked(name, self._text(value)) for value in values]
        if separator is None and len(texts) > 1:
            raise Unfit("insufficient-columns", f"column {name} holds one value, not {len(texts)}")
        if separator is not None and (separator != "".join(texts)) and any(separator in text for text in texts):
            raise Unfit("invalid-attribute-value", f"column {name}: a value holds the separator {separator!r}")
        return (separator or "").join(texts)

    def _checked(self, name: str, text: str) -> str:
        """Return a text that reads back as it is."""
        if text in self._nothing or "\0" in text or (self._trim and text != text.strip()):
            message = f"column {name}: {text[:40]!r} would not be read back as it is (trim, null-words or NUL)"
            raise Unfit("invalid-attribute-value", message)
        return text

    def _csv_writer(self, quoting: Quoting) -> Callable[[Sequence[str]], object]:
        quote = Quoting.ALL if quoting is Quoting.NONE else quoting
        writer = csv.writer(
            self._buffer,
            delimiter=self._form.delimiter,
            quotechar=self._form.quote,
            quoting=csv.QUOTE_ALL if quote is Quoting.ALL else csv.QUOTE_MINIMAL,
            lineterminator=_WRITER_END,
        )
        return writer.writerow
