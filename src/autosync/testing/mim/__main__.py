"""Start the stand-in server for people: ``python -m autosync.testing.mim --port 5985``. It ends with Ctrl+C."""

import argparse
import secrets
import signal
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from autosync.adapters.clocks import SystemClock
from autosync.model.counts import ChangeKind
from autosync.testing.mim.listener import Place
from autosync.testing.mim.plan import BRISK, QUICK, company
from autosync.testing.mim.provider import ACCOUNT, MimProvider
from autosync.testing.mim.runs import MimRun
from autosync.testing.mim.server import MimStandIn

_LOOK_S: Final = 0.25
_KINDS: Final = (ChangeKind.UPDATES, ChangeKind.UPDATES, ChangeKind.ADDS, ChangeKind.DELETES)


class Life:
    """What happens in the company while nobody looks, and what is told about the runs that follow."""

    def __init__(self, provider: MimProvider, random: Random, every_s: float) -> None:
        self._provider = provider
        self._random = random
        self._every_s = every_s
        self._next = provider.clock.elapsed()
        self._begun = 0
        self._told: dict[str, tuple[MimRun, str]] = {}
        """Runs that go on, and what was told of them."""

    def go_on(self) -> Iterator[str]:
        """Let what is due happen, and yield a line for each run that began, went on or ended."""
        now = self._provider.clock.elapsed()
        if self._every_s and now >= self._next:
            self._next = now + self._every_s
            yield self._change()
        self._provider.running()  # lets everything happen that is due
        for run in self._provider.executed[self._begun :]:
            self._told[run.key] = (run, "")
            self._begun += 1
        for key, (run, told) in tuple(self._told.items()):
            if run.status != told:
                self._told[key] = (run, run.status)
                yield f"{run.agent}: {run.profile.name} (run {run.number}) {run.status}"
            if run.ended is not None:
                del self._told[key]

    def _change(self) -> str:
        agent = self._random.choice(self._provider.administration.agents)
        partition = self._random.choice(agent.selected).name
        kind = self._random.choice(_KINDS)
        self._provider.change(agent.name, partition, kind)
        return f"{agent.name}: somebody made a change ({kind.value}) in {partition}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is interrupted."""
    asked = _parser().parse_args(arguments)
    try:
        return _serve(asked)
    except (RuntimeError, OSError) as error:
        sys.exit(str(error))


def _serve(asked: argparse.Namespace) -> int:
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ending.set())
    random = Random(asked.seed)
    provider = MimProvider(company(QUICK if asked.quick else BRISK), SystemClock(), random)
    place = Place(port=asked.port, tls=_tls(asked.certificate, asked.key))
    with (
        _password(asked.password_file) as (password, where),
        MimStandIn(provider, place=place, passwords={asked.user: password}) as server,
    ):
        _tell(f"A stand-in for the Synchronization Service listens on {server.url}")
        _tell(f"account {asked.user}, password in {where}; Ctrl+C ends it")
        life = Life(provider, random, asked.changes_every)
        while not ending.wait(_LOOK_S):
            for line in life.go_on():
                _tell(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m autosync.testing.mim", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; 0: any that is free")
    parser.add_argument("--user", default=ACCOUNT, help="the account that may sign in (default: %(default)s)")
    parser.add_argument("--password-file", type=Path, help="its password, made up if the file is not there")
    parser.add_argument("--certificate", type=Path, help="PEM file with the server's certificate: HTTPS")
    parser.add_argument("--key", type=Path, help="PEM file with its private key")
    parser.add_argument("--changes-every", type=float, default=10.0, help="seconds between changes; 0: none")
    parser.add_argument("--quick", action="store_true", help="steps take a fraction of a second instead of seconds")
    parser.add_argument("--seed", type=int, default=0, help="of the chance that chooses the changes")
    return parser


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextmanager
def _password(file: Path | None) -> Iterator[tuple[str, Path]]:
    """Yield the password and its file, which is removed at the end if nobody named it."""
    if file is not None and file.exists():
        yield file.read_text(encoding="utf-8").strip(), file
        return
    password = secrets.token_urlsafe(16)
    if file is None:
        with tempfile.TemporaryDirectory(prefix="autosync-stand-in-") as folder:
            yield password, _written(Path(folder, "password"), password)
    else:
        yield password, _written(file, password)


def _written(file: Path, password: str) -> Path:
    file.touch(mode=0o600)
    file.write_text(f"{password}\n", encoding="utf-8")
    return file


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
