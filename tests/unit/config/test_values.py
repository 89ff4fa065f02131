from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosync.config.cron import parse_cron
from autosync.config.limits import parse_limit, plain_limit, say_limit
from autosync.config.saying import say_window
from autosync.config.windows import parse_moment, parse_weekly
from autosync.model.schedules import Weekly
from autosync.model.settings import DEFAULT_DELETES, Limit
from autosync.options.durations import LONGEST, format_duration, parse_duration
from autosync.options.reading import Wrong
from autosync.options.words import nearest, quoted, shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1w", 604_800),
        ("250ms", 0.25),
        ("1.5h", 5400),
        ("1h 5s", 3605),
        (0, 0),
    ],
)
def test_durations_are_sums_of_units(text: object, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "5 has no unit; write 5s, 5m, 5h or 5d"),
        (1.5, "1.5 has no unit; write 1.5s, 1.5m, 1.5h or 1.5d"),
        ("5", '"5" is no duration; write it as 90s, 15m, 1h30m or 2d'),
        ("30m1h", '"30m1h" is no duration; write it as 90s, 15m, 1h30m or 2d'),
        ("5m5m", '"5m5m" is no duration; write it as 90s, 15m, 1h30m or 2d'),
        ("-5m", '"-5m" is no duration; write it as 90s, 15m, 1h30m or 2d'),
        ("5 minutes", '"5 minutes" is no duration; write m for minutes, as in 90s, 15m, 1h30m or 2d'),
        ("", "expected a duration such as 90s, 15m, 1h30m or 2d, not an empty text"),
        ("999999999w", '"999999999w" is longer than a century'),
        (True, "expected a duration such as 90s, 15m, 1h30m or 2d, not true"),
        (None, "expected a duration such as 90s, 15m, 1h30m or 2d, not nothing"),
        ([], "expected a duration such as 90s, 15m, 1h30m or 2d, not a list"),
    ],
)
def test_what_is_no_duration_is_told_with_the_way_out(value: object, message: str) -> None:
    with pytest.raises(Wrong) as caught:
        parse_duration(value)

    assert str(caught.value) == message


@given(st.timedeltas(min_value=timedelta(0), max_value=LONGEST))
def test_a_written_duration_reads_back_to_the_millisecond(length: timedelta) -> None:
    rounded = timedelta(
        milliseconds=min(round(length / timedelta(milliseconds=1)), round(LONGEST / timedelta(milliseconds=1)))
    )

    assert parse_duration(format_duration(rounded)) == rounded


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        (20, Limit(absolute=20)),
        ("20", Limit(absolute=20)),
        ("2%", Limit(percent=2.0)),
        ("2.5 %", Limit(percent=2.5)),
        ("20 or 2%", Limit(absolute=20, percent=2.0)),
        ("2% or 20", Limit(absolute=20, percent=2.0)),
        ("unlimited", None),
        (0, Limit(absolute=0)),
        ({"absolute": 500, "percent": 10, "minimum": 100}, Limit(absolute=500, percent=10.0, minimum=100)),
        ("500 or 10%", DEFAULT_DELETES),
        ({"percent": "3%"}, Limit(percent=3.0)),
    ],
)
def test_limits_are_absolute_or_percent_or_both(value: object, limit: Limit | None) -> None:
    assert parse_limit(value) == limit
    assert parse_limit(plain_limit(limit)) == limit


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "20 or 30",
        "2% or 3%",
        "200%",
        -1,
        True,
        None,
        [],
        1.5,
        "",
        " or ",
        {},
        {"absolute": "5"},
        {"percent": True},
        {"absolut": 5},
    ],
)
def test_what_is_no_limit_is_refused(value: object) -> None:
    with pytest.raises(Wrong):
        parse_limit(value)


def test_a_limit_is_said_with_the_population_that_it_needs() -> None:
    assert say_limit(DEFAULT_DELETES) == "500 or 10%"
    assert say_limit(Limit(absolute=500, percent=10.0, minimum=100)) == "500, or 10% of at least 100"
    assert say_limit(Limit(absolute=20, percent=2)) == "20 or 2%"


@pytest.mark.parametrize(
    "expression",
    [
        "0 2 * * sat",
        "*/5 * * * *",
        "0 0 L * *",
        "0 0 LW * *",
        "0 0 * * fri#2",
        "0 0 * * 5L",
        "30 0 2 * * sat",
        "0 2 1,15 jan-mar 1-5",
        "0 0 * * SUN",
    ],
)
def test_cron_expressions_with_five_or_six_fields_are_good(expression: str) -> None:
    assert parse_cron(f"  {expression} ") == expression


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("0 2 * * sta", '"sta" is no weekday (did you mean sat?)'),
        ("0 0 * jna *", '"jna" is no month (did you mean jun?)'),
        ("60 2 * * *", '"60" is no minute (0 to 59)'),
        ("0 25 * * *", '"25" is no hour (0 to 23)'),
        ("0 0 fri * *", '"fri" is no day of the month (1 to 31)'),
        ("0 0 * * fri-mon", '"fri-mon" in the weekday runs backwards; write fri-7,0-mon'),
        ("0 0 * * sat-sun", '"sat-sun" in the weekday runs backwards; write sat-7'),
        ("50-10 * * * *", '"50-10" in the minute runs backwards; write 50-59,0-10'),
        ("*/0 * * * *", '"*/0" in the minute: behind / stands a whole number from 1'),
        ("1, * * * *", '"" is no minute (0 to 59)'),
        ("0 0 31 2 *", "there is no such day, it would never fire"),
    ],
)
def test_a_bad_cron_expression_names_the_field_and_the_nearest_word(expression: str, reason: str) -> None:
    with pytest.raises(Wrong) as caught:
        parse_cron(expression)

    assert str(caught.value) == f'"{expression}" is no cron expression: {reason}'


def test_cron_nicknames_are_told_as_expressions() -> None:
    with pytest.raises(Wrong, match=r'write "0 0 \* \* \*" for @daily'):
        parse_cron("@daily")


def test_a_cron_expression_needs_its_fields() -> None:
    with pytest.raises(Wrong, match="it has 4 fields"):
        parse_cron("0 2 * *")


@given(st.text(alphabet="0123456789*,-/#LWlwjanfebsuomtu ", max_size=30))
def test_no_text_breaks_the_cron_check(text: str) -> None:
    try:
        parse_cron(text)
    except Wrong as error:
        assert str(error)  # noqa: PT017 - both ends are right


@pytest.mark.parametrize(
    ("text", "days", "begins", "until"),
    [
        ("Sun 02:00-05:00", {6}, time(2), time(5)),
        ("Mon-Fri 08:00-18:00", {0, 1, 2, 3, 4}, time(8), time(18)),
        ("Fri-Mon", {4, 5, 6, 0}, time(0), time(0)),
        ("sat, sunday 22:00 - 24:00", {5, 6}, time(22), time(0)),
        ("daily 22:00-06:00", {0, 1, 2, 3, 4, 5, 6}, time(22), time(6)),
        ("Sun 0:00-24:00", {6}, time(0), time(0)),
    ],
)
def test_weekly_windows(text: str, days: set[int], begins: time, until: time) -> None:
    window = parse_weekly(text)

    assert window == Weekly(weekdays=frozenset(days), begins=begins, until=until)
    assert parse_weekly(say_window(window)) == window


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Snu 02:00-03:00", '"Snu" is no weekday (did you mean sun?)'),
        ("Wendesday 02:00-03:00", '"Wendesday" is no weekday (did you mean wednesday?)'),
        ("Sun 2-5", '"2" is no time of day; write 02:00'),
        ("Sun 24:00-05:00", '"24:00" is no time of day; write 02:00'),
        ("Sun 02:00-02:00", '"Sun 02:00-02:00" begins and ends at the same time'),
    ],
)
def test_a_bad_weekly_window_names_the_word(text: str, message: str) -> None:
    with pytest.raises(Wrong) as caught:
        parse_weekly(text)

    assert str(caught.value) == message


def test_moments_are_local_dates_and_times() -> None:
    assert parse_moment("2026-12-23") == date(2026, 12, 23)
    assert parse_moment("2026-12-23 18:00") == parse_moment("2026-12-23T18:00") == datetime(2026, 12, 23, 18)  # noqa: DTZ001


@pytest.mark.parametrize("text", ["2026-02-30", "23.12.2026", "2026-12-23T18:00+01:00", "2026-12-23 25:00", ""])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(Wrong):
        parse_moment(text)


def test_the_nearest_word_knows_no_case_and_no_underscores() -> None:
    assert nearest("RUN_MODE", ["run-mode", "stagger"]) == "run-mode"
    assert nearest("mim/corp ad", ["mim/Corp AD", "mim/HR"]) == "mim/Corp AD"
    assert nearest("zzz", ["run-mode"]) is None


def test_what_is_shown_of_a_value_is_one_short_printable_line() -> None:
    assert quoted("a\nb") == '"a b"'
    assert quoted("x" * 500) == '"' + "x" * 59 + '…"'
    assert quoted("a\x1b[31m") == '"a\N{REPLACEMENT CHARACTER}[31m"'
    values: list[object] = [None, True, 5, "x", {}, []]
    assert [shown(each) for each in values] == ["nothing", "true", "the number 5", '"x"', "keys and values", "a list"]
