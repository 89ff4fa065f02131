import asyncio
import http.client
import signal
from contextlib import closing
from time import monotonic

import pytest

from autosync.model.errors import ConfigError
from autosync.ports.secrets import Secret
from autosync.web.app import build_app
from autosync.web.borders import Access
from autosync.web.event_stream import EventStreams
from autosync.web.server import listen, listening, serve
from tests.unit.web.building import World, build_world

TOKEN = "a-token-that-nobody-guesses"


def app_of(world: World):
    return build_app(world.service, Access(token=Secret(TOKEN)), world.clock)


def answer_of(url: str, path: str) -> int:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_it_answers_on_a_free_port_and_leaves_signals_alone() -> None:
    async def main() -> tuple[int, bool]:
        before = signal.getsignal(signal.SIGTERM)
        async with listening(app_of(await build_world()), listen("127.0.0.1", 0)) as url:
            status = await asyncio.to_thread(answer_of, url, "/api/v1/status")
            return status, signal.getsignal(signal.SIGTERM) is before

    assert asyncio.run(main()) == (200, True)


def test_it_ends_in_time_with_open_event_streams_also_when_cancelled() -> None:
    async def main() -> float:
        world = await build_world()
        quiet = asyncio.Event()

        async def silent(_after: int | None = None):
            await quiet.wait()
            yield

        async def no_beat(_seconds: float) -> None:
            await quiet.wait()

        world.feed.subscribe = silent  # type: ignore[method-assign, assignment]
        world.clock.sleep = no_beat  # type: ignore[method-assign, assignment]
        app = app_of(world)
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        streams: EventStreams = app.state.streams
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(serve(app, listen("127.0.0.1", 0), told.set_result), name="face")
            host, _, port = (await told).removeprefix("http://").partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            head = f"GET /api/v1/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
            writer.write(head.encode())
            async with asyncio.timeout(5):
                await reader.readuntil(b"retry: 2000")
            assert streams.open == 1
            began = monotonic()
            serving.cancel()
            await asyncio.wait({serving})
            took = monotonic() - began
            writer.close()
        assert streams.open == 0
        return took

    assert asyncio.run(main()) < 3


def test_an_address_that_is_taken_is_told_with_the_way_out() -> None:
    with closing(listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigError, match=f"port {port} on 127.0.0.1 is in use.*give service › listen another port"
        ):
            listen("127.0.0.1", port)


def test_an_address_that_is_not_here_is_told_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1:8480.*another address"):
        listen("192.0.2.1", 8480)
