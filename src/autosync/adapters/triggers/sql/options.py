"""What a SQL trigger asks, of which database, and how often; and how that is written in the configuration."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from autosync.options.blocks import Block, Built, Key, Values
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, choice, duration, flag, fraction, maybe, read_text, secret, text
from autosync.ports.secrets import SecretReference


class VersionKind(StrEnum):
    """What the version column holds, which decides how late commits are seen."""

    PLAIN = "plain"
    """A number or a time that the application writes."""
    ROWVERSION = "rowversion"
    """SQL Server's ``rowversion``: read below ``MIN_ACTIVE_ROWVERSION()``, so that no late commit is passed over."""
    TRANSACTION_ID = "transaction-id"
    """PostgreSQL's ``xid8`` of the writing transaction: read below the oldest transaction that is still open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlOptions:
    """Options of ``type: sql``. One of query, version column and change tracking says what is watched."""

    url: str | SecretReference
    query: str | None = None
    table: str | None = None
    version_column: str | None = None
    version: VersionKind = VersionKind.PLAIN
    overlap: float = 0.0
    """How far behind the newest version rows may still appear: in the column's unit, seconds for times."""
    change_tracking: bool = False
    listen: str | None = None
    every: timedelta = timedelta(seconds=10)
    time_limit: timedelta = timedelta(seconds=30)


def _read_url(value: object, at: Place) -> str | SecretReference:
    if isinstance(value, dict):
        return secret().parse(value, at)
    written = read_text(value)
    try:
        url = make_url(written)
    except ArgumentError:
        raise Wrong("this is no database URL; write it like postgresql+psycopg://user@host/database") from None
    if url.password:
        raise Wrong("the URL holds a password; put the whole URL into a secret, such as {env: HR_DATABASE}")
    return written


URL: Final = Key(
    "url",
    Scalar(
        says="an SQLAlchemy URL without password, or where the whole URL is kept: {env: NAME}",
        schema={"anyOf": [{"type": "string", "minLength": 1}, dict(secret().schema)]},
        parse=_read_url,
        plain=lambda url: url if isinstance(url, str) else secret().plain(url),
    ),
    "",
    "The database.",
    required=True,
)
_TEXT: Final = maybe(text())
QUERY: Final = Key("query", _TEXT, None, "A query of one row; it fires when that row is another.")
TABLE: Final = Key("table", _TEXT, None, "The table to watch, with its schema where needed: dbo.People.")
VERSION_COLUMN: Final = Key(
    "version-column", _TEXT, None, "A column of the table that grows with every change of a row."
)
VERSION: Final = Key("version", choice(VersionKind), VersionKind.PLAIN, "What the version column holds.")
OVERLAP: Final = Key(
    "overlap",
    fraction(0, 1e12),
    0.0,
    "How far behind the newest version rows may still be committed: in the column's unit, seconds for times.",
)
CHANGE_TRACKING: Final = Key(
    "change-tracking", flag(), False, "Whether to ask SQL Server's change tracking about the table; it sees deletions."
)
LISTEN: Final = Key("listen", _TEXT, None, "A PostgreSQL channel whose NOTIFY makes it look at once.")
EVERY: Final = Key(
    "every", duration(timedelta(milliseconds=100)), timedelta(seconds=10), "How often to look, also beside listen."
)
TIME_LIMIT: Final = Key(
    "time-limit", duration(timedelta(seconds=1)), timedelta(seconds=30), "How long the database may take to answer."
)

BLOCK: Final = Block(
    doc="Fires when rows of a database changed.",
    keys=(URL, QUERY, TABLE, VERSION_COLUMN, VERSION, OVERLAP, CHANGE_TRACKING, LISTEN, EVERY, TIME_LIMIT),
)


def _options(values: Values, at: Place) -> SqlOptions:
    _check(values, at)
    return SqlOptions(
        url=values[URL],
        query=values[QUERY],
        table=values[TABLE],
        version_column=values[VERSION_COLUMN],
        version=values[VERSION],
        overlap=values[OVERLAP],
        change_tracking=values[CHANGE_TRACKING],
        listen=values[LISTEN],
        every=values[EVERY],
        time_limit=values[TIME_LIMIT],
    )


def _check(values: Values, at: Place) -> None:
    ways = [bool(values[QUERY]), bool(values[VERSION_COLUMN]), values[CHANGE_TRACKING]]
    if sum(ways) != 1:
        raise Wrong("a sql trigger needs one of: query; table and version-column; table and change-tracking: true")
    if bool(values[TABLE]) == bool(values[QUERY]):
        at.wrong("table belongs to version-column and change-tracking, and only to them")
    if values[OVERLAP] and values[VERSION] is not VersionKind.PLAIN:
        at.at(OVERLAP.name).wrong(f"overlap is not needed with version: {values[VERSION]}, which sees late commits")
    if not values[VERSION_COLUMN] and (values.has(VERSION) or values.has(OVERLAP)):
        at.wrong("version and overlap belong to version-column")
    url = values[URL]
    if values[LISTEN] and isinstance(url, str) and not make_url(url).get_backend_name().startswith("postgres"):
        at.at(LISTEN.name).wrong("only PostgreSQL has channels to listen to; leave listen out")


SHAPE: Final = Built(block=BLOCK, build=_options)
