"""A directory that answers as a test tells it to, over a real socket of the loopback address."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from autosync.directory.codec import Control, Message, decode, encode
from autosync.directory.framing import Framer
from autosync.directory.servers import Access, Server

OK = {"resultCode": 0, "matchedDN": b"", "diagnosticMessage": b""}

Answerer = Callable[[Message, "Talk"], Awaitable[None] | None]


class Talk:
    """The server's side of one connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.heard: list[Message] = []
        self.ended = asyncio.Event()

    def say(self, message_id: int, kind: str, content: object, *controls: Control) -> None:
        self.writer.write(encode(message_id, (kind, content), controls))

    def entry(self, message_id: int, dn: str, *controls: Control, **attributes: list[bytes]) -> None:
        listed = [{"type": name.encode(), "vals": values} for name, values in attributes.items()]
        self.say(message_id, "searchEntry", {"objectName": dn.encode(), "attributes": listed}, *controls)

    def done(self, message_id: int, *controls: Control, **fields: object) -> None:
        self.say(message_id, "searchDone", OK | fields, *controls)

    def raw(self, octets: bytes) -> None:
        self.writer.write(octets)


@asynccontextmanager
async def directory_that(answers: Answerer) -> AsyncIterator[tuple[Access, list[Talk]]]:
    """Listen, and hand each message to ``answers``; yield how to get there, and what was said on each connection."""
    talks: list[Talk] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk, framer = Talk(writer), Framer()
        talks.append(talk)
        try:
            while data := await reader.read(65536):
                for frame in framer.feed(data):
                    message = decode(frame)
                    talk.heard.append(message)
                    waiting = answers(message, talk)
                    if waiting is not None:
                        await waiting
        except ConnectionError:
            pass
        finally:
            writer.close()
            talk.ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Access(servers=[Server(host="127.0.0.1", port=port)], timeout_s=5.0, connect_timeout_s=5.0), talks
    finally:
        server.close()
        for talk in talks:
            talk.writer.close()
        await server.wait_closed()
