"""The promise of a trigger that others call: what came over HTTP goes in, and what became of it comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Reception(StrEnum):
    """What became of a delivery."""

    RECORDED = "recorded"
    """Its firing is durable."""
    REPEATED = "repeated"
    """It was recorded before; nothing was done again."""
    NOT_AUTHENTIC = "not-authentic"
    STALE = "stale"
    """Authentic, but too old, or from the future: perhaps somebody plays it again."""
    TOO_LARGE = "too-large"
    NOT_NOW = "not-now"
    """It could not be recorded; the sender must try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What was sent. Names of headers are in lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the sender is told; ``text`` holds no secret."""

    reception: Reception
    text: str


class Webhook(Protocol):
    """A trigger that others call."""

    async def receive(self, delivery: Delivery) -> Answer:
        """Check and record it; return in bounded time, ``RECORDED`` only once the firing is durable."""
        ...
