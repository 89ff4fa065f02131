"""What is printed and how: tables for people, plain aligned text for pipes, JSON for programs, on any console."""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

_ASCII: Final[Mapping[str, str]] = {
    "▓": "#", "░": ".", "─▶": "->", "▶": ">", "─": "-", "→": "->", "✓": "ok", "–": "-", "·": "|", "×": "x",
    "›": ">", "…": "...", "“": '"', "”": '"', "’": "'",
}  # fmt: skip

_STYLES: Final[Mapping[str, str]] = {
    "running": "cyan",
    "held": "bold red",
    "stopped": "yellow",
    "disabled": "dim",
    "resting": "yellow",
    "disconnected": "red",
    "missing": "red",
    "waiting": "blue",
    "failed": "red",
    "error": "red",
    "warning": "yellow",
}
"""Colour only repeats what the word says."""


class Terminal:
    """One command's output. Styles are used on a terminal alone, and never where ``NO_COLOR`` is set."""

    def __init__(
        self, out: TextIO | None = None, err: TextIO | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._environ = environ
        self.is_terminal = _is_terminal(self._out) and environ.get("TERM") != "dumb"

    def line(self, text: str = "", *, style: str | None = None) -> None:
        """Print one or more whole lines."""
        if self.is_terminal and style is not None and "NO_COLOR" not in self._environ:
            self._console().print(text, style=style, markup=False, highlight=False, soft_wrap=True)
        else:
            print(safe(text, self._out), file=self._out, flush=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int = 0) -> None:
        """Print a table; nothing but its head where there are no rows."""
        if self.is_terminal and "NO_COLOR" not in self._environ:
            self._rich_table(columns, rows, indent)
            return
        for row in _aligned([columns, *rows]):
            self.line(" " * indent + row)

    def json(self, value: Any) -> None:
        """Print one JSON document; its letters are ASCII where the console cannot show others."""
        ascii_only = not _can_show("▓é漢", self._out)
        print(json.dumps(value, indent=2, ensure_ascii=ascii_only), file=self._out)

    def json_line(self, value: Any) -> None:
        """Print one JSON value on one line."""
        ascii_only = not _can_show("▓é漢", self._out)
        print(json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")), file=self._out, flush=True)

    def note(self, text: str) -> None:
        """Tell something that is not the answer: progress, warnings, errors."""
        print(safe(text, self._err), file=self._err, flush=True)

    def progress(self, text: str) -> None:
        """Show how long work goes on, in one line that is written over; on a terminal only."""
        if _is_terminal(self._err):
            width = shutil.get_terminal_size().columns - 1
            self._err.write("\r" + safe(text, self._err)[:width].ljust(width))
            self._err.flush()

    def end_progress(self) -> None:
        """Take the progress line away."""
        if _is_terminal(self._err):
            self._err.write("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r")
            self._err.flush()

    def _console(self) -> Any:
        from rich.console import Console  # noqa: PLC0415 - pipes and scripts do not wait for it

        return Console(file=self._out, highlight=False)

    def _rich_table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], indent: int) -> None:
        from rich.padding import Padding  # noqa: PLC0415 - as above
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(safe(cell, self._out), style=_STYLES.get(cell, "")) for cell in row))
        self._console().print(Padding(table, (0, 0, 0, indent)))


def safe(text: str, stream: TextIO) -> str:
    """Return the text as the stream's encoding can show it: signs that it lacks become ASCII."""
    if _can_show(text, stream):
        return text
    for sign, plain in _ASCII.items():
        text = text.replace(sign, plain)
    encoding = getattr(stream, "encoding", None) or "ascii"
    return text.encode(encoding, errors="replace").decode(encoding)


def bar(part: float, width: int = 4) -> str:
    """Return how much is done, in ``width`` blocks; never quite full before the end."""
    filled = min(width - 1, int(part * width)) if part < 1 else width - 1
    return "▓" * filled + "░" * (width - filled)


def _can_show(text: str, stream: TextIO) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # already closed
        return False


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
