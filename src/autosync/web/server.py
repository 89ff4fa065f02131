"""The web server inside the service: its signals are the service's, and it ends within seconds whoever still listens."""

import asyncio
import errno
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from autosync.model.errors import ConfigError
from autosync.web.event_stream import EventStreams

PATIENCE_S: Final = 2
"""How long requests in progress may take to end when the service stops."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone: they are the service's."""
        yield


@asynccontextmanager
async def listening(app: FastAPI, listener: socket.socket) -> AsyncGenerator[str]:
    """Answer on what ``listen`` gave while the body runs; yield the address as a URL.

    On the way out event streams end, requests in progress get ``PATIENCE_S``, then everything is closed.
    """
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=PATIENCE_S,
            ws="none",
        )
    )
    streams: EventStreams = app.state.streams
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve(sockets=[listener]), name="web server")
        try:
            yield _url(*listener.getsockname()[:2])
        finally:
            streams.stop()
            server.should_exit = True
            # Also when the body was cancelled: requests in progress end before the group cancels what is left.
            await asyncio.wait({serving}, timeout=PATIENCE_S + 0.5)
            listener.close()


async def serve(app: FastAPI, listener: socket.socket, tell: Callable[[str], None] = lambda _url: None) -> None:
    """Answer until cancelled; ``tell`` gets the address as soon as it can be asked. A ``Face`` of the supervisor."""
    async with listening(app, listener) as url:
        tell(url)
        await asyncio.get_running_loop().create_future()


def listen(host: str, port: int) -> socket.socket:
    """Take the address (port 0: any free one), so that nobody else can; who asks meanwhile is answered once ``serve`` runs.

    Raises ``ConfigError`` where the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: nobody else may take the address over
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(100)
    except OSError as error:
        listener.close()
        raise ConfigError(_cannot_listen(host, port, error)) from error
    listener.setblocking(False)
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        why = f"port {port} on {host} is in use"
        return f"{why}. If AutoSync runs there already, stop it first; else give service › listen another port"
    return f"cannot listen on {host}:{port}: {error.strerror or error}. Give service › listen another address"


def _url(host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"
