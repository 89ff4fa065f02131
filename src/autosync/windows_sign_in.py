"""What signing in as a Windows account needs on any connection: tokens, a tie to TLS (RFC 5929), words in HTTP (RFC 4559).

It knows nothing of AutoSync. The libraries take their time: they are loaded where somebody really signs in.
"""

import base64
import binascii
import ssl
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from autosync import kerberos

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm
    from spnego import ContextProxy
    from spnego.channel_bindings import GssChannelBindings

_WEAK: Final = frozenset({"md5", "sha1"})
_NEGOTIATE: Final = "negotiate"
_KERBEROS: Final = "kerberos"
_NTLM: Final = "ntlm"
_NEGOTIATES_ITSELF: Final[bool] = sys.platform == "win32"


class Protecting(Enum):
    """What the key of a sign-in is for afterwards."""

    MESSAGES = "messages"
    """It signs and seals them."""
    WINRM = "winrm"
    """It signs and seals them as WS-Management wants it."""
    NOTHING = "nothing"
    """TLS does; Active Directory refuses a second layer within it (MS-ADTS 5.1.1.1.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    r"""Who signs in, where and how. ``protocol`` is negotiate, kerberos or ntlm; ``certificate`` what a server of TLS showed.

    ``user`` is ``DOMAIN\user`` or ``user@REALM``; without one it is the service's own account.
    """

    user: str | None
    password: str | None = field(repr=False)
    service: str
    host: str
    protocol: str = _NEGOTIATE
    certificate: bytes | None = None
    protecting: Protecting = Protecting.MESSAGES


class Exchange:
    """The tokens of one sign-in, to and fro.

    A step blocks, since Kerberos asks its own servers, and raises what the libraries raise. Windows negotiates by itself.
    Elsewhere it is done here: Kerberos, and NTLM where Kerberos is not possible, each in its own tokens, which Windows
    takes wherever it takes SPNEGO's. A password that Kerberos has refused is not tried again by NTLM: that would count
    twice towards the account's lockout.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._context: ContextProxy | None = None

    @property
    def is_complete(self) -> bool:
        """Return whether both sides know each other."""
        return self._context is not None and bool(self._context.complete)

    @property
    def context(self) -> "ContextProxy":
        """Return what signs and seals; there is none before the first step."""
        if self._context is None:
            raise RuntimeError("a sign-in begins with its first step")
        return self._context

    def step(self, answer: bytes | None) -> bytes | None:
        """Return the next token for what the other side answered (None at first); None when there is nothing more to say."""
        if self._context is not None:
            return self._context.step(answer)
        self._context, token = _begun(self._wanted)
        return token


def _begun(wanted: Wanted) -> "tuple[ContextProxy, bytes | None]":
    """Return the context that can sign in, with its first token."""
    if wanted.protocol != _NEGOTIATE or _NEGOTIATES_ITSELF:
        return _stepped(wanted, wanted.protocol)
    try:
        return _stepped(wanted, _KERBEROS)
    except Exception as error:
        if wanted.password is None or kerberos.is_refusal(error):
            raise
    return _stepped(wanted, _NTLM)


def _stepped(wanted: Wanted, protocol: str) -> "tuple[ContextProxy, bytes | None]":
    import spnego  # noqa: PLC0415 - see above

    is_winrm = wanted.protecting is Protecting.WINRM
    requirements = spnego.ContextReq.default
    if wanted.protecting is Protecting.NOTHING:
        requirements = spnego.ContextReq.mutual_auth | spnego.ContextReq.no_integrity
    context = spnego.client(
        wanted.user,
        wanted.password,
        hostname=wanted.host,
        service=wanted.service,
        protocol=protocol,
        context_req=requirements,
        channel_bindings=binding_to(wanted.certificate),
        options=spnego.NegotiateOptions.wrapping_winrm if is_winrm else spnego.NegotiateOptions.none,
    )
    if wanted.protecting is Protecting.NOTHING:
        _ask_for_no_key(context)
    return context, context.step()


def _ask_for_no_key(context: "ContextProxy") -> None:
    """Let NTLM exchange no key where nothing will be signed, as Windows does (MS-NLMP 3.1.5.1.2).

    pyspnego asks for one always, and then sends one octet in its place. Samba takes a key of sixteen octets or none.
    """
    from spnego._ntlm import NTLMProxy  # noqa: PLC0415 - see above
    from spnego._ntlm_raw.messages import NegotiateFlags  # noqa: PLC0415

    if isinstance(context, NTLMProxy):
        context._context_req &= ~NegotiateFlags.key_exch  # noqa: SLF001 - the library has no word for it


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
