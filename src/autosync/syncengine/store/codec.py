"""How objects become bytes: one compact msgpack map for each."""

from typing import Any, Final

import msgspec

encode: Final = msgspec.msgpack.Encoder().encode
"""Return the msgpack of a plain value."""

_decode: Final = msgspec.msgpack.Decoder().decode


def decode(blob: bytes | None) -> dict[str, Any]:
    """Return the map in ``blob``; an empty one for None."""
    return {} if blob is None else _decode(blob)


def decode_any(blob: bytes) -> Any:
    """Return the value in ``blob``."""
    return _decode(blob)
