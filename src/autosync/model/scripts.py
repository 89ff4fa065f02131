"""What a controller script may say beside yes and no."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpectedChange:
    """The script saw what must not go on (``UnexpectedChangeException``)."""

    message: str
    stop_all: bool
    """Stop every agent of the engine and cancel running runs; otherwise this agent alone stops."""
