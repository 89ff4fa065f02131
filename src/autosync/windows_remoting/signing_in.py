"""Negotiate over HTTP from the client's side (RFC 4559, MS-WSMV 2.2.9.1): tokens, channel binding, encrypted messages."""

import base64
import binascii
import re
import ssl
from collections.abc import Sequence
from typing import Final

import spnego
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from pypsrp.encryption import WinRMEncryption
from pypsrp.exceptions import WinRMError
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from autosync.windows_remoting.failures import no_such_method, no_ticket
from autosync.windows_remoting.target import SERVICE, Method, Target

CERTIFICATE_SIGN_IN: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""What stands in ``Authorization`` where the TLS client certificate says who it is."""
_SCHEMES: Final = ("Negotiate", "Kerberos")
_BOUNDARY: Final = "Encrypted Boundary"
_WEAK: Final = frozenset({"md5", "sha1"})


class Negotiation:
    """One sign-in on one connection."""

    def __init__(self, target: Target, offered: Sequence[str], connection: object) -> None:
        self.scheme = _scheme(target, offered)
        self._target = target
        sign_in = target.sign_in
        try:
            self._context = spnego.client(
                sign_in.user or None,
                sign_in.password.reveal() if sign_in.password is not None else None,
                hostname=target.host,
                service=SERVICE,
                channel_bindings=_binding(connection),
                protocol=sign_in.method.value,
                options=spnego.NegotiateOptions.wrapping_winrm if target.tls is None else spnego.NegotiateOptions.none,
            )
        except Exception as error:  # noqa: BLE001 (Kerberos libraries raise errors of their own)
            raise no_ticket(error, target) from None

    @property
    def is_complete(self) -> bool:
        """Return whether both sides know each other."""
        return bool(self._context.complete)

    def answer(self, challenges: Sequence[str]) -> str | None:
        """Return the next ``Authorization`` for what the server said; None when there is nothing more to say."""
        try:
            token = self._context.step(self._token(challenges))
        except Exception as error:  # noqa: BLE001 (as above)
            raise no_ticket(error, self._target) from None
        return f"{self.scheme} {base64.b64encode(token).decode('ascii')}" if token else None

    def has_token(self, challenges: Sequence[str]) -> bool:
        """Return whether the server goes on with the sign-in."""
        return self._token(challenges) is not None

    def _token(self, challenges: Sequence[str]) -> bytes | None:
        for each in challenges:
            for part in each.split(","):
                name, _, value = part.strip().partition(" ")
                if name.casefold() == self.scheme.casefold() and value.strip():
                    try:
                        return base64.b64decode(value.strip(), validate=True)
                    except binascii.Error as error:
                        raise no_ticket(error, self._target) from None
        return None

    def encryption(self) -> "Encryption":
        """Return what encrypts messages from now on."""
        is_kerberos = self.scheme == "Kerberos"
        return Encryption(self._context, WinRMEncryption.KERBEROS if is_kerberos else WinRMEncryption.SPNEGO)


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


def _scheme(target: Target, offered: Sequence[str]) -> str:
    names = {part.strip().partition(" ")[0].casefold() for each in offered for part in each.split(",")}
    allowed = _SCHEMES if target.sign_in.method is not Method.NTLM else _SCHEMES[:1]
    for scheme in allowed:
        if scheme.casefold() in names:
            return scheme
    raise no_such_method(", ".join(sorted(name for name in names if name)), target)


def _binding(connection: object) -> GssChannelBindings | None:
    """Return what ties the sign-in to this TLS connection (RFC 5929, ``tls-server-end-point``); None without TLS."""
    if not isinstance(connection, ssl.SSLSocket):
        return None
    certificate = connection.getpeercert(binary_form=True)
    if certificate is None:
        return None
    digest = hashes.Hash(_algorithm(certificate))
    digest.update(certificate)
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest.finalize())


def _algorithm(certificate: bytes) -> hashes.HashAlgorithm:
    try:
        found = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        found = None
    return hashes.SHA256() if found is None or found.name in _WEAK else found
