"""The ``service`` block: the service itself."""

import re
from datetime import timedelta
from pathlib import Path as FilePath
from typing import Final
from urllib.parse import urlsplit

from autosync.config.spec import Address, LogLevel, ServiceSpec, StoreSpec
from autosync.options.blocks import Block, Built, Key, Values
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, choice, duration, flag, read_text, zone
from autosync.options.words import or_known, quoted
from autosync.ports.secrets import HOW_TO_REFER

DEFAULT_LISTEN: Final = Address(host="127.0.0.1", port=8480)
DEFAULT_STORE: Final = StoreSpec(scheme="sqlite", location="autosync.db")
DEFAULT_TOKEN_FILE: Final = FilePath("autosync.token")

_LOOPBACK: Final = re.compile(r"127(\.\d{1,3}){3}|::1|localhost")
_HOST: Final = re.compile(r"[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_DRIVE: Final = re.compile(r"/[A-Za-z]:[/\\]")


def _parse_listen(value: object, at: Place) -> Address:
    host, _, port = (
        str(value) if isinstance(value, int) and not isinstance(value, bool) else read_text(value)
    ).rpartition(":")
    host = host or DEFAULT_LISTEN.host
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535) or not _HOST.fullmatch(host):
        raise Wrong(
            f"{quoted(str(value))} is no address and port; write {DEFAULT_LISTEN}, or {DEFAULT_LISTEN.port} alone"
        )
    address = Address(host=host.strip("[]"), port=int(port))
    if not _LOOPBACK.fullmatch(address.host):
        at.warn(
            f"{address} can be reached from other machines, and the API speaks plain HTTP: put a TLS proxy before it"
        )
    return address


def _parse_store(value: object, at: Place) -> StoreSpec:
    url = read_text(value)
    scheme, colon, rest = url.partition(":")
    known = sorted(at.context.registries.stores)
    if not colon or scheme not in known:
        raise Wrong(
            f"{quoted(scheme)} is no kind of store here{or_known(scheme, known, 'known')}; write sqlite:autosync.db"
        )
    if scheme == "sqlite":
        return StoreSpec(scheme=scheme, location=str(_sqlite_file(rest, at.context.folder)))
    if _has_password(url):
        raise Wrong(f"a password stands in this address; leave it out: {HOW_TO_REFER}")
    return StoreSpec(scheme=scheme, location=rest)


def _sqlite_file(rest: str, folder: FilePath) -> FilePath:
    """Return the file of ``sqlite:autosync.db`` or ``sqlite:///var/lib/autosync/autosync.db``."""
    if rest.startswith("//"):
        rest = rest[2:]
        rest = rest[1:] if _DRIVE.match(rest) else rest
        if not rest.startswith("/") and not _DRIVE.match("/" + rest):
            raise Wrong("sqlite:// needs a whole path (sqlite:///var/lib/a.db); leave // out for one beside this file")
    if not rest.strip():
        raise Wrong("the file is missing; write sqlite:autosync.db")
    return folder / rest


def _has_password(url: str) -> bool:
    try:
        return urlsplit(url).password is not None
    except ValueError:
        return "@" in url


def path(says: str) -> Scalar[FilePath]:
    """Return the shape of a path; a relative one starts in the folder of the configuration file."""
    return Scalar(
        says=says,
        schema={"type": "string", "minLength": 1},
        parse=lambda value, at: at.context.folder / read_text(value),
        plain=str,
    )


_STORE: Final[Scalar[StoreSpec]] = Scalar(
    says="sqlite:file, or sqlite:// and a whole path",
    schema={"type": "string", "minLength": 1},
    parse=_parse_store,
    plain=lambda store: f"{store.scheme}:{store.location}",
)
_LISTEN: Final[Scalar[Address]] = Scalar(
    says="address:port",
    schema={"type": ["string", "integer"], "minLength": 1, "minimum": 0, "maximum": 65535},
    parse=_parse_listen,
    plain=str,
)

TIME_ZONE: Final = Key("time-zone", zone(), "UTC", "Where local times of schedules and exclusions count.")
STORE: Final = Key(
    "store",
    _STORE,
    DEFAULT_STORE,
    "Where requests, runs, holds and tokens are kept. A change needs a restart of the service.",
)
NO_EXPORT: Final = Key("no-export", flag(), False, "Run everything but exports; they wait visibly.")
LISTEN: Final = Key(
    "listen",
    _LISTEN,
    DEFAULT_LISTEN,
    "Where the API listens; port 0 takes any that is free. A change needs a restart of the service.",
)
TOKEN_FILE: Final = Key(
    "token-file",
    path("a file's path"),
    DEFAULT_TOKEN_FILE,
    "The file with the token that API clients show; made at the first start, readable by its owner alone.",
)
RETENTION: Final = Key(
    "retention",
    duration(timedelta(days=1)),
    timedelta(days=90),
    "How long ended runs, facts, decided holds and quiet cascades are kept.",
)
LOG_LEVEL: Final = Key("log-level", choice(LogLevel), LogLevel.INFO, "How much the log tells.")

SERVICE_BLOCK: Final = Block(
    doc="The service itself.", keys=(TIME_ZONE, STORE, NO_EXPORT, LISTEN, TOKEN_FILE, RETENTION, LOG_LEVEL)
)


def build_service(values: Values, at: Place) -> ServiceSpec:
    """Return the service's specification, defaults placed beside the configuration file."""
    folder, store = at.context.folder, values[STORE]
    if store == DEFAULT_STORE:
        store = StoreSpec(scheme=store.scheme, location=str(folder / store.location))
    return ServiceSpec(
        zone=values[TIME_ZONE],
        store=store,
        no_export=values[NO_EXPORT],
        listen=values[LISTEN],
        token_file=folder / values[TOKEN_FILE],
        retention=values[RETENTION],
        log_level=values[LOG_LEVEL],
    )


SERVICE: Final = Built(block=SERVICE_BLOCK, build=build_service)
