"""What was seen of a database, and how it is written as a token."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from autosync.model.errors import TokenUnknown
from autosync.model.requests import Token

Version: TypeAlias = str | int | float | bool | bytes | datetime | date | Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one look saw: it fires when the next one differs.

    ``values`` is the query's row, or the newest version alone. ``rows`` counts all rows, ``recent`` those that the overlap
    covers; both are 0 where nobody counts.
    """

    values: tuple[Version, ...]
    rows: int = 0
    recent: int = 0

    @property
    def newest(self) -> Version:
        """Return the newest version."""
        return self.values[0] if self.values else None


_WRITERS: Final[Mapping[type, tuple[str, Callable[[Any], str]]]] = {
    bytes: ("bytes", bytes.hex),
    datetime: ("time", str),
    date: ("date", str),
    Decimal: ("number", str),
}
_READERS: Final[Mapping[str, Callable[[str], Version]]] = {
    "bytes": bytes.fromhex,
    "time": datetime.fromisoformat,
    "date": date.fromisoformat,
    "number": Decimal,
}


def plain(value: object) -> Version:
    """Return a database's value as one that a token can hold; what no token can hold becomes text."""
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if value is None or isinstance(value, str | int | float | bytes | date | Decimal):
        return value
    return str(value)


def token_of(sight: Sight) -> Token:
    """Return a sight as a token."""
    return json.dumps({"values": [_written(each) for each in sight.values], "rows": sight.rows, "recent": sight.recent})


def sight_of(token: Token) -> Sight:
    """Return the sight that a token holds; raise ``TokenUnknown`` for one of another make."""
    try:
        data = json.loads(token)
        values = tuple(_read(each) for each in data["values"])
        return Sight(values=values, rows=int(data["rows"]), recent=int(data["recent"]))
    except (ValueError, KeyError, TypeError, ArithmeticError):
        raise TokenUnknown("the stored place is not one of a sql trigger; a full import replaces it") from None


def lowered(value: Version, overlap: float) -> object:
    """Return the version that lies ``overlap`` below one: seconds for times."""
    if isinstance(value, datetime):
        below = value.timestamp() - overlap
        zone = value.tzinfo
        return datetime.fromtimestamp(below, UTC).astimezone(zone) if zone else datetime.fromtimestamp(below)  # noqa: DTZ006
    if isinstance(value, int) and not isinstance(value, bool):
        return value - int(overlap)
    if isinstance(value, float):
        return value - overlap
    if isinstance(value, Decimal):
        return value - Decimal(str(overlap))
    return value


def _written(value: Version) -> object:
    kind, write = _WRITERS.get(type(value), ("", str))
    return {kind: write(value)} if kind else value


def _read(value: object) -> Version:
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        return _READERS[kind](text)
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError("not a value of a token")
