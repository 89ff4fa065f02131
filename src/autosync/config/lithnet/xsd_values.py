"""Values as .NET writes them into XML: durations, moments, booleans and numbers of XML Schema."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_DURATION: Final = re.compile(
    r"(-)?P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?", re.ASCII
)
_MOMENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d{1,9}", re.ASCII)

EARLIEST: Final = datetime(1, 1, 1)  # noqa: DTZ001 - .NET's DateTime.MinValue has no zone
"""What .NET assumes where a moment is missing."""


def flag(text: str) -> bool:
    """Return true or false; raise ``ValueError``."""
    if text in {"true", "1"}:
        return True
    if text in {"false", "0"}:
        return False
    raise ValueError("neither true nor false")


def whole(text: str) -> int:
    """Return a whole number; raise ``ValueError``."""
    if _WHOLE.fullmatch(text):
        return int(text)
    raise ValueError("no whole number")


def duration(text: str) -> timedelta:
    """Return a length of time such as ``PT1H30M``; raise ``ValueError``. .NET writes neither years nor months."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()[1:]):
        raise ValueError("no duration")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise ValueError("a duration longer than anybody waits") from None
    return -length if found.group(1) else length


def moment(text: str) -> datetime:
    """Return a moment, aware where it has an offset; raise ``ValueError``. Fractions finer than microseconds are cut."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError("no date and time")
    written, fraction, offset = found.groups()
    read = datetime.fromisoformat(written).replace(microsecond=int((fraction or "").ljust(6, "0")[:6]))
    if offset == "Z":
        return read.replace(tzinfo=UTC)
    return datetime.fromisoformat(read.isoformat() + offset) if offset else read
