"""Start a server's process, wait until it answers, and end it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

READY_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
JUST_MADE_S = 60.0
_LOCK = "held.lock"


class ServiceFailed(Exception):
    """A server cannot be started; the message says why, with the end of its log."""


class ServiceMissing(ServiceFailed):
    """A server's programs are not installed; the message says how to install them."""

    def __init__(self, message: str, server: str = "") -> None:
        super().__init__(message)
        self.server = server


def program(name: str, package: str, *places: str) -> str:
    """Return the path of a program; raise ``ServiceMissing``."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/bin", *places])
    found = shutil.which(name, path=path)
    if found is None:
        message = f"{name} is not installed; run: python scripts/services install {package}"
        raise ServiceMissing(message, package)
    return found


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def wait_free(host: str, port: int, limit_s: float = STOP_LIMIT_S) -> None:
    """Wait until a server that is started again can have its port back; raise ``ServiceFailed``.

    Whoever else took it meanwhile would be mistaken for the server, and who knows the server would never find it elsewhere.
    """
    begin = time.monotonic()
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return
        if time.monotonic() - begin > limit_s:
            raise ServiceFailed(f"{host}:{port} was taken by somebody else while its server was down")
        time.sleep(0.1)  # noqa: TID251 - another process's port


@contextlib.contextmanager
def private_folder(name: str) -> Iterator[Path]:
    """Make a folder that goes again, with everything in it; those whose makers were killed go, too."""
    prefix = f"autosync-{name}-"
    _sweep(prefix)
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder, _held(Path(folder)):
        yield Path(folder)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a lock in a folder; a process that is killed holds none."""
    import fcntl  # noqa: PLC0415 - there is none on Windows, where this module is imported, too

    with (folder / _LOCK).open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _sweep(prefix: str) -> None:
    """Remove the folders that nobody holds any more and that are not just being made."""
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > JUST_MADE_S:  # noqa: TID251 - against a file's wall time
                with _held(left):
                    shutil.rmtree(left, ignore_errors=True)


class ServerProcess:
    """A server in a process group of its own. Its output goes to ``log``."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._log = log
        self._command = list(command)
        self._begin = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*_ends_with_us(), *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                env={**os.environ, **(environment or {})},
            )

    def wait_listening(self, host: str, port: int, limit_s: float = READY_LIMIT_S) -> None:
        """Wait until the port answers; raise ``ServiceFailed``."""
        self._wait(lambda: is_listening(host, port), f"does not answer on {host}:{port}", limit_s)

    def wait_said(self, words: str, limit_s: float = READY_LIMIT_S) -> None:
        """Wait until the server has written ``words`` into its log; raise ``ServiceFailed``."""
        self._wait(lambda: words.encode() in self._log.read_bytes()[self._begin :], f"never said {words!r}", limit_s)

    def _wait(self, is_ready: Callable[[], bool], trouble: str, limit_s: float) -> None:
        begin = time.monotonic()
        while not is_ready():
            if self.process.poll() is not None:
                raise ServiceFailed(f"{self._command[0]} ended with {self.process.returncode}:\n{self.tail()}")
            if time.monotonic() - begin > limit_s:
                self.stop()
                raise ServiceFailed(f"{self._command[0]} {trouble}:\n{self.tail()}")
            time.sleep(0.02)  # noqa: TID251 - another process's start cannot be waited for otherwise

    def tail(self) -> str:
        """Return the end of the log."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:] if self._log.exists() else ""

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._signal(signal.SIGKILL)
        self.process.wait(STOP_LIMIT_S)

    def stop(self) -> None:
        """End it, and whatever it started."""
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait(STOP_LIMIT_S)
        self._signal(signal.SIGKILL)  # children of a group leader that has gone

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


def _ends_with_us() -> list[str]:
    """Return what to put before a command so that it does not outlive us, even when we are killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


def is_listening(host: str, port: int) -> bool:
    """Return whether somebody takes connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def run(command: Sequence[str], *, log: Path | None = None, user: str | None = None, given: str | None = None) -> str:
    """Run a program to its end and return its output; raise ``ServiceFailed``."""
    answer = subprocess.run(
        command, input=given, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False, user=user,
        group=user, extra_groups=[] if user else None, timeout=300, cwd="/",
    )  # fmt: skip
    if log is not None:
        log.write_text(answer.stdout + answer.stderr, encoding="utf-8")
    if answer.returncode != 0:
        raise ServiceFailed(f"{command[0]} failed ({answer.returncode}):\n{(answer.stdout + answer.stderr)[-2000:]}")
    return answer.stdout


def make_certificate(folder: Path, name: str, *addresses: str) -> tuple[Path, Path]:
    """Make a key and a certificate that is its own authority; return both files."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    names = ",".join([f"DNS:{name}", *(f"IP:{address}" for address in addresses)])
    openssl = program("openssl", "slapd")
    run(
        [
            openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate),
            "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
            "-addext", "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign",
        ]
    )  # fmt: skip
    key.chmod(0o600)
    return key, certificate
