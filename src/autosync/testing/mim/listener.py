"""The stand-in on a loopback port: HTTP or HTTPS with one thread a connection, and everything that connections suffer."""

import socket
import socketserver
import ssl
import sys
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final, Protocol

from autosync.testing.mim.knobs import Knobs
from autosync.testing.mim.sign_in import Conversation, Users

_LARGEST: Final = 64 * 1024 * 1024
_POLL_S: Final = 0.02
_HANDSHAKE_S: Final = 10.0


class Dropped(Exception):
    """The connection breaks instead of an answer."""


class Application(Protocol):
    """What answers."""

    def handle(self, message: bytes, account: str) -> tuple[int, bytes]:
        """Return an HTTP status and a message. An empty account asks who the server is. Raises ``Dropped``."""
        ...

    def now(self) -> datetime:
        """Return the server's time."""
        ...


@dataclass(slots=True, kw_only=True)
class LineKnobs:
    """What connections suffer. May be turned at any time."""

    idle_s: float = 120.0
    """After how long without a request a connection is closed, as Windows does after about two minutes."""
    statuses: deque[int] = field(default_factory=deque)
    """HTTP statuses that the next requests get instead of an answer, such as 503."""
    drops: int = 0
    """How many of the next requests are not carried out, and their connections closed."""
    drop_after: int | None = None
    """After how many requests each connection is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to listen, and how connections are protected."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any that is free."""
    tls: ssl.SSLContext | None = None
    """None: HTTP, with encrypted messages."""
    bound_to: bytes = b""
    """The server's certificate (DER, signed with SHA-256): sign-ins must be bound to it, as where
    ``CbtHardeningLevel`` is ``Strict``. Empty: bindings are not looked at."""
    certified_as: str = ""
    """The account of those who sign in with a client certificate that ``tls`` trusts; empty: nobody may."""
    keytab: Path | None = None
    """The server's keys in a Kerberos realm; None: NTLM only."""


class Listener(socketserver.ThreadingTCPServer):
    """Accepts connections until ``close``, which ends all of them."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = sys.platform != "win32"  # there it would let two servers share the port

    def __init__(self, application: Application, users: Users, knobs: Knobs, place: Place) -> None:
        super().__init__((place.host, place.port), _Handler)
        self.application = application
        self.users = users
        self.knobs = knobs
        self.place = place
        self.line = LineKnobs()
        self.stopping = threading.Event()
        self.connections = 0
        """How many were accepted."""
        self.port: int = self.socket.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._accepting = threading.Thread(
            target=self.serve_forever, args=(_POLL_S,), name=f"stand-in {self.port}", daemon=True
        )

    def start(self) -> None:
        """Accept connections from now on."""
        self._accepting.start()

    def close(self) -> None:
        """Accept nothing more and break what is open."""
        self.stopping.set()
        if self._accepting.ident is not None:
            self.shutdown()
            self._accepting.join(5)
        self.server_close()
        self.break_all()

    def break_all(self) -> None:
        """Break every connection, as a restarted network does."""
        with self._lock:
            broken = tuple(self._open)
        for connection in broken:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, in a thread of its own."""
        self.connections += 1
        connection: socket.socket = request
        if not self.knobs.reachable:
            return
        connection.settimeout(_HANDSHAKE_S)
        if self.place.tls is not None:
            connection = self.place.tls.wrap_socket(connection, server_side=True)
        with self._lock:
            self._open.add(connection)
        try:
            if not self.stopping.is_set():
                _Handler(connection, client_address, self)
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away, or did not like the certificate; of everything else, as usual."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def conversation(self, connection: socket.socket) -> Conversation:
        """Return a new conversation on a connection."""
        certified = isinstance(connection, ssl.SSLSocket) and bool(connection.getpeercert())
        return Conversation(
            self.users,
            secured=self.place.tls is not None,
            bound_to=self.place.bound_to,
            certified_as=self.place.certified_as if certified else "",
        )


class _Handler(BaseHTTPRequestHandler):
    """One connection, request after request."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Microsoft-HTTPAPI/2.0", ""

    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Begin a conversation."""
        assert isinstance(self.server, Listener)
        self._listener = self.server
        super().setup()
        self._talk = self._listener.conversation(self.connection)
        self._count = 0

    def handle_one_request(self) -> None:
        """Wait for a request as long as a connection may be idle by now."""
        self.connection.settimeout(self._listener.line.idle_s)
        super().handle_one_request()

    def do_POST(self) -> None:
        """Take a request."""
        payload = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _LARGEST))
        try:
            self._answer(payload)
        except Dropped:
            self.close_connection = True

    def _answer(self, payload: bytes) -> None:
        self._suffer()
        kind = self.headers.get("Content-Type", "")
        if self.headers.get("WSMANIDENTIFY") == "unauthenticated":
            self._reply(*self._listener.application.handle(payload, ""), "application/soap+xml;charset=UTF-8")
            return
        ready, said = self._talk.challenge(self.headers.get("Authorization", ""))
        if not ready and kind.startswith("multipart/encrypted"):
            self._reply(400, b"", kind)  # a context that the server has forgotten
            return
        if not ready:
            self._reply(401, b"", "", said)
            return
        if not payload:
            self._reply(200, b"", "", said)
            return
        message = self._talk.opened(kind, payload)
        if message is None:
            self._reply(400, b"", "")
            return
        status, answer = self._listener.application.handle(message, self._talk.account)
        shown, closed = self._talk.closed(kind, answer)
        self._reply(status, closed, shown, said)

    def _suffer(self) -> None:
        line, knobs = self._listener.line, self._listener.knobs
        self._count += 1
        if knobs.answer_s and self._listener.stopping.wait(knobs.answer_s):
            raise Dropped
        if not knobs.reachable:
            raise Dropped
        if line.drops > 0:
            line.drops -= 1
            raise Dropped
        if line.drop_after is not None and self._count > line.drop_after:
            raise Dropped
        if line.statuses:
            self._reply(line.statuses.popleft(), b"", "")
            raise Dropped

    def _reply(self, status: int, payload: bytes, content_type: str, authenticate: str = "") -> None:
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        if authenticate:
            self.send_header("WWW-Authenticate", authenticate)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the server's time, which may be wrong."""
        assert timestamp is None
        return format_datetime(self._listener.application.now().astimezone(UTC), usegmt=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (named by the standard library)
        """Say nothing: requests are in the server's own list."""
