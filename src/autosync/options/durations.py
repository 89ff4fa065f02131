"""Lengths of time as people write them: ``90s``, ``15m``, ``1h30m``, ``2d``."""

import re
from datetime import timedelta
from typing import Final

from autosync.options.reading import Wrong
from autosync.options.words import shown

LONGEST: Final = timedelta(days=36_500)
EXAMPLES: Final = "90s, 15m, 1h30m or 2d"
PATTERN: Final = r"^\s*(0|(\d{1,9}(\.\d{1,6})?\s*(ms|s|m|h|d|w)\s*)+)$"

_UNITS: Final = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_ONE: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*([a-z]+)\s*")
_SPELLED: Final = {"sec": "s", "second": "s", "min": "m", "minute": "m", "hour": "h", "day": "d", "week": "w"}


def parse_duration(value: object) -> timedelta:
    """Return the length of time; raise ``Wrong``. Parts go from long to short, each unit once; ``0`` needs no unit."""
    if value == 0 and not isinstance(value, bool):
        return timedelta(0)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise Wrong(f"{value} has no unit; write {value}s, {value}m, {value}h or {value}d")
    if not isinstance(value, str):
        raise Wrong(f"expected a duration such as {EXAMPLES}, not {shown(value)}")
    total, smallest, at = timedelta(0), LONGEST, 0
    while at < len(value):
        found = _ONE.match(value, at)
        unit = _unit(found.group(2), value) if found else None
        if found is None or unit is None or unit >= smallest:
            raise Wrong(f"{shown(value)} is no duration; write it as {EXAMPLES}")
        amount = float(found.group(1))
        if amount * unit.total_seconds() > LONGEST.total_seconds():
            raise Wrong(f"{shown(value)} is longer than a century")
        total, smallest, at = total + amount * unit, unit, found.end()
    if smallest == LONGEST:
        raise Wrong(f"expected a duration such as {EXAMPLES}, not an empty text")
    return total


def format_duration(length: timedelta) -> str:
    """Return the shortest text that reads back as ``length``, to the millisecond."""
    milliseconds = round(length / timedelta(milliseconds=1))
    parts = []
    for name, unit in _UNITS.items():
        if name == "w":
            continue  # 14d says more than 2w to most
        count, milliseconds = divmod(milliseconds, round(unit / timedelta(milliseconds=1)))
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"


def _unit(word: str, whole: str) -> timedelta | None:
    if word in _UNITS:
        return _UNITS[word]
    short = _SPELLED.get(word.removesuffix("s"))
    if short is None:
        return None
    raise Wrong(f"{shown(whole)} is no duration; write {short} for {word}, as in {EXAMPLES}")
