"""The web server inside the service: its signals are the service's, and it ends within seconds whoever still listens."""

import asyncio
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
async def listening(app: FastAPI, host: str, port: int) -> AsyncGenerator[str]:
    """Answer on ``host`` and ``port`` (0: any free one) while the body runs; yield the address as a URL.

    On the way out event streams end, requests in progress get ``PATIENCE_S``, then everything is closed. Raises
    ``ConfigError`` where the address cannot be had.
    """
    listener = _listen(host, port)
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
            yield _url(host, listener.getsockname()[1])
        finally:
            streams.stop()
            server.should_exit = True
            # Also when the body was cancelled: requests in progress end before the group cancels what is left.
            await asyncio.wait({serving}, timeout=PATIENCE_S + 0.5)
            listener.close()


async def serve(app: FastAPI, host: str, port: int, tell: Callable[[str], None] = lambda _url: None) -> None:
    """Answer until cancelled; ``tell`` gets the address as soon as it can be asked. A ``Face`` of the supervisor."""
    async with listening(app, host, port) as url:
        tell(url)
        await asyncio.get_running_loop().create_future()


def _listen(host: str, port: int) -> socket.socket:
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
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror or error}. Is AutoSync running already? "
            "Give service › listen another address"
        ) from error
    listener.setblocking(False)
    return listener


def _url(host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"
