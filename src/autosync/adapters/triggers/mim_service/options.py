"""How a MIM Service is asked, and how often; and how that is written in the configuration."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from autosync.adapters.triggers.mim_service.requests import SYNCHRONIZATION_ACCOUNT
from autosync.options.account import Account, account
from autosync.options.blocks import Block, Built, Key, ListOf, Values
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, duration, maybe, place, read_text

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MimServiceOptions:
    """Options of ``type: mim-service``."""

    rest: str
    """The Lithnet REST service, as ``https://mimservice.corp.example/v2``."""
    sign_in: Account | None = None
    ca: str | None = None
    """A file of certificates that its certificate is checked against, instead of the system's."""
    ignore_creators: tuple[str, ...] = (SYNCHRONIZATION_ACCOUNT,)
    every: timedelta = timedelta(seconds=10)
    time_limit: timedelta = timedelta(seconds=30)


def _read_address(value: object, _: Place) -> str:
    address = read_text(value).rstrip("/")
    if not re.fullmatch(r"https?://[^/\s@]+(/\S*)?", address):
        raise Wrong("expected the address of the REST service, such as https://mimservice.corp.example/v2")
    return address


def _read_id(value: object, _: Place) -> str:
    written = read_text(value)
    if not _ID.fullmatch(written):
        raise Wrong("expected the ObjectID of a person in the portal, such as fb89aefa-5ea1-47f1-8890-abe7797d6497")
    return written.lower()


_FILE: Final = maybe(place())

REST: Final = Key(
    "rest",
    Scalar(says="an address", schema={"type": "string", "pattern": "^https?://"}, parse=_read_address, plain=str),
    "",
    "The Lithnet REST service for the MIM Service, with its version: https://mimservice.corp.example/v2.",
    required=True,
)
SIGN_IN: Final = Key(
    "sign-in",
    account("An account for Windows sign-in."),
    None,
    "The account that asks; the service's own unless given.",
)
CA: Final = Key("ca", _FILE, None, "A file of certificates to check the server's against; the system's unless given.")
IGNORE: Final = Key(
    "ignore-creators",
    ListOf(
        item=Scalar(says="an ObjectID", schema={"type": "string", "pattern": _ID.pattern}, parse=_read_id, plain=str)
    ),
    (SYNCHRONIZATION_ACCOUNT,),
    "Whose requests do not count: the built-in synchronization account unless given, since exports are requests, too.",
)
EVERY: Final = Key("every", duration(timedelta(seconds=1)), timedelta(seconds=10), "How often to ask.")
TIME_LIMIT: Final = Key(
    "time-limit", duration(timedelta(seconds=1)), timedelta(seconds=30), "How long an answer may take."
)


def _options(values: Values, _: Place) -> MimServiceOptions:
    return MimServiceOptions(
        rest=values[REST],
        sign_in=values[SIGN_IN],
        ca=None if values[CA] is None else str(values[CA]),
        ignore_creators=values[IGNORE],
        every=values[EVERY],
        time_limit=values[TIME_LIMIT],
    )


SHAPE: Final = Built(
    block=Block(
        doc="Fires when requests in the MIM Service were completed.",
        keys=(REST, SIGN_IN, CA, IGNORE, EVERY, TIME_LIMIT),
    ),
    build=_options,
)
