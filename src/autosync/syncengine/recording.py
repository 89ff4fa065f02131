"""Run results as bytes, for the run history in the store."""

from datetime import UTC, datetime

import msgspec

from autosync.syncengine.results import RunResult

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(RunResult).decode


def pack_result(result: RunResult) -> bytes:
    """Return a result as bytes."""
    return _encode(result)


def unpack_result(blob: bytes) -> RunResult:
    """Return a result from bytes."""
    return _decode(blob)


def moment_text(moment: datetime) -> str:
    """Return a moment as the store sorts it: ISO 8601 in UTC, always with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
