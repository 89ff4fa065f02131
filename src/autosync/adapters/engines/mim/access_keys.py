"""The keys that say how to reach the server; read by the ways in themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from autosync.ports.registry import OptionMistake


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessOptions:
    server: str = ""
    local: bool = False
    sign_in: object = None


ACCESS_PROPERTIES: Final[Mapping[str, object]] = {
    "server": {"type": "string", "description": "The server."},
    "local": {"type": "boolean", "description": "On it.", "default": False},
    "sign-in": {"type": "object", "description": "How."},
}


def parse_access(data: Mapping[str, object], folder: Path) -> tuple[AccessOptions, tuple[OptionMistake, ...]]:
    return AccessOptions(server=str(data.get("server", "")), local=bool(data.get("local"))), ()
