"""Facts as server-sent events: live, resumable by number, and gone at once when the service stops."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from pydantic import TypeAdapter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from autosync.ports.clock import Clock
from autosync.service import views
from autosync.web.errors import ApiError, Code

HEARTBEAT: Final = timedelta(seconds=15)
"""Shorter than the patience of any proxy that we know."""

MOST_STREAMS: Final = 100
_EVENT: Final = TypeAdapter(views.EventView)


class EventStreams:
    """The open streams of one service; ``stop`` ends them all."""

    def __init__(self, clock: Clock, *, most: int = MOST_STREAMS) -> None:
        self.clock = clock
        self.stopping = asyncio.Event()
        self.open = 0
        self._most = most

    def stop(self) -> None:
        """End every stream; readers come back by themselves, and miss nothing."""
        self.stopping.set()

    def check_room(self) -> None:
        """Raise where no further stream may be opened."""
        if self.open >= self._most:
            raise ApiError(503, Code.TOO_MANY, f"{self._most} event streams are open; close one, or ask again later")


class EventStream(Response):
    """One reader. ``events`` makes its source; the response owns it and closes it."""

    media_type = "text/event-stream"

    def __init__(self, streams: EventStreams, events: Callable[[], AsyncGenerator[views.EventView]]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._streams = streams
        self._events = events

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader goes, the source fails or the service stops."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        self._streams.open += 1
        over = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._pump(send, over), name="events: pump"),
                    tasks.create_task(self._beat(send), name="events: heartbeat"),
                    tasks.create_task(_until_gone(receive, over), name="events: reader"),
                    tasks.create_task(_until_stopping(self._streams.stopping, over), name="events: stopping"),
                ]
                await over.wait()
                for task in running:
                    task.cancel()
        finally:
            self._streams.open -= 1
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pump(self, send: Send, over: asyncio.Event) -> None:
        await _tell(send, b"retry: 2000\n\n")
        try:
            async with aclosing(self._events()) as events:
                async for event in events:
                    data = _EVENT.dump_json(event)
                    await _tell(send, b"id: %d\nevent: fact\ndata: %s\n\n" % (event.number, data))
        finally:
            over.set()

    async def _beat(self, send: Send) -> None:
        while True:
            await self._streams.clock.sleep(HEARTBEAT.total_seconds())
            await _tell(send, b": still here\n\n")


async def _tell(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _until_gone(receive: Receive, over: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    over.set()


async def _until_stopping(stopping: asyncio.Event, over: asyncio.Event) -> None:
    await stopping.wait()
    over.set()
