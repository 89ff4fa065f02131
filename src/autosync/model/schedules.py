"""When something is due by the clock: intervals, cron expressions, start date and period; and windows of time."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias


class Misfire(StrEnum):
    """What to do about fire times that passed while nobody could fire."""

    ONCE = "once"
    """Catch up with one run, however many were missed."""
    SKIP = "skip"
    """Wait for the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Fire again and again after ``interval`` of elapsed time; the first time after one interval."""

    interval: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """Fire at the local times of a cron expression (five fields, or six with seconds) in ``zone`` (IANA name)."""

    expression: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Fire at ``start`` (local time in ``zone``) and every ``period`` after it.

    A period of whole days keeps its local time of day through daylight-saving changes; any other is elapsed time.
    """

    start: datetime
    period: timedelta
    zone: str


When: TypeAlias = Every | Cron | Period


class Part(StrEnum):
    """Parts of runs that an exclusion or a guard can single out."""

    IMPORTS = "imports"
    SYNCS = "syncs"
    EXPORTS = "exports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """A window that comes back each week, in local time; an ``until`` before ``begins`` lies in the next day."""

    weekdays: frozenset[int]
    """Monday is 0, as in ``datetime``."""
    begins: time
    until: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """A window from the first moment of ``first`` until ``until`` (exclusive), in local time."""

    first: datetime | date
    until: datetime | date


@dataclass(frozen=True, slots=True, kw_only=True)
class CronWindow:
    """A window that opens at each fire time of ``opens`` and stays open for ``lasts``."""

    opens: Cron
    lasts: timedelta


Window: TypeAlias = Weekly | Dates | CronWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A time in which work is held, not dropped."""

    name: str
    window: Window
    zone: str
    agents: frozenset[str] | None = None
    """Agent ids, or engine names; None means all."""
    only: frozenset[Part] | None = None
    """The parts of runs that wait; None means every run."""
