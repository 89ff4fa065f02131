"""How the configuration says which Windows server is asked, how it is reached, and as whom.

The engine on a synchronization server, scripts that run on another machine and the portal's trigger share it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from autosync.options.blocks import Block, Built, Key, Values
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, choice, flag, maybe, place, read_text, secret, text, whole
from autosync.ports.secrets import Secret, SecretReference, SecretSource
from autosync.windows_remoting.target import (
    DEFAULT_SESSION,
    HTTP_PORT,
    HTTPS_PORT,
    Method,
    SignIn,
    Target,
    Tls,
    plain_fingerprint,
)

_HOST: Final = re.compile(r"[A-Za-z0-9_.:-]{1,253}")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")


class Transport(StrEnum):
    """What carries the messages."""

    HTTPS = "https"
    HTTP = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInOptions:
    """Who signs in; secrets are references."""

    method: Method = Method.NEGOTIATE
    user: str = ""
    password: SecretReference | None = None
    certificate: Path | None = None
    key: Path | None = None
    key_password: SecretReference | None = None

    def resolved(self, secrets: SecretSource) -> SignIn:
        """Return it with its secrets. Raises ``ConfigError`` for one that is not there."""
        return SignIn(
            method=self.method,
            user=self.user,
            password=_found(self.password, secrets),
            certificate=self.certificate,
            key=self.key,
            key_password=_found(self.key_password, secrets),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsHost:
    """How to reach one server."""

    server: str
    transport: Transport = Transport.HTTPS
    port: int = HTTPS_PORT
    sign_in: SignInOptions = SignInOptions()
    ca: Path | None = None
    fingerprint: str = ""
    session: str = DEFAULT_SESSION

    def __str__(self) -> str:
        """Return it for people who look at what changes: everything that they can have written, and no secret."""
        sign_in = self.sign_in
        named = {
            "as": sign_in.user or sign_in.certificate,
            "by": sign_in.method if sign_in.method is not Method.NEGOTIATE else "",
            "password": sign_in.password,
            "key": sign_in.key,
            "key-password": sign_in.key_password,
            "ca": self.ca,
            "fingerprint": self.fingerprint,
            "session": self.session if self.session != DEFAULT_SESSION else "",
        }
        said = "".join(f" {name} {value}" for name, value in named.items() if value)
        return f"{self.transport}://{self.server}:{self.port}{said}"

    @property
    def tls(self) -> Tls | None:
        """Return how its certificate is checked; None without TLS."""
        return Tls(ca=self.ca, fingerprint=self.fingerprint) if self.transport is Transport.HTTPS else None

    def target(self, secrets: SecretSource) -> Target:
        """Return what remoting needs. Raises ``ConfigError`` for a secret that is not there."""
        return Target(
            host=self.server,
            port=self.port,
            tls=self.tls,
            sign_in=self.sign_in.resolved(secrets),
            session=self.session,
        )


def _found(reference: SecretReference | None, secrets: SecretSource) -> Secret | None:
    return secrets.find(str(reference)) if reference is not None else None


def _read_host(value: object, _: Place) -> str:
    host = read_text(value).strip()
    if not _HOST.fullmatch(host):
        raise Wrong("expected the server's name alone, such as sync01.corp.example; port: and transport: are keys")
    return host


def _read_fingerprint(value: object, _: Place) -> str:
    digits = plain_fingerprint(read_text(value))
    if not _FINGERPRINT.fullmatch(digits):
        raise Wrong(
            "expected a SHA-256 fingerprint, 64 hexadecimal digits, not the thumbprint that Windows shows; on the server: "
            "(Get-Item Cert:\\LocalMachine\\My\\<thumbprint>).GetCertHashString('SHA256')"
        )
    return digits


_FILE: Final = maybe(place())
_SECRET: Final = maybe(secret())
_TEXT: Final = maybe(text())
_PORT: Final = maybe(whole(1, 65535))

_KERBEROS: Final = Key("kerberos", flag(), False, "The same as method: kerberos.")
_METHOD: Final = Key(
    "method",
    choice(Method),
    Method.NEGOTIATE,
    "negotiate takes Kerberos where it is possible, else NTLM. certificate needs https and certificate:.",
)
_USER: Final = Key("user", _TEXT, None, "The account, as DOMAIN\\user or user@domain; the service's own unless given.")
_PASSWORD: Final = Key("password", _SECRET, None, "Where its password is kept.")
_CERTIFICATE: Final = Key("certificate", _FILE, None, "A client certificate that the server maps to an account: PEM.")
_KEY: Final = Key("key", _FILE, None, "Its private key, PEM; in the certificate's file unless given.")
_KEY_PASSWORD: Final = Key("key-password", _SECRET, None, "Where the password of the key is kept.")


def _sign_in(values: Values, at: Place) -> SignInOptions:
    method, user, password = values[_METHOD], values[_USER] or "", values[_PASSWORD]
    if values[_KERBEROS]:
        if values.has(_METHOD) and method is not Method.KERBEROS:
            at.at("method").wrong(f"kerberos: true and method: {method} say different things; leave one out")
        method = Method.KERBEROS
    if method is Method.CERTIFICATE:
        for key in (_USER, _PASSWORD):
            if values.has(key):
                at.at(key.name).wrong("with method: certificate the certificate says who signs in", on_key=True)
        if values[_CERTIFICATE] is None:
            at.wrong("method: certificate needs certificate:, a PEM file")
    else:
        _check_account(values, at)
    return SignInOptions(
        method=method,
        user=user,
        password=password,
        certificate=values[_CERTIFICATE],
        key=values[_KEY],
        key_password=values[_KEY_PASSWORD],
    )


def _check_account(values: Values, at: Place) -> None:
    if values[_USER] is not None and values[_PASSWORD] is None:
        at.wrong("password is missing: say where it is kept; or leave out user, and the service's own account signs in")
    if values[_USER] is None and values[_PASSWORD] is not None:
        at.wrong("user is missing")
    for key in (_CERTIFICATE, _KEY, _KEY_PASSWORD):
        if values.has(key):
            at.at(key.name).wrong("this needs method: certificate", on_key=True)


SERVER: Final = Key(
    "server",
    Scalar(
        says="a host name",
        schema={"type": "string", "pattern": f"^{_HOST.pattern}$"},
        parse=_read_host,
        plain=str,
    ),
    "",
    "The server, as its certificate and Kerberos name it.",
)
TRANSPORT: Final = Key(
    "transport",
    choice(Transport),
    Transport.HTTPS,
    "https needs a certificate on the server. With http each message is encrypted with the key of the sign-in.",
)
PORT: Final = Key(
    "port", _PORT, None, f"Where WinRM listens: {HTTPS_PORT}, with transport: http {HTTP_PORT}.", unit="TCP port"
)
SIGN_IN: Final[Key[SignInOptions]] = Key(
    "sign-in",
    Built(
        block=Block(
            doc="Who signs in to the server; the service's own account unless it says otherwise.",
            keys=(_KERBEROS, _METHOD, _USER, _PASSWORD, _CERTIFICATE, _KEY, _KEY_PASSWORD),
        ),
        build=_sign_in,
    ),
    SignInOptions(),
    "Who signs in to the server; the service's own account unless given.",
)
CA: Final = Key(
    "ca", _FILE, None, "A file of certificates that the server's is checked against; the system's unless given."
)
FINGERPRINT: Final = Key(
    "fingerprint",
    Scalar(
        says="64 hexadecimal digits; colons and spaces between them are allowed",
        schema={"type": "string", "pattern": "^([0-9A-Fa-f]{2}[: ]?){32}$"},
        parse=_read_fingerprint,
        plain=str,
    ),
    "",
    "SHA-256 of the one certificate that is accepted, whoever issued it; instead of ca.",
)
SESSION: Final = Key(
    "session-configuration",
    text(),
    DEFAULT_SESSION,
    "The PowerShell session configuration that is opened there. PowerShell 7 has one of its own, PowerShell.7.",
)
KEYS: Final[tuple[Key[Any], ...]] = (SERVER, TRANSPORT, PORT, SIGN_IN, CA, FINGERPRINT, SESSION)
"""The keys, for a block of their own or another's."""


def host_of(values: Values, at: Place) -> WindowsHost:
    """Return the server of a block that has ``KEYS``, and note what does not fit together."""
    transport, sign_in = values[TRANSPORT], values[SIGN_IN]
    if transport is Transport.HTTP:
        for key in (CA, FINGERPRINT):
            if values.has(key):
                at.at(key.name).wrong("this needs transport: https", on_key=True)
        if sign_in.method is Method.CERTIFICATE:
            at.at("transport").wrong("method: certificate needs https")
    if values.has(CA) and values.has(FINGERPRINT):
        at.at("fingerprint").wrong("give ca or fingerprint: a pinned certificate is not checked against authorities")
    return WindowsHost(
        server=values[SERVER],
        transport=transport,
        port=values[PORT] or (HTTP_PORT if transport is Transport.HTTP else HTTPS_PORT),
        sign_in=sign_in,
        ca=values[CA],
        fingerprint=values[FINGERPRINT],
        session=values[SESSION],
    )


def host_key(doc: str) -> Key[WindowsHost | None]:
    """Return the key ``host``: a server in a block of its own, or none."""
    block = Block(doc="A Windows server, and who signs in there.", keys=(replace(SERVER, required=True), *KEYS[1:]))
    shape: Built[WindowsHost | None] = Built(block=block, build=host_of)
    return Key("host", shape, None, doc)


def refuse_beside_host(values: Values, at: Place, keys: Iterable[Key[Any]]) -> None:
    """Note every key that only a program on this machine has."""
    for key in keys:
        if values.has(key):
            at.at(key.name).wrong(
                "with host: the script runs over there, in what session-configuration names", on_key=True
            )
