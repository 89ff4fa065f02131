"""The demo from its first line to its last."""

import asyncio
import time
from pathlib import Path

from autosync.bootstrap import Running, serve
from autosync.cli.demo.company import Person, found_company
from autosync.cli.demo.folder import RealDirectory, make_folder
from autosync.cli.demo.narrator import Narrator
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
        self._ready: asyncio.Event = asyncio.Event()
        self._running: Running | None = None
        self._failure = ""

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
        with (self._folder / "state.log").open("w", encoding="utf-8") as log:
            await serve(configuration, self._met, lambda: self._tell(people), log=log)
        return Exit.FAILED if self._failure else Exit.OK

    def _met(self, running: Running) -> None:
        self._running = running
        self._ready.set()

    async def _tell(self, people: list[Person]) -> None:
        await self._ready.wait()
        running = self._running
        assert running is not None
        narrator = Narrator(self._terminal, running.supervisor.store)
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(narrator.follow(running.supervisor.journal.subscribe(0)), name="narrator")
            try:
                await self._play(running, people)
                self._summary(narrator)
                if self._stay:
                    self._invite(running)
                    await asyncio.get_running_loop().create_future()
            except TimeoutError:
                self._failure = "it did not become quiet in time"
                self._terminal.line(f"The demo failed: {self._failure}. See: autosync status", style="bold red")
            finally:
                telling.cancel()
                running.supervisor.stop()

    async def _play(self, running: Running, people: list[Person]) -> None:
        self._terminal.line("First load")
        begun = time.monotonic()
        await self._wait_quiet(running, after=0, limit=_FIRST_LOAD_LIMIT_S)
        self._terminal.line(f"Quiet {time.monotonic() - begun:.1f} s after the start.")
        self._terminal.line()
        for chapter in chapters(people):
            self._terminal.line(f"{chapter.title}: {chapter.expect}")
            told = running.supervisor.dispatcher.state.last_cascade
            play(chapter, self._folder / "hr.csv")
            await self._wait_quiet(running, after=told, limit=_CHAPTER_LIMIT_S)

    async def _wait_quiet(self, running: Running, *, after: int, limit: float) -> None:
        """Wait until an outside cause newer than cascade ``after`` was seen and nothing waits or runs any more."""
        async with asyncio.timeout(limit):
            while True:
                state = running.supervisor.dispatcher.state
                if state.last_cascade > after and not (state.runs or state.requests or state.cascades):
                    break
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)  # the narrator is a moment behind

    def _summary(self, narrator: Narrator) -> None:
        told = narrator.told
        longest = max(told.latencies, default=0.0)
        self._terminal.line(
            f"{told.runs} runs, {told.exported:,} changes exported and confirmed, {len(told.troubles)} warnings; "
            f"slowest change everywhere after {longest:.2f} s."
        )

    def _invite(self, running: Running) -> None:
        folder = self._folder
        self._terminal.line()
        self._terminal.line(f"Try it: edit {folder / 'hr.csv'} and save: a new title arrives everywhere by itself;")
        self._terminal.line(
            "        delete half of its lines: nothing is deleted anywhere, a hold waits for your decision."
        )
        self._terminal.line("Another terminal: .venv/bin/autosync status | why last | runs | hold list")
        self._terminal.line(f"API on {running.url} · stop with Ctrl+C")


def show_demo(folder: Path, terminal: Terminal, *, stay: bool, directory: RealDirectory | None = None) -> Exit:
    """Show the demo in ``folder`` and return the exit status."""
    try:
        return asyncio.run(Demo(folder, terminal, stay=stay, directory=directory).show())
    except* BrokenPipeError:
        pass  # whoever looked has seen enough: ``autosync demo | head``
    except* KeyboardInterrupt:
        pass
    return Exit.OK
