"""Start times of the predecessor's schedules as local times of a zone, and lengths of time as they are written now."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_LONG_AGO: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - a local time


def local_start(start: datetime, period: timedelta, zone: str) -> datetime:
    """Return the first fire time as a local time of ``zone``.

    A start without an offset is local already. One before the year 2000 (.NET's first moment, where it was missing) is
    moved on by whole periods, which changes no fire time.
    """
    local = start
    if start.tzinfo is not None:
        try:
            local = start.astimezone(UTC if zone == "UTC" else ZoneInfo(zone)).replace(tzinfo=None)
        except OverflowError:
            local = start.replace(tzinfo=None)
    if local < _LONG_AGO and period > timedelta(0):
        missed = -((local - _LONG_AGO) // period)
        local += missed * period
    return local.replace(microsecond=0)


def moment_text(local: datetime) -> str:
    """Return a local time as it is written: without seconds where there are none."""
    return local.strftime("%Y-%m-%d %H:%M:%S" if local.second else "%Y-%m-%d %H:%M")
