"""Real servers on this machine, for a look by hand.

    python scripts/services install slapd samba kerberos postgresql 389-ds mono     Debian's packages, as root
    python scripts/services start slapd                              until Ctrl+C, or until it is stopped from elsewhere
    python scripts/services stop slapd

Each runs on the loopback address with its data in a private folder that goes with it.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.services.ds389 import running_ds389
from scripts.services.installing import PACKAGES, install
from scripts.services.postgresql import running_postgresql
from scripts.services.processes import ServiceFailed
from scripts.services.samba import running_samba
from scripts.services.slapd import running_slapd

SERVERS: Final[Mapping[str, Callable[[], AbstractContextManager[Any]]]] = {
    "slapd": lambda: running_slapd(tls=True, access_log=True),
    "samba": running_samba,
    "postgresql": running_postgresql,
    "389-ds": lambda: running_ds389(content_sync=True),
}
_SHOWN: Final = ("url", "tls_url", "suffix", "admin", "password", "certificate", "folder")


def main() -> int:
    """Do what the command line says; return 1 when it does not work."""
    parser = argparse.ArgumentParser(
        prog="python scripts/services", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("install", "start", "stop"))
    parser.add_argument("names", nargs="+", choices=sorted(PACKAGES), metavar="NAME")
    asked = parser.parse_args()
    try:
        {"install": install, "start": start, "stop": stop}[asked.what](asked.names)
    except ServiceFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def start(names: list[str]) -> None:
    """Start the servers, tell how to reach them, and wait for the end."""
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    with contextlib.ExitStack() as stack:
        for name in names:
            server = stack.enter_context(SERVERS[name]())
            told = {key: str(getattr(server, key)) for key in _SHOWN if getattr(server, key, None)}
            print(json.dumps({"name": name, **told}, indent=2), flush=True)
            note = _note(name)
            note.write_text(str(os.getpid()), encoding="ascii")
            stack.callback(note.unlink, missing_ok=True)
        end.wait()


def stop(names: list[str]) -> None:
    """End the servers that ``start`` started; their ``start`` ends them and tidies up."""
    for name in names:
        try:
            os.kill(int(_note(name).read_text(encoding="ascii")), signal.SIGTERM)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            print(f"{name} was not running")


def _note(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"autosync-{name}.pid"


if __name__ == "__main__":
    sys.exit(main())
