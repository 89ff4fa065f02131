"""What runs a script and is spoken to in lines: a process on this machine, or a session on another."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """Who hears it."""

    line: Callable[[bytes], Awaitable[None]]
    noise: Callable[[str], None]
    """What it says beside its lines."""
    end: Callable[[], None]
    """There will be no more lines."""


class Interpreter(Protocol):
    """One life of it; a script that begins anew gets another. Its first line says whether it is ready."""

    @property
    def name(self) -> str:
        """Return what it is, for messages: ``the process``."""
        ...

    @property
    def advice(self) -> str:
        """Return what to do about an end that nobody asked for, where it left no words of its own."""
        ...

    @property
    def alive(self) -> bool:
        """Return whether it runs, as far as is known."""
        ...

    async def start(self) -> None:
        """Start it; raise ``ScriptFailed``."""
        ...

    async def is_there(self) -> bool:
        """Return whether it can be asked; one from which nothing was heard for long is asked first. Between calls only."""
        ...

    async def send(self, operation: str, **fields: object) -> None:
        """Say a line of ``messages``; that it has gone is noticed elsewhere. Raises ``ScriptFailed`` for an unreadable file."""
        ...

    async def sign_in(self, user: str, password: str) -> None:
        """Give it what the script gets as credentials."""
        ...

    def kill(self) -> None:
        """End it and all that it started, now."""
        ...

    async def end(self) -> str:
        """Let it go by itself for a moment, then end what is left; return how it ended. Idempotent, bounded in time."""
        ...
