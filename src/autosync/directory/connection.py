"""One LDAP connection: requests with their answers, many at a time (RFC 4511 section 4.1.1.1).

Answers are decoded where they are awaited, not where they arrive: the event loop only cuts the stream and looks at message
ids, and what is left of a cancelled search costs next to nothing. There is no task in here: an exchange waits on a future.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from autosync.directory.codec import Control, Message, Operation, decode, decode_id, encode
from autosync.directory.controls import DISCONNECTION
from autosync.directory.errors import BadMessage, DirectoryError, ServerUnreachable
from autosync.directory.results import Result, result_of
from autosync.directory.wire import Wire

_ENOUGH: Final = 8 * 1024 * 1024
"""Octets of answers that nobody has asked for yet: the server waits until some are taken."""
_TOO_MUCH: Final = 192 * 1024 * 1024
_SLICE: Final = 32 * 1024
"""Octets that are decoded before others on the event loop get their turn: about 3 ms."""
_LAST_ID: Final = 2**31 - 1

ONGOING: Final = frozenset({"searchEntry", "searchReference", "intermediate"})
"""Answers after which more will come."""


class Exchange:
    """One request and its answers."""

    def __init__(self, connection: "Connection", message_id: int) -> None:
        self._connection = connection
        self._frames: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self.message_id = message_id
        self.ended = False

    @property
    def is_waiting(self) -> bool:
        """Return whether somebody waits for an answer."""
        return self._waiter is not None

    @property
    def has_more(self) -> bool:
        """Return whether an answer has come that was not yet taken."""
        return bool(self._frames)

    async def next(self, timeout_s: float | None) -> Message:
        """Return the next answer.

        Raises ``ServerUnreachable`` when none comes in time or the connection is lost, and ``BadMessage`` for an answer that
        is none. Cancelling it leaves the exchange as it was.
        """
        await self._connection.give_way()
        while not self._frames:
            if self._connection.lost is not None:
                raise self._connection.lost
            await self._wait(timeout_s)
        frame = self._frames.popleft()  # no wait from here on: a cancelled one would lose the answer
        self._connection.taken(frame)
        try:
            message = decode(frame)
        except BadMessage as error:
            self._connection.abort(error)
            raise
        if message.kind not in ONGOING:
            self.ended = True
            self._connection.forget(self)
        return message

    def arrived(self, frame: bytes) -> None:
        """Keep an answer for whoever waits."""
        self._frames.append(frame)
        self.wake()

    def wake(self) -> None:
        """Make whoever waits look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def abandon(self) -> None:
        """Want no more answers: the server is told, and what still comes is dropped."""
        if not self.ended:
            self.ended = True
            self._connection.abandon(self, sum(map(len, self._frames)))
            self._frames.clear()

    async def _wait(self, timeout_s: float | None) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        self._connection.make_room()
        try:
            async with asyncio.timeout(timeout_s):
                await self._waiter
        except TimeoutError:
            raise ServerUnreachable(f"the directory did not answer within {timeout_s:g} s") from None
        finally:
            self._waiter = None


class Connection:
    """Requests in flight over one wire. Use it as a context: leaving it unbinds and closes."""

    def __init__(self) -> None:
        self.wire = Wire(self._arrived, self._ended)
        self._exchanges: dict[int, Exchange] = {}
        self._last_id = 0
        self._wrapped = False
        self._kept = 0
        self._decoded = 0

    @property
    def lost(self) -> DirectoryError | None:
        """Return why the connection ended; None while it is open."""
        return self.wire.lost

    async def request(self, operation: Operation, controls: Sequence[Control] = ()) -> Exchange:
        """Send a request; raise ``ServerUnreachable`` when the connection has gone."""
        await self.wire.wait_writable()
        exchange = Exchange(self, self._new_id())
        frame = encode(exchange.message_id, operation, tuple(controls))
        self._exchanges[exchange.message_id] = exchange
        self.wire.write(frame)
        return exchange

    async def ask(
        self, operation: Operation, controls: Sequence[Control] = (), *, timeout_s: float | None = 60.0
    ) -> Result:
        """Send a request that has one answer and return it, whatever it is. Cancelling it abandons the request."""
        message = await self.ask_message(operation, controls, timeout_s=timeout_s)
        return result_of(message.content, message.controls)

    async def ask_message(
        self, operation: Operation, controls: Sequence[Control] = (), *, timeout_s: float | None = 60.0
    ) -> Message:
        """Send a request that has one answer and return the whole of it."""
        exchange = await self.request(operation, controls)
        try:
            while True:
                message = await exchange.next(timeout_s)
                if exchange.ended:
                    return _with_result(message, self)
        finally:
            exchange.abandon()

    def abort(self, reason: DirectoryError) -> None:
        """End the connection at once, and every exchange with it."""
        self.wire.close(reason)

    def close(self) -> None:
        """Say good-bye and end the connection."""
        if self.lost is None:
            self.wire.write(encode(self._new_id(), ("unbindRequest", None)))
            self.wire.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        await self.wire.wait_gone()

    def forget(self, exchange: Exchange) -> None:
        """Drop an exchange that has ended."""
        self._exchanges.pop(exchange.message_id, None)

    def abandon(self, exchange: Exchange, kept: int) -> None:
        """Tell the server that an exchange's answers are not wanted any more."""
        self._kept -= kept
        self.forget(exchange)
        if self.lost is None:
            self.wire.write(encode(self._new_id(), ("abandonRequest", exchange.message_id)))
            self.make_room()

    def taken(self, frame: bytes) -> None:
        """Note that an answer is about to be decoded."""
        self._kept -= len(frame)
        self.make_room()
        self._decoded += len(frame)

    async def give_way(self) -> None:
        """Let others have their turn when much was decoded since the last time."""
        if self._decoded >= _SLICE:
            self._decoded = 0
            await asyncio.sleep(0)

    def make_room(self) -> None:
        """Read on as soon as there is room, or when somebody waits for an answer that has not come."""
        waiting = self._kept >= _ENOUGH and any(each.is_waiting for each in self._exchanges.values())
        self.wire.pause(paused=self._kept >= _ENOUGH and not waiting)

    def _arrived(self, frame: bytes) -> None:
        message_id = decode_id(frame)
        if message_id == 0:
            self._take_notice(frame)
            return
        exchange = self._exchanges.get(message_id)
        if exchange is None:
            if message_id > self._last_id and not self._wrapped:
                raise BadMessage(f"the directory answered a request {message_id} that was never made")
            return  # abandoned meanwhile
        self._kept += len(frame)
        if self._kept > _TOO_MUCH:
            raise BadMessage(f"more than {_TOO_MUCH:,} octets of answers wait to be taken")
        exchange.arrived(frame)
        if self._kept >= _ENOUGH:
            self.make_room()

    def _take_notice(self, frame: bytes) -> None:
        """Heed what the server says without having been asked (RFC 4511 section 4.4)."""
        message = decode(frame)
        if message.kind == "extendedResponse" and message.content.get("responseName") == DISCONNECTION.encode("ascii"):
            said = result_of(message.content, message.controls).say()
            self.abort(ServerUnreachable(f"the server ended the connection: {said}"))

    def _ended(self, _reason: DirectoryError) -> None:
        for exchange in self._exchanges.values():
            exchange.wake()

    def _new_id(self) -> int:
        while True:
            if self._last_id == _LAST_ID:
                self._last_id, self._wrapped = 0, True
            self._last_id += 1
            if self._last_id not in self._exchanges:
                return self._last_id


def _with_result(message: Message, connection: Connection) -> Message:
    """Return the message; raise ``BadMessage`` for an answer without a result."""
    content: Any = message.content
    if isinstance(content, Mapping) and "resultCode" in content:
        return message
    error = BadMessage(f"the directory answered with {message.kind}, which is no answer to the request")
    connection.abort(error)
    raise error
