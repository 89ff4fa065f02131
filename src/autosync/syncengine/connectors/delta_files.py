"""How far a file of changes has been read: all of it or nothing, told by its content."""

import hashlib
from pathlib import Path
from typing import Final

from autosync.syncengine.connectors.digests import DIGEST_SIZE
from autosync.syncengine.connectors.text_files import open_binary

_PIECE_BYTES = 1 << 20

NOTHING_READ: Final = b"file:1:"
"""The token of a reading after which every delta file is news."""


def delta_token(path: Path) -> bytes:
    """Return the token that says "this delta file has been read": a digest of its content."""
    with open_binary(path) as file:
        content = hashlib.blake2b(digest_size=DIGEST_SIZE)
        while piece := file.read(_PIECE_BYTES):
            content.update(piece)
        return NOTHING_READ + content.hexdigest().encode("ascii")


def token_after_full(full: Path, delta: Path) -> bytes:
    """Return the token after a full import: a delta file that is not younger than the full file is part of it."""
    try:
        covered = delta.stat().st_mtime_ns <= full.stat().st_mtime_ns
        return delta_token(delta) if covered else NOTHING_READ
    except OSError:
        return NOTHING_READ
