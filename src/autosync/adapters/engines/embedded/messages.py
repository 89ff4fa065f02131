"""How the service and the engine's worker process talk: frames of msgpack over the worker's standard input and output.

A frame is four bytes of length, most significant first, and a msgpack value. The service sends ``Call``; the worker
answers each with one ``Answer``, in any order.
"""

import struct
from typing import BinaryIO

import msgspec

_LENGTH = struct.Struct(">I")
LONGEST_FRAME = 256 * 1024 * 1024
"""Bytes. Larger than any answer; protects against a stream that is no stream of frames."""


class Call(msgspec.Struct, frozen=True):
    """A question to the worker: the name of one of its methods, and its arguments."""

    number: int
    method: str
    arguments: dict[str, object] = {}


class Answer(msgspec.Struct, frozen=True):
    """``error`` None means that ``value`` is the answer; otherwise its kind, and ``message`` for people."""

    number: int
    value: object = None
    error: str | None = None
    message: str = ""


def frame(message: Call | Answer) -> bytes:
    """Return the message as one frame."""
    body = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(body)) + body


def length_of(head: bytes) -> int:
    """Return the length that a frame's head announces; raise ``ValueError`` where it cannot be one."""
    length = int(_LENGTH.unpack(head)[0])
    if length > LONGEST_FRAME:
        raise ValueError(f"a frame of {length} bytes: the stream is broken")
    return length


def read_call(stream: BinaryIO) -> Call | None:
    """Read the next call; None when the service has gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return msgspec.msgpack.decode(stream.read(length_of(head)), type=Call)


HEAD_SIZE = _LENGTH.size
