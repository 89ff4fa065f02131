"""What a person looked at from here: the fingerprint that ``hold show`` printed, for the decision that follows.

Kept in the person's own folder, because approving means: exactly what I saw, not whatever waits by now.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_MOST: Final = 200


class Looks:
    """The holds that were looked at from here, newest last."""

    def __init__(self, environ: Mapping[str, str], url: str) -> None:
        self._file = _folder(environ) / "looks.json"
        self._url = url

    def remember(self, hold: Mapping[str, Any]) -> None:
        """Keep what the hold showed; a folder that cannot be written is no reason to fail a look."""
        looks = self._read()
        key = self._key(hold["id"])
        looks.pop(key, None)
        looks[key] = {"fingerprint": hold["fingerprint"], "seen": _kinds(hold["counts"])}
        kept = dict(list(looks.items())[-_MOST:])
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps(kept), encoding="utf-8")
            fresh.replace(self._file)
        except OSError:
            return

    def at(self, hold: str) -> Mapping[str, Any] | None:
        """Return what the hold showed when it was last looked at from here."""
        look = self._read().get(self._key(hold))
        return look if isinstance(look, dict) and "fingerprint" in look else None

    def _key(self, hold: str) -> str:
        return f"{self._url} H-{hold.strip().casefold().removeprefix('h').removeprefix('-')}"

    def _read(self) -> dict[str, Any]:
        try:
            looks = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return looks if isinstance(looks, dict) else {}


def _kinds(counts: Mapping[str, int] | None) -> dict[str, int]:
    return {} if counts is None else {kind: count for kind, count in counts.items() if kind != "total"}


def _folder(environ: Mapping[str, str]) -> Path:
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "autosync"
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "autosync"
