"""A script behind an interpreter that is spoken to in lines, wherever that runs: implements ``script.Script``."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Final

from autosync.adapters.scripts.interpreter import Ears, Interpreter
from autosync.adapters.scripts.life import Life, News, Patience
from autosync.adapters.scripts.messages import Ended, Fault, Ready, Value, marked
from autosync.adapters.scripts.script import (
    Arguments,
    Function,
    Output,
    Shape,
    UnexpectedChangeSeen,
    Working,
)
from autosync.adapters.scripts.voice import Voice
from autosync.model.errors import ConfigError, ScriptFailed
from autosync.options.script import ScriptOptions
from autosync.ports.secrets import SecretSource

_LOAD_S: Final = 300.0
"""For what stands outside functions, where the script has no time limit."""
_PATIENT: Final = Patience()


class BridgedScript:
    """Implements ``Script``. ``make`` returns a new interpreter for each life of the script."""

    def __init__(
        self,
        options: ScriptOptions,
        secrets: SecretSource,
        make: Callable[[Ears], Interpreter],
        wanted: Sequence[str] = (),
        patience: Patience = _PATIENT,
    ) -> None:
        self._options = options
        self._secrets = secrets
        self._make = make
        self._wanted = tuple(wanted)
        self._patience = patience
        self._voice = Voice(options.path.name, time.monotonic)
        # Calls of one script never overlap: the next one waits here.
        self._turn = asyncio.Semaphore(1)
        self._life: Life | None = None
        self._calls = 0

    async def open(self) -> None:
        """Load it anew."""
        async with self._turn:
            await self._end()
            await self._begin()

    async def function(self, name: str) -> Function | None:
        """Return a function by name."""
        async with self._turn:
            return (await self._living()).function(name)

    async def call(self, name: str, arguments: Arguments) -> AsyncGenerator[Output | Working]:
        """Call a function."""
        async with self._turn:
            life = await self._living()
            function = life.function(name)
            if function is None:
                raise ScriptFailed(_without(self._options.path.name, name, life.functions.values()))
            limit = self._options.time_limit
            work = self._work(life, name, limit.total_seconds() if limit else None, "call", _call(function, arguments))
            async with aclosing(work):
                async for news in work:
                    if isinstance(news, Value):
                        yield Output(value=news.value)
                    elif isinstance(news, Working):
                        yield news

    async def close(self) -> None:
        """End it; a call that goes on fails."""
        if self._turn.locked() and self._life is not None:
            self._life.interpreter.kill()
        await self._end()

    async def _living(self) -> Life:
        """Return a life that has loaded the script as it is now."""
        life = self._life
        if life is not None and life.stamp == await self._stamp() and await life.interpreter.is_there():
            return life
        await self._end()
        return await self._begin()

    async def _begin(self) -> Life:
        stamp = await self._stamp()
        self._voice.last_words()
        life = self._life = Life(self._make, self._voice, stamp, self._patience)
        try:
            await life.interpreter.start()
            await self._wait_ready(life)
            await self._give_credentials(life)
            await self._load(life)
        except BaseException:
            await self._end()
            raise
        return life

    async def _wait_ready(self, life: Life) -> None:
        try:
            async with asyncio.timeout(self._patience.start):
                while not isinstance(news := await life.next_news(), Ready):
                    if not life.goes_on:
                        raise await self._died(life, "its start")
        except TimeoutError:
            seconds = f"{self._patience.start:g} s"
            raise ScriptFailed(
                f"{life.interpreter.name} of {self._options.path.name} was not ready after {seconds}"
            ) from None
        if news.refusal:
            raise ScriptFailed(f"{self._options.path.name} cannot run here: {news.refusal}")

    async def _give_credentials(self, life: Life) -> None:
        sign_in = self._options.sign_in
        if sign_in is not None:
            try:
                password = self._secrets.find(str(sign_in.password)).reveal()
            except ConfigError as error:
                raise ScriptFailed(str(error)) from error
            self._voice.mask([password])
            await life.interpreter.sign_in(sign_in.user, password)

    async def _load(self, life: Life) -> None:
        limit = self._options.time_limit
        seconds = max(limit.total_seconds() if limit else 0.0, _LOAD_S)
        fields = {"path": str(self._options.path), "wanted": list(self._wanted)}
        work = self._work(life, "loading it", seconds, "load", fields)
        async with aclosing(work):
            async for news in work:
                if isinstance(news, Ended):
                    life.functions = {each.name.casefold(): each for each in news.functions}

    async def _work(
        self, life: Life, what: str, limit: float | None, operation: str, fields: Mapping[str, object]
    ) -> AsyncGenerator[Value | Working | Ended]:
        """Ask for something and yield what comes, its end last. Left before that, the interpreter is ended."""
        self._calls += 1
        life.begin(self._calls)
        await life.interpreter.send(operation, id=self._calls, **fields)
        began = beat = time.monotonic()
        is_over = False
        try:
            while not is_over:
                news = await self._next(life, what)
                now = time.monotonic()
                is_over = isinstance(news, Ended)
                if news is not None:
                    yield self._checked(news)
                if not is_over:
                    await self._look_after(life, what, limit, now - began)
                    if now - beat >= self._patience.beat:
                        beat = now
                        yield Working(seconds=now - began)
        finally:
            life.begin(0)
            if not is_over:
                life.interpreter.kill()
                await self._end()

    async def _next(self, life: Life, what: str) -> News | None:
        news = await life.next_news()
        if news is None and not life.goes_on:
            raise await self._died(life, what)
        return news

    def _checked(self, news: News) -> Value | Ended:
        assert not isinstance(news, Ready)
        if isinstance(news, Ended) and news.fault is not None:
            raise self._failure(news.fault)
        return news

    async def _look_after(self, life: Life, what: str, limit: float | None, seconds: float) -> None:
        """End what takes too long, or does not answer at all."""
        if limit is not None and seconds >= limit:
            await self._stop(life)
            raise ScriptFailed(
                f"{what} in {self._options.path.name} took longer than {limit:g} s and was stopped; "
                "let it do less at once, or give it a longer time-limit"
            )
        if not await life.answers():
            raise ScriptFailed(
                f"{life.interpreter.name} of {self._options.path.name} has not answered for {self._patience.deaf:g} s and was "
                "ended"
            )

    async def _stop(self, life: Life) -> None:
        """Let the script stop by itself for a moment, so that what it does at its end is done."""
        await life.interpreter.send("stop")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.stop):
                while life.goes_on and not isinstance(await life.next_news(), Ended):
                    pass

    async def _died(self, life: Life, what: str) -> ScriptFailed:
        interpreter = life.interpreter
        how = await interpreter.end()
        words = self._voice.last_words()
        return ScriptFailed(
            f"{interpreter.name} of {self._options.path.name} ended during {what} ({how}); "
            + (f"its last words: {words}" if words else interpreter.advice)
        )

    def _failure(self, fault: Fault) -> ScriptFailed:
        if fault.stops_all is not None:
            return UnexpectedChangeSeen(self._voice.cleaned(fault.message), stop_all=fault.stops_all)
        return ScriptFailed(self._voice.cleaned(str(fault)))

    async def _end(self) -> None:
        life, self._life = self._life, None
        if life is not None:
            await life.interpreter.end()

    async def _stamp(self) -> tuple[int, int]:
        try:
            status = await asyncio.to_thread(self._options.path.stat)
        except OSError as error:
            raise ScriptFailed(
                f"the script {self._options.path} cannot be read: {error.strerror or error}; "
                "put it there, and let the service's account read it"
            ) from error
        return status.st_mtime_ns, status.st_size


def _call(function: Function, arguments: Arguments) -> Mapping[str, object]:
    named = {
        parameter: marked(value)
        for name, value in arguments.named.items()
        if (parameter := function.parameter(name)) is not None
    }
    return {
        "function": function.name,
        "arguments": [
            {"type": each.type, "value": each.value} if isinstance(each, Shape) else marked(each)
            for each in arguments.positional
        ],
        "named": named,
        "credentials": function.parameter("credentials"),
    }


def _without(script: str, name: str, functions: Iterable[Function]) -> str:
    known = ", ".join(sorted(each.name for each in functions))
    return f"{script} has no function {name}; " + (f"it has: {known}" if known else "it has no functions at all")
