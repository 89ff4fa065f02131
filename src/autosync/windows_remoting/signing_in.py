"""Negotiate over HTTP from the client's side (RFC 4559, MS-WSMV 2.2.9.1): its rounds, and messages encrypted with its key."""

import re
from collections.abc import Sequence
from typing import Final

import spnego
from pypsrp.encryption import WinRMEncryption
from pypsrp.exceptions import WinRMError
from spnego.exceptions import SpnegoError

from autosync.windows_remoting.failures import no_such_method, no_ticket
from autosync.windows_remoting.target import SERVICE, Method, Target
from autosync.windows_sign_in import (
    Exchange,
    Protecting,
    Wanted,
    authorization,
    certificate_of,
    offered,
    scheme_among,
    token_among,
)

CERTIFICATE_SIGN_IN: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""What stands in ``Authorization`` where the TLS client certificate says who it is."""
_SCHEMES: Final = ("Negotiate", "Kerberos")
_BOUNDARY: Final = "Encrypted Boundary"


class Negotiation:
    """One sign-in on one connection."""

    def __init__(self, target: Target, challenges: Sequence[str], connection: object) -> None:
        self.scheme = _scheme(target, challenges)
        self._target = target
        sign_in = target.sign_in
        self._exchange = Exchange(
            Wanted(
                user=sign_in.user or None,
                password=sign_in.password.reveal() if sign_in.password is not None else None,
                service=SERVICE,
                host=target.host,
                protocol=sign_in.method.value,
                certificate=certificate_of(connection),
                protecting=Protecting.WINRM if target.tls is None else Protecting.MESSAGES,
            )
        )

    @property
    def is_complete(self) -> bool:
        """Return whether both sides know each other."""
        return self._exchange.is_complete

    def answer(self, challenges: Sequence[str]) -> str | None:
        """Return the next ``Authorization`` for what the server said; None when there is nothing more to say."""
        try:
            token = self._exchange.step(self._token(challenges))
        except Exception as error:  # noqa: BLE001 (Kerberos libraries raise errors of their own)
            raise no_ticket(error, self._target) from None
        return authorization(self.scheme, token) if token else None

    def has_token(self, challenges: Sequence[str]) -> bool:
        """Return whether the server goes on with the sign-in."""
        return self._token(challenges) is not None

    def _token(self, challenges: Sequence[str]) -> bytes | None:
        try:
            return token_among(challenges, self.scheme)
        except ValueError as error:
            raise no_ticket(error, self._target) from None

    def encryption(self) -> "Encryption":
        """Return what encrypts messages from now on."""
        is_kerberos = self.scheme == "Kerberos"
        return Encryption(self._exchange.context, WinRMEncryption.KERBEROS if is_kerberos else WinRMEncryption.SPNEGO)


class Encryption:
    """Messages encrypted with the key of a sign-in: for one connection, in order."""

    def __init__(self, context: spnego.ContextProxy, protocol: str) -> None:
        self._encryption = WinRMEncryption(context, protocol)
        self._protocol = protocol

    def closed(self, message: bytes) -> tuple[str, bytes]:
        """Return content type and payload of a message."""
        kind, payload = self._encryption.wrap_message(message)
        return f'{kind};protocol="{self._protocol}";boundary="{_BOUNDARY}"', payload

    def opened(self, content_type: str, payload: bytes) -> bytes | None:
        """Return the message in a payload; None where it is not one that the server encrypted."""
        if not content_type.startswith(("multipart/encrypted", "multipart/x-multi-encrypted")):
            return None
        found = re.search(r'boundary="([^"]{1,100})"', content_type)
        try:
            return self._encryption.unwrap_message(payload, found.group(1) if found else _BOUNDARY)
        except (SpnegoError, WinRMError, ValueError, IndexError, OSError):
            return None
        except Exception:  # noqa: BLE001 (Kerberos libraries and struct raise errors of their own; all mean: not opened)
            return None


def _scheme(target: Target, challenges: Sequence[str]) -> str:
    allowed = _SCHEMES if target.sign_in.method is not Method.NTLM else _SCHEMES[:1]
    scheme = scheme_among(challenges, allowed)
    if scheme is None:
        raise no_such_method(", ".join(sorted(offered(challenges))), target)
    return scheme
