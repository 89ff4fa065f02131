"""The way to the server: its name, its port, its certificate."""

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from autosync.model.wording import number
from autosync.ports.checkup import Check, CheckState
from autosync.ports.clock import Clock
from autosync.windows_remoting.target import plain_fingerprint

_LIMIT_S: Final = 10.0
_SOON: Final = timedelta(days=30)
_CHECKED: Final = (
    "from then on AutoSync does not talk to the server any more",
    "renew it, and give the WinRM listener the new thumbprint",
)
_PINNED: Final = (
    "AutoSync goes on with exactly this certificate, but others may not; when it is renewed, fingerprint fits no more",
    "renew it, give the WinRM listener the new thumbprint, and correct fingerprint at the same time",
)
"""What follows when a certificate expires, and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a server listens for WS-Management."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    """How its certificate is checked; None where the messages themselves are encrypted."""
    tls_name: str = ""
    """The name that must stand in the certificate; empty: the host."""
    fingerprint: str = ""
    """SHA-256 of the one certificate that is accepted, in hexadecimal digits; ``tls`` then checks nothing."""


async def network_checks(endpoint: Endpoint, clock: Clock) -> AsyncIterator[Check]:
    """Yield the checks; the last one is a failure when the server cannot be reached."""
    resolved = await _resolved(endpoint.host)
    yield resolved
    if resolved.state is CheckState.FAIL:
        return
    reached = await _reached(endpoint)
    yield reached
    if reached.state is not CheckState.FAIL and endpoint.tls is not None:
        yield await _certificate(endpoint, endpoint.tls, clock)


async def _resolved(host: str) -> Check:
    try:
        async with asyncio.timeout(_LIMIT_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError) as error:
        return Check(
            name="name resolution",
            state=CheckState.FAIL,
            found=f"{host} has no address: {_said(error)}",
            means="nothing can be asked of the server",
            way_out="correct engines: server, or let the DNS servers of this machine know the name",
        )
    addresses = sorted({str(each[4][0]) for each in found})
    return Check(name="name resolution", state=CheckState.OK, found=f"{host} is {', '.join(addresses)}")


async def _reached(endpoint: Endpoint) -> Check:
    place = f"{endpoint.host}:{endpoint.port}"
    try:
        async with asyncio.timeout(_LIMIT_S):
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except (OSError, TimeoutError) as error:
        return Check(
            name="port",
            state=CheckState.FAIL,
            found=f"{place} does not answer: {_said(error)}",
            means="a firewall is between, or WinRM does not listen there",
            way_out=f"on the server: winrm enumerate winrm/config/listener; and let this machine reach port {endpoint.port}",
        )
    await _closed(writer)
    return Check(name="port", state=CheckState.OK, found=f"{place} answers")


async def _certificate(endpoint: Endpoint, context: ssl.SSLContext, clock: Clock) -> Check:
    name = endpoint.tls_name or endpoint.host
    try:
        async with asyncio.timeout(_LIMIT_S):
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port, ssl=context, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        return Check(
            name="certificate",
            state=CheckState.FAIL,
            found=f"the certificate of {endpoint.host} is not accepted: {error.verify_message}",
            means="somebody else could answer in the server's name, so that nothing is sent",
            way_out="give server: the name in the certificate, ca: the certificate of its issuer, or the server a new one",
        )
    except (OSError, TimeoutError) as error:
        return Check(
            name="certificate",
            state=CheckState.FAIL,
            found=f"no TLS connection with {endpoint.host}: {_said(error)}",
            means="the port is not that of a WinRM HTTPS listener, or it speaks no TLS that is accepted today",
            way_out="winrm create winrm/config/Listener?Address=*+Transport=HTTPS with a certificate, port 5986",
        )
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
    await _closed(writer)
    if not endpoint.fingerprint:
        return _expiry(shown, f"valid for {name}", clock.now(), _CHECKED)
    if hashlib.sha256(shown).hexdigest() != plain_fingerprint(endpoint.fingerprint):
        return Check(
            name="certificate",
            state=CheckState.FAIL,
            found=f"{endpoint.host} shows another certificate than the one of fingerprint",
            means="it was renewed, or somebody else answers in the server's place, so that nothing is sent",
            way_out="if it was renewed, correct fingerprint",
        )
    return _expiry(shown, "the pinned one, valid", clock.now(), _PINNED)


def _expiry(shown: bytes, what: str, now: datetime, then: tuple[str, str]) -> Check:
    from cryptography import x509  # noqa: PLC0415 - takes its time, and most commands need none

    certificate = x509.load_der_x509_certificate(shown)
    expires = certificate.not_valid_after_utc
    issuer = ", ".join(str(each.value) for each in certificate.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME))
    found = f"{what} until {expires:%Y-%m-%d}, issued by {issuer or 'somebody without a name'}"
    if expires - now > _SOON:
        return Check(name="certificate", state=CheckState.OK, found=found)
    means, way_out = then
    left = f"{number((expires - now).days, 'day')} left" if expires > now else "it has expired"
    return Check(name="certificate", state=CheckState.WARN, found=f"{found}: {left}", means=means, way_out=way_out)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        async with asyncio.timeout(_LIMIT_S):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        pass


def _said(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer in {_LIMIT_S:.0f} s"
    return getattr(error, "strerror", None) or str(error)
