"""When schedules fire and exclusions are in force. Moments come in and go out as aware UTC; local time stays in here.

Daylight saving: a fire time that the clock jumps over fires at the first moment after the gap; one that the clock shows
twice fires the first time only. What runs by the hour or more often fires in every real hour (W47: the predecessor
drifted by an hour at each change of the clock). There is no longest interval (W48: 24.8 days).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim

from autosync.model.schedules import Cron, CronWindow, Dates, Every, Exclusion, Period, Weekly, When

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
MOST_COUNTED = 1000
"""How far ``missed`` counts the fire times of a cron expression."""


def next_fire(when: When, anchor: datetime, after: datetime) -> datetime | None:
    """Return the first fire time after ``after``, which does not count itself; None when there is none left.

    ``anchor`` is when an interval began to count; the other schedules have a beginning of their own.
    """
    try:
        match when:
            case Every():
                return _beat(anchor + when.interval, when.interval, after)
            case Cron():
                return _next_cron(when, after)
            case Period():
                return _next_period(when, after)
    except OverflowError:  # beyond the year 9999
        return None


def missed(when: When, anchor: datetime, last: datetime | None, now: datetime) -> int:
    """Return how many fire times lie after ``last`` (``anchor`` where it never fired) and not after ``now``.

    Fire times of cron expressions are counted up to a thousand; what is more makes no difference to anybody.
    """
    since = last or anchor
    first = next_fire(when, anchor, since)
    if first is None or first > now:
        return 0
    match when:
        case Every():
            return (now - first) // when.interval + 1
        case Period():
            return _count_turns(when, first, now) if _keeps_local_time(when) else (now - first) // when.period + 1
        case Cron():
            return _count(when, since, now)


def is_open(exclusion: Exclusion, at: datetime) -> bool:
    """Return whether the exclusion is in force at the moment."""
    return any(span.begin <= at < span.end for span in _spans(exclusion, at))


def open_until(exclusion: Exclusion, at: datetime) -> datetime | None:
    """Return when the exclusion that is in force ends, across windows that touch for up to a week; None when it is not.

    Where the clock shows the end of a window twice, the window lasts until the second time: work is held, not hurried.
    """
    end: datetime | None = None
    moment = at
    while moment < at + 8 * DAY:
        ends = [span.end for span in _spans(exclusion, moment) if span.begin <= moment < span.end]
        if not ends:
            break
        moment = end = max(ends)
    return end


def _beat(first: datetime, interval: timedelta, after: datetime) -> datetime | None:
    """Return the first of ``first + n * interval`` after ``after``; an interval that is not positive never fires."""
    if interval <= timedelta(0):
        return None
    if first > after:
        return first
    return first + ((after - first) // interval + 1) * interval


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _moment(local: datetime, zone: ZoneInfo, *, fold: int = 0) -> datetime:
    """Return the moment at which a clock in the zone shows the naive ``local``, or the first one after the gap."""
    aware = local.replace(tzinfo=zone, fold=fold)
    moment = aware.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    offset = after.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _next_cron(cron: Cron, after: datetime) -> datetime | None:
    """Return the first fire time.

    Times of day are read off the clock on the wall. What fires in every hour, or several times in one, follows real time.
    """
    zone = _zone(cron.zone)
    fields = cron.expression.split()
    minute, hour = fields[-5], fields[-4]
    every_hour = hour.startswith("*") or CronSim(cron.expression, after).hours == set(range(24))
    if every_hour:
        return _first(_real_times(cron, after, zone), after)
    by_the_clock = _first(_clock_times(cron, after, zone), after)
    if not minute.startswith("*"):
        return by_the_clock
    real = _first(_real_times(cron, after, zone), after)
    return min((fire for fire in (by_the_clock, real) if fire is not None), default=None)


def _clock_times(cron: Cron, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    return (_moment(local, zone) for local in CronSim(cron.expression, _local(after, zone)))


def _real_times(cron: Cron, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    # Six fields, because cronsim treats the five of classic cron as times of day when the clock changes.
    fields = cron.expression.split()
    expression = cron.expression if len(fields) == 6 else f"0 {cron.expression}"
    return (fire.astimezone(UTC) for fire in CronSim(expression, after.astimezone(zone)))


def _first(times: Iterator[datetime], after: datetime) -> datetime | None:
    return next((fire for fire in times if fire > after), None)


def _count(cron: Cron, since: datetime, now: datetime) -> int:
    count = 0
    fire = _next_cron(cron, since)
    while fire is not None and fire <= now and count < MOST_COUNTED:
        count += 1
        fire = _next_cron(cron, fire)
    return count


def _keeps_local_time(period: Period) -> bool:
    return period.period >= DAY and period.period % DAY == timedelta(0)


def _period_start(period: Period) -> datetime:
    """Return the first fire time as the clock on the wall shows it."""
    zone = _zone(period.zone)
    return period.start if period.start.tzinfo is None else _local(period.start, zone)


def _next_period(period: Period, after: datetime) -> datetime | None:
    zone = _zone(period.zone)
    start = _period_start(period)
    if not _keeps_local_time(period):
        return _beat(_moment(start, zone), period.period, after)
    passed = max(0, (_local(after, zone) - start) // period.period)
    # One before and two after: the clock may have been set between the start and now.
    turns = (_moment(start + turn * period.period, zone) for turn in range(max(0, passed - 1), passed + 3))
    return _first(turns, after)


def _count_turns(period: Period, first: datetime, now: datetime) -> int:
    zone = _zone(period.zone)
    turns = round((_local(first, zone) - _period_start(period)) / period.period)
    passed = (_local(now, zone) - _period_start(period)) // period.period
    candidates = range(max(turns, passed - 1), passed + 2)
    done = sum(1 for turn in candidates if _moment(_period_start(period) + turn * period.period, zone) <= now)
    return candidates.start - turns + done


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    begin: datetime
    end: datetime


def _spans(exclusion: Exclusion, at: datetime) -> Iterator[_Span]:
    """Yield the windows of the exclusion that may contain the moment."""
    zone = _zone(exclusion.zone)
    match exclusion.window:
        case Weekly():
            yield from _weekly_spans(exclusion.window, zone, at)
        case Dates(first=first, until=until):
            yield _Span(begin=_moment(_naive(first, zone), zone), end=_moment(_naive(until, zone), zone, fold=1))
        case CronWindow():
            yield from _cron_spans(exclusion.window, at)


def _weekly_spans(window: Weekly, zone: ZoneInfo, at: datetime) -> Iterator[_Span]:
    today = _local(at, zone).date()
    for day in (today - DAY, today, today + DAY):
        if day.weekday() in window.weekdays:
            last = day if window.until > window.begins else day + DAY
            begin = _moment(datetime.combine(day, window.begins), zone)
            yield _Span(begin=begin, end=_moment(datetime.combine(last, window.until), zone, fold=1))


def _naive(edge: datetime | date, zone: ZoneInfo) -> datetime:
    if not isinstance(edge, datetime):
        return datetime.combine(edge, time())
    return edge if edge.tzinfo is None else _local(edge, zone)


def _cron_spans(window: CronWindow, at: datetime) -> Iterator[_Span]:
    """Yield the newest window that opened before the moment: it is the one that ends last."""
    earliest = at - window.lasts
    fire = _next_cron(window.opens, earliest)
    if fire is None or fire > at:
        return
    # Halving instead of counting: an expression may fire each second, and a window may last a month.
    latest = at
    while latest - earliest > SECOND:
        middle = earliest + (latest - earliest) // 2
        later = _next_cron(window.opens, middle)
        if later is not None and later <= at:
            earliest, fire = middle, later
        else:
            latest = middle
    yield _Span(begin=fire, end=fire + window.lasts)
