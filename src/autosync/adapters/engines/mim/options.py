"""``type: mim`` in the configuration: the ways in to a server, and how AutoSync looks at it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from autosync.adapters.engines.mim.access_keys import ACCESS_PROPERTIES, AccessOptions, parse_access
from autosync.adapters.engines.mim.pending import Fingerprints
from autosync.ports.registry import OptionMistake, Parsed

_DURATION: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*(s|m|h|d)\s*")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_OWN: Final = ("save-run-history", "refresh", "fingerprints", "mim-service-agents")
_LEAST_REFRESH: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MimOptions:
    """What one MIM engine is built from."""

    access: AccessOptions
    save_run_history: Path | None = None
    refresh: timedelta = timedelta(hours=1)
    fingerprints: Fingerprints = Fingerprints.WHEN_HELD
    mim_service_agents: frozenset[str] = field(default_factory=frozenset)
    """Names in lower case."""


class MimKind:
    """The engine type ``mim``."""

    def parse(self, data: Mapping[str, object], folder: Path) -> Parsed:
        """Return ``MimOptions``, with every mistake in ``data``."""
        access, mistakes = parse_access({key: value for key, value in data.items() if key not in _OWN}, folder)
        reading = _Reading(data)
        history = reading.text("save-run-history")
        options = MimOptions(
            access=access,
            save_run_history=folder / history if history else None,
            refresh=reading.refresh(),
            fingerprints=reading.fingerprints(),
            mim_service_agents=frozenset(name.casefold() for name in reading.names("mim-service-agents")),
        )
        return Parsed(options=options, mistakes=(*mistakes, *reading.mistakes))

    def json_schema(self) -> Mapping[str, object]:
        """Return the schema of the section."""
        return {
            "type": "object",
            "description": "A Synchronization Service of Microsoft Identity Manager (or Forefront Identity Manager).",
            "additionalProperties": False,
            "properties": {**ACCESS_PROPERTIES, **_PROPERTIES},
        }

    def agent_names(self, options: object) -> frozenset[str] | None:  # noqa: ARG002 - they say nothing of agents
        """Return None: only the server knows its agents."""
        return None


_PROPERTIES: Final[Mapping[str, object]] = {
    "save-run-history": {
        "type": "string",
        "minLength": 1,
        "description": "A folder of this machine. Runs that keep-run-history deletes in the engine are saved there first, as "
        "XML files that are named by their time (UTC).",
    },
    "refresh": {
        "anyOf": [{"type": "string", "pattern": r"^\s*\d{1,9}(\.\d{1,6})?\s*(s|m|h|d)\s*$"}],
        "description": "Within which time every agent's configuration is read again. An agent that runs a profile which is "
        "not known is read again at once.",
        "default": "1h",
    },
    "fingerprints": {
        "enum": [each.value for each in Fingerprints],
        "description": "When csexport tells exactly which changes are pending, so that an approval is bound to them. "
        "when-held: where a guard may hold them. always: before each synchronization and export, which costs the server "
        "seconds on large connector spaces.",
        "default": Fingerprints.WHEN_HELD.value,
    },
    "mim-service-agents": {
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "uniqueItems": True,
        "description": "Agents that are MIM Service agents although their type does not say so: their delta imports count "
        "as synchronizations.",
        "default": [],
    },
}


class _Reading:
    """Takes the engine's own keys out of plain data and collects what is wrong with them."""

    def __init__(self, data: Mapping[str, object]) -> None:
        self._data = data
        self.mistakes: list[OptionMistake] = []

    def text(self, key: str) -> str:
        value = self._data.get(key)
        if value is None or (isinstance(value, str) and value.strip()):
            return value or ""
        self._wrong(key, f"{key} must be a folder's path")
        return ""

    def refresh(self) -> timedelta:
        default = timedelta(hours=1)
        value = self._data.get("refresh")
        if value is None:
            return default
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            self._wrong("refresh", "refresh must be a duration such as 15m or 1h")
            return default
        length = timedelta(seconds=float(found[1]) * _UNITS[found[2]])
        if length < _LEAST_REFRESH:
            self._wrong("refresh", "refresh must be at least 1m: each reading costs the server a process")
        return length

    def fingerprints(self) -> Fingerprints:
        value = self._data.get("fingerprints", Fingerprints.WHEN_HELD.value)
        if isinstance(value, str) and value in set(Fingerprints):
            return Fingerprints(value)
        self._wrong("fingerprints", f"fingerprints must be {' or '.join(Fingerprints)}")
        return Fingerprints.WHEN_HELD

    def names(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key, [])
        if isinstance(value, list) and all(isinstance(each, str) and each for each in value):
            if len(set(value)) == len(value):
                return tuple(value)
            self._wrong(key, f"{key} names an agent twice")
            return ()
        self._wrong(key, f"{key} must be a list of agents' names, as the engine writes them")
        return ()

    def _wrong(self, key: str, message: str) -> None:
        self.mistakes.append(OptionMistake(path=(key,), message=message))
