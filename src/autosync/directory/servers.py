"""Which servers a directory has, and getting a connection to one of them."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from autosync.directory.connection import Connection
from autosync.directory.controls import START_TLS
from autosync.directory.errors import BadTrust, DirectoryError, ServerUnreachable, SignInFailed
from autosync.directory.sign_in import Anonymous, SignIn, Simple, sign_in
from autosync.directory.tls import Protection, Trust

PORT: Final = 389
TLS_PORT: Final = 636


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a directory answers."""

    host: str
    port: int = PORT
    protection: Protection = Protection.NONE

    def __str__(self) -> str:
        scheme = "ldaps" if self.protection is Protection.TLS else "ldap"
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = TLS_PORT if self.protection is Protection.TLS else PORT
        return f"{scheme}://{host}" + ("" if self.port == usual else f":{self.port}")

    @property
    def is_here(self) -> bool:
        """Return whether the server is on this very machine: nobody listens in between."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_server(text: str, *, start_tls: bool = False) -> Server:
    """Return the server that ``ldaps://host:port``, ``ldap://host`` or plain ``host`` (LDAPS) names; raise ``ValueError``."""
    parts = urlsplit(text if "://" in text else f"ldaps://{text}")
    if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"{text!r} is no address of a directory; write ldaps://host, ldap://host:389 or host")
    if parts.username is not None:
        raise ValueError("a name or password has no place in a directory's address")
    protection = Protection.TLS if parts.scheme == "ldaps" else Protection.START_TLS if start_tls else Protection.NONE
    return Server(
        host=parts.hostname,
        port=parts.port or (TLS_PORT if protection is Protection.TLS else PORT),
        protection=protection,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to get into a directory: its servers in the order in which they are tried, whom to trust, who we are.

    A password goes over an unprotected connection only where ``plain_passwords`` says so, or to this very machine.
    Times are seconds: ``connect_timeout_s`` for a connection with its sign-in, ``timeout_s`` for each answer.
    """

    servers: Sequence[Server]
    who: SignIn = field(default_factory=Anonymous)
    trust: Trust = field(default_factory=Trust)
    plain_passwords: bool = False
    connect_timeout_s: float = 15.0
    timeout_s: float = 60.0


async def connect(access: Access) -> tuple[Connection, Server]:
    """Return a signed-in connection to the first server that answers.

    Raises ``BadTrust``; ``SignInFailed`` when a server refuses us (another one would, too, and locked accounts come of
    trying); and ``ServerUnreachable``, which tells what every server did, when none answers.
    """
    failures: list[str] = []
    for server in access.servers:
        try:
            return await _connect(access, server), server
        except SignInFailed as error:
            raise SignInFailed(f"{server}: {error}", error.code) from None
        except BadTrust:
            raise
        except DirectoryError as error:
            failures.append(f"{server}: {error}")
    raise ServerUnreachable("; ".join(failures) or "no server is named")


async def _connect(access: Access, server: Server) -> Connection:
    if isinstance(access.who, Simple) and not _is_private(access, server):
        message = "the password would go over the network unprotected; use ldaps:// or start-tls"
        raise SignInFailed(message)
    connection = Connection()
    try:
        await _enter(connection, access, server)
    except BaseException:
        connection.abort(ServerUnreachable("the connection was given up"))
        await connection.wire.wait_gone()
        raise
    return connection


async def _enter(connection: Connection, access: Access, server: Server) -> None:
    try:
        async with asyncio.timeout(access.connect_timeout_s):
            await _open(connection, access, server)
            await sign_in(connection, access.who, server.host, access.connect_timeout_s)
    except TimeoutError:
        raise ServerUnreachable(f"no answer within {access.connect_timeout_s:g} s") from None
    except OSError as error:
        raise ServerUnreachable(_say(error, server)) from None


def _is_private(access: Access, server: Server) -> bool:
    return server.protection is not Protection.NONE or server.is_here or access.plain_passwords


async def _open(connection: Connection, access: Access, server: Server) -> None:
    loop = asyncio.get_running_loop()
    context = None if server.protection is Protection.NONE else access.trust.context()
    first = context if server.protection is Protection.TLS else None
    transport, _ = await loop.create_connection(
        lambda: connection.wire,
        server.host,
        server.port,
        ssl=first,
        server_hostname=server.host if first is not None else None,
    )
    _keep_alive(transport)
    if context is not None and first is None:
        await _start_tls(connection, context, server, access.timeout_s)


async def _start_tls(connection: Connection, context: ssl.SSLContext, server: Server, timeout_s: float) -> None:
    request = ("extendedRequest", {"requestName": START_TLS.encode("ascii")})
    result = await connection.ask(request, timeout_s=timeout_s)
    if not result.succeeded:
        raise ServerUnreachable(
            f"the server does not start TLS: {result.say()}. Use ldaps://, or give it a certificate"
        )
    loop = asyncio.get_running_loop()
    before = connection.wire.transport
    secured = await loop.start_tls(before, connection.wire, context, server_hostname=server.host)
    if secured is None:
        raise ServerUnreachable("the connection was lost while TLS was started")
    connection.wire.replace_transport(secured)


def _keep_alive(transport: asyncio.Transport) -> None:
    """Let the system notice a server that has gone without a word while nothing is said."""
    import socket  # noqa: PLC0415 - for its constants

    found = transport.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _say(error: OSError, server: Server) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {server.host} is not accepted: {error.verify_message}. "
            "Give ca-file: its issuer, or the name in the certificate as server"
        )
    return f"cannot be reached: {error.strerror or error}"
