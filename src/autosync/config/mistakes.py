"""Mistakes in a configuration file, and how they are told: one line each, with its place, in the order of the file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from autosync.model.wording import number
from autosync.options.words import cut
from autosync.ports.registry import OptionPath

Path: TypeAlias = OptionPath
"""Where in the configuration: keys from the outside inwards; places in lists count from 0."""

SEPARATOR: Final = " › "


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake, or one warning. Line and column count from 1, columns in characters."""

    file: str
    line: int
    column: int
    path: Path
    message: str

    @property
    def place(self) -> str:
        """Return ``file:line:column``, which editors and terminals turn into a link."""
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def where(self) -> str:
        """Return the path as people read it: ``agents › mim/HR › triggers › 2 › cron``."""
        return shown_path(self.path)

    def __str__(self) -> str:
        """Return the whole line."""
        return f"{self.place}  {self.said}"

    @property
    def said(self) -> str:
        """Return the path, where there is one, and the message."""
        return f"{self.where}: {self.message}" if self.path else self.message


def shown_path(path: Path) -> str:
    """Return a path as people read it: places in lists count from 1."""
    return SEPARATOR.join(str(key + 1) if isinstance(key, int) else cut(key) for key in path)


def in_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """Return the mistakes without repetitions, in the order of the file."""
    return tuple(sorted(set(mistakes), key=lambda mistake: (mistake.line, mistake.column, mistake.said)))


def listed(mistakes: Sequence[Mistake]) -> list[str]:
    """Return one line per mistake, the places padded so that the paths stand below each other."""
    width = max((len(mistake.place) for mistake in mistakes), default=0)
    return [f"{mistake.place:<{width}}  {mistake.said}" for mistake in mistakes]


def report(mistakes: Sequence[Mistake], running: int | None = None) -> str:
    """Return all mistakes and a closing line, which says what becomes of revision ``running`` if one is in force."""
    count = f"{number(len(mistakes), 'mistake')}."
    kept = f" The running configuration (revision {running}) is unchanged." if running is not None else ""
    return "\n".join([*listed(mistakes), count + kept])
