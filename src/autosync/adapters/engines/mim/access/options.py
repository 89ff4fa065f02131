"""How a synchronization server is reached, as the configuration says it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from autosync.options.blocks import Block, Built, Key, Values
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, choice, flag, maybe, place, read_text, secret, text, whole
from autosync.ports.secrets import SecretReference
from autosync.windows_remoting.target import DEFAULT_SESSION, HTTP_PORT, HTTPS_PORT, Method, plain_fingerprint

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


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessOptions:
    """How to reach one server."""

    server: str = ""
    local: bool = False
    """Whether AutoSync runs on the server itself and asks it by COM."""
    transport: Transport = Transport.HTTPS
    port: int = HTTPS_PORT
    sign_in: SignInOptions = SignInOptions()
    ca: Path | None = None
    fingerprint: str = ""
    session: str = DEFAULT_SESSION
    tools: bool = True


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
    "The synchronization server, as its certificate and Kerberos name it.",
)
LOCAL: Final = Key(
    "local", flag(), False, "AutoSync runs on the synchronization server itself and asks it by COM; Windows only."
)
TRANSPORT: Final = Key(
    "transport",
    choice(Transport),
    Transport.HTTPS,
    "https needs a certificate on the server. With http each message is encrypted with the key of the sign-in.",
)
PORT: Final = Key("port", _PORT, None, f"Where WinRM listens: {HTTPS_PORT}, with transport: http {HTTP_PORT}.")
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
    "The PowerShell session configuration for maexport and csexport. One of your own must have the functions of AutoSync's "
    "bridge.ps1.",
)
TOOLS: Final = Key(
    "command-line-tools",
    flag(),
    True,
    "Whether maexport and csexport are used. Without them, run profiles are learned from the run history, and pending changes "
    "are counted by agent, not by partition.",
)
KEYS: Final[tuple[Key[Any], ...]] = (
    SERVER,
    LOCAL,
    TRANSPORT,
    PORT,
    SIGN_IN,
    CA,
    FINGERPRINT,
    SESSION,
    TOOLS,
)
"""The keys, for the engine's own block."""


def access_of(values: Values, at: Place) -> AccessOptions:
    """Return the options of a block that has ``KEYS``, and note what does not fit together."""
    transport, sign_in, server = values[TRANSPORT], values[SIGN_IN], values[SERVER]
    if values[LOCAL]:
        _check_local(values, at)
    elif not server:
        at.wrong("server is missing: its name; or local: true where AutoSync runs on the server itself")
    if transport is Transport.HTTP:
        for key in (CA, FINGERPRINT):
            if values.has(key):
                at.at(key.name).wrong("this needs transport: https", on_key=True)
        if sign_in.method is Method.CERTIFICATE:
            at.at("transport").wrong("method: certificate needs https")
    if values.has(CA) and values.has(FINGERPRINT):
        at.at("fingerprint").wrong("give ca or fingerprint: a pinned certificate is not checked against authorities")
    return AccessOptions(
        server=server,
        local=values[LOCAL],
        transport=transport,
        port=values[PORT] or (HTTP_PORT if transport is Transport.HTTP else HTTPS_PORT),
        sign_in=sign_in,
        ca=values[CA],
        fingerprint=values[FINGERPRINT],
        session=values[SESSION],
        tools=values[TOOLS],
    )


def _check_local(values: Values, at: Place) -> None:
    for key in (SERVER, TRANSPORT, PORT, SIGN_IN, CA, FINGERPRINT, SESSION):
        if values.has(key):
            at.at(key.name).wrong("with local: true AutoSync asks its own machine, as its own account", on_key=True)
