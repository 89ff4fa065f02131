"""When exclusions are in force: weekly over midnight, dates, windows that a cron expression opens; clock changes."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from autosync.core.schedule import is_open, open_until
from autosync.model.schedules import Cron, CronWindow, Dates, Exclusion, Weekly, Window

BRUSSELS = "Europe/Brussels"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def exclusion(window: Window, zone: str = "UTC") -> Exclusion:
    return Exclusion(name="patch window", window=window, zone=zone)


SUNDAY_NIGHT = exclusion(Weekly(weekdays=frozenset({6}), begins=time(22), until=time(2)), BRUSSELS)
SUNDAY_MORNING = exclusion(Weekly(weekdays=frozenset({6}), begins=time(2, 30), until=time(5)), BRUSSELS)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (utc(2026, 6, 7, 19, 59), False),  # Sunday 21:59 local
        (utc(2026, 6, 7, 20), True),
        (utc(2026, 6, 7, 23, 59), True),  # Monday 01:59 local
        (utc(2026, 6, 8), False),
        (utc(2026, 6, 6, 21), False),  # Saturday evening
    ],
)
def test_a_weekly_window_over_midnight_belongs_to_the_day_on_which_it_begins(at, expected):
    assert is_open(SUNDAY_NIGHT, at) is expected


def test_open_until_is_the_end_and_only_while_it_is_open():
    assert open_until(SUNDAY_NIGHT, utc(2026, 6, 7, 21)) == utc(2026, 6, 8)
    assert open_until(SUNDAY_NIGHT, utc(2026, 6, 8)) is None


def test_a_window_that_begins_in_the_gap_begins_after_it():
    assert not is_open(SUNDAY_MORNING, utc(2026, 3, 29, 0, 59))
    assert is_open(SUNDAY_MORNING, utc(2026, 3, 29, 1))
    assert open_until(SUNDAY_MORNING, utc(2026, 3, 29, 1)) == utc(2026, 3, 29, 3)


def test_a_window_that_ends_at_a_time_shown_twice_lasts_until_the_second():
    early = exclusion(Weekly(weekdays=frozenset({6}), begins=time(1), until=time(2, 30)), BRUSSELS)

    assert open_until(early, utc(2026, 10, 25, 0)) == utc(2026, 10, 25, 1, 30)


def test_a_window_from_a_time_to_the_same_time_is_a_whole_day():
    sunday = exclusion(Weekly(weekdays=frozenset({6}), begins=time(0), until=time(0)))

    assert open_until(sunday, utc(2026, 6, 7)) == utc(2026, 6, 8)
    assert not is_open(sunday, utc(2026, 6, 8))


def test_windows_that_touch_are_one():
    weekend = exclusion(Weekly(weekdays=frozenset({5, 6}), begins=time(0), until=time(0)))

    assert open_until(weekend, utc(2026, 6, 6, 12)) == utc(2026, 6, 8)


def test_a_window_that_never_closes_still_has_an_answer():
    always = exclusion(Weekly(weekdays=frozenset(range(7)), begins=time(0), until=time(0)))

    until = open_until(always, utc(2026, 6, 6, 12))

    assert until is not None
    assert is_open(always, until)


def test_dates_run_from_the_first_midnight_to_the_last_in_local_time():
    freeze = exclusion(Dates(first=date(2026, 12, 23), until=date(2027, 1, 2)), BRUSSELS)

    assert not is_open(freeze, utc(2026, 12, 22, 22, 59))
    assert is_open(freeze, utc(2026, 12, 22, 23))
    assert open_until(freeze, utc(2026, 12, 24)) == utc(2027, 1, 1, 23)


def test_dates_may_be_moments():
    freeze = exclusion(Dates(first=datetime.fromisoformat("2026-12-23 08:00"), until=utc(2026, 12, 23, 12)), BRUSSELS)

    assert is_open(freeze, utc(2026, 12, 23, 7))
    assert open_until(freeze, utc(2026, 12, 23, 7)) == utc(2026, 12, 23, 12)


def test_a_cron_window_opens_at_each_fire_time():
    nightly = exclusion(CronWindow(opens=Cron(expression="0 2 * * *", zone="UTC"), lasts=timedelta(hours=3)))

    assert not is_open(nightly, utc(2026, 6, 7, 1, 59, 59))
    assert is_open(nightly, utc(2026, 6, 7, 2))
    assert open_until(nightly, utc(2026, 6, 7, 4, 59)) == utc(2026, 6, 7, 5)
    assert not is_open(nightly, utc(2026, 6, 7, 5))


def test_a_cron_window_that_opens_again_while_it_is_open_lasts_longer():
    often = exclusion(CronWindow(opens=Cron(expression="0 2,3 * * *", zone="UTC"), lasts=timedelta(minutes=90)))

    assert open_until(often, utc(2026, 6, 7, 2, 30)) == utc(2026, 6, 7, 4, 30)


def test_a_cron_window_of_every_second_for_a_month_is_answered_at_once():
    always = exclusion(CronWindow(opens=Cron(expression="* * * * * *", zone="UTC"), lasts=timedelta(days=31)))

    assert is_open(always, utc(2026, 6, 7))
