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
from autosync.options.windows_host import WindowsHost, host_key

LOCAL_SERVICE: Final = "http://localhost:5725"
"""Where a MIM Service listens on its own server."""

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MimServiceOptions:
    """Options of ``type: mim-service``."""

    host: WindowsHost | None = None
    """The server of the MIM Service, asked through PowerShell remoting; None: ``rest`` is asked."""
    service: str = LOCAL_SERVICE
    """The address of the MIM Service as ``host`` sees it."""
    rest: str = ""
    """The Lithnet REST service, as ``https://mimservice.corp.example/v2``."""
    sign_in: Account | None = None
    """Who asks the service; with ``host``, unless given, who signs in there."""
    ca: str | None = None
    """A file of certificates that its certificate is checked against, instead of the system's."""
    ignore_creators: tuple[str, ...] = (SYNCHRONIZATION_ACCOUNT,)
    every: timedelta = timedelta(seconds=10)
    time_limit: timedelta = timedelta(seconds=30)


def _address(of: str, example: str) -> Scalar[str]:
    def read(value: object, _: Place) -> str:
        address = read_text(value).rstrip("/")
        if not re.fullmatch(r"https?://[^/\s@]+(/\S*)?", address):
            raise Wrong(f"expected the address of {of}, such as {example}")
        return address

    return Scalar(says="an address", schema={"type": "string", "pattern": "^https?://"}, parse=read, plain=str)


def _read_id(value: object, _: Place) -> str:
    written = read_text(value)
    if not _ID.fullmatch(written):
        raise Wrong("expected the ObjectID of a person in the portal, such as fb89aefa-5ea1-47f1-8890-abe7797d6497")
    return written.lower()


_FILE: Final = maybe(place())

HOST: Final = host_key(
    "The server of the MIM Service, asked over PowerShell remoting with the FIMAutomation snap-in: this or rest."
)
SERVICE: Final = Key(
    "service",
    _address("the MIM Service", LOCAL_SERVICE),
    LOCAL_SERVICE,
    "The address of the MIM Service, as host sees it.",
)
REST: Final = Key(
    "rest",
    _address("the REST service", "https://mimservice.corp.example/v2"),
    "",
    "The Lithnet REST service for the MIM Service, with its version: https://mimservice.corp.example/v2. This or host.",
)
SIGN_IN: Final = Key(
    "sign-in",
    account("An account for Windows sign-in."),
    None,
    "The account that asks the service: with rest, AutoSync's own unless given; with host, the one that signs in there.",
)
CA: Final = Key("ca", _FILE, None, "A file of certificates to check that of rest against; the system's unless given.")
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


def _options(values: Values, at: Place) -> MimServiceOptions:
    _check(values, at)
    return MimServiceOptions(
        host=values[HOST],
        service=values[SERVICE],
        rest=values[REST],
        sign_in=values[SIGN_IN],
        ca=None if values[CA] is None else str(values[CA]),
        ignore_creators=values[IGNORE],
        every=values[EVERY],
        time_limit=values[TIME_LIMIT],
    )


def _check(values: Values, at: Place) -> None:
    if values[HOST] is None and not values[REST]:
        at.wrong(
            "host is missing: the server of the MIM Service, which is asked over PowerShell remoting; or rest: the address of "
            "the Lithnet REST service"
        )
    if values[HOST] is not None and values[REST]:
        at.at(REST.name).wrong("give host or rest: one way to ask is enough", on_key=True)
    if values[HOST] is not None and values.has(CA):
        at.at(CA.name).wrong("this is for rest; with host it stands under host", on_key=True)
    if values[REST] and values.has(SERVICE):
        at.at(SERVICE.name).wrong("this needs host", on_key=True)


SHAPE: Final = Built(
    block=Block(
        doc="Fires when requests in the MIM Service were completed.",
        keys=(HOST, SERVICE, REST, SIGN_IN, CA, IGNORE, EVERY, TIME_LIMIT),
    ),
    build=_options,
)
