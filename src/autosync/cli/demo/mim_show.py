"""The demo of the MIM engine: AutoSync drives a stand-in server over WS-Management, through a bad day."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from autosync.bootstrap.standing_in import stand_in
from autosync.cli.demo.folder import free_port
from autosync.cli.demo.showing import Showing, to_the_end
from autosync.cli.exits import Exit
from autosync.cli.terminal import Terminal

_ACCOUNT: Final = "CORP\\svc-autosync"
_LIMIT_S: Final = 120.0
_AWAY_S: Final = 4.0
_SOURCES: Final = ("HR", "Portal")
_CONFIGURATION: Final = """\
# The demo of the MIM engine: a stand-in server on this machine, reached as a real one is.
service:
  listen: 127.0.0.1:{port}
  store: sqlite:state/autosync.db
  token-file: state/autosync.token
engines:
  mim:
    type: mim
    server: 127.0.0.1
    port: {server}
    transport: http   # with messages encrypted by the sign-in; a real server: https, and its name
    sign-in: {{user: '{account}', password: {{file: state/password}}}}
agents:
  # A real server has better triggers (sql, mim-service, active-directory): here a file tells that a source changed.
  mim/HR: {{triggers: [{{type: file, path: HR.changed}}]}}
  mim/Portal: {{triggers: [{{type: file, path: Portal.changed}}]}}
"""


class MimDemo:
    """One showing. On a terminal it goes on after the story until Ctrl+C; elsewhere it ends by itself."""

    def __init__(self, folder: Path, terminal: Terminal, *, stay: bool) -> None:
        self._folder = folder
        self._terminal = terminal
        self._stay = stay
        self._showing = Showing(terminal)
        self._password = secrets.token_urlsafe(16)
        self._server = stand_in(self._password, _ACCOUNT)
        self._changes = 0

    async def show(self) -> Exit:
        """Start the server, run AutoSync on it, play the story; return ``Exit.FAILED`` when it did not work."""
        with self._server as server:
            configuration = await asyncio.to_thread(self._make_folder)
            self._terminal.line(f"AutoSync drives a stand-in for MIM's Synchronization Service on {server.url}")
            self._terminal.line("  HR, Portal ─▶ metaverse ─▶ AD (two domains), Portal, Phone book")
            self._terminal.line()
            return await self._showing.show(configuration, self._folder / "state.log", self._tell)

    def _make_folder(self) -> Path:
        state = self._folder / "state"
        state.mkdir(parents=True, exist_ok=True)
        for old in state.iterdir():
            old.unlink()
        password = state / "password"
        password.touch(mode=0o600)
        password.write_text(self._password, encoding="utf-8")
        for source in _SOURCES:
            (self._folder / f"{source}.changed").write_text("0\n", encoding="utf-8")
        path = self._folder / "autosync.yaml"
        text = _CONFIGURATION.format(port=free_port(), server=self._server.port, account=_ACCOUNT)
        path.write_text(text, encoding="utf-8", newline="\n")
        return path

    async def _tell(self) -> None:
        self._terminal.line("AutoSync reads the agents, and imports what its triggers have never seen")
        await self._showing.wait_quiet(after=0, limit=_LIMIT_S)
        await self._chapter("Somebody is hired: HR has a new person", lambda: self._change("HR"))
        await self._chapter("Two hundred people move to another building", lambda: self._change("HR", 200))
        await self._chapter(
            "An administrator runs an import of the portal by hand: AutoSync notices, and does what must follow",
            self._foreign_run,
        )
        await self._chapter(
            f"The connection breaks in the middle, for {_AWAY_S:.0f} s: the run goes on there, and is taken up again",
            self._interruption,
        )
        self._showing.sum_up()
        begun = len(self._server.provider.executed)
        self._terminal.line(
            f"The server was asked to start {begun} runs, one of them by the administrator; none twice."
        )
        if self._stay:
            self._invite()
            await asyncio.get_running_loop().create_future()

    async def _chapter(self, title: str, happen: Callable[[], Awaitable[None]]) -> None:
        self._terminal.line(title)
        told = self._showing.last_cascade
        await happen()
        await self._showing.wait_quiet(after=told, limit=_LIMIT_S)

    async def _change(self, source: str, count: int = 1) -> None:
        for _ in range(count):
            self._server.provider.change(source)
        self._changes += 1
        file = self._folder / f"{source}.changed"
        await asyncio.to_thread(file.write_text, f"{self._changes}\n", encoding="utf-8")

    async def _foreign_run(self) -> None:
        self._server.provider.change("Portal")
        self._server.provider.start_foreign("Portal", "DI")

    async def _interruption(self) -> None:
        await self._change("HR")
        while not self._server.provider.running():  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.02)
        self._server.provider.knobs.reachable = False
        self._server.break_connections()
        await asyncio.sleep(_AWAY_S)
        self._server.provider.knobs.reachable = True

    def _invite(self) -> None:
        self._terminal.line()
        self._terminal.line(f"Try it: write anything into {self._folder / 'HR.changed'}: HR is imported at once.")
        self._terminal.line(
            f"Another terminal: AUTOSYNC_CONFIG={self._folder / 'autosync.yaml'} .venv/bin/autosync status"
        )
        self._terminal.line(f"                  .venv/bin/autosync doctor --config {self._folder / 'autosync.yaml'}")
        self._terminal.line(f"API on {self._showing.running.url} · stop with Ctrl+C")


def show_demo(folder: Path, terminal: Terminal, *, stay: bool) -> Exit:
    """Show the demo in ``folder`` and return the exit status."""
    return to_the_end(MimDemo(folder, terminal, stay=stay).show)
