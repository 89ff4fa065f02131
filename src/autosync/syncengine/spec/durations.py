"""Durations as people write them."""

import re
from datetime import timedelta
from typing import Final

_DURATION: Final = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\Z")


def parse_duration(text: object) -> timedelta | None:
    """Return a duration such as ``90s``, ``15m``, ``1h30m``, ``30d``; None when it is none."""
    if isinstance(text, str) and text and (found := _DURATION.match(text)):
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return None
