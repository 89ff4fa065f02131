"""One life of a script, from the start of its interpreter to its end: what it has said, and whether it still answers."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

from autosync.adapters.scripts.interpreter import Ears, Interpreter
from autosync.adapters.scripts.messages import Alive, Ended, Ready, Said, Value, decode
from autosync.adapters.scripts.script import Function
from autosync.adapters.scripts.voice import Voice

_WAITING: Final = 1000
"""Messages that wait to be read; the interpreter has to wait beyond them."""
_PING_S: Final = 10.0

News: TypeAlias = Ready | Value | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things may take, in seconds."""

    start: float = 60.0
    """Windows PowerShell on a busy server takes its time."""
    stop: float = 2.0
    """For a script to stop by itself, before its interpreter is ended."""
    look: float = 1.0
    """How often to look whether all is well while nothing comes."""
    beat: float = 15.0
    """How often to tell that a call goes on."""
    deaf: float = 120.0
    """An interpreter that has not answered for so long hangs, whatever its script does."""


class Life:
    """One interpreter; ``make`` makes it for those who hear it."""

    def __init__(
        self, make: Callable[[Ears], Interpreter], voice: Voice, stamp: tuple[int, int], patience: Patience
    ) -> None:
        self.interpreter = make(Ears(line=self._hear, noise=lambda text: voice.say("stderr", text), end=self._over))
        self.stamp = stamp
        """The script's file as it was loaded."""
        self.functions: Mapping[str, Function] = {}
        """By name in one case."""
        self._call = 0
        self._is_over = False
        self._voice = voice
        self._patience = patience
        self._news: asyncio.Queue[News | None] = asyncio.Queue(_WAITING)
        self._heard = self._pinged = time.monotonic()

    def function(self, name: str) -> Function | None:
        """Return a function, whatever the case of ``name``."""
        return self.functions.get(name.casefold())

    @property
    def goes_on(self) -> bool:
        """Return whether anything may still come."""
        return self.interpreter.alive and not self._is_over

    def begin(self, call: int) -> None:
        """Listen for what belongs to this call; 0: for none."""
        self._call = call
        self._heard = self._pinged = time.monotonic()

    async def next_news(self) -> News | None:
        """Return what came next; None after a while without anything, and at the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.look):
                return await self._news.get()
        return None

    async def answers(self) -> bool:
        """Return whether it is still there for us; ask it now and then."""
        now = time.monotonic()
        if now - self._pinged >= min(_PING_S, self._patience.deaf / 3):
            self._pinged = now
            await self.interpreter.send("ping")
        return now - self._heard < self._patience.deaf

    async def _hear(self, line: bytes) -> None:
        message = decode(line)
        if message is None:
            self._voice.say("noise", line.decode("utf-8", "replace"))
            return
        self._heard = time.monotonic()
        if isinstance(message, Said):
            self._voice.say(message.stream, message.text)
        elif isinstance(message, Ready) or (not isinstance(message, Alive) and message.call == self._call):
            await self._news.put(message)

    def _over(self) -> None:
        self._is_over = True
        with suppress(asyncio.QueueFull):
            self._news.put_nowait(None)
