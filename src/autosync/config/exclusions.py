"""The ``exclusions`` list: times in which work is held, not dropped."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from autosync.config.triggers import ZONE_OR_SERVICE, cron_text
from autosync.config.windows import EXAMPLES, parse_moment, parse_weekly, start_of
from autosync.model.schedules import Cron, CronWindow, Dates, Exclusion, Part, Weekly, Window
from autosync.options.blocks import Block, Built, Key, ListOf, Values
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, choice, duration, maybe, read_text, text

ALL: Final = "all"

_TEXT: Final = maybe(text())
_CRON: Final = maybe(cron_text())
_LASTS: Final = maybe(duration(timedelta(seconds=1)))
_MOMENT: Final = maybe(
    Scalar(
        says="a date, or a date and local time, such as 2026-12-23 18:00",
        schema={"type": "string", "minLength": 10},
        parse=lambda value, _: parse_moment(read_text(value)),
        plain=str,
    )
)
_WINDOWS: Final = ListOf(
    item=Scalar(
        says=f"a weekly window such as {EXAMPLES}",
        schema={"type": "string", "minLength": 3},
        parse=lambda value, _: parse_weekly(read_text(value)),
        plain=str,
    ),
    one_alone=True,
)
_HELD: Final = ListOf(item=text("all, an agent as engine/agent, or an engine"), one_alone=True)
_NO_WINDOWS: Final[tuple[Weekly, ...]] = ()
_NO_PARTS: Final[tuple[Part, ...]] = ()

NAME: Final = Key(
    "name", _TEXT, None, "How it is called where it makes something wait; its place in the list unless given."
)
WEEKLY: Final = Key(
    "weekly", _WINDOWS, _NO_WINDOWS, "The same time each week; an end before the beginning lies in the next day."
)
FROM: Final = Key("from", _MOMENT, None, "Its first moment; a date is the beginning of that day.")
UNTIL: Final = Key("until", _MOMENT, None, "The first moment after it; a date is the beginning of that day.")
CRON: Final = Key("cron", _CRON, None, "When it begins, again and again.")
LASTS: Final = Key("lasts", _LASTS, None, "How long it lasts after each beginning that cron names.")
TIME_ZONE: Final = Key(
    "time-zone", ZONE_OR_SERVICE, None, "The time zone of its times; service: time-zone unless given."
)
AGENTS: Final = Key(
    "agents", _HELD, (ALL,), "Whom it holds: all, or a list of agents (engine/agent) and whole engines."
)
ONLY: Final = Key(
    "only",
    ListOf(item=choice(Part), one_alone=True),
    _NO_PARTS,
    "The parts of runs that it holds; every run unless given.",
)


def _build(values: Values, at: Place) -> tuple[Exclusion, ...]:
    """Return one exclusion for each window, all with the same name. An empty zone is the service's."""
    zone = values[TIME_ZONE] or ""
    place = at.path[-1]
    name = values[NAME] or (f"exclusion {place + 1}" if isinstance(place, int) else "exclusion")
    return tuple(
        Exclusion(
            name=name,
            window=window,
            zone=zone,
            agents=None if ALL in values[AGENTS] else frozenset(values[AGENTS]),
            only=frozenset(values[ONLY]) or None,
        )
        for window in _windows(values, zone)
    )


def _windows(values: Values, zone: str) -> tuple[Window, ...]:
    ways = [values.has(WEEKLY), values.has(FROM) or values.has(UNTIL), values.has(CRON) or values.has(LASTS)]
    if ways.count(True) != 1:
        raise Wrong("an exclusion needs one of: weekly; from and until; cron and lasts")
    if values.has(WEEKLY):
        return values[WEEKLY]
    if ways[1]:
        return _dates(values)
    if not (values.has(CRON) and values.has(LASTS)):
        raise Wrong(f"{LASTS.name if values.has(CRON) else CRON.name} is missing")
    cron, lasts = values[CRON], values[LASTS]
    return (CronWindow(opens=Cron(expression=cron, zone=zone), lasts=lasts),) if cron and lasts else ()


def _dates(values: Values) -> tuple[Window, ...]:
    if not (values.has(FROM) and values.has(UNTIL)):
        raise Wrong(f"{UNTIL.name if values.has(FROM) else FROM.name} is missing")
    first, until = values[FROM], values[UNTIL]
    if first is None or until is None:
        return ()
    if start_of(until) <= start_of(first):
        raise Wrong(f"until ({until}) is not after from ({first})")
    return (Dates(first=first, until=until),)


EXCLUSIONS: Final = ListOf(
    item=Built(
        block=Block(
            doc="A time in which work is held.",
            keys=(NAME, WEEKLY, FROM, UNTIL, CRON, LASTS, TIME_ZONE, AGENTS, ONLY),
        ),
        build=_build,
    )
)


def in_zone(exclusion: Exclusion, zone: str) -> Exclusion:
    """Return the exclusion with ``zone`` where it names none itself."""
    if exclusion.zone:
        return exclusion
    window = exclusion.window
    if isinstance(window, CronWindow):
        window = replace(window, opens=replace(window.opens, zone=zone))
    return replace(exclusion, zone=zone, window=window)
