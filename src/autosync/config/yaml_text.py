"""Writing YAML for people: plain words where they are safe, quotes where not, flow style for what fits a line."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from autosync.config.plain import plain_value
from autosync.options.words import on_one_line

Plain: TypeAlias = "str | int | bool | Sequence[Plain] | Mapping[str, Plain]"

_FITS: Final = 110
_SAFE: Final = re.compile(r"[A-Za-z0-9_/.][A-Za-z0-9_/.@=-]*(?: [A-Za-z0-9_/.@=-]+)*")
"""Without everything that YAML gives a meaning in any place."""


def scalar(value: str | int | bool) -> str:  # noqa: FBT001 - a value, not a switch
    """Return a value as it is written; a text that could be read as anything else is quoted."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if _SAFE.fullmatch(value) and plain_value(value) == value and len(value) < 200:
        return value
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    if value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(_escaped(letter) for letter in value) + '"'


def flow(value: Plain) -> str:
    """Return a value on one line."""
    if isinstance(value, (str, int)):
        return scalar(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(each)}" for key, each in value.items()) + "}"
    return "[" + ", ".join(flow(each) for each in value) + "]"


class Lines:
    """Collects the lines of a file."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def put(self, depth: int, text: str = "", comment: str = "") -> None:
        """Add a line, with a comment behind it."""
        behind = f"  # {on_one_line(comment)}" if comment else ""
        self._lines.append(f"{'  ' * depth}{text}{behind}".rstrip())

    def key(self, depth: int, name: str, value: "Plain | None" = None, comment: str = "") -> None:
        """Add a key, with its value unless lines below it follow."""
        self.put(depth, f"{scalar(name)}:" + ("" if value is None else f" {flow(value)}"), comment)

    def item(self, depth: int, entry: Mapping[str, "Plain"]) -> None:
        """Add an entry of a list: on one line where it fits."""
        line = f"- {flow(entry)}"
        if len(line) <= _FITS:
            self.put(depth, line)
            return
        for place, (name, value) in enumerate(entry.items()):
            self.put(depth, f"{'  ' if place else '- '}{scalar(name)}: {flow(value)}")

    def comment(self, depth: int, text: str) -> None:
        """Add a comment of its own; a setting that is not in force stands in one."""
        self._lines.append(f"{'  ' * depth}# {on_one_line(text)}".rstrip())

    @property
    def text(self) -> str:
        """Return the whole text."""
        return "\n".join(self._lines) + "\n"


def _escaped(letter: str) -> str:
    if letter in {'"', "\\"}:
        return "\\" + letter
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
