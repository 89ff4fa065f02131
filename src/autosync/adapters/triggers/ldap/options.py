"""What an LDAP trigger watches, and by which of a directory's ways to tell what changed."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from autosync.adapters.directory_access import ACCESS_KEYS, DirectoryAccess, access_of, read_dn, servers_key
from autosync.directory.errors import BadFilter
from autosync.directory.filter_text import parse_filter
from autosync.directory.filters import ANYTHING, Filter
from autosync.options.blocks import Block, Built, Key, Values
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, choice, duration, read_text


class Way(StrEnum):
    """How it is found out what changed."""

    AUTO = "auto"
    SYNCREPL = "syncrepl"
    """RFC 4533: told at once, from a cookie on, deletions included. OpenLDAP, 389 Directory Server, FreeIPA, ApacheDS."""
    CHANGELOG = "changelog"
    """A log of changes with numbers, beside persistent search where there is one. 389, Oracle, IBM, OpenDJ."""
    TIMESTAMP = "timestamp"
    """Asking for entries with a newer ``modifyTimestamp``. Everywhere; deletions are not seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapOptions:
    """Options of ``type: ldap``."""

    access: DirectoryAccess
    base: str
    filter: Filter = ANYTHING
    way: Way = Way.AUTO
    every: timedelta = timedelta(seconds=30)


def _read_filter(value: object, _: Place) -> Filter:
    try:
        return parse_filter(read_text(value))
    except BadFilter as error:
        raise Wrong(str(error)) from None


SERVERS: Final = servers_key("servers", "The servers, in the order in which they are tried.")
BASE: Final = Key(
    "base",
    Scalar(says="a distinguished name", schema={"type": "string", "minLength": 1}, parse=read_dn, plain=str),
    "",
    "Where to watch: this entry and everything below it.",
    required=True,
)
FILTER: Final = Key(
    "filter",
    Scalar(
        says="a filter such as (objectClass=inetOrgPerson)",
        schema={"type": "string", "minLength": 3},
        parse=_read_filter,
        plain=str,
    ),
    ANYTHING,
    "Which entries count; all unless given. A change log is not filtered.",
)
WAY: Final = Key(
    "way", choice(Way), Way.AUTO, "How changes are found; the best that the server says it can unless given."
)
EVERY: Final = Key(
    "every",
    duration(timedelta(milliseconds=100)),
    timedelta(seconds=30),
    "How often to ask, where the server does not tell by itself.",
)


def _options(values: Values, _: Place) -> LdapOptions:
    return LdapOptions(
        access=access_of(values, SERVERS),
        base=values[BASE],
        filter=values[FILTER],
        way=values[WAY],
        every=values[EVERY],
    )


SHAPE: Final = Built(
    block=Block(
        doc="Fires when something changed in an LDAP directory.",
        keys=(SERVERS, BASE, FILTER, WAY, EVERY, *ACCESS_KEYS),
    ),
    build=_options,
)
