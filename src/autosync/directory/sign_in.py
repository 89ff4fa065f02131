"""Signing in to a directory: simple, by certificate, by NTLM or Kerberos (RFC 4513, RFC 4178)."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from autosync import kerberos
from autosync.directory.connection import Connection
from autosync.directory.errors import BadMessage, DirectoryError, SignInFailed
from autosync.directory.results import SASL_BIND_IN_PROGRESS, SUCCESS, Result, result_of
from autosync.windows_sign_in import Exchange, Protecting, Wanted, certificate_of

if TYPE_CHECKING:
    from spnego import ContextProxy

_MOST_ROUNDS: Final = 10
_SERVICE: Final = "ldap"


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody."""


@dataclass(frozen=True, slots=True)
class Simple:
    """A name and a password, in the clear within the connection. Active Directory also takes ``user@domain``."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class External:
    """Whoever the TLS certificate says (SASL EXTERNAL); ``acting_as`` is an authorization id such as ``dn:…``."""

    acting_as: str = ""


class Mechanism(StrEnum):
    """What is offered to the server."""

    NEGOTIATE = "negotiate"
    KERBEROS = "kerberos"
    NTLM = "ntlm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    r"""A Windows account (SASL GSS-SPNEGO). Without ``user`` it is the service's own identity: Kerberos, or SSPI on Windows.

    ``user`` is ``DOMAIN\user`` or ``user@REALM``.
    """

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    mechanism: Mechanism = Mechanism.NEGOTIATE


SignIn: TypeAlias = Anonymous | Simple | External | Windows


async def sign_in(connection: Connection, who: SignIn, host: str, timeout_s: float) -> None:
    """Bind; raise ``SignInFailed``. Without TLS a Windows account's connection is sealed from then on."""
    match who:
        case Anonymous():
            return
        case Simple(name, password):
            if name and not password:
                raise SignInFailed(
                    f"the password for {name} is empty: the directory would take that for an anonymous user"
                )
            result, _ = await _bind(connection, name, ("simple", password.encode("utf-8")), timeout_s)
            _require(result, name)
        case External(acting_as):
            result, _ = await _sasl(connection, "EXTERNAL", acting_as.encode("utf-8"), timeout_s)
            _require(result, "the certificate")
        case Windows():
            await _negotiate(connection, who, host, timeout_s)


class GssSeal:
    """The security layer that a Windows sign-in agreed on."""

    def __init__(self, context: "ContextProxy") -> None:
        self._context = context

    def wrap(self, octets: bytes) -> bytes:
        """Return the octets, encrypted and signed."""
        return self._context.wrap(octets, encrypt=True).data

    def unwrap(self, token: bytes) -> bytes:
        """Return what was sealed; raise ``BadMessage``."""
        try:
            return self._context.unwrap(token).data
        except Exception as error:  # noqa: BLE001 - three libraries' own errors
            raise BadMessage(f"a sealed message cannot be opened ({type(error).__name__})") from None


async def _negotiate(connection: Connection, who: Windows, host: str, timeout_s: float) -> None:
    exchange = Exchange(_wanted(who, host, _certificate(connection)))
    try:
        await _talk(connection, exchange, _account(who), timeout_s)
    except DirectoryError:
        raise
    except ImportError as error:
        message = f"{who.mechanism} needs more than is installed ({error.name}): install autosync-identity[kerberos]"
        raise SignInFailed(message) from None
    except Exception as error:  # noqa: BLE001 - the security libraries' own errors
        known = kerberos.reason(error, account=who.user or "", service=f"{_SERVICE}/{host}")
        words = known or " ".join(str(error).split())[:300]
        raise SignInFailed(f"{_account(who)} cannot sign in by {who.mechanism}: {words}") from None
    if _certificate(connection) is None:
        connection.wire.seal(GssSeal(exchange.context))


async def _talk(connection: Connection, exchange: Exchange, account: str, timeout_s: float) -> None:
    """Pass tokens to and fro until both sides are content; Kerberos asks its own servers meanwhile, in a thread."""
    answer: bytes | None = None
    for _ in range(_MOST_ROUNDS):
        token = await asyncio.to_thread(exchange.step, answer)
        result, answer = await _sasl(connection, "GSS-SPNEGO", token or b"", timeout_s)
        if result.code == SUCCESS:
            if not exchange.is_complete:
                await asyncio.to_thread(exchange.step, answer or b"")
            break
        if result.code != SASL_BIND_IN_PROGRESS:
            _require(result, account, is_secured=_certificate(connection) is not None)
    if not exchange.is_complete:
        raise SignInFailed(f"{account} cannot sign in: the server did not finish the exchange")


def _wanted(who: Windows, host: str, certificate: bytes | None) -> Wanted:
    return Wanted(
        user=who.user,
        password=who.password,
        service=_SERVICE,
        host=host,
        protocol=who.mechanism.value,
        certificate=certificate,
        protecting=Protecting.MESSAGES if certificate is None else Protecting.NOTHING,
    )


def _certificate(connection: Connection) -> bytes | None:
    """Return the server's certificate; None where there is no TLS."""
    return certificate_of(connection.wire.transport.get_extra_info("ssl_object"))


async def _sasl(
    connection: Connection, mechanism: str, credentials: bytes, timeout_s: float
) -> tuple[Result, bytes | None]:
    authentication = ("sasl", {"mechanism": mechanism.encode("ascii"), "credentials": credentials})
    return await _bind(connection, "", authentication, timeout_s)


async def _bind(
    connection: Connection, name: str, authentication: tuple[str, object], timeout_s: float
) -> tuple[Result, bytes | None]:
    fields = {"version": 3, "name": name.encode("utf-8"), "authentication": authentication}
    message = await connection.ask_message(("bindRequest", fields), timeout_s=timeout_s)
    return result_of(message.content, message.controls), message.content.get("serverSaslCreds")


def _require(result: Result, who: str, *, is_secured: bool = False) -> None:
    if result.code != SUCCESS:
        raise SignInFailed(
            f"the directory does not let {who} sign in: {result.say()}{_hint(result, is_secured=is_secured)}",
            result.code,
        )


def _hint(result: Result, *, is_secured: bool) -> str:
    """Return a way out where there is a usual one (RFC 4511 appendix A; Active Directory's sub-codes of 49).

    ``is_secured``: a Windows account was refused although there is TLS, which Samba does unless its configuration says
    ``ldap server require strong auth = allow_sasl_over_tls``.
    """
    sub_codes = {"data 52e": "wrong password", "data 525": "no such account", "data 533": "the account is disabled",
        "data 532": "the password has expired", "data 701": "the account has expired",
        "data 773": "the password must be changed first", "data 775": "the account is locked"}  # fmt: skip
    for code, words in sub_codes.items():
        if code in result.diagnostic:
            return f": {words}"
    if result.code not in {8, 13}:
        return ""
    if is_secured:
        return ". It takes no Windows account over TLS: use ldap:// without it, which is then sealed, or method: simple"
    return ". Use ldaps:// or start-tls"


def _account(who: Windows) -> str:
    return who.user or "the service's own account"
