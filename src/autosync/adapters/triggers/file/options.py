"""What a file trigger watches, and how patiently."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """Options of ``type: file``."""

    path: Path
    """A file, or a folder."""
    patterns: tuple[str, ...] = ("*",)
    """Which files of a folder count; names as in a shell."""
    recursive: bool = False
    settle: timedelta = timedelta(milliseconds=250)
    """How long size and time of change must stay as they are before a file is taken for whole."""
    every: timedelta = timedelta(seconds=1)
    """How often to look. Notifications of the operating system are used too, where they work."""
