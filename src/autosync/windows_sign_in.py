"""What signing in as a Windows account needs on any connection: its tie to TLS (RFC 5929), and its words in HTTP (RFC 4559).

It knows nothing of AutoSync. The libraries take their time: they are loaded where somebody really signs in.
"""

import base64
import binascii
import ssl
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm
    from spnego.channel_bindings import GssChannelBindings

_WEAK: Final = frozenset({"md5", "sha1"})


def certificate_of(connection: object) -> bytes | None:
    """Return what the other end of a TLS connection showed (DER); None without TLS."""
    return connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket | ssl.SSLObject) else None


def binding_to(certificate: bytes | None) -> "GssChannelBindings | None":
    """Return what ties a sign-in to the connection on which this certificate was shown; None without one."""
    if certificate is None:
        return None
    from spnego.channel_bindings import GssChannelBindings  # noqa: PLC0415 - see above

    return GssChannelBindings(application_data=end_point(certificate))


def end_point(certificate: bytes) -> bytes:
    """Return the channel binding ``tls-server-end-point`` of a certificate (RFC 5929 section 4.1)."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - see above

    digest = hashes.Hash(_algorithm(certificate))
    digest.update(certificate)
    return b"tls-server-end-point:" + digest.finalize()


def _algorithm(certificate: bytes) -> "HashAlgorithm":
    """Return the hash of the certificate's signature; SHA-256 for a weak one, and for those that have none of their own."""
    from cryptography import x509  # noqa: PLC0415 - see above
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

    try:
        found = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        found = None
    return hashes.SHA256() if found is None or found.name in _WEAK else found


def scheme_among(challenges: Iterable[str], wanted: Sequence[str]) -> str | None:
    """Return the first wanted scheme that a server offers in ``WWW-Authenticate``; None where it offers none of them."""
    names = offered(challenges)
    return next((scheme for scheme in wanted if scheme.casefold() in names), None)


def offered(challenges: Iterable[str]) -> frozenset[str]:
    """Return all schemes that a server offers, in lower case."""
    return frozenset(name.casefold() for name, _ in _parts(challenges) if name)


def token_among(challenges: Iterable[str], scheme: str) -> bytes | None:
    """Return what the server said in a scheme; None where it said nothing. Raises ``ValueError``: not Base64."""
    for name, value in _parts(challenges):
        if name.casefold() == scheme.casefold() and value:
            try:
                return base64.b64decode(value, validate=True)
            except binascii.Error as error:
                raise ValueError(f"the server's {scheme} token is no Base64") from error
    return None


def authorization(scheme: str, token: bytes) -> str:
    """Return the header that answers."""
    return f"{scheme} {base64.b64encode(token).decode('ascii')}"


def _parts(challenges: Iterable[str]) -> Iterator[tuple[str, str]]:
    for each in challenges:
        for part in each.split(","):
            name, _, value = part.strip().partition(" ")
            yield name, value.strip()
