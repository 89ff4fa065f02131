"""The program around a Python script: takes requests as lines of JSON, calls the script's functions, answers.

It runs outside AutoSync, in whatever Python (from 3.9 on) the configuration names, and imports nothing of AutoSync. The main
thread runs the script; a second one reads requests, so that a call can be stopped and the process answers at any time.
"""

from __future__ import annotations

import _thread
import asyncio
import importlib.util
import inspect
import json
import logging
import math
import os
import queue
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, BinaryIO

PROTOCOL = 1
DEEPEST = 6
MOST_ITEMS = 1000

Request = dict[str, Any]


class Stopped(BaseException):
    """AutoSync asked the call to stop."""


class Lines:
    """The way out: one JSON object a line, from whatever thread."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._writing = threading.Lock()

    def send(self, **fields: object) -> None:
        """Write a line; when AutoSync has gone, go too."""
        line = json.dumps(fields, ensure_ascii=True).encode("ascii") + b"\n"
        with self._writing:
            try:
                self._out.write(line)
                self._out.flush()
            except OSError:
                os._exit(0)


class Stopper:
    """Lets the reading thread interrupt what the main thread does for the script, and nothing else."""

    def __init__(self) -> None:
        self._armed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        signal.signal(signal.SIGINT, self._interrupt)

    def guard(self, work: Callable[[], None]) -> None:
        """Do what may be stopped; raises ``Stopped``."""
        self._armed = True
        try:
            work()
        finally:
            self._armed = False

    def wait(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
        """Run a task that may be stopped; raises ``Stopped``."""
        self._loop, self._task = loop, task
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            raise Stopped from None
        finally:
            self._loop = self._task = None

    def stop(self) -> None:
        """Stop it; called by the reading thread."""
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            loop.call_soon_threadsafe(task.cancel)
        elif self._armed:
            _interrupt_main_thread()

    def _interrupt(self, _number: int, _frame: object) -> None:
        if self._armed:
            self._armed = False
            raise Stopped


def _interrupt_main_thread() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # a real signal also ends what waits in the system
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


class Bridge:
    """Answers requests, one after the other."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._stopper = Stopper()
        self._requests: queue.Queue[Request] = queue.Queue()
        self._loop = asyncio.new_event_loop()
        self._credentials: Any = None
        self._module: ModuleType | None = None
        self._state: dict[str, Any] = {}

    def serve(self, requests: BinaryIO) -> None:
        """Answer until AutoSync closes the way in."""
        threading.Thread(target=self._read, args=(requests,), name="requests", daemon=True).start()
        self._lines.send(ready=True, protocol=PROTOCOL, pid=os.getpid(), version=sys.version.split()[0])
        while True:
            request = self._requests.get()
            if request["op"] == "credential":
                self._credentials = _for_scripts().Credentials(text(request["username"]), text(request["password"]))
            else:
                self._answer(request)

    def _read(self, requests: BinaryIO) -> None:
        for line in requests:
            request = json.loads(line)
            if request["op"] == "ping":
                self._lines.send(pong=True)
            elif request["op"] == "stop":
                self._stopper.stop()
            else:
                self._requests.put(request)
        os._exit(0)

    def _answer(self, request: Request) -> None:
        number = request["id"]
        try:
            work = self._load if request["op"] == "load" else self._call
            found = work(request)
        except Stopped:
            self._lines.send(id=number, ok=False, error={"message": "was stopped", "type": "Stopped"})
        except BaseException as error:  # noqa: BLE001 - also SystemExit: whatever a script raises is told, not obeyed
            self._lines.send(id=number, ok=False, error=fault(error, self._path))
        else:
            self._lines.send(id=number, ok=True, functions=found)

    @property
    def _path(self) -> str:
        return getattr(self._module, "__file__", None) or ""

    def _load(self, request: Request) -> list[dict[str, object]]:
        path = request["path"]
        sys.path.insert(0, str(Path(path).parent))
        sys.argv = [path]
        spec = importlib.util.spec_from_file_location("autosync_script", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python file: its name must end in .py")
        module = self._module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        loader = spec.loader
        self._stopper.guard(lambda: loader.exec_module(module))
        return [
            {"name": name, "parameters": list(inspect.signature(value).parameters)}
            for name, value in vars(module).items()
            if inspect.isfunction(value) and not name.startswith("_")
        ]

    def _call(self, request: Request) -> list[object]:
        function = getattr(self._module, request["function"])
        given = {name: text(value) for name, value in request["named"].items()}
        if request["credentials"]:
            given[request["credentials"]] = self._credentials
        if "state" in inspect.signature(function).parameters:
            given["state"] = self._state
        positional = [
            namespace(each["value"]) if isinstance(each, dict) else text(each) for each in request["arguments"]
        ]
        number = request["id"]

        def tell(value: object) -> None:
            if value is not None:
                self._lines.send(id=number, value=plain(value))

        results: list[object] = []
        self._stopper.guard(lambda: results.append(function(*positional, **given)))
        self._take(results[0], tell)
        return []

    def _take(self, result: object, tell: Callable[[object], None]) -> None:
        """Tell every output: of a coroutine, a generator of either kind, a list or tuple; or the single one."""
        if inspect.isawaitable(result) or inspect.isasyncgen(result):
            self._stopper.wait(self._loop, self._loop.create_task(_outputs(result, tell), name="call"))
        elif inspect.isgenerator(result):
            self._stopper.guard(lambda: _drain(result, tell))
        else:
            _drain(result if isinstance(result, (list, tuple)) else [result], tell)


async def _outputs(result: Any, tell: Callable[[object], None]) -> None:
    if inspect.isasyncgen(result):
        async for value in result:
            tell(value)
    else:
        found = await result
        _drain(found if isinstance(found, (list, tuple)) else [found], tell)


def _drain(values: Any, tell: Callable[[object], None]) -> None:
    for value in values:
        tell(value)


def text(marked: str | None) -> Any:
    """Return a text without the mark that is set before each."""
    return None if marked is None else marked[1:]


def namespace(value: object) -> object:
    """Return JSON data as what ``details.steps[0].staged.adds`` reads."""
    if isinstance(value, dict):
        inner = {name: namespace(each) for name, each in value.items()}
        return SimpleNamespace(**inner) if all(name.isidentifier() for name in inner) else inner
    return [namespace(each) for each in value] if isinstance(value, list) else value


def plain(value: object, depth: int = 0) -> object:
    """Return a value as JSON can carry it."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if depth >= DEEPEST:
        return str(value)
    if isinstance(value, dict):
        return {str(name): plain(each, depth + 1) for name, each in list(value.items())[:MOST_ITEMS]}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each, depth + 1) for each in list(value)[:MOST_ITEMS]]
    members = getattr(value, "__dict__", None)
    if not members or isinstance(value, type):
        return str(value)
    return {name: plain(each, depth + 1) for name, each in members.items() if not name.startswith("_")}


def fault(error: BaseException, path: str) -> dict[str, object]:
    """Return what went wrong, and where in the script."""
    told: dict[str, object] = {"message": f"{type(error).__name__}: {error}".rstrip(": "), "type": type(error).__name__}
    if isinstance(error, SyntaxError) and error.filename:
        return {
            **told,
            "message": f"syntax error: {error.msg}",
            "file": Path(error.filename).name,
            "line": error.lineno,
        }
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == path] or [
        frame for frame in frames if frame.filename != __file__
    ]
    if own:
        told.update(file=Path(own[-1].filename).name, line=own[-1].lineno)
    if isinstance(error, _for_scripts().UnexpectedChange):
        told.update(message=str(error) or "an unexpected change", stops_all=bool(error.stop_all))
    return told


def _for_scripts() -> Any:
    import autosync_scripts  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - its folder is added in main

    return autosync_scripts


class _Log(logging.Handler):
    """What the script logs, with its level."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        stream = (
            "error" if record.levelno >= logging.ERROR else "warning" if record.levelno >= logging.WARNING else "info"
        )
        self._lines.send(stream=stream, data=f"{record.name}: {record.getMessage()}")


def main() -> None:
    """Serve on standard input and output; whatever else writes there reaches the error stream."""
    requests = os.fdopen(os.dup(0), "rb")
    lines = Lines(os.fdopen(os.dup(1), "wb"))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the number is the file
    sys.stdout = sys.stderr
    if hasattr(sys.stderr, "reconfigure"):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    logging.basicConfig(level=logging.INFO, handlers=[_Log(lines)])
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    sys.path.insert(0, str(Path(__file__).parent / "for_scripts"))
    Bridge(lines).serve(requests)


if __name__ == "__main__":
    main()
