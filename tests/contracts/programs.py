"""Stand-ins for maexport.exe and csexport.exe: small programs that ask the test for the file they shall write."""

import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autosync.testing.mim.commands import SIDES
from autosync.testing.mim.provider import MimProvider, ProviderFault

_PROGRAM = """#!{python}
import json, os, socket, sys
agent, file, *rest = sys.argv[1:]
with socket.create_connection(("127.0.0.1", {port})) as line:
    line.sendall(json.dumps(["{name}", agent, rest]).encode() + b"\\n")
    answer = b"".join(iter(lambda: line.recv(65536), b""))
if not answer.startswith(b"+"):
    print(answer.decode())
    sys.exit(1)
assert not os.path.exists(file), "the tools overwrite nothing"
with open(file, "wb") as written:
    written.write(answer[1:])
"""


@contextmanager
def programs(provider: MimProvider, folder: Path) -> Iterator[Path]:
    """Put the programs into a folder; they work until the end of the block."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            name, agent, rest = json.loads(self.rfile.readline())
            try:
                self.wfile.write(b"+" + _written(provider, name, agent, rest))
            except ProviderFault as fault:
                self.wfile.write(f"-{fault}".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        for name in ("maexport", "csexport"):
            program = folder / f"{name}.exe"
            text = _PROGRAM.format(python=sys.executable, port=server.server_address[1], name=name)
            program.write_text(text, encoding="utf-8")
            program.chmod(0o755)
        yield folder
        server.shutdown()


def _written(provider: MimProvider, name: str, agent: str, rest: list[str]) -> bytes:
    if name == "maexport":
        return provider.export_agent(agent)
    (side,) = rest
    return b"".join(provider.export_pending(agent, SIDES[side.removeprefix("/f:")]))
