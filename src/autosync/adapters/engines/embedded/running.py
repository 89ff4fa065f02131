"""The runs of one worker, one after the other: queued, running, ended; and who waits for their end."""

import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from autosync.syncengine.engine import SyncEngine
from autosync.syncengine.results import RunResult

STOPPED = "stopped-user-termination-from-wmi-or-ui"
"""Microsoft's status of a run that a person stopped."""


class Closing(BaseException):
    """The worker ends between two batches. No ``Exception``: to the engine it is like the death of the process."""


@dataclass(slots=True)
class Going:
    """A run that was accepted and has not ended."""

    agent: str
    profile: str
    handle: str
    stop: threading.Event = field(default_factory=threading.Event)
    began: bool = False
    waiting: list[Callable[[RunResult], object]] = field(default_factory=list)


class Runs:
    """Runs profiles in a thread of its own. The engine carries one at a time; others wait their turn, accepted."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="run")
        self._lock = threading.Lock()
        self._going: dict[str, Going] = {}
        self._nonce = secrets.token_hex(3)
        self._closing = threading.Event()

    def start(self, agent: str, profile: str, label: str) -> str | None:
        """Accept a run and return its handle; None where the agent has one already.

        The handle is the label and a word that is new in each life of the worker: the same label means another run when
        AutoSync's own store was made anew.
        """
        going = Going(agent=agent, profile=profile, handle=f"{label}@{self._nonce}")
        with self._lock:
            if agent in self._going:
                return None
            self._going[agent] = going
        self._thread.submit(self._run, going)
        return going.handle

    def going(self, agent: str) -> Going | None:
        """Return the agent's run that has not ended."""
        with self._lock:
            return self._going.get(agent)

    def tell_end(self, agent: str, handle: str, tell: Callable[[RunResult], object]) -> bool:
        """Call ``tell`` when the run ends; False when it is not going on (any more)."""
        with self._lock:
            going = self._going.get(agent)
            if going is None or going.handle != handle:
                return False
            going.waiting.append(tell)
            return True

    def stop(self, agent: str) -> None:
        """Have the agent's run end after its batch, or not begin."""
        going = self.going(agent)
        if going is not None:
            going.stop.set()

    def close(self) -> None:
        """Wait until the run that goes on has committed its batch; then nothing uses the engine any more.

        The history keeps the run as unfinished: the next life closes it as ``stopped-service-shutdown``.
        """
        self._closing.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _should_stop(self, going: Going) -> bool:
        if self._closing.is_set():
            raise Closing  # nothing is half done, and the run is not told as stopped by a person
        return going.stop.is_set()

    def _run(self, going: Going) -> None:
        result: RunResult | None = None
        try:
            going.began = True
            result = self._engine.run(
                going.agent, going.profile, run_id=going.handle, should_stop=lambda: self._should_stop(going)
            )
        except Closing:
            return
        finally:
            if result is None and not self._closing.is_set():
                os._exit(70)  # a bug in the engine: the service sees the worker die, and says so
        with self._lock:
            del self._going[going.agent]
            waiting = going.waiting
        for tell in waiting:
            tell(result)
