"""Cron expressions, checked word by word, so that a mistake names the field and the nearest right word.

Five fields (minute, hour, day of the month, month, weekday), or six with seconds in front, as cronsim reads them.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from cronsim import CronSim, CronSimError

from autosync.model.wording import number
from autosync.options.reading import Wrong
from autosync.options.words import did_you_mean, quoted

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
EXAMPLE: Final = '"0 2 * * sat"'

_NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * sun",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_NUMBER: Final = re.compile(r"\d{1,4}")
_SPECIAL_DAY: Final = frozenset({"l", "lw"})
_NTH: Final = re.compile(r"(?P<day>\w+)#[1-5]|(?P<last>[0-7])l")
_SOME_MONDAY: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - only the expression is looked at, never a time


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()
    first_word: int = 0

    def number(self, word: str) -> int | None:
        if word in self.words:
            return self.words.index(word) + self.first_word
        if _NUMBER.fullmatch(word) and self.least <= int(word) <= self.most:
            return int(word)
        return None


_FIELDS: Final = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, MONTHS, 1),
    _Field("weekday", 0, 7, WEEKDAYS),
)


def parse_cron(expression: str) -> str:
    """Return the expression with single spaces; raise ``Wrong``."""
    if expression.strip() in _NICKNAMES:
        raise Wrong(f'write "{_NICKNAMES[expression.strip()]}" for {expression.strip()}')
    parts = expression.split()
    said = f"{quoted(expression)} is no cron expression"
    if len(parts) not in {5, 6}:
        count = number(len(parts), "field")
        raise Wrong(
            f"{said}: it has {count}; five are minute, hour, day, month, weekday ({EXAMPLE}), six begin with seconds"
        )
    for field, part in zip(_FIELDS[-len(parts) :], parts, strict=True):
        try:
            _check_field(field, part.lower())
        except Wrong as error:
            raise Wrong(f"{said}: {error}") from None
    try:
        next(CronSim(expression, _SOME_MONDAY))
    except (CronSimError, StopIteration):
        raise Wrong(f"{said}: there is no such day, it would never fire") from None
    return " ".join(parts)


def _check_field(field: _Field, part: str) -> None:
    for term in part.split(","):
        span, slash, step = term.partition("/")
        if slash and not (_NUMBER.fullmatch(step) and int(step) > 0):
            raise Wrong(f"{quoted(term)} in the {field.name}: behind / stands a whole number from 1")
        _check_span(field, span)


def _check_span(field: _Field, span: str) -> None:
    if span == "*" or (field is _FIELDS[3] and span in _SPECIAL_DAY):
        return
    if field is _FIELDS[5] and (nth := _NTH.fullmatch(span)):
        _number(field, nth.group("day") or nth.group("last"))
        return
    first, dash, last = span.partition("-")
    numbers = [_number(field, word) for word in ([first, last] if dash else [first])]
    for low, high in pairwise(numbers):
        if high < low:
            both = f"{first}-7" if field is _FIELDS[5] and high == 0 else f"{first}-{field.most},{field.least}-{last}"
            raise Wrong(f"{quoted(span)} in the {field.name} runs backwards; write {both}")


def _number(field: _Field, word: str) -> int:
    number = field.number(word)
    if number is not None:
        return number
    near = did_you_mean(word, field.words) if word else ""
    what = f"{field.name} ({field.least} to {field.most})" if not near else field.name
    raise Wrong(f"{quoted(word)} is no {what}{near}")
