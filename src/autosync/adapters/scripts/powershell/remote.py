"""PowerShell on another machine: one session over PowerShell remoting in which the bridge and the script live.

Windows ends the session's process, and everything that it started, when the session is deleted: that is how a call that
cannot be stopped is ended, and why nothing is left behind over there.
"""

import asyncio
import codecs
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from autosync.adapters.scripts.interpreter import Ears
from autosync.adapters.scripts.messages import encode, marked
from autosync.model.errors import AutoSyncError, ScriptFailed
from autosync.options.windows_host import WindowsHost
from autosync.ports.secrets import Secret, SecretSource
from autosync.windows_remoting.failures import Cause, RemotingFailed
from autosync.windows_remoting.powershell import Command, Credential, Pipeline, Session
from autosync.windows_remoting.workers import Workers

T = TypeVar("T")

_FOLDER: Final = Path(__file__).parent
_SOURCES: Final = ("types.cs", "persistent_search.cs")
_OPEN_S: Final = 120.0
"""A session starts a process over there, and loads the bridge; a busy server takes its time."""
_STEP_S: Final = 60.0
"""For one step of a conversation that does not wait for the script."""
_KEEP_S: Final = 600.0
"""After how long without a word the session is asked whether it is there: Windows deletes idle ones, after two hours."""
_TRUST_S: Final = 30.0
"""For how long after a word it is taken to be there."""
_PROBE_S: Final = 15.0
POLL_S: Final = 1
"""How long one question for output waits; a wish to stop is heard after that."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    command: Command
    done: asyncio.Event = field(default_factory=asyncio.Event)


class RemoteInterpreter:
    """Implements ``Interpreter``. Its requests are carried out one after the other, by one task, in one thread."""

    advice = "it begins anew by itself"

    def __init__(self, ears: Ears, host: WindowsHost, secrets: SecretSource) -> None:
        self.name = f"the session on {host.server}"
        self._ears = ears
        self._host = host
        self._secrets = secrets
        self._requests: asyncio.Queue[_Request] = asyncio.Queue(16)
        self._workers: Workers[Session] | None = None
        self._talk: asyncio.Task[None] | None = None
        self._how = "it was closed"
        self._heard = 0.0
        self._wants_stop = False
        self._is_over = False

    @property
    def alive(self) -> bool:
        """Return whether it runs, as far as is known."""
        return self._talk is not None and not self._is_over

    async def start(self) -> None:
        """Open the session and load the bridge; raise ``ScriptFailed``."""
        try:
            target = self._host.target(self._secrets)
            workers = Workers(
                lambda: Session(target, (bridge(),)), most=1, name=f"script on {target.name}", idle_s=None
            )
            self._workers = workers
            said, _ = await self._call(lambda session: session.run(_OPEN, limit_s=_STEP_S), _OPEN_S)
        except AutoSyncError as error:
            raise ScriptFailed(f"{self.name} cannot run it: {error}") from error
        self._heard = time.monotonic()
        # The task belongs to this object, which ends it in end(): no task group of a caller lives that long.
        self._talk = asyncio.get_running_loop().create_task(self._converse(), name=f"script on {self._host.server}")
        for line in said:
            await self._ears.line(_bytes(line))

    async def is_there(self) -> bool:
        """Return whether it can be asked: a server may have restarted meanwhile."""
        if self.alive and time.monotonic() - self._heard > _TRUST_S:
            request = _Request(command=_PING)
            try:
                async with asyncio.timeout(_PROBE_S):
                    await self._requests.put(request)
                    await request.done.wait()
            except TimeoutError:
                return False
        return self.alive

    async def sign_in(self, user: str, password: str) -> None:
        """Give it what the script gets as credentials, encrypted with the key of the session."""
        credential = Credential(user=user, password=Secret(password))
        await self._ask(Command(text="Set-AutoSyncCredential", parameters={"Credential": credential}))

    async def send(self, operation: str, **fields: object) -> None:
        """Ask for something. A script to be loaded goes along: it lies on this machine."""
        match operation:
            case "stop":
                self._wants_stop = True
            case "ping":
                pass  # while it works, every question for output shows that it is there
            case "load":
                text = await asyncio.to_thread(_script, Path(str(fields["path"])))
                sources = await asyncio.to_thread(_sources)
                await self._ask(_request(encode("load", text=marked(text), sources=sources, **fields)))
            case _:
                await self._ask(_request(encode(operation, **fields)))

    def kill(self) -> None:
        """End it, and what it started, with its session."""
        self._is_over = True
        if self._talk is not None:
            self._talk.cancel()

    async def end(self) -> str:
        """Delete the session; return why it had ended before, where it had."""
        self.kill()
        workers, self._workers = self._workers, None
        talk, self._talk = self._talk, None
        if workers is not None:
            await workers.close()
        if talk is not None:
            await asyncio.wait((talk,))
        return self._how

    async def _ask(self, command: Command) -> None:
        await self._requests.put(_Request(command=command))

    async def _converse(self) -> None:
        """Carry out requests until the session is lost, or somebody ends it."""
        try:
            goes_on = True
            while goes_on:
                goes_on = await self._carry_out(await self._next())
        except AutoSyncError as error:
            self._how = str(error)
        finally:
            self._is_over = True
            self._ears.end()

    async def _next(self) -> _Request:
        try:
            async with asyncio.timeout(_KEEP_S):
                return await self._requests.get()
        except TimeoutError:
            return _Request(command=_PING)

    async def _carry_out(self, request: _Request) -> bool:
        """Carry out a request and tell what it says; return whether there may be another one."""
        try:
            self._wants_stop = False
            pipeline = await self._call(lambda session: _begun(session, request.command), _STEP_S)
            try:
                while not self._wants_stop and (values := await self._call(_step(pipeline), _STEP_S)) is not None:
                    self._heard = time.monotonic()
                    await self._ears.line(_PONG)
                    for value in values:
                        await self._ears.line(_bytes(value))
            finally:
                for each in pipeline.said:
                    self._ears.noise(each.text)
                if not self._is_over:
                    await self._call(lambda _: pipeline.end(), _STEP_S)
        finally:
            request.done.set()
        return not self._wants_stop

    async def _call(self, do: Callable[[Session], T], limit_s: float) -> T:
        if self._workers is None:
            raise ScriptFailed(f"{self.name} was closed")
        return await self._workers.call(do, limit_s=limit_s)


_OPEN: Final = Command(text="Open-AutoSyncBridge")
_PONG: Final = b'{"pong":true}'


def bridge() -> str:
    """Return the scripts that are loaded into the session before the user's."""
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in ("remote.ps1", "work.ps1"))


def _request(line: bytes) -> Command:
    return Command(text="Invoke-AutoSyncRequest", parameters={"Request": line.decode("ascii").strip()})


_PING: Final = _request(encode("ping"))


def _step(pipeline: Pipeline) -> Callable[[Session], list[object] | None]:
    return lambda _: pipeline.next(POLL_S)


def _begun(session: Session, command: Command) -> Pipeline:
    if not session.is_open:  # a new one would not have the script
        raise RemotingFailed(Cause.NO_SHELL, "the remote shell is gone")
    return session.begin(command)


def _bytes(value: object) -> bytes:
    return str(value).encode("utf-8", "replace")


def _script(path: Path) -> str:
    """Return a script's text as PowerShell reads files here: UTF-8 where no mark says otherwise. Raises ``ScriptFailed``."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScriptFailed(f"the script {path} cannot be read: {error.strerror or error}") from error
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return data.decode("utf-8", "replace")


def _sources() -> dict[str, str | None]:
    return {name: marked((_FOLDER / name).read_text(encoding="utf-8")) for name in _SOURCES}
