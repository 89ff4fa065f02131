"""Secrets in files: ``{file: path}``; and by name in the folders of this installation: ``{secret: name}``."""

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from autosync.model.errors import ConfigError
from autosync.ports.secrets import Secret

LARGEST: Final = 64 * 1024
"""Bytes. Keys and certificates have a few thousand."""

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class FileSecrets:
    """Reads secrets from files that nobody but their owner may read. Relative paths start in ``folder``."""

    folder: Path

    def find(self, reference: str) -> Secret:
        """Return the file's text without its last line break; raise ``ConfigError``."""
        return read_secret(self.folder / reference)


@dataclass(frozen=True, slots=True)
class NamedSecrets:
    """Finds secrets by name: a file of that name in the first of the folders that has one."""

    folders: Sequence[Path]

    def find(self, reference: str) -> Secret:
        """Return the secret; raise ``ConfigError`` that names the folders that were looked at."""
        if not _NAME.fullmatch(reference):
            raise ConfigError(f"the secret's name {reference!r} may have letters, digits, and _ . @ - between them")
        for folder in self.folders:
            if (folder / reference).is_file():
                return read_secret(folder / reference)
        looked = ", ".join(str(folder) for folder in self.folders) or "no folder"
        raise ConfigError(f"there is no secret {reference}: put it into a file of that name (looked in: {looked})")


def read_secret(path: Path) -> Secret:
    """Return a file's text without its last line break.

    Raises ``ConfigError``: not there, readable by others, empty, too large, no text. On Windows who may read a file is
    said by its access list, which is not looked at here.
    """
    try:
        with path.open("rb") as file:
            if os.name != "nt" and os.fstat(file.fileno()).st_mode & _OTHERS:
                raise ConfigError(f"the secret's file {path} can be read by others: chmod 600 {path}")
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"the secret's file {path} cannot be read: {error.strerror or error}") from error
    if len(content) > LARGEST:
        raise ConfigError(f"the secret's file {path} has more than {LARGEST // 1024} KB: is it the right one?")
    try:
        value = content.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        # Without `from error`: it carries the bytes.
        raise ConfigError(f"the secret's file {path} is not UTF-8 text") from None
    if not value:
        raise ConfigError(f"the secret's file {path} is empty")
    return Secret(value)
