"""How everything is killed: AutoSync as a process that begins anew, wires that are cut, and blows at random."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from random import Random

People = dict[str, tuple[str, str]]
"""Name and title, by uid."""


class Product:
    """``autosync run`` in a folder with a configuration, started again whenever it was killed."""

    def __init__(self, folder: Path, secrets: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**os.environ, **secrets}
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with (self._folder / "autosync.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "autosync", "run"],
                cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        """End it as a power failure would, and start it again."""
        assert self._process.poll() is None, "it ended by itself"
        self._process.kill()
        self._process.wait()
        self._process = self._started()

    def stop(self) -> int:
        """Ask it to end, and return its exit status."""
        self._process.terminate()
        return self._process.wait(60)

    def close(self) -> None:
        """End it, however the test ended."""
        self._process.kill()
        self._process.wait()


class Wire:
    """Passes connections on to a port, until they are cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def cut(self) -> None:
        """Cut every connection."""
        for each in tuple(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more connections, and cut those that are there."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            try:
                theirs = socket.create_connection(self._target)
            except OSError:  # the server is down
                ours.close()
                continue
            for one, other in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._pump, args=(one, other), name="wire", daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        self._open.add(one)
        with suppress(OSError):
            while octets := one.recv(65536):
                other.sendall(octets)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
        self._open.discard(one)
        one.close()


def strike_while(work: list[Callable[[], None]], blows: dict[str, Callable[[], None]], random: Random) -> Counter[str]:
    """Let a blow fall every few seconds until all work is done, and return how often which fell.

    The work is what goes into threads: servers end with the thread that started them.
    """
    struck: Counter[str] = Counter()
    with ThreadPoolExecutor(max_workers=len(work)) as threads:
        working = [threads.submit(each) for each in work]
        while wait(working, timeout=random.uniform(1.0, 6.0)).not_done:
            name = random.choice(list(blows))
            blows[name]()
            struck[name] += 1
        for each in working:
            each.result()
    return struck


def until_equal(expected: People, look: Callable[[], People], end: float) -> None:
    """Wait until a target holds what it must."""
    while (there := look()) != expected:
        assert time.monotonic() < end, {
            uid: (expected.get(uid), there.get(uid))
            for uid in sorted(expected.keys() | there.keys())
            if expected.get(uid) != there.get(uid)
        }
        time.sleep(0.5)
