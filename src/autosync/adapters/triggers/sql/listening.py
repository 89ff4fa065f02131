"""PostgreSQL's NOTIFY as an accelerator: it makes the trigger look at once. What it misses, the next look finds."""

import asyncio
import threading

from sqlalchemy.engine import URL

from autosync.model.errors import TriggerFailed

_STOP_S = 0.5
"""How soon the thread sees that it shall end."""


class Listener:
    """One thread that waits for notifications on a channel, with a connection of its own."""

    def __init__(self, url: URL, channel: str) -> None:
        self._url = url
        self._channel = channel
        self._stop = threading.Event()
        self._news = asyncio.Event()
        self._error = ""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._listen, name=f"listens on {channel}", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end, soon."""
        self._stop.set()

    async def wait(self, seconds: float) -> None:
        """Wait for a notification, at most ``seconds``. Raises ``TriggerFailed`` when the connection is lost."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()
        if self._error:
            raise TriggerFailed(f"cannot listen on the channel {self._channel}: {self._error}")

    def _listen(self) -> None:
        try:
            import psycopg  # noqa: PLC0415 - an optional extra
            from psycopg import sql  # noqa: PLC0415
            from psycopg.conninfo import make_conninfo  # noqa: PLC0415
        except ImportError:
            self._tell(
                "psycopg is not installed; install AutoSync with its extra: pip install autosync-identity[postgresql]"
            )
            return
        try:
            with psycopg.connect(make_conninfo("", **_arguments(self._url)), autocommit=True) as connection:
                connection.execute(sql.SQL("listen {}").format(sql.Identifier(self._channel)))
                self._tell()  # what was notified before this moment is found by looking now
                while not self._stop.is_set():
                    for _notification in connection.notifies(timeout=_STOP_S, stop_after=1):
                        self._tell()
        except psycopg.Error as error:
            self._tell(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)

    def _tell(self, error: str = "") -> None:
        password = str(self._url.password or "")
        self._error = error.replace(password, "***") if password else error
        if not self._stop.is_set() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)


def _arguments(url: URL) -> dict[str, str | int]:
    """Return what libpq calls the parts of a URL."""
    parts = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    given = {name: part for name, part in parts.items() if part is not None}
    return {**given, **{name: value for name, value in url.query.items() if isinstance(value, str)}}
