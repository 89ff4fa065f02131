"""The command line against a service in the same process: real parsing, real API, no socket."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any, cast

import httpx
import typer.main
from fastapi import FastAPI
from typer.testing import CliRunner

from autosync.cli.client import Answer, Call, Transport
from autosync.cli.main import app
from autosync.cli.root import Root
from autosync.cli.session import Wiring
from autosync.model.agents import Pending
from autosync.ports.secrets import Secret
from autosync.service.service import Service
from autosync.testing.clock import FixedClock
from autosync.web.app import build_app
from autosync.web.borders import Access
from autosync.web.event_stream import EventStreams
from tests.unit.web.building import World, build_world

TOKEN = "a-token-that-nobody-guesses"


@cache
def _routes() -> FastAPI:
    return build_app(cast(Service, None), Access(token=Secret(TOKEN)), FixedClock(), "1.2.3")


class InProcess:
    """The way to a service in this process."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls: list[Call] = []
        self.streams: list[list[bytes]] = []

    def send(self, call: Call) -> Answer:
        self.calls.append(call)
        routes = _routes()
        routes.state.service = self.world.service
        routes.state.streams = EventStreams(self.world.clock)

        async def ask() -> Answer:
            transport = httpx.ASGITransport(app=routes)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as client:
                said = await client.request(call.method, call.path, content=call.body, headers=dict(call.headers))
                return Answer(status=said.status_code, headers=dict(said.headers), body=said.content)

        return asyncio.run(ask())

    def lines(self, call: Call) -> Iterator[bytes]:
        self.calls.append(call)
        if not self.streams:
            raise KeyboardInterrupt
        yield from self.streams.pop(0)


class Nobody:
    """The way to a service that does not run."""

    def send(self, _call: Call) -> Answer:
        raise ConnectionRefusedError(111, "Connection refused")

    def lines(self, _call: Call) -> Iterator[bytes]:
        raise ConnectionRefusedError(111, "Connection refused")
        yield b""


@dataclass(kw_only=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str


@dataclass(kw_only=True)
class Shell:
    """A folder with a token file, a service, and somebody who types."""

    folder: Path
    transport: Transport
    environ: dict[str, str] = field(default_factory=dict)
    root: Root = field(default_factory=Root)
    paused: list[float] = field(default_factory=list)

    def type(self, *words: str) -> Ended:
        wiring = Wiring(
            connect=lambda _place: self.transport,
            environ={"XDG_STATE_HOME": str(self.folder / "state"), "LOCALAPPDATA": str(self.folder / "state")}
            | self.environ,
            folder=self.folder,
            zone=UTC,
            root=self.root,
            pause=self.paused.append,
        )
        ended = CliRunner().invoke(app, list(words), obj=wiring, catch_exceptions=False)
        return Ended(code=ended.exit_code, out=ended.stdout, err=ended.stderr)

    @property
    def world(self) -> World:
        transport = self.transport
        assert isinstance(transport, InProcess)
        return transport.world


def shell(folder: Path, portal: Pending | None = None) -> Shell:
    (folder / "autosync.token").write_text(TOKEN, encoding="ascii")
    return Shell(folder=folder, transport=InProcess(asyncio.run(build_world(portal))))


def every_command() -> Mapping[str, Any]:
    """Return every command by its words, as the parser has them."""
    found: dict[str, Any] = {}

    def walk(words: tuple[str, ...], command: Any) -> None:
        inner = getattr(command, "commands", None)
        if words and (inner is None or getattr(command, "invoke_without_command", False)):
            found[" ".join(words)] = command
        for name, one in (inner or {}).items():
            walk((*words, name), one)

    walk((), typer.main.get_command(app))
    return found


Made = Callable[[], Shell]
