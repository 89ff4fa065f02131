"""Model values as JSON and back. Reading tolerates unknown fields, so that a newer version's rows stay readable."""

from typing import TypeVar

import msgspec

from autosync.model.causes import Cascade
from autosync.model.facts import Fact
from autosync.model.holds import Hold
from autosync.model.requests import Request
from autosync.model.rows import AgentRow, EstimateRow, ScheduleRow, TokenRow
from autosync.model.runs import Run

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()
_DECODERS: dict[type, msgspec.json.Decoder[object]] = {
    kind: msgspec.json.Decoder(kind)
    for kind in (Request, Run, Hold, Cascade, Fact, AgentRow, ScheduleRow, TokenRow, EstimateRow)
}


def encode(value: object) -> bytes:
    """Return ``value`` as compact JSON."""
    return _ENCODER.encode(value)


def decode(kind: type[T], body: bytes) -> T:
    """Return the value of type ``kind`` that ``encode`` wrote."""
    value = _DECODERS[kind].decode(body)
    assert isinstance(value, kind)
    return value
