"""What a file trigger watches, and how patiently; and how that is written in the configuration."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from autosync.options.blocks import Block, Built, Key, ListOf, Values
from autosync.options.reading import Place
from autosync.options.shapes import duration, flag, place, text


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """Options of ``type: file`` and ``type: folder``."""

    path: Path
    """A file, or a folder."""
    patterns: tuple[str, ...] = ("*",)
    """Which files of a folder count; names as in a shell."""
    ignore: tuple[str, ...] = ()
    """Which of them do not."""
    recursive: bool = False
    must_be_folder: bool = False
    """Whether it is a folder for sure: an empty one is then a state like any other."""
    settle: timedelta = timedelta(milliseconds=250)
    """How long size and time of change must stay as they are before a file is taken for whole."""
    every: timedelta = timedelta(seconds=1)
    """How often to look. Notifications of the operating system are used too, where they work."""


_PATTERNS: Final = ListOf(item=text('a pattern such as "*.csv"'), one_alone=True)

PATH: Final = Key("path", place(), Path(), "The file or folder.", required=True)
FOLDER: Final = Key("path", place(), Path(), "The folder; also one on a share.", required=True)
PATTERNS: Final = Key("patterns", _PATTERNS, ("*",), "Which files of a folder count, as in a shell.")
IGNORE: Final = Key("ignore", _PATTERNS, (), "Which of them do not, such as *.tmp.")
RECURSIVE: Final = Key("recursive", flag(), False, "Whether folders inside count.")
SETTLE: Final = Key(
    "settle",
    duration(),
    timedelta(milliseconds=250),
    "How long size and time must stay as they are before a file counts as whole.",
)
EVERY: Final = Key(
    "every",
    duration(timedelta(milliseconds=50)),
    timedelta(seconds=1),
    "How often to look, also where the system sends no notifications.",
)


def _options(values: Values, at: Place, path: Key[Path], *, must_be_folder: bool) -> FileOptions:
    if not values[PATTERNS]:
        at.at(PATTERNS.name).wrong('no file would count; give a pattern such as "*.csv", or leave the key out')
    return FileOptions(
        path=values[path],
        patterns=values[PATTERNS],
        ignore=values[IGNORE] if must_be_folder else (),
        recursive=values[RECURSIVE],
        must_be_folder=must_be_folder,
        settle=values[SETTLE],
        every=values[EVERY],
    )


FILE_SHAPE: Final = Built(
    block=Block(
        doc="Fires when a file, or a file of a folder, has new content and is no longer being written.",
        keys=(PATH, PATTERNS, RECURSIVE, SETTLE, EVERY),
    ),
    build=lambda values, at: _options(values, at, PATH, must_be_folder=False),
)
FOLDER_SHAPE: Final = Built(
    block=Block(
        doc="Fires when files of a folder are new, have new content, or were removed, and none is being written.",
        keys=(FOLDER, PATTERNS, IGNORE, RECURSIVE, SETTLE, EVERY),
    ),
    build=lambda values, at: _options(values, at, FOLDER, must_be_folder=True),
)
