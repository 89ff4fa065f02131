"""How the configuration says where a directory answers and who signs in; triggers of all kinds of directories share it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from autosync.directory.errors import BadName
from autosync.directory.names import parse_name
from autosync.directory.servers import Access, Server, parse_server
from autosync.directory.sign_in import Anonymous, External, Mechanism, SignIn, Simple, Windows
from autosync.directory.tls import Trust
from autosync.options.blocks import Block, Built, Key, ListOf, Values
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, choice, duration, flag, maybe, place, read_text, secret, text
from autosync.ports.secrets import SecretReference, SecretSource


class Method(StrEnum):
    """How to sign in."""

    NEGOTIATE = "negotiate"
    KERBEROS = "kerberos"
    NTLM = "ntlm"
    SIMPLE = "simple"
    CERTIFICATE = "certificate"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who signs in. Without a user it is the service's own account (Kerberos, or SSPI on Windows)."""

    method: Method = Method.NEGOTIATE
    user: str | None = None
    password: SecretReference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryAccess:
    """Where a directory answers, whom we trust, and who we are; secrets still as references."""

    servers: tuple[Server, ...]
    account: Account = Account()
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    time_limit: timedelta = timedelta(seconds=60)

    def opened(self, secrets: SecretSource) -> Access:
        """Return what the directory client needs; raise ``ConfigError`` for a secret that is not there."""
        return Access(
            servers=self.servers,
            who=_who(self.account, secrets),
            trust=Trust(ca_file=self.ca, certificate=self.certificate, key=self.key),
            timeout_s=self.time_limit.total_seconds(),
        )


_MECHANISMS: Final[Mapping[Method, Mechanism]] = {
    Method.NEGOTIATE: Mechanism.NEGOTIATE,
    Method.KERBEROS: Mechanism.KERBEROS,
    Method.NTLM: Mechanism.NTLM,
}


def _who(account: Account, secrets: SecretSource) -> SignIn:
    password = None if account.password is None else secrets.find(str(account.password)).reveal()
    match account.method:
        case Method.ANONYMOUS:
            return Anonymous()
        case Method.CERTIFICATE:
            return External()
        case Method.SIMPLE:
            return Simple(account.user or "", password or "")
        case _:
            return Windows(user=account.user, password=password, mechanism=_MECHANISMS[account.method])


_TEXT: Final = maybe(text())
_FILE: Final = maybe(place())
_SECRET: Final = maybe(secret())

USER: Final = Key("user", _TEXT, None, "The account: DOMAIN\\user, user@domain, or a DN for simple.")
PASSWORD: Final = Key("password", _SECRET, None, "Where its password is kept.")
METHOD: Final = Key(
    "method",
    choice(Method),
    Method.NEGOTIATE,
    "How it signs in: negotiate, kerberos and ntlm as a Windows account, simple with name and password (over TLS).",
)


def _account(values: Values, at: Place) -> Account:
    method = values[METHOD]
    if method is Method.SIMPLE and not (values[USER] and values[PASSWORD]):
        raise Wrong("method: simple needs user and password")
    if (values[USER] is None) != (values[PASSWORD] is None) and method is not Method.KERBEROS:
        at.wrong("user and password belong together; without both, the service's own account signs in")
    return Account(method=method, user=values[USER], password=values[PASSWORD])


def _read_server(value: object, _: Place) -> str:
    written = read_text(value)
    try:
        parse_server(written)
    except ValueError as error:
        raise Wrong(str(error)) from None
    return written


def read_dn(value: object, _: Place) -> str:
    """Return a distinguished name as written; raise ``Wrong``."""
    written = read_text(value)
    try:
        parse_name(written)
    except BadName as error:
        raise Wrong(str(error)) from None
    return written


SERVER: Final = Scalar(
    says="a host name (LDAPS), ldaps://host:port or ldap://host",
    schema={"type": "string", "minLength": 1},
    parse=_read_server,
    plain=str,
)
DN: Final = maybe(
    Scalar(says="a distinguished name", schema={"type": "string", "minLength": 3}, parse=read_dn, plain=str)
)
SIGN_IN: Final = Key(
    "sign-in",
    Built(block=Block(doc="Who signs in to the directory.", keys=(USER, PASSWORD, METHOD)), build=_account),
    Account(),
    "Who signs in; the service's own account unless given.",
)
START_TLS: Final = Key("start-tls", flag(), False, "Whether ldap:// addresses start TLS before anything else.")
CA: Final = Key("ca", _FILE, None, "A file of certificates to check the servers' against; the system's unless given.")
CERTIFICATE: Final = Key("certificate", _FILE, None, "Our own certificate (PEM), for method: certificate.")
KEY: Final = Key("key", _FILE, None, "The private key of our certificate (PEM).")
TIME_LIMIT: Final = Key(
    "time-limit", duration(timedelta(seconds=1)), timedelta(seconds=60), "How long an answer may take."
)

ACCESS_KEYS: Final = (SIGN_IN, START_TLS, CA, CERTIFICATE, KEY, TIME_LIMIT)


def servers_key(name: str, doc: str) -> Key[tuple[str, ...]]:
    """Return the key that names the servers, under the word that the kind uses for it."""
    return Key(name, ListOf(item=SERVER, one_alone=True), (), doc, required=True)


def access_of(values: Values, servers: Key[tuple[str, ...]]) -> DirectoryAccess:
    """Return the access that a block's values describe; raise ``Wrong``."""
    if not values[servers]:
        raise Wrong(f"{servers.name} is empty; name at least one server")
    account = values[SIGN_IN]
    assert account is not None
    return DirectoryAccess(
        servers=tuple(parse_server(each, start_tls=values[START_TLS]) for each in values[servers]),
        account=account,
        ca=values[CA],
        certificate=values[CERTIFICATE],
        key=values[KEY],
        time_limit=values[TIME_LIMIT],
    )
