"""One HTTP connection to WS-Management: signed in, encrypted, its answers looked at before anybody parses them.

pypsrp has a transport of its own. This one replaces it, because AutoSync must know of every request whether the server
may have carried it out; an answer in the clear must not pass where messages are encrypted; an idle connection that the
server has closed must be noticed before something is sent on it; and what comes back is bounded.
"""

import http.client
import selectors
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from autosync.windows_remoting import failures
from autosync.windows_remoting.envelopes import checked, fault_in
from autosync.windows_remoting.signing_in import CERTIFICATE_SIGN_IN, Encryption, Negotiation
from autosync.windows_remoting.target import Method, Target
from autosync.windows_remoting.tls import check_fingerprint, context_of

DEFAULT_S: Final = 30.0
LARGEST_ANSWER: Final = 64 * 1024 * 1024
_CONNECT_S: Final = 15.0
_IDLE_S: Final = 50.0
"""After how long without a request a connection is not used again: Windows closes them after about two minutes."""
_PIECE: Final = 64 * 1024
_MOST_ROUNDS: Final = 6
_SOAP: Final = "application/soap+xml;charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    status: int
    kind: str
    challenges: Sequence[str]
    payload: bytes


class Transport:
    """Sends envelopes; for one thread. It mends itself: after any failure the next envelope gets a new connection."""

    def __init__(self, target: Target, *, least_s: float = 0.0) -> None:
        """Connect to nothing yet. ``least_s``: no answer is given up sooner, however soon the server was to give it."""
        self._least_s = least_s
        self.endpoint = target.url
        self.date: datetime | None = None
        """The server's clock, when it answered last."""
        self.connections = 0
        """How many were made."""
        self._target = target
        self._context: ssl.SSLContext | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._encryption: Encryption | None = None
        self._used_at = 0.0
        self._is_aborted = False

    def send(self, message: bytes, *, retries_on_read_timeout: int = 0, timeout: float | None = None) -> bytes:
        """Return the envelope that answers; what pypsrp calls. ``timeout`` is in seconds, sign-in included.

        Raises ``RemotingFailed``, and pypsrp's own ``WSManFaultError`` for a fault.
        """
        del retries_on_read_timeout  # who asked knows whether asking again may do harm
        limit = max(timeout or DEFAULT_S, self._least_s)
        try:
            reply = self._exchange(message, time.monotonic() + limit)
        except TimeoutError:
            self.close()
            raise failures.no_answer(self._target, limit) from None
        except BaseException:
            self.close()
            raise
        self._used_at = time.monotonic()
        return self._read(reply)

    def close(self) -> None:
        """Break the connection."""
        connection, self._connection, self._encryption = self._connection, None, None
        if connection is not None:
            with suppress(OSError):
                connection.close()

    def abort(self) -> None:
        """Send nothing more; called from another thread, so that whoever waits for an answer stops waiting."""
        self._is_aborted = True
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Allow it to send again: a last word, from the thread that owns it."""
        self._is_aborted = False

    def _exchange(self, message: bytes, until: float) -> _Reply:
        if self._connection is not None and self._is_stale():
            self.close()
        is_new = self._connection is None
        if is_new:
            self._connect(until)
        if self._target.tls is None:
            return self._exchange_encrypted(message, until)
        headers = {"Content-Type": _SOAP}
        if self._target.sign_in.method is Method.CERTIFICATE:
            return self._post(message, headers | {"Authorization": CERTIFICATE_SIGN_IN}, until)
        reply = self._post(b"" if is_new else message, headers, until)
        return self._sign_in(reply, message, headers, until) if is_new or reply.status == 401 else reply

    def _exchange_encrypted(self, message: bytes, until: float) -> _Reply:
        if self._encryption is None:
            reply = self._post(b"", {}, until)
            reply = self._sign_in(reply, b"", {}, until)
            if reply.status >= 400:
                raise failures.by_status(reply.status, self._target)
        assert self._encryption is not None
        kind, payload = self._encryption.closed(message)
        reply = self._post(payload, {"Content-Type": kind}, until)
        if reply.status in {400, 401}:
            raise failures.forgotten(self._target, reply.status)
        if reply.status not in {200, 500}:
            raise failures.by_status(reply.status, self._target)
        opened = self._encryption.opened(reply.kind, reply.payload)
        if opened is None:
            raise failures.not_encrypted(self._target)
        return _Reply(status=reply.status, kind=_SOAP, challenges=(), payload=opened)

    def _sign_in(self, reply: _Reply, message: bytes, headers: Mapping[str, str], until: float) -> _Reply:
        """Answer challenges until the server lets in; over TLS the message goes along, and the last reply answers it."""
        if reply.status != 401:
            raise failures.lets_anybody_in(self._target, reply.status)
        assert self._connection is not None
        talk = Negotiation(self._target, reply.challenges, self._connection.sock)
        authorization = talk.answer(())
        for _ in range(_MOST_ROUNDS):
            if authorization is None:
                break
            reply = self._post(message, {**headers, "Authorization": authorization}, until)
            authorization = talk.answer(reply.challenges) if talk.has_token(reply.challenges) else None
            if reply.status != 401:
                break
        if reply.status == 401:
            raise failures.sign_in_refused(self._target)
        if self._target.tls is None:
            if not talk.is_complete:
                raise failures.no_ticket(ValueError("the server did not prove who it is"), self._target)
            self._encryption = talk.encryption()
        return reply

    def _connect(self, until: float) -> None:
        target, limit = self._target, min(_CONNECT_S, max(0.1, until - time.monotonic()))
        if target.tls is not None:
            self._context = self._context or context_of(target.tls, target.sign_in)
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                target.host, target.port, timeout=limit, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(target.host, target.port, timeout=limit)
        connection.auto_open = 0  # a new connection is a new sign-in, never a silent one
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            self._context = None  # its files may be renewed before the next try
            raise failures.not_connected(error, target) from None
        self.connections += 1
        self._connection = connection
        if isinstance(connection.sock, ssl.SSLSocket):
            check_fingerprint(connection.sock, target)

    def _post(self, payload: bytes, headers: Mapping[str, str], until: float) -> _Reply:
        connection = self._connection
        assert connection is not None
        if self._is_aborted or connection.sock is None:  # or the server said that it would close it
            raise failures.lost(self._target, carried_out=False)
        try:
            connection.sock.settimeout(_left(until))
            connection.request("POST", "/wsman", payload, {"User-Agent": "AutoSync", **headers})
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException):
            # Not all of it has left this machine, and half a message is carried out by nobody.
            raise failures.lost(self._target, carried_out=False) from None
        try:
            return self._reply(connection, until)
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException):
            raise failures.lost(self._target, carried_out=bool(payload)) from None

    def _reply(self, connection: http.client.HTTPConnection, until: float) -> _Reply:
        response = connection.getresponse()
        pieces: list[bytes] = []
        size = 0
        while piece := response.read(_PIECE):
            size += len(piece)
            if size > LARGEST_ANSWER:
                raise failures.too_long(self._target, LARGEST_ANSWER)
            pieces.append(piece)
            if connection.sock is not None:
                connection.sock.settimeout(_left(until))
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        self._note_date(response.headers.get("Date", ""))
        return _Reply(
            status=response.status,
            kind=response.headers.get("Content-Type", ""),
            challenges=tuple(response.headers.get_all("WWW-Authenticate", ())),
            payload=b"".join(pieces),
        )

    def _read(self, reply: _Reply) -> bytes:
        if reply.status == 200:
            return checked(reply.payload, self._target)
        if reply.status == 500 and reply.payload:
            fault = fault_in(checked(reply.payload, self._target))
            if fault is not None:
                raise fault
        self.close()
        raise failures.by_status(reply.status, self._target)

    def _note_date(self, text: str) -> None:
        try:
            self.date = parsedate_to_datetime(text).astimezone(UTC)
        except ValueError:
            self.date = None

    def _is_stale(self) -> bool:
        """Return whether the connection was idle for long, or was closed at the other end."""
        if time.monotonic() - self._used_at > _IDLE_S:
            return True
        sock = self._connection.sock if self._connection is not None else None
        if sock is None:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            return bool(selector.select(0))  # nothing was asked, so that what there is to read is its end


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
