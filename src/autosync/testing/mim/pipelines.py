"""PowerShell remoting from the server's side, without a network: a runspace pool whose commands are Python functions.

Built on ``psrpcore``, which only knows the protocol. It has one outgoing buffer for all; here each pipeline has its own.
"""

import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from psrpcore import CreatePipelineEvent, PSRPPayload, ServerPipeline, ServerRunspacePool, StreamType
from psrpcore.types import (
    ErrorCategory,
    ErrorCategoryInfo,
    ErrorRecord,
    NETException,
    PSInvocationState,
    RunspacePoolState,
)

_PIECE: Final = 32 * 1024
_HEADER: Final = 21
"""Bytes before the data of a fragment: two ids, flags, the length."""
_ENDS: Final = 2
_PATIENCE_S: Final = 5.0

Owner: TypeAlias = uuid.UUID | None
"""A pipeline, or None for the pool itself."""


class _Null:
    """What PowerShell writes for ``$null``; psrpcore's own None is no message that anybody reads."""

    @classmethod
    def ToPSObjectForRemoting(cls, _instance: "_Null", **_more: object) -> None:  # noqa: N802 (psrpcore looks for it)
        """Return what is written."""


class CommandFailed(Exception):
    """The pipeline ends with a terminating error."""

    def __init__(self, message: str, error_id: str = "Failed") -> None:
        super().__init__(message)
        self.error_id = error_id


class Stopped(Exception):
    """Somebody stopped the pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """One command of a pipeline."""

    text: str
    """The name, or the script."""
    is_script: bool
    parameters: Mapping[str, Any]
    arguments: tuple[Any, ...]
    """Values without a name."""


class Invocation:
    """A pipeline that runs, as the function behind it sees it."""

    def __init__(self, pool: "Pool", pipeline: ServerPipeline, commands: tuple[Called, ...]) -> None:
        self._pool = pool
        self._pipeline = pipeline
        self.commands = commands
        self.loaded = pool.loaded
        """What the runspace knows, from its session configuration and from scripts that ran in it before."""
        self.memory = pool.memory
        """What functions of the runspace keep between calls."""
        self._stop = threading.Event()
        self.ended = threading.Event()

    def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        self._stop.set()
        self.ended.wait(_PATIENCE_S)

    def write(self, value: object) -> None:
        """Put something into the output. Raises ``Stopped``."""
        self.sleep(0)
        shown = _Null() if value is None else value
        self._pool.tell(lambda: self._pipeline.write_output(shown))

    def warn(self, message: str) -> None:
        """Put a warning into its stream."""
        self._pool.tell(lambda: self._pipeline.write_warning(message))

    def say(self, message: str) -> None:
        """Put a line into the verbose stream."""
        self._pool.tell(lambda: self._pipeline.write_verbose(message))

    def complain(self, message: str, error_id: str = "Complaint") -> None:
        """Put an error into its stream, and go on."""
        self._pool.tell(
            lambda: self._pipeline.write_error(NETException(Message=message), fully_qualified_error_id=error_id)
        )

    def sleep(self, seconds: float) -> None:
        """Wait. Raises ``Stopped``."""
        if self._stop.wait(seconds):
            raise Stopped

    @property
    def is_gone(self) -> bool:
        """Return whether the shell was deleted: Windows then ends whatever it runs, also what cannot be stopped."""
        return self._pool.is_closed

    def wait_gone(self, seconds: float) -> None:
        """Wait until the shell is deleted, however often somebody asks this to stop."""
        self._pool.wait_closed(seconds)

    def leave(self) -> None:
        """Let the process of the shell end in the middle. Raises ``Stopped``."""
        self._pool.break_off()
        raise Stopped


class Pool:
    """A runspace pool. ``run`` is called for each pipeline, in a thread of its own; when it returns, the pipeline ends."""

    def __init__(self, run: Callable[[Invocation], None], loaded: Iterable[str] = ()) -> None:
        self._run = run
        self.loaded = set(loaded)
        self.memory: dict[str, object] = {}
        self._pool = ServerRunspacePool()
        self._news = threading.Condition()
        self._outgoing: dict[Owner, deque[bytes]] = {None: deque()}
        self._running: dict[uuid.UUID, Invocation] = {}
        self._done: set[uuid.UUID] = set()
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Return whether it was deleted, or ended in the middle."""
        return self._closed

    def wait_closed(self, seconds: float) -> None:
        """Wait for that, no longer than this."""
        with self._news:
            self._news.wait_for(lambda: self._closed, seconds)

    def break_off(self) -> None:
        """End as a process does that crashes: nothing more is said."""
        with self._news:
            self._closed = True
            self._news.notify_all()

    @property
    def is_disconnected(self) -> bool:
        """Return whether its client let go of it."""
        return self._pool.state is RunspacePoolState.Disconnected

    @property
    def pipelines(self) -> tuple[uuid.UUID, ...]:
        """Return the pipelines that were not closed."""
        return tuple(self._running)

    def receive(self, data: bytes, pipeline: Owner = None) -> None:
        """Take what the client sent; a whole command begins to run."""
        if pipeline is not None and pipeline not in self._running:
            self._outgoing.setdefault(pipeline, deque())
            with self._news:
                if pipeline not in self._pool.pipeline_table:
                    ServerPipeline(self._pool, pipeline)
        with self._news:
            self._pool.receive_data(PSRPPayload(data, StreamType.default, pipeline))
            while (event := self._pool.next_event()) is not None:
                if isinstance(event, CreatePipelineEvent):
                    self._begin(event)
            self._drain()

    def connect(self, data: bytes) -> bytes:
        """Let a new client take over, and return the first message of the answer; the rest waits to be taken."""
        with self._news:
            self._pool.connect()
            self._outgoing[None].clear()
        self.receive(data)
        with self._news:
            whole = b"".join(self._outgoing[None])
            first, rest = _first_message(whole)
            self._outgoing[None] = deque([rest] if rest else [])
            return first

    def disconnect(self) -> None:
        """Let the client go; pipelines go on."""
        with self._news:
            self._pool.disconnect()

    def reconnect(self) -> None:
        """Let the same client come back."""
        with self._news:
            self._pool.reconnect()
            self._drain()

    def take(self, pipeline: Owner, seconds: float, most: int) -> tuple[bytes, bool] | None:
        """Return what waits for the client, at most about ``most`` bytes, and whether that is the pipeline's end.

        None when nothing came in time.
        """

        def has_news() -> bool:
            return self._closed or bool(self._outgoing.get(pipeline)) or pipeline in self._done

        with self._news:
            if not self._news.wait_for(has_news, seconds) or self._closed:
                return None
            waiting = self._outgoing.get(pipeline, deque())
            taken = b""
            while waiting and (not taken or len(taken) + len(waiting[0]) <= most):
                taken += waiting.popleft()
            return taken, pipeline in self._done and not waiting

    def stop(self, pipeline: uuid.UUID) -> None:
        """Stop a pipeline."""
        invocation = self._running.get(pipeline)
        if invocation is not None:
            invocation.stop()

    def forget(self, pipeline: uuid.UUID) -> None:
        """Close a pipeline: the client has everything."""
        self.stop(pipeline)
        with self._news:
            self._running.pop(pipeline, None)
            self._outgoing.pop(pipeline, None)
            self._done.discard(pipeline)
            self._pool.pipeline_table.pop(pipeline, None)

    def close(self) -> None:
        """Stop everything, and let nobody wait any longer."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        for pipeline in tuple(self._running):
            self.forget(pipeline)

    def tell(self, prepare: Callable[[], object]) -> None:
        """Let a pipeline put a message together, and queue it for the client."""
        with self._news:
            prepare()
            self._drain()

    def _begin(self, event: CreatePipelineEvent) -> None:
        pipeline = self._pool.pipeline_table[event.pipeline_id]
        called = tuple(_called(each) for each in event.pipeline.commands)
        invocation = self._running[event.pipeline_id] = Invocation(self, pipeline, called)
        pipeline.start()
        thread = threading.Thread(target=self._carry_out, args=(pipeline, invocation), name="pipeline", daemon=True)
        thread.start()

    def _carry_out(self, pipeline: ServerPipeline, invocation: Invocation) -> None:
        try:
            self._run(invocation)
        except Stopped:
            self._end(pipeline, pipeline.stop)
        except CommandFailed as failed:
            record = _record(str(failed), failed.error_id)
            # psrpcore has no public way to let a pipeline fail.
            self._end(pipeline, lambda: pipeline._change_state(PSInvocationState.Failed, record))  # noqa: SLF001
        else:
            self._end(pipeline, pipeline.complete)
        finally:
            invocation.ended.set()

    def _end(self, pipeline: ServerPipeline, change: Callable[[], None]) -> None:
        with self._news:
            change()
            self._drain()
            self._done.add(pipeline.pipeline_id)
            self._news.notify_all()

    def _drain(self) -> None:
        while (payload := self._pool.data_to_send(_PIECE)) is not None:
            self._outgoing.setdefault(payload.pipeline_id, deque()).append(payload.data)
        self._news.notify_all()


def _called(command: Any) -> Called:
    named = {name.lstrip("-"): value for name, value in command.parameters if name}
    return Called(
        text=command.command_text,
        is_script=command.is_script,
        parameters=named,
        arguments=tuple(value for name, value in command.parameters if not name),
    )


def _record(message: str, error_id: str) -> ErrorRecord:
    return ErrorRecord(
        Exception=NETException(Message=message),
        CategoryInfo=ErrorCategoryInfo(Category=ErrorCategory.NotSpecified, Reason="RuntimeException"),
        FullyQualifiedErrorId=error_id,
    )


def _first_message(data: bytes) -> tuple[bytes, bytes]:
    place = 0
    while place < len(data):
        flags, length = data[place + 16], int.from_bytes(data[place + 17 : place + _HEADER], "big")
        place += _HEADER + length
        if flags & _ENDS:
            break
    return data[:place], data[place:]
