"""The shapes of single values: how each is read, written back, described to people, and to editors (JSON Schema)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Any, Final, Generic, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from autosync.options.durations import EXAMPLES, PATTERN, format_duration, parse_duration
from autosync.options.reading import Place, Wrong
from autosync.options.words import did_you_mean, or_known, quoted, shown
from autosync.ports.secrets import SECRET_SCHEMA, SecretReference, secret_reference

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)

_ALMOST_FLAGS: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar(Generic[T]):
    """One kind of value. ``parse`` raises ``Wrong``; ``plain`` returns what one would write into the file."""

    says: str
    """What it is, for documentation: ``a duration such as 90s, 15m, 1h30m or 2d``."""
    schema: Mapping[str, Any]
    parse: Callable[[object, Place], T]
    plain: Callable[[T], object]

    def read(self, value: object, at: Place) -> T:
        """Return the value, or raise ``Wrong``."""
        return self.parse(value, at)


def text(says: str = "text", *, pattern: str | None = None) -> Scalar[str]:
    """Return the shape of a text that is not empty."""
    schema = {"type": "string", "minLength": 1} | ({"pattern": pattern} if pattern else {})
    return Scalar(says=says, schema=schema, parse=lambda value, _: read_text(value), plain=str)


def read_text(value: object) -> str:
    """Return a text that is not empty; a number must stand in quotes, since YAML would change 1.10 to 1.1."""
    if isinstance(value, str):
        if value.strip():
            return value
        raise Wrong("is empty")
    if value is None:
        raise Wrong("is empty; give a value, or delete the key")
    hint = "; put it in quotes" if isinstance(value, (int, float)) else ""
    raise Wrong(f"expected text, not {shown(value)}{hint}")


def flag() -> Scalar[bool]:
    """Return the shape of true and false."""
    return Scalar(says="true or false", schema={"type": "boolean"}, parse=_read_flag, plain=bool)


def _read_flag(value: object, _: Place) -> bool:
    if isinstance(value, bool):
        return value
    meant = _ALMOST_FLAGS.get(value.casefold()) if isinstance(value, str) else None
    hint = f" (did you mean {meant}?)" if meant else ""
    raise Wrong(f"expected true or false, not {shown(value)}{hint}")


def whole(least: int, most: int) -> Scalar[int]:
    """Return the shape of a whole number between two bounds, both included."""

    def parse(value: object, _: Place) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        raise Wrong(f"expected a whole number from {least} to {most}, not {shown(value)}")

    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Scalar(says=f"a whole number from {least} to {most}", schema=schema, parse=parse, plain=int)


def fraction(least: float, most: float) -> Scalar[float]:
    """Return the shape of a number between two bounds, both included."""

    def parse(value: object, _: Place) -> float:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        raise Wrong(f"expected a number from {least:g} to {most:g}, not {shown(value)}")

    schema = {"type": "number", "minimum": least, "maximum": most}
    return Scalar(says=f"a number from {least:g} to {most:g}", schema=schema, parse=parse, plain=float)


def choice(words: type[Word]) -> Scalar[Word]:
    """Return the shape of one word of a closed set."""
    known = [str(word) for word in words]

    def parse(value: object, _: Place) -> Word:
        if isinstance(value, str) and value in known:
            return words(value)
        if isinstance(value, str):
            near = did_you_mean(value, known)
            raise Wrong(f"{quoted(value)} is not one of {', '.join(known)}{near}")
        raise Wrong(f"expected one of {', '.join(known)}, not {shown(value)}")

    return Scalar(says=f"one of {', '.join(known)}", schema={"enum": known}, parse=parse, plain=str)


def duration(least: timedelta = timedelta(0), most: timedelta | None = None) -> Scalar[timedelta]:
    """Return the shape of a length of time between two bounds, both included."""

    def parse(value: object, _: Place) -> timedelta:
        length = parse_duration(value)
        if length < least:
            raise Wrong(f"{shown(value)} is too short; at least {format_duration(least)}")
        if most is not None and length > most:
            raise Wrong(f"{shown(value)} is too long; at most {format_duration(most)}")
        return length

    schema = {"type": ["string", "integer"], "pattern": PATTERN, "maximum": 0, "minimum": 0}
    return Scalar(says=f"a duration such as {EXAMPLES}", schema=schema, parse=parse, plain=format_duration)


def zone() -> Scalar[str]:
    """Return the shape of an IANA time zone's name."""
    return Scalar(
        says="a time zone of the IANA database, such as Europe/Brussels",
        schema={"type": "string", "minLength": 1},
        parse=lambda value, _: _read_zone(read_text(value)),
        plain=str,
    )


def _read_zone(name: str) -> str:
    known = available_timezones()
    if name in known:
        try:
            return ZoneInfo(name).key
        except (OSError, ValueError):  # a damaged database
            raise Wrong(f"the time zone {quoted(name)} cannot be read on this machine") from None
    cities = {each.rpartition("/")[2]: each for each in known}
    near = did_you_mean(name, known) or did_you_mean(cities.get(name.rpartition("/")[2].title(), ""), known)
    raise Wrong(f"{quoted(name)} is no time zone{near or '; write it like Europe/Brussels or UTC'}")


def maybe(shape: Scalar[T], *, none: str = "") -> Scalar[T | None]:
    """Return the shape of something that may be absent; ``none`` is the word that says so, where there is one."""

    def parse(value: object, at: Place) -> T | None:
        if none and value == none:
            return None
        try:
            return shape.parse(value, at)
        except Wrong as error:
            if not none:
                raise
            raise Wrong(f"{error}; or {none}") from None

    return Scalar(
        says=f"{shape.says}, or {none}" if none else shape.says,
        schema={"anyOf": [{"const": none}, shape.schema]} if none else shape.schema,
        parse=parse,
        plain=lambda value: (none or None) if value is None else shape.plain(value),
    )


def named(shape: Scalar[T], says: str) -> Scalar[T]:
    """Return the same shape under other words."""
    return replace(shape, says=says)


def known_word(value: object, known: Mapping[str, object], what: str) -> str:
    """Return a word that must be one of ``known``; raise ``Wrong`` with the nearest, or all."""
    word = read_text(value)
    if word in known:
        return word
    raise Wrong(f"{quoted(word)} is no {what}{or_known(word, list(known), 'known')}")


def place() -> Scalar[FilePath]:
    """Return the shape of a path; a relative one starts at the configuration file's folder."""
    return Scalar(
        says="a path; a relative one starts at the configuration file's folder",
        schema={"type": "string", "minLength": 1},
        parse=lambda value, at: at.context.folder / read_text(value),
        plain=str,
    )


def secret() -> Scalar[SecretReference]:
    """Return the shape of a reference to a secret; the value itself is refused and never repeated."""
    return Scalar(
        says="where the secret is kept: {env: NAME}, {file: path} or {secret: name}",
        schema=dict(SECRET_SCHEMA),
        parse=lambda value, _: _read_secret(value),
        plain=lambda reference: {str(reference.kind): reference.name},
    )


def _read_secret(value: object) -> SecretReference:
    try:
        return secret_reference(value)
    except ValueError as error:
        raise Wrong(str(error)) from None
