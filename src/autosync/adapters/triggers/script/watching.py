"""The trigger: asks the script again and again, or listens to its ``watch``, and fires what it asks for."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import structlog

from autosync.adapters.scripts.script import Arguments, Script, Working
from autosync.adapters.triggers.script.options import ScriptTriggerOptions
from autosync.adapters.triggers.script.outputs import Ignored, firing_of
from autosync.model.errors import ScriptFailed, TriggerFailed
from autosync.model.requests import Token
from autosync.options.script import Language
from autosync.ports.clock import Clock
from autosync.ports.trigger import Firing, Pulse

_LOG: Final = structlog.get_logger("autosync.trigger")

POLL: Final = {Language.POWERSHELL: "Get-RunProfileToExecute", Language.PYTHON: "run_profile_to_execute"}
WATCH: Final = "watch"
"""Of a Python script: a generator that yields whenever something changed."""


def wanted_functions(language: Language) -> tuple[str, ...]:
    """Return what such a script may have."""
    return (WATCH, POLL[language]) if language is Language.PYTHON else (POLL[language],)


class ScriptTrigger:
    """Implements ``ports.trigger.Trigger``. Each watch has a fresh script: what failed does not fail again for its remains.

    Firings carry a token only where the script gives one; it gets the last stored one back as ``token``.
    """

    def __init__(self, options: ScriptTriggerOptions, script: Script, clock: Clock, maname: str) -> None:
        self._options = options
        self._script = script
        self._clock = clock
        self._maname = maname
        self._token: Token | None = None
        self._ignored: set[str] = set()
        self._calls = 0

    async def watch(self, token: Token | None) -> AsyncGenerator[Firing | Pulse]:
        """Yield what the script asks for."""
        self._token, self._calls = token, 0
        self._ignored.clear()
        try:
            await self._script.open()
            function = await self._function()
            yield Pulse(details={"state": f"listening to {function}" if function == WATCH else f"calling {function}"})
            while True:
                async with aclosing(self._call(function)) as seen:
                    async for each in seen:
                        yield each
                if function == WATCH:
                    raise TriggerFailed(f"{WATCH} in {self._name} ended; it must go on for ever")
                await self._clock.sleep(self._options.every.total_seconds())
        except ScriptFailed as error:
            raise TriggerFailed(str(error)) from error
        finally:
            await self._script.close()

    async def _call(self, function: str) -> AsyncGenerator[Firing | Pulse]:
        began = self._clock.elapsed()
        arguments = Arguments(named={"maname": self._maname, "token": self._token})
        async with aclosing(self._script.call(function, arguments)) as outputs:
            async for output in outputs:
                if isinstance(output, Working):
                    yield Pulse(details={"state": f"{function} has been working for {output.seconds:.0f} s"})
                    continue
                for each in firing_of(output.value, self._name):
                    if isinstance(each, Ignored):
                        self._tell_once(each)
                    else:
                        self._token = each.token or self._token
                        yield each
        self._calls += 1
        took = self._clock.elapsed() - began
        yield Pulse(details={"state": "waiting", "calls": str(self._calls), "last call": f"{took:.1f} s"})

    async def _function(self) -> str:
        names = wanted_functions(self._options.script.language)
        for name in names:
            if await self._script.function(name) is not None:
                return name
        raise TriggerFailed(
            f"{self._name} has no function {' or '.join(reversed(names))}: write one that gives the names of the run "
            "profiles that are due, and nothing when none is"
        )

    @property
    def _name(self) -> str:
        return self._options.script.path.name

    def _tell_once(self, ignored: Ignored) -> None:
        if ignored.why not in self._ignored and len(self._ignored) < 20:
            self._ignored.add(ignored.why)
            _LOG.warning("script-output-ignored", script=self._name, why=ignored.why)
