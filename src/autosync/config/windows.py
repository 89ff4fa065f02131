"""Windows of time as people write them: ``Sun 02:00-05:00``, ``Mon-Fri 08:00-18:00``, ``daily 22:00-06:00``; and moments."""

import re
from datetime import date, datetime, time
from typing import Final

from autosync.model.schedules import Weekly
from autosync.options.reading import Wrong
from autosync.options.words import did_you_mean, quoted

EXAMPLES: Final = '"Sun 02:00-05:00", "Mon-Fri 08:00-18:00", "Sat,Sun" or "daily 22:00-06:00"'
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SHORT_DAYS: Final = tuple(day[:3] for day in DAYS)

_WINDOW: Final = re.compile(r"(?P<days>[^\d\s][^\d]*?)(?:\s+(?P<begins>\d[\d:]*)\s*[-–]\s*(?P<until>\d[\d:]*))?")
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})")
_MOMENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?))?")


def parse_weekly(window: str) -> Weekly:
    """Return the window; raise ``Wrong``. Without times it is the whole day; an end before the beginning is the next day's."""
    found = _WINDOW.fullmatch(window.strip())
    if found is None:
        raise Wrong(f"{quoted(window)} is no weekly window; write it like {EXAMPLES}")
    begins = _time(found.group("begins") or "00:00", last=False)
    until = _time(found.group("until") or "24:00", last=True)
    if begins == until != time(0):
        raise Wrong(f"{quoted(window)} begins and ends at the same time")
    return Weekly(weekdays=_weekdays(found.group("days")), begins=begins, until=until)


def parse_moment(value: str) -> datetime | date:
    """Return a date, or a date with a local time; raise ``Wrong``."""
    found = _MOMENT.fullmatch(value.strip())
    if found is None:
        raise Wrong(f"{quoted(value)} is no date; write 2026-12-23 or 2026-12-23 18:00 (local time, without an offset)")
    try:
        day = date.fromisoformat(found.group(1))
        return datetime.combine(day, time.fromisoformat(found.group(2))) if found.group(2) else day
    except ValueError:
        raise Wrong(f"{quoted(value)} is not in the calendar") from None


def start_of(moment: datetime | date) -> datetime:
    """Return the moment as a local time: a date is its first moment."""
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time(0))


def _weekdays(words: str) -> frozenset[int]:
    if words.strip().casefold() in {"daily", "every day"}:
        return frozenset(range(7))
    days: set[int] = set()
    for term in words.split(","):
        first, dash, last = term.partition("-")
        begin = _weekday(first)
        end = _weekday(last) if dash else begin
        days.update((begin + offset) % 7 for offset in range((end - begin) % 7 + 1))
    return frozenset(days)


def _weekday(word: str) -> int:
    folded = word.strip().casefold()
    for names in (SHORT_DAYS, DAYS):
        if folded in names:
            return names.index(folded)
    near = did_you_mean(folded, SHORT_DAYS if len(folded) <= 4 else DAYS)
    raise Wrong(f"{quoted(word.strip())} is no weekday{near or '; the weekdays are ' + ', '.join(SHORT_DAYS)}")


def _time(word: str, *, last: bool) -> time:
    found = _TIME.fullmatch(word)
    if found and (hour := int(found.group(1))) < 24 and (minute := int(found.group(2))) < 60:
        return time(hour, minute)
    if word == "24:00" and last:
        return time(0)
    raise Wrong(f"{quoted(word)} is no time of day; write 02:00")
