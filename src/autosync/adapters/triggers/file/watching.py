"""The trigger: looks now and then, waits until a change has settled, and fires when the content is another."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final, TypeVar

from autosync.adapters.triggers.file.accelerator import Accelerator
from autosync.adapters.triggers.file.looking import Content, look, read
from autosync.adapters.triggers.file.options import FileOptions
from autosync.model.errors import TriggerFailed
from autosync.model.requests import Token
from autosync.ports.clock import Clock
from autosync.ports.trigger import Firing, Pulse

_Result = TypeVar("_Result")

_THREADS: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="file-trigger")
"""A share that hangs must not take the threads of others."""
_ANSWER_S: Final = 60.0
_COARSE_S: Final = 2.5
"""Times of change may be as coarse as two seconds: a file that changed so recently is read once more."""
_PULSE_S: Final = 15.0
_VERBS: Final = {"new": "is new", "changed": "changed", "removed": "was removed"}


class FileTrigger:
    """Implements ``ports.trigger.Trigger``. The token is the digest of the content, and the time of its last change."""

    def __init__(self, options: FileOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock

    async def watch(self, token: Token | None) -> AsyncIterator[Firing | Pulse]:
        """Yield a firing whenever the settled content is not that of ``token``; at first for any content."""
        accelerator = Accelerator(self._options.path, recursive=self._options.recursive)
        accelerator.start()
        try:
            async for seen in self._watch(_digest_in(token), accelerator):
                yield seen
        finally:
            accelerator.stop()

    async def _watch(self, told: str, accelerator: Accelerator) -> AsyncIterator[Firing | Pulse]:
        known: Content | None = None
        pulse_at, shown = 0.0, ""
        while True:
            content, state = await self._settled(known)
            if content is not None and content.digest != told and (content.sight or self._may_be_empty(told)):
                first, told = told == "", content.digest
                yield _firing(self._options, content, known, first=first)
            known = content or known
            if self._clock.elapsed() >= pulse_at or state != shown:
                pulse_at, shown = self._clock.elapsed() + _PULSE_S, state
                yield Pulse(details={"state": state, "files": str(len(known.sight) if known else 0)})
            await accelerator.wait(self._pause(known))

    async def _settled(self, known: Content | None) -> tuple[Content | None, str]:
        """Return the new content once nobody writes any more (None: nothing new yet), and the state in a word."""
        sight = await self._in_thread(lambda: look(self._options))
        if known is not None and sight == known.sight and not self._may_be_stale(known):
            return None, "unchanged" if sight else "waiting for the file"
        if known is None or sight != known.sight:
            await self._clock.sleep(self._options.settle.total_seconds())
            again = await self._in_thread(lambda: look(self._options))
            if again != sight:
                return None, "being written"
        base = None if known is not None and sight == known.sight else known
        content = await self._in_thread(lambda: read(self._options, sight, base))
        return content, "being written" if content is None else "unchanged" if sight else "waiting for the file"

    def _may_be_empty(self, told: str) -> bool:
        """Return whether it counts that no file is there (any more)."""
        return self._options.must_be_folder and told != ""

    def _may_be_stale(self, known: Content) -> bool:
        return bool(known.sight) and abs(self._clock.now().timestamp() - known.changed / 1e9) < _COARSE_S

    def _pause(self, known: Content | None) -> float:
        return self._options.every.total_seconds() if known is not None else self._options.settle.total_seconds() or 0.1

    async def _in_thread(self, question: Callable[[], _Result]) -> _Result:
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await asyncio.get_running_loop().run_in_executor(_THREADS, question)
        except TimeoutError:
            raise TriggerFailed(
                f"no answer about {self._options.path} in {_ANSWER_S:.0f} s; is its share well?"
            ) from None


def _digest_in(token: Token | None) -> str:
    return "" if token is None else token.partition("@")[0]


def _firing(options: FileOptions, content: Content, known: Content | None, *, first: bool) -> Firing:
    changed = datetime.fromtimestamp(content.changed / 1e9, UTC)
    return Firing(
        token=f"{content.digest}@{changed.isoformat()}",
        changed=changed,
        text=_text(options, content, known, first=first),
    )


def _text(options: FileOptions, content: Content, known: Content | None, *, first: bool) -> str:
    if first:
        return f"{options.path.name} was seen for the first time"
    if known is None:
        return f"{options.path.name} changed"
    before, now = known.sight, content.sight
    seen = {
        "new": sorted(now.keys() - before.keys()),
        "changed": sorted(name for name in now.keys() & before.keys() if now[name] != before[name]),
        "removed": sorted(before.keys() - now.keys()),
    }
    names = [name for each in seen.values() for name in each]
    if len(names) == 1:
        return f"{names[0]} {_VERBS[next(word for word, each in seen.items() if each)]}"
    counts = ", ".join(f"{len(each):,} {word}" for word, each in seen.items() if each)
    return f"{counts} in {options.path.name}" if counts else f"{options.path.name} changed"
