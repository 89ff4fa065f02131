"""The process of a script: started, spoken to in lines, listened to, and ended with everything that it started."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from autosync.adapters.process_tree import ProcessTree
from autosync.adapters.scripts.environment import environment_of
from autosync.adapters.scripts.interpreter import Ears
from autosync.adapters.scripts.messages import LONGEST_LINE, encode, marked
from autosync.model.errors import ScriptFailed
from autosync.options.script import ScriptOptions

_GOING_S: Final = 0.4
"""How long a process that was asked to go may take."""
_LONGEST_NOISE: Final = 8192


class ScriptProcess:
    """Implements ``Interpreter`` for every language that has a bridge program.

    ``command`` returns that program with its arguments; it may raise ``ScriptFailed``. The process ends with the service,
    however that ends: its standard input closes, and its job with it.
    """

    name = "the process"
    advice = "a script must not call exit"

    def __init__(self, ears: Ears, options: ScriptOptions, command: Callable[[ScriptOptions], Sequence[str]]) -> None:
        self._ears = ears
        self._options = options
        self._command = command
        self._tree = ProcessTree()
        self._process: asyncio.subprocess.Process | None = None
        self._listeners: tuple[asyncio.Task[None], ...] = ()

    @property
    def alive(self) -> bool:
        """Return whether it runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it; raise ``ScriptFailed``."""
        command = self._command(self._options)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._options.path.parent,
                env=environment_of(os.environ, self._options.environment),
                limit=LONGEST_LINE,
                **ProcessTree.spawning(),
            )
        except OSError as error:
            raise ScriptFailed(f"cannot start {command[0]}: {error.strerror or error}") from error
        try:
            self._tree.adopt(process.pid)
        except OSError as error:
            process.kill()
            raise ScriptFailed(f"cannot take {command[0]} into a job of its own: {error}") from error
        self._process = process
        # The listeners belong to this object, which ends them in end(): no task group of a caller lives that long.
        loop = asyncio.get_running_loop()
        self._listeners = (
            loop.create_task(self._listen(process), name=f"script process {process.pid}"),
            loop.create_task(self._overhear(process), name=f"errors of script process {process.pid}"),
        )

    async def is_there(self) -> bool:
        """Return whether it runs: a process shows by itself that it has gone."""
        return self.alive

    async def sign_in(self, user: str, password: str) -> None:
        """Give it what the script gets as credentials, over its standard input."""
        await self.send("credential", username=marked(user), password=marked(password))

    async def send(self, operation: str, **fields: object) -> None:
        """Say a line; a process that has gone is noticed elsewhere."""
        if self._process is None or self._process.stdin is None:
            return
        with suppress(ConnectionError, RuntimeError):
            self._process.stdin.write(encode(operation, **fields))
            await self._process.stdin.drain()

    def kill(self) -> None:
        """End it and all that it started, now."""
        # Not through asyncio's process: it would take the exit status away from the one who waits for it.
        self._tree.kill()

    async def end(self) -> str:
        """Let it go by itself for a moment, then end what is left; return its exit status. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return "exit status unknown"
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_GOING_S):
                await process.wait()
        except TimeoutError:
            pass
        finally:
            self._tree.close()
        await self._let_listeners_go()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOING_S):
                await process.wait()
        return f"exit status {'unknown' if process.returncode is None else process.returncode}"

    async def _let_listeners_go(self) -> None:
        """Hear its last words, unless something that left the tree holds the pipes open."""
        listeners, self._listeners = self._listeners, ()
        try:
            await asyncio.wait(listeners, timeout=_GOING_S)
        finally:
            for listener in listeners:
                listener.cancel()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while line := await process.stdout.readline():
                await self._ears.line(line)
        except ValueError:
            self._ears.noise(f"a line of more than {LONGEST_LINE >> 20} MB: the process is ended")
            self.kill()
        finally:
            self._ears.end()

    async def _overhear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        rest = b""
        while chunk := await process.stderr.read(_LONGEST_NOISE):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._ears.noise(line.decode("utf-8", "replace"))
            if len(rest) > _LONGEST_NOISE:
                self._ears.noise(rest.decode("utf-8", "replace"))
                rest = b""
        self._ears.noise(rest.decode("utf-8", "replace"))
