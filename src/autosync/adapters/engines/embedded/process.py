"""The service's end of the worker process: start it, ask it, notice its death.

The engine's work is Python and SQLite; beside the event loop, in a thread, it would delay every timer by milliseconds.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import msgspec

from autosync.adapters.child_environment import minimal
from autosync.adapters.engines.embedded.messages import HEAD_SIZE, Answer, Call, frame, length_of
from autosync.adapters.process_tree import ProcessTree
from autosync.model.errors import EngineRejected, EngineUnavailable

T = TypeVar("T")

_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 10.0


class WorkerProcess:
    """One child process that runs the engine; it ends when its standard input closes, however the service dies."""

    def __init__(self, engine: str, *, on_death: Callable[[], object]) -> None:
        self._engine = engine
        self._on_death = on_death
        self._process: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._calls = 0

    @property
    def alive(self) -> bool:
        """Return whether calls can be answered."""
        return self._process is not None and self._process.returncode is None and self._listener is not None

    async def start(self, setup: dict[str, object]) -> None:
        """Start the process and hand it the engine's setup; raise ``EngineUnavailable`` with its own words."""
        await self.stop()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-X",
            "utf8",
            "-m",
            "autosync.adapters.engines.embedded.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=minimal(os.environ),
            **ProcessTree.spawning(),
        )
        # The listener belongs to this object, which ends it in stop(); no task group of the caller lives that long.
        self._listener = asyncio.get_running_loop().create_task(
            self._listen(self._process), name=f"worker {self._engine}"
        )
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                await self.ask("open", setup)
        except BaseException:
            await self.stop()  # a worker without an engine answers nothing: the next try begins with another
            raise

    async def ask(self, method: str, arguments: dict[str, object] | None = None) -> object:
        """Call the worker's method and return its plain answer; no time limit: the caller knows how long is too long."""
        if not self.alive or self._process is None or self._process.stdin is None:
            raise EngineUnavailable(f"the worker process of engine {self._engine} is not running")
        self._calls += 1
        number = self._calls
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._process.stdin.write(frame(Call(number, method, arguments or {})))
            await self._process.stdin.drain()
            return _value(await answer)
        except (ConnectionError, RuntimeError) as error:
            raise EngineUnavailable(f"the worker process of engine {self._engine} ended: {error}") from error
        finally:
            self._waiting.pop(number, None)

    async def ask_for(self, kind: type[T], method: str, arguments: dict[str, object] | None = None) -> T:
        """Call the worker's method and return its answer as a value of type ``kind``."""
        return msgspec.convert(await self.ask(method, arguments), kind, strict=False)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while True:
                head = await process.stdout.readexactly(HEAD_SIZE)
                answer = msgspec.msgpack.decode(await process.stdout.readexactly(length_of(head)), type=Answer)
                waiting = self._waiting.get(answer.number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
        except (asyncio.IncompleteReadError, ValueError):
            code = await process.wait()
            self._give_up(f"the worker process of engine {self._engine} ended (exit status {code})")

    def _give_up(self, text: str) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(EngineUnavailable(text))
        self._on_death()

    async def stop(self) -> None:
        """Let the worker finish its batch and end; kill it after ten seconds. Idempotent."""
        process, listener = self._process, self._listener
        self._process = self._listener = None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                async with asyncio.timeout(_STOP_LIMIT_S):
                    await process.wait()
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if listener is not None:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener


def _value(answer: Answer) -> object:
    if answer.error is None:
        return answer.value
    if answer.error == "unavailable":
        raise EngineUnavailable(answer.message)
    raise EngineRejected(answer.error, answer.message)
