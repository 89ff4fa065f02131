"""Limits of guards as people write them: ``20``, ``2%``, ``20 or 2%``, ``unlimited``; or with the smallest population."""

import re
from typing import Any, Final

from autosync.model.settings import Limit
from autosync.options.reading import Wrong
from autosync.options.shapes import Scalar
from autosync.options.words import did_you_mean, quoted, shown

UNLIMITED: Final = "unlimited"
SAYS: Final = "a limit such as 20, 2% or 20 or 2% (whichever is passed first), or unlimited"

_COUNT: Final = re.compile(r"\d{1,9}")
_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*%")
_PATTERN: Final = r"^\s*(\d{1,9}|\d{1,3}(\.\d{1,4})?\s*%)(\s+or\s+(\d{1,9}|\d{1,3}(\.\d{1,4})?\s*%))?\s*$"
_LONG_KEYS: Final = ("absolute", "percent", "minimum")
_MOST: Final = 999_999_999

_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": _MOST},
        {"const": UNLIMITED},
        {"type": "string", "pattern": _PATTERN},
        {
            "type": "object",
            "properties": {
                "absolute": {"type": "integer", "minimum": 0, "maximum": _MOST, "description": "Most changes."},
                "percent": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 100,
                    "description": "Most changes in percent of the connector space.",
                },
                "minimum": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": _MOST,
                    "default": Limit().minimum,
                    "description": "Objects that the connector space must hold for the percentage to count.",
                },
            },
            "additionalProperties": False,
        },
    ]
}


def limit() -> Scalar[Limit | None]:
    """Return the shape of a limit; None is unlimited."""
    return Scalar(says=SAYS, schema=_SCHEMA, parse=lambda value, _: parse_limit(value), plain=plain_limit)


def parse_limit(value: object) -> Limit | None:
    """Return the limit; raise ``Wrong``."""
    if value == UNLIMITED:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST:
        return Limit(absolute=value)
    if isinstance(value, dict):
        return _long(value)
    if not isinstance(value, str):
        raise Wrong(f"expected {SAYS}; not {shown(value)}")
    parts = value.split(" or ") if " or " in value else [value]
    absolute = [int(part) for part in parts if _COUNT.fullmatch(part.strip())]
    percent = [float(found.group(1)) for part in parts if (found := _PERCENT.fullmatch(part.strip()))]
    if len(absolute) + len(percent) != len(parts) or len(absolute) > 1 or len(percent) > 1:
        near = did_you_mean(value, [UNLIMITED])
        raise Wrong(f"{quoted(value)} is no limit{near}; write 20, 2%, 20 or 2%, or unlimited")
    return _within(Limit(absolute=next(iter(absolute), None), percent=next(iter(percent), None)))


def plain_limit(value: Limit | None) -> object:
    """Return what one would write into the file."""
    if value is None:
        return UNLIMITED
    if value.percent is not None and value.minimum != Limit().minimum:
        long = {"absolute": value.absolute, "percent": _short(value.percent), "minimum": value.minimum}
        return {key: each for key, each in long.items() if each is not None}
    if value.percent is None:
        return value.absolute
    return f"{value.percent:g}%" if value.absolute is None else f"{value.absolute} or {value.percent:g}%"


def _short(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def say_limit(value: Limit | None) -> str:
    """Return the limit for the middle of a sentence: ``500, or 10% of at least 100``."""
    plain = plain_limit(value)
    if value is None or not isinstance(plain, dict):
        return str(plain)
    share = f"{value.percent:g}% of at least {value.minimum}"
    return share if value.absolute is None else f"{value.absolute}, or {share}"


def _long(value: dict[str, object]) -> Limit:
    for key in value:
        if key not in _LONG_KEYS:
            raise Wrong(f"unknown key {key}{did_you_mean(key, _LONG_KEYS)}; known: {', '.join(_LONG_KEYS)}")
    absolute, minimum = (_whole(value, key) for key in ("absolute", "minimum"))
    percent = value.get("percent")
    if isinstance(percent, str) and (found := _PERCENT.fullmatch(percent.strip())):
        percent = float(found.group(1))
    if percent is not None and (isinstance(percent, bool) or not isinstance(percent, (int, float))):
        raise Wrong(f"percent: expected a number, not {shown(percent)}")
    if absolute is None and percent is None:
        raise Wrong("a limit needs absolute, percent, or both; or write unlimited")
    share = None if percent is None else float(percent)
    return _within(Limit(absolute=absolute, percent=share, minimum=Limit().minimum if minimum is None else minimum))


def _whole(value: dict[str, object], key: str) -> int | None:
    number = value.get(key)
    if number is None or (isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= _MOST):
        return number
    raise Wrong(f"{key}: expected a whole number from 0, not {shown(number)}")


def _within(limit: Limit) -> Limit:
    if limit.percent is not None and not 0 <= limit.percent <= 100:
        raise Wrong(f"{limit.percent:g}% is not between 0% and 100%")
    return limit
