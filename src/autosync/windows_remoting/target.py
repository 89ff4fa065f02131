"""Which server, how it is reached, and as whom: values, with every secret resolved."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from autosync.ports.secrets import Secret

HTTPS_PORT: Final = 5986
HTTP_PORT: Final = 5985
SERVICE: Final = "host"
"""Whose tickets are asked for: its principal exists for every computer of a domain; HTTP's may be a web server's account."""
DEFAULT_SESSION: Final = "Microsoft.PowerShell"


class Method(StrEnum):
    """How to sign in."""

    NEGOTIATE = "negotiate"
    """Kerberos where it is possible, else NTLM."""
    KERBEROS = "kerberos"
    NTLM = "ntlm"
    CERTIFICATE = "certificate"
    """A client certificate that the server maps to an account; over TLS only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Who signs in. Without a user it is the account that AutoSync runs as: SSPI on Windows, a ticket cache elsewhere."""

    method: Method = Method.NEGOTIATE
    user: str = ""
    r"""``DOMAIN\user`` or ``user@domain``."""
    password: Secret | None = None
    certificate: Path | None = None
    """PEM, with what is between it and its root."""
    key: Path | None = None
    """PEM; in the certificate's file unless given."""
    key_password: Secret | None = None

    @property
    def name(self) -> str:
        """Return who that is, for people."""
        if self.method is Method.CERTIFICATE:
            return f"the holder of {self.certificate}"
        return self.user or "the account that AutoSync runs as"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How the server's certificate is checked. There is no way to check nothing."""

    ca: Path | None = None
    """Certificates to check it against; the system's unless given."""
    fingerprint: str = ""
    """SHA-256 of the one certificate that is accepted, whoever issued it: 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server that listens for WS-Management."""

    host: str
    port: int = HTTPS_PORT
    tls: Tls | None = field(default_factory=Tls)
    """None: HTTP; every message is then encrypted with the key of the sign-in."""
    sign_in: SignIn = field(default_factory=SignIn)
    session: str = DEFAULT_SESSION
    """The session configuration for PowerShell."""

    @property
    def name(self) -> str:
        """Return host and port, for people."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the address of WS-Management."""
        return f"{'https' if self.tls is not None else 'http'}://{self.name}/wsman"


def plain_fingerprint(text: str) -> str:
    """Return a fingerprint without the colons or spaces that tools put between its bytes."""
    return "".join(text.replace(":", " ").split()).lower()
