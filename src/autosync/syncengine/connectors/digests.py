"""The 16 bytes that stand for an object's raw content."""

import hashlib
from collections.abc import Callable

import msgspec

DIGEST_SIZE = 16

_pack = msgspec.msgpack.Encoder().encode


def settings_salt(*parts: object) -> bytes:
    """Return 16 bytes that change when anything changes that decides what raw content means.

    ``parts`` must have a ``repr`` that is the same in every process: settings, column names, numbers, text.
    """
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=DIGEST_SIZE).digest()


def raw_digester(salt: bytes) -> Callable[[bytes], bytes]:
    """Return a function from an object's raw bytes to its digest under ``salt``."""
    blake2b = hashlib.blake2b

    def digest(raw: bytes) -> bytes:
        return blake2b(raw, digest_size=DIGEST_SIZE, salt=salt).digest()

    return digest


def value_digester(salt: bytes) -> Callable[[object], bytes]:
    """Return a function from a tuple of plain values to its digest: msgpack carries lengths and types, so no two collide."""
    blake2b = hashlib.blake2b

    def digest(values: object) -> bytes:
        try:
            packed = _pack(values)
        except (OverflowError, TypeError, UnicodeEncodeError):  # a number above 64 bits, a driver's own type
            packed = repr(values).encode("utf-8", "surrogatepass")
        return blake2b(packed, digest_size=DIGEST_SIZE, salt=salt).digest()

    return digest
