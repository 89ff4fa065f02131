"""What needs no server: files, folders, SQLite, scripts, calls, stand-ins for the MIM Service's history."""

import asyncio
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import asynccontextmanager, closing
from itertools import count
from pathlib import Path

from autosync.adapters.triggers.file import watching as file_watching
from autosync.adapters.triggers.webhook.watching import WebhookTrigger
from autosync.ports.webhook import Delivery
from benchmarks.triggers import portal
from benchmarks.triggers.measuring import Subject, Watching, trigger_of

_FUNCTION = """
from pathlib import Path

def run_profile_to_execute(token=None):
    newest = Path({path!r}).read_text(encoding="utf-8")
    return {{"type": "delta-import", "token": newest}} if newest != token else None
"""
_GENERATOR = """
import asyncio
from autosync_scripts import Run

async def watch(token=None):
    server = await asyncio.start_server(heard, "127.0.0.1", {port})
    yield Run(type="delta-import", text="begun")
    while True:
        yield Run(type="delta-import", text=await NEWS.get())

NEWS = asyncio.Queue()

async def heard(reader, writer):
    await NEWS.put((await reader.readline()).decode())
    writer.close()
"""


@asynccontextmanager
async def one_file() -> Watching:
    """Watch a file that gets another content."""
    with tempfile.TemporaryDirectory() as folder:
        path, numbers = Path(folder) / "hr.csv", count()

        async def change() -> None:
            await asyncio.to_thread(path.write_text, f"id\n{next(numbers)}\n", encoding="utf-8")

        await change()
        yield trigger_of("file", {"path": str(path)}), change


@asynccontextmanager
async def folder() -> Watching:
    """Watch a folder that gets another file."""
    with tempfile.TemporaryDirectory() as place:
        numbers = count()

        async def change() -> None:
            await asyncio.to_thread((Path(place) / f"{next(numbers)}.csv").write_text, "id\n1\n", encoding="utf-8")

        yield trigger_of("folder", {"path": place}), change


class _Deaf:
    """The operating system tells nothing, as on many network shares."""

    def __init__(self, _path: Path, *, recursive: bool) -> None:
        self._recursive = recursive

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    async def wait(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@asynccontextmanager
async def deaf_folder() -> Watching:
    """Watch the same without notifications."""
    known = file_watching.Accelerator
    file_watching.Accelerator = _Deaf  # type: ignore[misc, assignment]
    try:
        async with folder() as found:
            yield found
    finally:
        file_watching.Accelerator = known  # type: ignore[misc]


@asynccontextmanager
async def sqlite() -> Watching:
    """Watch an SQLite table that gets a row more."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "hr.db"
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("create table people (version integer primary key)")

        def add() -> None:
            with closing(sqlite3.connect(file)) as connection, connection:
                connection.execute("insert into people default values")

        query = "select max(version) from people"
        yield (
            trigger_of("sql", {"url": f"sqlite:///{file}", "query": query, "every": "1s"}),
            lambda: asyncio.to_thread(add),
        )


@asynccontextmanager
async def python_function() -> Watching:
    """Watch by a function that is asked."""
    with tempfile.TemporaryDirectory() as place:
        path, numbers = Path(place) / "newest", count()

        async def change() -> None:
            await asyncio.to_thread(path.write_text, str(next(numbers)), encoding="utf-8")

        await change()
        script = Path(place) / "poll.py"
        script.write_text(_FUNCTION.format(path=str(path)), encoding="utf-8")
        yield trigger_of("python", {"script": str(script), "every": "1s"}), change


@asynccontextmanager
async def python_generator(port: int) -> Watching:
    """Watch by a generator that is told over a socket."""
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "listen.py"
        script.write_text(_GENERATOR.format(port=port), encoding="utf-8")

        async def change() -> None:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"changed\n")
            await writer.drain()
            writer.close()

        yield trigger_of("python", {"script": str(script)}), change


@asynccontextmanager
async def webhook() -> Watching:
    """Wait for a delivery, from its arrival at the trigger on."""
    secret = secrets.token_hex()
    hook = trigger_of("webhook", {"secret": {"env": "HOOK"}, "proof": "token"}, HOOK=secret)
    assert isinstance(hook, WebhookTrigger)
    delivery = Delivery(headers={"authorization": f"Bearer {secret}"}, body=b'{"changed": 1}')
    yield hook, lambda: hook.receive(delivery)


def subjects(port: int) -> Iterator[Subject]:
    """Yield what can be measured everywhere; ``port`` is a free one."""
    yield Subject(kind="file", way="notified; settles for 250 ms", watching=one_file, pushes=True)
    yield Subject(kind="folder", way="notified; settles for 250 ms", watching=folder, pushes=True)
    yield Subject(kind="folder", way="no notifications; settles for 250 ms", watching=deaf_folder, every_s=1)
    yield Subject(kind="webhook", way="called", watching=webhook, pushes=True)
    yield Subject(kind="sql", way="SQLite, a query", watching=sqlite, every_s=1)
    yield Subject(kind="mim-service", way="REST service, a stand-in", watching=portal.over_rest, every_s=1)
    yield Subject(kind="mim-service", way="PowerShell remoting, a stand-in", watching=portal.over_remoting, every_s=1)
    yield Subject(kind="python", way="function", watching=python_function, every_s=1)
    yield Subject(kind="python", way="generator", watching=lambda: python_generator(port), pushes=True)
