"""Threads that own what must not be shared between threads: each has one of it, and does one thing after the other.

They are daemons, so that a server that does not answer never keeps AutoSync from ending.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from autosync.model.errors import AutoSyncError

T = TypeVar("T")

_IDLE_S: Final = 60.0
_CLOSE_S: Final = 2.0


class Owned(Protocol):
    """What a thread owns."""

    def abort(self) -> None:
        """Break off what is going on; called from another thread."""
        ...

    def close(self) -> None:
        """Let go; called from the thread that owns it."""
        ...


O = TypeVar("O", bound=Owned)  # noqa: E741 (the letter of Owned)


class WorkersBusy(AutoSyncError):
    """No thread was free in time: nothing was done."""


class WorkTimedOut(AutoSyncError):
    """It was begun, and has not ended in time: it may go on."""


class WorkersClosed(AutoSyncError):
    """They were closed meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work(Generic[O]):
    do: Callable[[O], Any]
    done: "Future[Any]"


@dataclass(slots=True, kw_only=True)
class _Crew(Generic[O]):
    """The threads between an opening and a closing."""

    work: deque[_Work[O]] = field(default_factory=deque)
    news: threading.Condition = field(default_factory=threading.Condition)
    at_work: set[O] = field(default_factory=set)
    """What is used right now."""
    threads: set[threading.Thread] = field(default_factory=set)
    busy: int = 0
    is_closed: bool = False


class Workers(Generic[O]):
    """At most ``most`` threads; each makes what it owns when it begins. Begins anew after ``close``."""

    def __init__(self, make: Callable[[], O], *, most: int, name: str, idle_s: float | None = _IDLE_S) -> None:
        """Make none yet. ``idle_s``: after how long without work a thread ends; None: never."""
        self._make = make
        self._idle_s = idle_s
        self._most = most
        self._name = name
        self._crew: _Crew[O] = _Crew()

    async def call(self, do: Callable[[O], T], *, limit_s: float) -> T:
        """Return what ``do`` returns, or raise what it raises.

        Raises ``WorkersBusy`` when it was not begun in time, ``WorkTimedOut`` when it was. Whoever is cancelled while it
        waits for a thread has it not done; what was begun goes to its end unseen.
        """
        done: Future[T] = Future()
        self._begin(_Work(do=do, done=done))
        waiting = asyncio.wrap_future(done)
        try:
            async with asyncio.timeout(limit_s):
                return await waiting
        except TimeoutError:
            if waiting.done() and not waiting.cancelled():
                return waiting.result()  # it came at the last moment, or is an error of the work itself
            if done.cancelled():
                raise WorkersBusy(f"all {self._most} threads ({self._name}) are busy") from None
            raise WorkTimedOut(f"not done within {limit_s:.0f} s") from None

    async def close(self) -> None:
        """Break off what is going on, and wait a moment for the threads to end."""
        crew, self._crew = self._crew, _Crew()
        with crew.news:
            crew.is_closed = True
            left = tuple(crew.work)
            crew.work.clear()
            threads = tuple(crew.threads)
            for each in crew.at_work:  # not what is let go of already: that has its last word
                each.abort()
            crew.news.notify_all()
        for work in left:
            if work.done.set_running_or_notify_cancel():
                work.done.set_exception(WorkersClosed(f"{self._name} was closed"))
        if threads:
            await asyncio.to_thread(_join, threads)

    def _begin(self, work: _Work[O]) -> None:
        crew = self._crew
        with crew.news:
            crew.work.append(work)
            if len(crew.threads) - crew.busy < len(crew.work) and len(crew.threads) < self._most:
                thread = threading.Thread(target=self._live, args=(crew,), name=f"autosync {self._name}", daemon=True)
                crew.threads.add(thread)
                thread.start()
            crew.news.notify()

    def _live(self, crew: _Crew[O]) -> None:
        owned: O | None = None
        try:
            while (work := self._next(crew)) is not None:
                error: BaseException | None = None
                answer: Any = None
                try:
                    if owned is None:
                        owned = self._make()
                    self._take_up(owned, crew)
                    answer = work.do(owned)
                except BaseException as raised:  # noqa: BLE001 (whoever asked gets it, whatever it is)
                    error = raised
                with crew.news:
                    crew.busy -= 1  # before anybody hears of it: who asks again finds this thread free
                    if owned is not None:
                        crew.at_work.discard(owned)
                if error is None:
                    work.done.set_result(answer)
                else:
                    work.done.set_exception(error)
        finally:
            with crew.news:
                crew.threads.discard(threading.current_thread())
            if owned is not None:
                owned.close()

    def _take_up(self, owned: O, crew: _Crew[O]) -> None:
        with crew.news:
            if crew.is_closed:
                raise WorkersClosed(f"{self._name} was closed")
            crew.at_work.add(owned)

    def _next(self, crew: _Crew[O]) -> _Work[O] | None:
        """Return the next work that is still wanted; None when the thread is to end."""
        with crew.news:
            while crew.news.wait_for(lambda: crew.work or crew.is_closed, self._idle_s) and not crew.is_closed:
                work = crew.work.popleft()
                if work.done.set_running_or_notify_cancel():
                    crew.busy += 1
                    return work
            crew.threads.discard(threading.current_thread())
            return None


def _join(threads: Iterable[threading.Thread]) -> None:
    until = time.monotonic() + _CLOSE_S
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
