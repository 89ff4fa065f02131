"""What every demo does: run AutoSync on a configuration, tell what it does, wait until it is quiet, sum up."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from autosync.bootstrap import Running, serve
from autosync.cli.demo.narrator import Narrator
from autosync.cli.exits import Exit
from autosync.cli.terminal import Terminal


class Showing:
    """One showing. It ends when its story has been told, or when nothing became quiet in time."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._ready: asyncio.Event = asyncio.Event()
        self._running: Running | None = None
        self._failure = ""

    @property
    def running(self) -> Running:
        """Return the AutoSync that runs."""
        assert self._running is not None, "the story begins when it runs"
        return self._running

    async def show(self, configuration: Path, log: Path, tell: Callable[[], Awaitable[None]]) -> Exit:
        """Run AutoSync while the story is told; return ``Exit.FAILED`` when it did not work."""
        with log.open("w", encoding="utf-8") as lines:
            await serve(configuration, self._met, lambda: self._tell(tell), log=lines)
        return Exit.FAILED if self._failure else Exit.OK

    async def wait_quiet(self, *, after: int, limit: float) -> None:
        """Wait until an outside cause newer than cascade ``after`` was seen and nothing waits or runs any more."""
        async with asyncio.timeout(limit):
            while True:
                state = self.running.supervisor.dispatcher.state
                if state.last_cascade > after and not (state.runs or state.requests or state.cascades):
                    break
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)  # the narrator is a moment behind

    @property
    def last_cascade(self) -> int:
        """Return the newest outside cause; what comes later is newer."""
        return self.running.supervisor.dispatcher.state.last_cascade

    def _met(self, running: Running) -> None:
        self._running = running
        self._ready.set()

    async def _tell(self, tell: Callable[[], Awaitable[None]]) -> None:
        await self._ready.wait()
        running = self.running
        narrator = Narrator(self._terminal, running.supervisor.store)
        self.narrator = narrator
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(narrator.follow(running.supervisor.journal.subscribe(0)), name="narrator")
            try:
                await tell()
            except TimeoutError:
                self._failure = "it did not become quiet in time"
                self._terminal.line(f"The demo failed: {self._failure}. See: autosync status", style="bold red")
            finally:
                telling.cancel()
                running.supervisor.stop()

    def sum_up(self) -> None:
        """Tell how much was done, and how long the slowest change took."""
        told = self.narrator.told
        longest = max(told.latencies, default=0.0)
        self._terminal.line(
            f"{told.runs} runs, {told.exported:,} changes exported and confirmed, {len(told.troubles)} warnings; "
            f"slowest change everywhere after {longest:.2f} s."
        )


def to_the_end(showing: Callable[[], Awaitable[Exit]]) -> Exit:
    """Run a showing to its end and return the exit status; Ctrl+C is an end like any other."""

    async def run() -> Exit:
        return await showing()

    try:
        return asyncio.run(run())
    except* BrokenPipeError:
        pass  # whoever looked has seen enough: ``autosync demo | head``
    except* KeyboardInterrupt:
        pass
    return Exit.OK
