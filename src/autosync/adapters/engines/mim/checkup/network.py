"""The way to the server: its name, its port, its certificate."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from autosync.ports.checkup import Check, CheckState
from autosync.ports.clock import Clock

_LIMIT_S: Final = 10.0
_SOON: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a server listens for WS-Management."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    """How its certificate is checked; None where the messages themselves are encrypted."""
    tls_name: str = ""
    """The name that must stand in the certificate; empty: the host."""


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
    certificate: dict[str, Any] = writer.get_extra_info("peercert") or {}
    await _closed(writer)
    return _expiry(certificate, name, clock.now())


def _expiry(certificate: dict[str, Any], name: str, now: datetime) -> Check:
    until = certificate.get("notAfter")
    if not isinstance(until, str):
        return Check(
            name="certificate",
            state=CheckState.WARN,
            found=f"the certificate of {name} was not checked",
            means="whoever answers under that address is believed",
            way_out="leave out whatever switches the check off, and give ca: the certificate of its issuer",
        )
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(until), tz=UTC)
    issuer = ", ".join(value for part in certificate.get("issuer", ()) for key, value in part if key == "commonName")
    found = f"valid for {name} until {expires:%Y-%m-%d}, issued by {issuer or 'somebody without a name'}"
    if expires - now > _SOON:
        return Check(name="certificate", state=CheckState.OK, found=found)
    return Check(
        name="certificate",
        state=CheckState.WARN,
        found=f"{found}: {max(0, (expires - now).days)} days are left",
        means="from then on AutoSync does not talk to the server any more",
        way_out="renew it, and give the WinRM listener the new thumbprint",
    )


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
