"""Cut a stream of octets into messages, and refuse what can be none (RFC 4511 section 5.1)."""

from collections.abc import Iterator
from typing import Final

from autosync.directory.errors import BadMessage

MESSAGE_LIMIT: Final = 64 * 1024 * 1024
"""Octets of one message. The largest honest ones are entries with photographs or some hundred thousand members."""

_SEQUENCE: Final = 0x30
_LONGEST_LENGTH: Final = 8


class Framer:
    """Collects octets until messages are whole."""

    def __init__(self, limit: int = MESSAGE_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """Yield the messages that are whole now; raise ``BadMessage`` as soon as it is clear that none can follow."""
        buffer = self._buffer
        buffer += octets
        start = 0
        try:
            while (length := self._length(start)) is not None and start + length <= len(buffer):
                yield bytes(buffer[start : start + length])
                start += length
        finally:
            del buffer[:start]

    def _length(self, start: int) -> int | None:
        """Return the octets of the message that begins at ``start``; None while its head is not whole."""
        head = self._buffer[start : start + 2 + _LONGEST_LENGTH]
        if head and head[0] != _SEQUENCE:
            raise BadMessage(
                "what answers is no LDAP server (or expects TLS): its answer does not begin like a message"
            )
        if len(head) < 2:
            return None
        if head[1] < 0x80:
            return 2 + head[1]
        count = head[1] & 0x7F
        if not 0 < count <= _LONGEST_LENGTH:
            raise BadMessage("the directory sent a message with a length that LDAP does not allow")
        if len(head) < 2 + count:
            return None
        length = int.from_bytes(head[2 : 2 + count], "big")
        if length > self._limit:
            raise BadMessage(
                f"the directory sent a message of {length:,} octets; more than {self._limit:,} are refused"
            )
        return 2 + count + length


class SealedFramer:
    """Collects the buffers of a SASL security layer: four octets of length, then the token (RFC 4422 section 3.7)."""

    def __init__(self, limit: int = MESSAGE_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """Yield the tokens that are whole now; raise ``BadMessage`` for one that is too long."""
        buffer = self._buffer
        buffer += octets
        while len(buffer) >= 4:
            length = int.from_bytes(buffer[:4], "big")
            if length > self._limit:
                raise BadMessage(f"the directory sent a sealed buffer of {length:,} octets; that is refused")
            if len(buffer) < 4 + length:
                break
            token = bytes(buffer[4 : 4 + length])
            del buffer[: 4 + length]
            yield token
