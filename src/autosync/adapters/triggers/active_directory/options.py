"""What an Active Directory trigger watches, and what it passes over."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from autosync.adapters.directory_access import ACCESS_KEYS, DN, DirectoryAccess, access_of, servers_key
from autosync.options.blocks import Block, Built, Key, ListOf, Values
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, choice, duration, flag, read_text

LOGON_ATTRIBUTES: Final = (
    "lastLogon",
    "lastLogonTimestamp",
    "lastLogoff",
    "logonCount",
    "badPwdCount",
    "badPasswordTime",
    "msDS-LastSuccessfulInteractiveLogonTime",
    "msDS-LastFailedInteractiveLogonTime",
    "msDS-FailedInteractiveLogonCount",
    "msDS-FailedInteractiveLogonCountAtLastSuccessfulLogon",
)
"""What a sign-in writes; no identity data."""


class Way(StrEnum):
    """How it is found out what changed."""

    AUTO = "auto"
    DIRSYNC = "dirsync"
    USN = "usn"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveDirectoryOptions:
    """Options of ``type: active-directory``."""

    access: DirectoryAccess
    base: str | None = None
    object_classes: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    ignore_attributes: tuple[str, ...] = LOGON_ATTRIBUTES
    way: Way = Way.AUTO
    listen: bool = True
    every: timedelta = timedelta(seconds=60)
    gather: timedelta = timedelta(milliseconds=300)
    """How long notifications are gathered before the directory is asked: a busy domain has hundreds a second."""


def _schema_name(value: object, _: Place) -> str:
    name = read_text(value)
    if not name.replace("-", "").isalnum() or not name.isascii():
        raise Wrong(f"{name!r} is no name of the schema; write it like telephoneNumber")
    return name


_NAME: Final = Scalar(
    says="a name of the schema",
    schema={"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9-]*$"},
    parse=_schema_name,
    plain=str,
)

SERVERS: Final = servers_key(
    "domain-controllers", "The controllers, in the order in which they are tried; the domain's DNS name is one, too."
)
BASE: Final = Key("base", DN, None, "Where to watch: a DN anywhere in a partition; the domain unless given.")
CLASSES: Final = Key(
    "object-classes",
    ListOf(item=_NAME, one_alone=True),
    (),
    "Which classes count, such as user and group; all unless given. Computers count only where computer is named.",
)
ATTRIBUTES: Final = Key(
    "attributes",
    ListOf(item=_NAME, one_alone=True),
    (),
    "Which attributes count, besides name and place; all unless given.",
)
IGNORE: Final = Key(
    "ignore-attributes",
    ListOf(item=_NAME, one_alone=True),
    LOGON_ATTRIBUTES,
    "Attributes whose changes alone do not count; what a sign-in writes unless given.",
)
WAY: Final = Key(
    "way",
    choice(Way),
    Way.AUTO,
    "How changes are found: dirsync (needs the right to replicate directory changes), usn, or the better that works.",
)
LISTEN: Final = Key("listen", flag(), True, "Whether to be notified of changes, beside asking.")
EVERY: Final = Key(
    "every", duration(timedelta(milliseconds=100)), timedelta(seconds=60), "How often to ask, also when notified."
)
GATHER: Final = Key(
    "gather", duration(), timedelta(milliseconds=300), "How long notifications are gathered before it asks."
)


def _options(values: Values, at: Place) -> ActiveDirectoryOptions:
    if values[ATTRIBUTES] and values.has(IGNORE):
        at.at(IGNORE.name).wrong("either attributes or ignore-attributes; one says it all")
    return ActiveDirectoryOptions(
        access=access_of(values, SERVERS),
        base=values[BASE],
        object_classes=values[CLASSES],
        attributes=values[ATTRIBUTES],
        ignore_attributes=values[IGNORE],
        way=values[WAY],
        listen=values[LISTEN],
        every=values[EVERY],
        gather=values[GATHER],
    )


SHAPE: Final = Built(
    block=Block(
        doc="Fires when something changed in Active Directory or AD LDS.",
        keys=(SERVERS, BASE, CLASSES, ATTRIBUTES, IGNORE, WAY, LISTEN, EVERY, GATHER, *ACCESS_KEYS),
    ),
    build=_options,
)
