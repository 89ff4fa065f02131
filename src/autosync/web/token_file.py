"""The token of the local API: made once, kept in a file that its owner alone can read."""

import os
import secrets
import stat
import sys
from pathlib import Path

from autosync.model.errors import ConfigError
from autosync.ports.secrets import Secret
from autosync.web.owner_only import keep_to_owner

_SHORTEST = 20


def ensure_token(path: Path) -> Secret:
    """Return the token in ``path``; make file and token where there are none.

    Raises ``ConfigError`` for a file that others can read, that is empty or cannot be read or made.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        return _make(path)
    except OSError as error:
        raise ConfigError(f"cannot read the token file {path}: {error.strerror or error}") from error


def _read(path: Path) -> Secret:
    if sys.platform != "win32" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigError(f"others can read the token file {path}: chmod 600 it, or delete it and a new one is made")
    token = path.read_text(encoding="ascii", errors="replace").strip()
    if len(token) < _SHORTEST or not token.isascii():
        raise ConfigError(f"the token file {path} holds no token: delete it, and a new one is made")
    return Secret(token)


def _make(path: Path) -> Secret:
    token = secrets.token_urlsafe(32)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Never readable by others, not even between the making and a chmod.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(token + "\n")
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise ConfigError(f"cannot make the token file {path}: {error.strerror or error}") from error
    keep_to_owner(path)
    return Secret(token)
