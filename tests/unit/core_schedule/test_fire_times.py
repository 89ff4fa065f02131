"""When schedules fire: elapsed time, local time, both changes of the clock, leap years, odd zones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from autosync.core.schedule import MOST_COUNTED, missed, next_fire
from autosync.model.schedules import Cron, Every, Period, When

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
BRUSSELS = "Europe/Brussels"  # 2026: forward on 29 March at 01:00 UTC, back on 25 October at 01:00 UTC
LORD_HOWE = "Australia/Lord_Howe"  # the clock moves by half an hour
KATHMANDU = "Asia/Kathmandu"  # UTC+5:45, never changes


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def clock(text: str) -> datetime:
    """Return what a clock on the wall shows: a time without a zone."""
    return datetime.fromisoformat(text)


def fires(when: When, begin: datetime, end: datetime, anchor: datetime = EPOCH) -> list[datetime]:
    """Return the fire times after ``begin`` and not after ``end``."""
    found: list[datetime] = []
    fire = next_fire(when, anchor, begin)
    while fire is not None and fire <= end:
        assert fire.tzinfo is UTC
        found.append(fire)
        fire = next_fire(when, anchor, fire)
    return found


def local_times(found: list[datetime], zone: str) -> list[str]:
    return [fire.astimezone(ZoneInfo(zone)).strftime("%H:%M") for fire in found]


def test_an_interval_fires_first_after_one_interval():
    assert next_fire(Every(interval=timedelta(minutes=5)), EPOCH, EPOCH) == EPOCH + timedelta(minutes=5)


def test_an_interval_counts_from_its_anchor_however_late_one_asks():
    late = EPOCH + timedelta(days=400, seconds=7)

    assert next_fire(Every(interval=timedelta(minutes=5)), EPOCH, late) == EPOCH + timedelta(days=400, minutes=5)


def test_a_fire_time_is_after_the_moment_asked_about_and_never_at_it():
    every = Every(interval=timedelta(minutes=5))

    assert next_fire(every, EPOCH, EPOCH + timedelta(minutes=5)) == EPOCH + timedelta(minutes=10)


@pytest.mark.parametrize("interval", [timedelta(days=30), timedelta(days=25), timedelta(days=400)])
def test_intervals_beyond_24_8_days_fire_w48(interval):
    assert next_fire(Every(interval=interval), EPOCH, EPOCH) == EPOCH + interval
    period = Period(start=clock("2026-01-01 00:00"), period=interval, zone="UTC")
    assert next_fire(period, EPOCH, EPOCH) == EPOCH + interval


def test_a_schedule_without_another_fire_time_says_so():
    assert next_fire(Every(interval=timedelta(0)), EPOCH, EPOCH) is None
    assert next_fire(Every(interval=timedelta(days=3_000_000)), EPOCH, EPOCH) is None


def test_a_daily_time_keeps_its_place_on_the_clock_through_the_year_w47():
    cron = Cron(expression="0 6 * * *", zone=BRUSSELS)

    found = fires(cron, EPOCH, EPOCH + timedelta(days=365))

    assert len(found) == 365
    assert set(local_times(found, BRUSSELS)) == {"06:00"}
    assert {fire.hour for fire in found} == {4, 5}


def test_a_period_of_days_keeps_its_place_on_the_clock_through_the_year_w47():
    daily = Period(start=clock("2026-01-01 02:30"), period=timedelta(days=1), zone=BRUSSELS)

    found = fires(daily, EPOCH, EPOCH + timedelta(days=365))

    assert len(found) == 365
    assert sorted(set(local_times(found, BRUSSELS))) == ["02:30", "03:00"]


@pytest.mark.parametrize("expression", ["30 2 * * *", "0 30 2 * * *"])
def test_a_time_that_the_clock_jumps_over_fires_once_at_the_first_moment_after_the_gap(expression):
    found = fires(Cron(expression=expression, zone=BRUSSELS), utc(2026, 3, 28, 12), utc(2026, 3, 29, 12))

    assert found == [utc(2026, 3, 29, 1)]


@pytest.mark.parametrize("expression", ["30 2 * * *", "0 30 2 * * *"])
def test_a_time_that_the_clock_shows_twice_fires_the_first_time_only(expression):
    found = fires(Cron(expression=expression, zone=BRUSSELS), utc(2026, 10, 24, 12), utc(2026, 10, 25, 12))

    assert found == [utc(2026, 10, 25, 0, 30)]


def test_a_period_of_days_fires_once_on_the_days_of_both_clock_changes():
    daily = Period(start=clock("2026-01-01 02:30"), period=timedelta(days=1), zone=BRUSSELS)

    assert fires(daily, utc(2026, 3, 28, 12), utc(2026, 3, 29, 12)) == [utc(2026, 3, 29, 1)]
    assert fires(daily, utc(2026, 10, 24, 12), utc(2026, 10, 25, 12)) == [utc(2026, 10, 25, 0, 30)]


@pytest.mark.parametrize("day", [utc(2026, 3, 29), utc(2026, 10, 25), utc(2026, 6, 1)])
@pytest.mark.parametrize("expression", ["5 * * * *", "5 */1 * * *", "5 0-23 * * *"])
def test_an_hourly_job_fires_in_every_real_hour(day, expression):
    found = fires(Cron(expression=expression, zone=BRUSSELS), day - timedelta(hours=3), day + timedelta(hours=9))

    assert [fire - found[0] for fire in found] == [timedelta(hours=hour) for hour in range(12)]


def test_several_times_in_an_hour_that_is_jumped_over_fire_once():
    found = fires(Cron(expression="*/15 2 * * *", zone=BRUSSELS), utc(2026, 3, 28, 12), utc(2026, 3, 29, 12))

    assert found == [utc(2026, 3, 29, 1)]


def test_several_times_in_an_hour_that_comes_twice_fire_in_both():
    found = fires(Cron(expression="*/15 2 * * *", zone=BRUSSELS), utc(2026, 10, 24, 12), utc(2026, 10, 25, 12))

    assert len(found) == 8


def test_a_gap_of_half_an_hour_is_a_gap():
    cron = Cron(expression="15 2 * * *", zone=LORD_HOWE)  # 2026-10-04: 02:00 becomes 02:30

    assert local_times(fires(cron, utc(2026, 10, 3, 1), utc(2026, 10, 4, 1)), LORD_HOWE) == ["02:30"]


def test_a_fold_of_half_an_hour_fires_once():
    cron = Cron(expression="45 1 * * *", zone=LORD_HOWE)  # 2026-04-05: 02:00 becomes 01:30

    assert len(fires(cron, utc(2026, 4, 4, 1), utc(2026, 4, 5, 1))) == 1


def test_a_zone_with_an_odd_offset():
    assert fires(Cron(expression="0 9 * * *", zone=KATHMANDU), EPOCH, EPOCH + timedelta(days=1)) == [
        utc(2026, 1, 1, 3, 15)
    ]


def test_the_leap_day_comes_every_four_years():
    found = fires(Cron(expression="0 0 29 2 *", zone="UTC"), EPOCH, utc(2040, 1, 1))

    assert [fire.year for fire in found] == [2028, 2032, 2036]


def test_six_fields_begin_with_seconds():
    assert next_fire(Cron(expression="20 * * * * *", zone="UTC"), EPOCH, EPOCH) == utc(2026, 1, 1, 0, 0, 20)


def test_weekdays_by_name():
    found = fires(Cron(expression="0 2 * * sat", zone="UTC"), EPOCH, EPOCH + timedelta(days=14))

    assert {fire.weekday() for fire in found} == {5}
    assert len(found) == 2


def test_a_period_begins_at_its_start_and_not_before():
    period = Period(start=clock("2026-05-01 08:00"), period=timedelta(hours=6), zone=BRUSSELS)

    assert next_fire(period, EPOCH, EPOCH) == utc(2026, 5, 1, 6)


def test_a_period_that_is_not_of_days_is_elapsed_time():
    period = Period(start=clock("2026-03-28 12:00"), period=timedelta(hours=12), zone=BRUSSELS)

    found = fires(period, utc(2026, 3, 28), utc(2026, 3, 31))

    assert {later - sooner for sooner, later in pairwise(found)} == {timedelta(hours=12)}


def test_a_start_with_a_zone_of_its_own_is_that_moment():
    period = Period(start=utc(2026, 7, 1, 10), period=timedelta(days=1), zone=BRUSSELS)

    assert next_fire(period, EPOCH, utc(2026, 7, 1)) == utc(2026, 7, 1, 10)


SCHEDULES: list[When] = [
    Every(interval=timedelta(minutes=37)),
    Cron(expression="30 2 * * *", zone=BRUSSELS),
    Cron(expression="*/20 1-3 * * *", zone=BRUSSELS),
    Period(start=clock("2026-01-03 02:30"), period=timedelta(days=2), zone=BRUSSELS),
    Period(start=clock("2026-01-03 02:30"), period=timedelta(hours=11), zone=LORD_HOWE),
]


@pytest.mark.parametrize("when", SCHEDULES, ids=repr)
@pytest.mark.parametrize("now", [utc(2026, 1, 1), utc(2026, 3, 29, 1), utc(2026, 4, 5), utc(2026, 10, 25, 1, 15)])
def test_missed_counts_what_next_fire_would_have_fired(when, now):
    since = max(EPOCH, now - timedelta(days=9))

    assert missed(when, EPOCH, since, now) == len(fires(when, since, now))


def test_a_schedule_that_never_fired_missed_what_came_since_its_anchor():
    assert missed(Every(interval=timedelta(hours=1)), EPOCH, None, EPOCH + timedelta(hours=5)) == 5


def test_missed_stops_counting_where_it_makes_no_difference():
    each_second = Cron(expression="* * * * * *", zone="UTC")

    assert missed(each_second, EPOCH, None, EPOCH + timedelta(hours=5)) == MOST_COUNTED


@pytest.mark.parametrize("zone", [BRUSSELS, LORD_HOWE, "America/New_York", "America/St_Johns", KATHMANDU])
@pytest.mark.parametrize("expression", ["*/10 * * * *", "7 * * * *", "0,30 * * * sun"])
def test_what_follows_real_time_fires_whenever_the_clock_shows_it(zone, expression):
    """The oracle looks at the clock on the wall in every real minute."""
    minutes = {"*/10": range(0, 60, 10), "7": [7], "0,30": [0, 30]}[expression.split()[0]]
    sundays = expression.endswith("sun")
    for begin in (utc(2026, 3, 8), utc(2026, 3, 29), utc(2026, 4, 4, 12), utc(2026, 10, 3, 12), utc(2026, 11, 1)):
        real = [begin + timedelta(minutes=minute) for minute in range(1, 24 * 60 + 1)]
        shown = [(moment, moment.astimezone(ZoneInfo(zone))) for moment in real]
        expected = [m for m, clock in shown if clock.minute in minutes and (not sundays or clock.weekday() == 6)]

        assert fires(Cron(expression=expression, zone=zone), begin, real[-1]) == expected
