"""The demo from its first line to its last."""

import asyncio
import time
from pathlib import Path

from autosync.cli.demo.company import Person, found_company
from autosync.cli.demo.folder import RealDirectory, make_folder
from autosync.cli.demo.showing import Showing, to_the_end
from autosync.cli.demo.story import chapters, play
from autosync.cli.exits import Exit
from autosync.cli.terminal import Terminal

_FIRST_LOAD_LIMIT_S = 120.0
_CHAPTER_LIMIT_S = 60.0


class Demo:
    """One showing. On a terminal it goes on after the story until Ctrl+C; elsewhere it ends by itself."""

    def __init__(self, folder: Path, terminal: Terminal, *, stay: bool, directory: RealDirectory | None = None) -> None:
        self._directory = directory
        self._folder = folder
        self._terminal = terminal
        self._stay = stay
        self._showing = Showing(terminal)

    async def show(self) -> Exit:
        """Make the company, run AutoSync on it, play the story; return ``Exit.FAILED`` when it did not work."""
        people = found_company()
        configuration = make_folder(self._folder, people, self._directory)
        self._terminal.line(
            f"AutoSync demo: {len(people):,} people in {self._folder / 'hr.csv'}, kept in step by the embedded engine"
        )
        kind = self._directory.name if self._directory else "LDIF"
        self._terminal.line(f"  hr (CSV) ─▶ metaverse ─▶ directory ({kind}), badge (SQLite), phonebook (CSV)")
        self._terminal.line()
        return await self._showing.show(configuration, self._folder / "state.log", lambda: self._tell(people))

    async def _tell(self, people: list[Person]) -> None:
        await self._play(people)
        self._showing.sum_up()
        if self._stay:
            self._invite()
            await asyncio.get_running_loop().create_future()

    async def _play(self, people: list[Person]) -> None:
        self._terminal.line("First load")
        begun = time.monotonic()
        await self._showing.wait_quiet(after=0, limit=_FIRST_LOAD_LIMIT_S)
        self._terminal.line(f"Quiet {time.monotonic() - begun:.1f} s after the start.")
        self._terminal.line()
        for chapter in chapters(people):
            self._terminal.line(f"{chapter.title}: {chapter.expect}")
            told = self._showing.last_cascade
            play(chapter, self._folder / "hr.csv")
            await self._showing.wait_quiet(after=told, limit=_CHAPTER_LIMIT_S)

    def _invite(self) -> None:
        folder = self._folder
        self._terminal.line()
        self._terminal.line(f"Try it: edit {folder / 'hr.csv'} and save: a new title arrives everywhere by itself;")
        self._terminal.line(
            "        delete half of its lines: nothing is deleted anywhere, a hold waits for your decision."
        )
        self._terminal.line("Another terminal: .venv/bin/autosync status | why last | runs | hold list")
        self._terminal.line(f"API on {self._showing.running.url} · stop with Ctrl+C")


def show_demo(folder: Path, terminal: Terminal, *, stay: bool, directory: RealDirectory | None = None) -> Exit:
    """Show the demo in ``folder`` and return the exit status."""
    return to_the_end(Demo(folder, terminal, stay=stay, directory=directory).show)
