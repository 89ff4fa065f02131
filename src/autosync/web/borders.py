"""What stands before every handler: whose machine is meant, who may ask, how much may be sent, and what if all fails."""

import secrets
import socket
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autosync.ports.secrets import Secret
from autosync.web import hooks
from autosync.web.errors import Code, answer, answer_of

LARGEST_BODY: Final = 2 * 1024 * 1024
"""Bytes; a configuration of 500 agents is a tenth of it."""

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
OPEN: Final = frozenset({"/healthz", "/readyz"})
"""Paths that need no token: they say nothing but yes or no."""

_log = structlog.get_logger("autosync.web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may ask, and under which names this machine may be called."""

    token: Secret
    hosts: frozenset[str] = field(default=LOOPBACK)

    @classmethod
    def at(cls, token: Secret, host: str) -> "Access":
        """Return the access of a service that listens on ``host``: its own names there, and loopback's."""
        everywhere = {"0.0.0.0", "::", ""}  # noqa: S104 - is compared, not bound
        own = {socket.gethostname(), socket.getfqdn()} if host in everywhere else {f"[{host}]" if ":" in host else host}
        return cls(token=token, hosts=LOOPBACK | {name.casefold() for name in own})

    def admits(self, authorization: str) -> bool:
        """Return whether the header carries the token; takes equally long for every wrong one."""
        scheme, _, given = authorization.partition(" ")
        same = secrets.compare_digest(given.strip().encode(), self.token.reveal().encode())
        return same and scheme.casefold() == "bearer"


class Doorkeeper:
    """Turns away requests that were meant for another name, and those without the token.

    A page in a browser can be made to reach 127.0.0.1 under its own name (DNS rebinding); its ``Host`` gives it away.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (self._app if refusal is None else refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if _host_name(headers.get("host", "")) not in self._access.hosts:
            return answer(421, Code.WRONG_HOST, f"this service is called {', '.join(sorted(self._access.hosts))}")
        if (
            scope["path"] in OPEN
            or scope["path"].startswith(hooks.PREFIX)
            or self._access.admits(headers.get("authorization", ""))
        ):
            return None
        refusal = answer(401, Code.UNAUTHORIZED, "send the token of the service's token file: Authorization: Bearer …")
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal


class SizeLimit:
    """Refuses bodies above ``LARGEST_BODY``, announced or not."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST_BODY) -> None:
        self._app = app
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on at most the allowed bytes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self._largest:
            await self._too_large()(scope, receive, send)
            return
        body = await _read(receive, self._largest)
        if body is None:
            await self._too_large()(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _too_large(self) -> JSONResponse:
        return answer(413, Code.TOO_LARGE, f"more than {self._largest:,} bytes are not taken")


class LastResort:
    """The border of the handlers: errors raised on purpose are answered; any other is recorded once and told as 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and contain what goes wrong."""
        began = False

        async def watch(message: Message) -> None:
            nonlocal began
            began = began or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:  # noqa: BLE001 - one of the three borders
            response = answer_of(error)
            if response is None:
                _log.error("request-failed", path=scope.get("path"), error=type(error).__name__, where=_where(error))
                response = answer(500, Code.INTERNAL, "something went wrong here; the service's log has the details")
            if not began:
                await response(scope, receive, send)


def _where(error: BaseException) -> str:
    """Return the way through the program to the error; its message stays out of the log: a driver's may hold a secret."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


async def _read(receive: Receive, largest: int) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > largest:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    given = False

    async def first_the_body() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return first_the_body


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].casefold() + "]"
    return host.partition(":")[0].casefold()
