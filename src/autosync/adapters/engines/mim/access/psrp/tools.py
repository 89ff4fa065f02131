"""``EngineTools`` by PowerShell remoting: one session, one file at a time, pieces as they are asked for."""

import asyncio
import base64
import binascii
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from typing import Final, TypeVar

from autosync.adapters.engines.mim.access.failing import NO_OBJECT, port_errors
from autosync.adapters.engines.mim.access.port import CSEXPORT_FILTER
from autosync.model.agents import PendingSide
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.windows_remoting.failures import Cause, RemotingFailed
from autosync.windows_remoting.powershell import Command, CommandFailed, Pipeline, Session
from autosync.windows_remoting.target import DEFAULT_SESSION, Target
from autosync.windows_remoting.workers import Workers

T = TypeVar("T")

_OPEN_S: Final = 90.0
"""A session starts a process on the server, and loads the bridge."""
_STEP_S: Final = 60.0
_QUIET_S: Final = 900.0
"""The longest that a tool may work before its first byte, and between two: connector spaces may be large."""
_NO_SUCH: Final = frozenset({"NoSuchAgent", "NoSuchRun"})
_HELP: Final[Mapping[str, str]] = {
    "NoTools": "is this the synchronization server? command-line-tools: false goes on without them",
    "AccessDenied": "maexport and csexport may want the Administrators group (FIMSyncAdmins)",
    "ServiceStopped": "start it: Start-Service FIMSynchronizationService",
    "CommandNotFoundException": "the session configuration does not have the functions of AutoSync's bridge.ps1",
}


def bridge() -> str:
    """Return the script that is loaded into every session."""
    return resources.files(__package__).joinpath("bridge.ps1").read_text(encoding="utf-8")


class PsrpTools:
    """Implements ``EngineTools``."""

    def __init__(self, target: Target) -> None:
        self._server = target.host
        # A session configuration of the customer's own brings the functions with it, and may allow nothing else.
        startup = (bridge(),) if target.session == DEFAULT_SESSION else ()
        self._workers = Workers(lambda: Session(target, startup), most=1, name=f"tools on {target.name}")
        self._turn = asyncio.Semaphore(1)
        """One runspace runs one command; the next file waits until the last one was read or let go."""

    async def open(self) -> None:
        """Reach the server and find the tools."""
        command = Command(text="Find-Tools")
        with _tools_errors(self._server):
            async with self._turn:
                await self._call(lambda session: _again(lambda: session.run(command, limit_s=_STEP_S)), _OPEN_S)

    async def close(self) -> None:
        """Delete the remote shell."""
        await self._workers.close()

    def export_agent(self, agent: str) -> AsyncIterator[bytes]:
        """Yield what ``maexport`` writes."""
        return self._file(Command(text="maexport", parameters={"Agent": agent}))

    def export_pending(self, agent: str, side: PendingSide) -> AsyncIterator[bytes]:
        """Yield what ``csexport`` writes."""
        return self._file(Command(text="csexport", parameters={"Agent": agent, "Side": CSEXPORT_FILTER[side]}))

    async def run_details(self, key: str) -> str:
        """Return what ``RunDetails`` of a row gives, however long it is."""
        command = Command(text="Get-RunDetails", parameters={"Key": key})
        return b"".join([piece async for piece in self._file(command)]).decode("utf-8")

    async def _file(self, command: Command) -> AsyncIterator[bytes]:
        async with self._turn:
            pipeline: Pipeline | None = None
            with _tools_errors(self._server):
                try:
                    pipeline = await self._call(lambda session: _again(lambda: session.begin(command)), _OPEN_S)
                    quiet_until = time.monotonic() + _QUIET_S
                    while (values := await self._call(lambda _: pipeline.next(), _STEP_S)) is not None:
                        for value in values:
                            yield _bytes_of(value, self._server)
                        quiet_until = self._still_waits(quiet_until, heard=bool(values))
                finally:
                    if pipeline is not None:
                        await self._end(pipeline)

    def _still_waits(self, until: float, *, heard: bool) -> float:
        now = time.monotonic()
        if heard:
            return now + _QUIET_S
        if now > until:
            raise EngineUnavailable(f"{self._server}: no file was written within {_QUIET_S / 60:.0f} minutes")
        return until

    async def _end(self, pipeline: Pipeline) -> None:
        with _tools_errors(self._server):
            await self._call(lambda _: pipeline.end(), _STEP_S)

    async def _call(self, do: Callable[[Session], T], limit_s: float) -> T:
        return await self._workers.call(do, limit_s=limit_s)


@contextmanager
def _tools_errors(server: str) -> Iterator[None]:
    """Raise the port's errors for those of sessions and of the bridge."""
    with port_errors(server):
        try:
            yield
        except CommandFailed as failed:
            if failed.error_id in _NO_SUCH:
                raise EngineRejected(NO_OBJECT, f"{server}: {failed}") from None
            help_text = _HELP.get(failed.error_id, "")
            raise EngineUnavailable(f"{server}: {failed}{': ' if help_text else ''}{help_text}") from None


def _again(do: Callable[[], T]) -> T:
    """Do it, and a second time in a new session where the first one, or its connection, had ended meanwhile."""
    try:
        return do()
    except RemotingFailed as failed:
        if failed.cause not in {Cause.LOST, Cause.NO_SHELL}:
            raise
    return do()


def _bytes_of(value: object, server: str) -> bytes:
    """Return a piece: Base64 as text, or bytes as they are."""
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        raise EngineUnavailable(f"{server}: something on the server wrote between the pieces of the file") from None
