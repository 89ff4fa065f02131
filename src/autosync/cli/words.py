"""Times, durations and counts as people read them. Local time, with the date where it is not today."""

import re
from datetime import datetime, timedelta, tzinfo

_PARTS = re.compile(r"(\d+)\s*(d|h|min|m|s)", re.IGNORECASE)
_UNITS = {"d": 86400, "h": 3600, "min": 60, "m": 60, "s": 1}


def moment(text: str) -> datetime:
    """Return the moment that the API wrote as ISO text."""
    return datetime.fromisoformat(text)


def clock(text: str | None, now: datetime | None, zone: tzinfo | None) -> str:
    """Return a moment as local time; with the date where it is another day than ``now``, or ``now`` is not known."""
    if text is None:
        return ""
    local = moment(text).astimezone(zone)
    is_today = now is not None and local.date() == now.astimezone(zone).date()
    return local.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S")


def zone_name(now: datetime, zone: tzinfo | None) -> str:
    """Return the abbreviation of the zone that times are shown in."""
    return now.astimezone(zone).tzname() or ""


def duration(seconds: float) -> str:
    """Return a duration in its two largest units: ``45 s``, ``1 min 4 s``, ``3 h 20 min``."""
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    if whole < 86400:
        return _two(whole // 3600, "h", whole % 3600 // 60, "min")
    return _two(whole // 86400, "d", whole % 86400 // 3600, "h")


def ago(text: str | None, now: datetime) -> str:
    """Return how long ago a moment was, roughly: ``4 min ago``."""
    if text is None:
        return "never"
    seconds = max(0, round((now - moment(text)).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def stopwatch(seconds: float) -> str:
    """Return ``0:12``, ``12:05`` or ``1:02:03``."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def spoken(kind: str) -> str:
    """Return step kinds as people say them: ``delta-import`` is ``delta import``."""
    parts = kind.replace("-delta", "+delta").replace("import-full", "import+full").split("+")
    return " and ".join(part.replace("-", " ") for part in parts)


def parse_duration(text: str) -> timedelta | None:
    """Return the duration in ``90s``, ``15m``, ``1h30m`` or ``2d``; None where it is none."""
    parts = _PARTS.findall(text)
    if not parts or _PARTS.sub("", text).strip():
        return None
    return timedelta(seconds=sum(int(number) * _UNITS[unit.casefold()] for number, unit in parts))


def _two(large: int, unit: str, small: int, smaller: str) -> str:
    return f"{large} {unit} {small} {smaller}" if small else f"{large} {unit}"
