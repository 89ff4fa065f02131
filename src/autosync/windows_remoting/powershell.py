"""PowerShell on a server: one runspace, commands by name with parameters, output as it comes. For one thread."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pypsrp.complex_objects import PSCredential, PSInvocationState
from pypsrp.exceptions import WinRMError
from pypsrp.powershell import PowerShell, RunspacePool

from autosync.model.errors import AutoSyncError
from autosync.ports.secrets import Secret
from autosync.windows_remoting.connection import Connection
from autosync.windows_remoting.failures import Cause, RemotingFailed, no_answer, told
from autosync.windows_remoting.target import Target

_ENVELOPE: Final = 153600
"""What every server takes; pypsrp raises it to 500 KB where the server is new enough."""
_POLL_S: Final = 2
"""How long one question for output waits on the server."""
_LEAST_S: Final = 15.0
"""A server that is slow for a moment, or a network that loses something, shall not cost a session."""
_LOAD_S: Final = 60.0
_MOST_TEXT: Final = 2000
_MOST_LINES: Final = 1000
"""Of all streams of one command; what is said beyond that is not kept."""
_MOST_VALUES: Final = 10_000


class Stream(StrEnum):
    """What PowerShell says beside its output."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"
    VERBOSE = "verbose"
    DEBUG = "debug"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line of a stream."""

    stream: Stream
    text: str


class CommandFailed(AutoSyncError):
    """A terminating error. ``error_id`` is the first part of its ``FullyQualifiedErrorId``."""

    def __init__(self, message: str, error_id: str, position: str = "") -> None:
        super().__init__(message)
        self.error_id = error_id
        self.position = position
        """Where in a script, as PowerShell tells it; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Becomes a ``PSCredential``: the password travels encrypted with the key of the session, also inside TLS."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command by name, or a script's text."""

    text: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    """Values become what PowerShell has for them; a ``Credential`` a ``PSCredential``. None is left out."""
    is_script: bool = False
    stays: bool = False
    """Whether what a script defines stays in the session."""


class Session:
    """One runspace; what a ``Workers`` thread owns. Opened by the first command, and anew after it was lost.

    ``startup`` are scripts that are loaded into every new runspace.
    """

    def __init__(self, target: Target, startup: Sequence[str] = ()) -> None:
        self._target = target
        self._startup = tuple(startup)
        self._connection: Connection | None = None
        self._pool: RunspacePool | None = None
        self.openings = 0
        """How often a runspace was opened: state of an earlier one is gone."""

    def open(self) -> None:
        """Open the runspace unless it is, and load what belongs into it. Raises ``RemotingFailed``, ``CommandFailed``."""
        if self._pool is not None:
            return
        connection = self._connection = Connection(self._target, largest=_ENVELOPE, least_s=_LEAST_S)
        pool = RunspacePool(connection.wsman, configuration_name=self._target.session)
        try:
            pool.open()
        except WinRMError as error:
            self._forget()
            raise told(error, self._target) from None
        except RemotingFailed:
            self._forget()
            raise
        self._pool = pool
        self.openings += 1
        try:
            for script in self._startup:
                self.run(Command(text=script, is_script=True, stays=True), limit_s=_LOAD_S)
        except AutoSyncError:
            self.close()
            raise

    def run(self, command: Command, *, limit_s: float) -> tuple[list[object], list[Said]]:
        """Run a command to its end and return output and streams. Raises ``CommandFailed``, ``RemotingFailed``."""
        pipeline = self.begin(command)
        until = time.monotonic() + limit_s
        output: list[object] = []
        try:
            while (part := pipeline.next()) is not None:
                output += part
                if len(output) > _MOST_VALUES:
                    raise CommandFailed(f"it returned more than {_MOST_VALUES:,} values", "TooMuch")
                if time.monotonic() > until:
                    self.close()  # whatever hangs in it ends with it
                    raise no_answer(self._target, limit_s)
        finally:
            pipeline.end()
        return output, pipeline.said

    def begin(self, command: Command) -> "Pipeline":
        """Begin a command. Raises ``RemotingFailed``."""
        self.open()
        assert self._pool is not None
        pool = self._pool
        shell = PowerShell(pool)
        if command.is_script:
            shell.add_script(command.text, use_local_scope=False if command.stays else None)
        else:
            shell.add_cmdlet(command.text)
        try:
            for name, value in command.parameters.items():
                if value is not None:
                    shell.add_parameter(name, _for_powershell(value, pool))
            shell.begin_invoke()
        except WinRMError as error:
            self.close()  # its state is unknown, and left alone its shell would count against the limit of shells
            raise told(error, self._target) from None
        except RemotingFailed:
            self.close()
            raise
        return Pipeline(self, shell, self._target)

    @property
    def is_open(self) -> bool:
        """Return whether there is a runspace."""
        return self._pool is not None

    def abort(self) -> None:
        """Stop waiting for an answer."""
        connection = self._connection
        if connection is not None:
            connection.abort()

    def close(self) -> None:
        """Delete the remote shell, and let go."""
        pool, self._pool = self._pool, None
        if pool is not None and self._connection is not None:
            self._connection.mend()
            with suppress(WinRMError, RemotingFailed):
                pool.close()
        self._forget()

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Pipeline:
    """A command that runs. ``end`` must be called, whatever happened."""

    def __init__(self, session: Session, shell: PowerShell, target: Target) -> None:
        self._session = session
        self._shell = shell
        self._target = target
        self._taken: dict[Stream, int] = {}
        self._is_broken = False
        self.said: list[Said] = []
        """What it said beside its output so far."""

    def next(self, wait_s: int = _POLL_S) -> list[object] | None:
        """Wait a moment for output and return it; None at the end. Raises ``CommandFailed``, ``RemotingFailed``."""
        shell = self._shell
        if shell.state == PSInvocationState.RUNNING:
            self._poll(wait_s)
        self._listen()
        output, shell.output = list(shell.output), []
        if output or shell.state == PSInvocationState.RUNNING:
            return output
        if shell.state == PSInvocationState.FAILED:
            raise _failure(shell)
        if shell.state == PSInvocationState.STOPPED:
            raise RemotingFailed(Cause.LOST, f"{self._target.name} stopped the command", carried_out=True)
        return None

    def end(self) -> None:
        """Stop it if it runs, and let the server forget it; after a broken connection the whole session."""
        if self._is_broken or not self._session.is_open:
            self._session.close()
            return
        try:
            if self._shell.state == PSInvocationState.RUNNING:
                self._shell.stop()
            self._shell.close()
        except (WinRMError, RemotingFailed):
            self._session.close()

    def _poll(self, wait_s: int) -> None:
        self._is_broken = True
        try:
            self._shell.poll_invoke(timeout=wait_s)
        except WinRMError as error:
            raise told(error, self._target) from None
        self._is_broken = False

    def _listen(self) -> None:
        streams = self._shell.streams
        for stream, records in (
            (Stream.ERROR, streams.error),
            (Stream.WARNING, streams.warning),
            (Stream.INFORMATION, streams.information),
            (Stream.VERBOSE, streams.verbose),
            (Stream.DEBUG, streams.debug),
        ):
            for record in records[self._taken.get(stream, 0) :]:
                if len(self.said) < _MOST_LINES:
                    self.said.append(Said(stream=stream, text=_text_of(record)))
            self._taken[stream] = len(records)


def _for_powershell(value: object, pool: RunspacePool) -> object:
    if not isinstance(value, Credential):
        return value
    pool.exchange_keys()
    credential: object = PSCredential(username=value.user, password=value.password.reveal())  # type: ignore[no-untyped-call]
    return credential


def _failure(shell: PowerShell) -> CommandFailed:
    record = shell.streams.error[-1] if shell.streams.error else None
    if record is None:
        return CommandFailed("it failed and said nothing", "")
    error_id = str(getattr(record, "fq_error", None) or "").partition(",")[0]
    position = str(getattr(record, "script_stacktrace", None) or "").strip()
    return CommandFailed(_text_of(record), error_id, position[:_MOST_TEXT])


def _text_of(record: Any) -> str:
    """Return what a record says: its message, or what it is as text."""
    message = getattr(record, "message", None) or getattr(record, "message_data", None)
    details = getattr(record, "details_message", None)
    shown = str(record)
    for text in (details, shown if shown != "None" else "", message):
        if text:
            return str(text).strip()[:_MOST_TEXT]
    return ""
