"""The MIM Service's history of requests: as its REST service answers, and as FIMAutomation finds it through remoting."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from uuid import UUID

from autosync.adapters.clocks import SystemClock
from autosync.testing.mim.pipelines import Called, Invocation
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import ACCOUNT, MimProvider
from autosync.testing.mim.server import PASSWORD, MimStandIn
from benchmarks.triggers.measuring import Watching, trigger_of

_SINCE = re.compile(r"msidmCompletedTime > '([^']+)'")

Completed = list[tuple[datetime, str]]


def _complete(completed: Completed) -> None:
    completed.append((datetime.now(UTC), str(UUID(int=len(completed)))))


@asynccontextmanager
async def over_rest() -> Watching:
    """Watch a history that gets a completed request more, through the REST service."""
    completed: Completed = []
    with _rest(completed) as address:

        async def change() -> None:
            _complete(completed)

        yield trigger_of("mim-service", {"rest": address, "every": "1s"}), change


@asynccontextmanager
async def over_remoting() -> Watching:
    """Watch the same through PowerShell remoting: real sessions and sealed messages, and FIMAutomation played."""
    completed: Completed = []
    provider = MimProvider(company(), SystemClock(), Random(1))

    async def change() -> None:
        _complete(completed)

    def find(invocation: Invocation, called: Called) -> None:
        found = _SINCE.search(called.parameters["Filter"])
        assert found
        since = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
        invocation.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}1Z")
        for moment, name in completed:
            if moment > since:
                invocation.write(f"urn:uuid:{name}")

    with MimStandIn(provider) as server:
        server.commands.known["find-completedrequest"] = find
        sign_in = {"user": ACCOUNT, "password": {"env": "PORTAL"}, "method": "ntlm"}
        host = {"server": server.host, "port": server.port, "transport": "http", "sign-in": sign_in}
        yield trigger_of("mim-service", {"host": host, "every": "1s"}, PORTAL=PASSWORD), change


@contextmanager
def _rest(completed: Completed) -> Iterator[str]:
    """Answer as the REST service in front of a MIM Service does; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            rows = [{"ObjectID": name, "msidmCompletedTime": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"} for at, name in completed]
            body = json.dumps({"Results": rows[-200:]}).encode()
            self.send_response_only(200)
            self.send_header("Date", format_datetime(datetime.now(UTC), usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v2"
        server.shutdown()
        thread.join()
