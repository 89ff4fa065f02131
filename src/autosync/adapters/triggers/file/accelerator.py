"""Wakes a watcher early when the operating system reports a change; where it reports none, polling does it alone."""

import asyncio
import threading
from pathlib import Path

from watchfiles import watch


class Accelerator:
    """One thread that waits for notifications about a place. They may fail, or never come, as on network shares."""

    def __init__(self, path: Path, *, recursive: bool) -> None:
        self._path = path
        self._recursive = recursive
        self._stop = threading.Event()
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen."""
        folder = self._path if self._path.is_dir() else self._path.parent
        self._thread = threading.Thread(target=self._listen, args=(folder,), name=f"notices {folder}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end, soon."""
        self._stop.set()

    async def wait(self, seconds: float) -> None:
        """Wait for a notification, at most ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()

    def _listen(self, folder: Path) -> None:
        try:
            for _changes in watch(
                folder,
                stop_event=self._stop,
                watch_filter=None,
                debounce=50,
                step=20,
                rust_timeout=500,
                raise_interrupt=False,
                recursive=self._recursive,
            ):
                self._loop.call_soon_threadsafe(self._news.set)
        except (OSError, RuntimeError):
            return  # no notifications here, or the loop has gone: polling is the truth
