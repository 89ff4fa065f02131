"""``type: file`` in the configuration."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from autosync.adapters.triggers.file.options import FileOptions
from autosync.adapters.triggers.file.watching import FileTrigger
from autosync.ports.registry import OptionMistake, Parsed, Surroundings

_DURATION: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)\s*")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION_PATTERN: Final = r"^\s*(0|(\d{1,9}(\.\d{1,6})?\s*(ms|s|m|h|d)\s*))$"
_DEFAULT: Final = FileOptions(path=Path())
_KEYS: Final = ("path", "patterns", "recursive", "settle", "every")


class FileKind:
    """Implements ``ports.registry.OptionKind``, and builds triggers."""

    def parse(self, data: Mapping[str, object], folder: Path) -> Parsed:
        """Return ``FileOptions``, with every mistake in ``data``."""
        reading = _Reading(data)
        path = reading.text("path")
        patterns = reading.texts("patterns") or _DEFAULT.patterns
        recursive = reading.switch("recursive")
        settle = reading.duration("settle", _DEFAULT.settle, least=timedelta(0))
        every = reading.duration("every", _DEFAULT.every, least=timedelta(milliseconds=50))
        reading.no_more_than(_KEYS)
        options = FileOptions(path=folder / path, patterns=patterns, recursive=recursive, settle=settle, every=every)
        return Parsed(options=options, mistakes=tuple(reading.mistakes))

    def json_schema(self) -> Mapping[str, object]:
        """Return the JSON Schema of what ``parse`` accepts."""
        duration = {"anyOf": [{"type": "string", "pattern": _DURATION_PATTERN}, {"const": 0}]}
        names = {"type": "string", "minLength": 1}
        return {
            "type": "object",
            "description": "Fires when a file, or a file of a folder, has new content and is no longer being written.",
            "required": ["path"],
            "additionalProperties": False,
            "properties": {
                "path": {**names, "description": "The file or folder; relative to the configuration file's folder."},
                "patterns": {
                    "anyOf": [names, {"type": "array", "items": names, "minItems": 1}],
                    "description": "Which files of a folder count, as in a shell.",
                    "default": "*",
                },
                "recursive": {"type": "boolean", "description": "Whether folders inside count.", "default": False},
                "settle": {
                    **duration,
                    "description": "How long size and time must stay as they are before a file counts as whole.",
                    "default": "250ms",
                },
                "every": {
                    **duration,
                    "description": "How often to look, also where the system sends no notifications.",
                    "default": "1s",
                },
            },
        }

    def build(self, options: object, around: Surroundings) -> FileTrigger:
        """Return a trigger of the options that ``parse`` made."""
        if not isinstance(options, FileOptions):
            raise TypeError(f"not the options of a file trigger: {options!r}")
        return FileTrigger(options, around.clock)


class _Reading:
    """Takes keys out of plain data and collects what is wrong with them."""

    def __init__(self, data: Mapping[str, object]) -> None:
        self._data = data
        self.mistakes: list[OptionMistake] = []

    def text(self, key: str) -> str:
        value = self._data.get(key)
        if isinstance(value, str) and value.strip():
            return value
        self._wrong(
            key, f"{key} is missing; give the file or folder to watch" if value is None else _not(key, "a text")
        )
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key)
        values = [value] if isinstance(value, str) else value
        if value is None:
            return ()
        if isinstance(values, list) and values and all(isinstance(each, str) and each for each in values):
            return tuple(values)
        self._wrong(key, _not(key, 'a pattern such as "*.csv", or a list of them'))
        return ()

    def switch(self, key: str) -> bool:
        value = self._data.get(key, False)
        if isinstance(value, bool):
            return value
        self._wrong(key, _not(key, "true or false"))
        return False

    def duration(self, key: str, default: timedelta, *, least: timedelta) -> timedelta:
        value = self._data.get(key)
        if value is None:
            return default
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if found is None and value not in (0, "0"):
            self._wrong(key, _not(key, "a duration such as 250ms, 1s or 5m"))
            return default
        length = timedelta(seconds=float(found[1]) * _UNITS[found[2]]) if found else timedelta(0)
        if length < least:
            self._wrong(key, f"{key} must be at least {least.total_seconds() * 1000:.0f}ms")
        return length

    def no_more_than(self, keys: tuple[str, ...]) -> None:
        for key in self._data:
            if key not in keys:
                message = f"a file trigger has no {key}; it has {', '.join(keys)}"
                self.mistakes.append(OptionMistake(path=(key,), message=message, on_key=True))

    def _wrong(self, key: str, message: str) -> None:
        self.mistakes.append(OptionMistake(path=(key,), message=message))


def _not(key: str, wanted: str) -> str:
    return f"{key} must be {wanted}"
