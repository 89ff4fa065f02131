"""Octets in and out of one connection: framed, unsealed, with bounded memory. Knows nothing of what messages mean."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from autosync.directory.errors import BadMessage, DirectoryError, ServerUnreachable
from autosync.directory.framing import Framer, SealedFramer

_SEALED_PIECE: Final = 60 * 1024
"""Octets that are sealed at once: every server takes buffers of 64 KiB."""


class Seal(Protocol):
    """A SASL security layer."""

    def wrap(self, octets: bytes) -> bytes:
        """Return the sealed octets."""
        ...

    def unwrap(self, token: bytes) -> bytes:
        """Return what was sealed; raise ``BadMessage`` when it was tampered with."""
        ...


class Wire(asyncio.Protocol):
    """One TCP connection. ``on_message`` gets each whole message, ``on_lost`` the reason of the end, once.

    Both are called by the event loop and must not wait. A ``BadMessage`` that ``on_message`` raises ends the connection.
    """

    def __init__(self, on_message: Callable[[bytes], None], on_lost: Callable[[DirectoryError], None]) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self._framer = Framer()
        self._seal: Seal | None = None
        self._sealed = SealedFramer()
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._may_write: asyncio.Future[None] | None = None
        self._lost: DirectoryError | None = None
        self._gone = asyncio.Event()

    @property
    def transport(self) -> asyncio.Transport:
        """Return the transport of an open connection."""
        assert self._transport is not None, "the connection is open"
        return self._transport

    @property
    def is_private(self) -> bool:
        """Return whether nobody in between can read what is sent."""
        secured = self._transport is not None and self._transport.get_extra_info("ssl_object") is not None
        return secured or self._seal is not None

    @property
    def lost(self) -> DirectoryError | None:
        """Return why the connection ended; None while it is open."""
        return self._lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def replace_transport(self, transport: asyncio.Transport) -> None:
        """Go on over another transport: TLS has begun. What came before it in the clear is forgotten (RFC 4511 4.14)."""
        self._transport = transport
        self._framer = Framer()

    def seal(self, seal: Seal) -> None:
        """Seal everything from now on."""
        self._seal = seal

    def data_received(self, data: bytes) -> None:
        """Cut what came into messages and hand them on."""
        if self._lost is not None:
            return
        try:
            if self._seal is None:
                self._take(data)
            else:
                for token in self._sealed.feed(data):
                    self._take(self._seal.unwrap(token))
        except BadMessage as error:
            self.close(error)

    def _take(self, octets: bytes) -> None:
        for message in self._framer.feed(octets):
            self._on_message(message)

    def eof_received(self) -> None:
        """Let the transport close: nothing more will come."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that the connection has gone."""
        self._gone.set()
        reason = f"the connection was lost: {exc}" if exc else "the server closed the connection"
        self._end(ServerUnreachable(reason))

    def pause_writing(self) -> None:
        """Make writers wait until the server has taken what was written."""
        self._may_write = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let writers go on."""
        waiting, self._may_write = self._may_write, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def wait_writable(self) -> None:
        """Wait until the server takes more; raise why the connection ended, when it did."""
        while self._may_write is not None and self._lost is None:
            await asyncio.wait({self._may_write})
        if self._lost is not None:
            raise self._lost

    def write(self, octets: bytes) -> None:
        """Send octets, sealed if so agreed; does nothing once the connection has gone."""
        if self._lost is not None or self._transport is None:
            return
        if self._seal is None:
            self._transport.write(octets)
            return
        for start in range(0, len(octets), _SEALED_PIECE):
            token = self._seal.wrap(octets[start : start + _SEALED_PIECE])
            self._transport.write(len(token).to_bytes(4, "big") + token)

    def pause(self, *, paused: bool) -> None:
        """Take nothing more from the server for now, or go on."""
        if paused != self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = paused
            if paused:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def close(self, reason: DirectoryError | None = None) -> None:
        """End the connection; with a reason at once, without what is still to be sent."""
        if self._transport is not None:
            if reason is None:
                self._transport.close()
            else:
                self._transport.abort()
        self._end(reason or ServerUnreachable("the connection was closed"))

    async def wait_gone(self, limit_s: float = 1.0) -> None:
        """Wait until a connection that is being closed has gone; after ``limit_s`` it goes without good manners."""
        if self._transport is None:
            return
        try:
            async with asyncio.timeout(limit_s):
                await self._gone.wait()
        except TimeoutError:
            self._transport.abort()
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._transport.abort()
            raise

    def _end(self, reason: DirectoryError) -> None:
        if self._lost is None:
            self._lost = reason
            self.resume_writing()
            self._on_lost(reason)
