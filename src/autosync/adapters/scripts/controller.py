"""Controller scripts: implements ``ports.scripts.ControllerScript`` on top of any script host."""

from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import structlog

from autosync.adapters.scripts.details import own_details, run_details
from autosync.adapters.scripts.hosts import script_of
from autosync.adapters.scripts.life import Patience
from autosync.adapters.scripts.script import Arguments, Output, Script, Shape, UnexpectedChangeSeen
from autosync.model.ids import AgentId, ProfileName
from autosync.options.script import Language, ScriptOptions
from autosync.ports.scripts import EndedRun, UnexpectedChange, Verdict
from autosync.ports.secrets import SecretSource

_LOG: Final = structlog.get_logger("autosync.script")
_PATIENT: Final = Patience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the functions are called in a language."""

    should_execute: str
    execution_complete: str


NAMES: Final = {
    Language.POWERSHELL: Names(should_execute="ShouldExecute", execution_complete="ExecutionComplete"),
    Language.PYTHON: Names(should_execute="should_execute", execution_complete="execution_complete"),
}


def controller_script(
    options: ScriptOptions, agent: AgentId, secrets: SecretSource, patience: Patience = _PATIENT
) -> "ScriptController":
    """Return the controller script of an agent, unopened."""
    names = NAMES[options.language]
    script = script_of(options, secrets, (names.should_execute, names.execution_complete), patience)
    return ScriptController(agent, options, script)


class ScriptController:
    """Implements ``ControllerScript``."""

    def __init__(self, agent: AgentId, options: ScriptOptions, script: Script) -> None:
        self._agent = agent
        self._options = options
        self._script = script
        self._names = NAMES[options.language]

    @property
    def agent(self) -> AgentId:
        """Return whose script it is."""
        return self._agent

    async def open(self) -> None:
        """Load the script."""
        await self._script.open()
        await self._tell_if_useless()

    async def close(self) -> None:
        """End the script's process."""
        await self._script.close()

    async def should_execute(self, profile: ProfileName) -> Verdict:
        """Ask whether a run may start now. The first true or false decides; texts say why."""
        try:
            outputs = await self._outputs(self._names.should_execute, profile)
        except UnexpectedChangeSeen as seen:
            return Verdict(allowed=False, text=str(seen), unexpected=_unexpected(seen))
        allowed = next((value for value in outputs if isinstance(value, bool)), True)
        words = " ".join(value for value in outputs if isinstance(value, str))
        return Verdict(allowed=allowed, text="" if allowed else words)

    async def execution_complete(self, run: EndedRun) -> Verdict:
        """Tell how a run ended."""
        details = run_details(run) if self._options.language is Language.POWERSHELL else own_details(run)
        try:
            await self._outputs(self._names.execution_complete, details)
        except UnexpectedChangeSeen as seen:
            return Verdict(text=str(seen), unexpected=_unexpected(seen))
        return Verdict()

    async def _outputs(self, name: str, argument: str | Shape) -> list[object]:
        """Return what the function gave; nothing where the script has no such function."""
        if await self._script.function(name) is None:
            return []
        arguments = Arguments(positional=(argument,), named={})
        async with aclosing(self._script.call(name, arguments)) as found:
            return [each.value async for each in found if isinstance(each, Output)]

    async def _tell_if_useless(self) -> None:
        names = (self._names.should_execute, self._names.execution_complete)
        if not any([await self._script.function(name) is not None for name in names]):
            _LOG.warning(
                "script-does-nothing", script=self._options.path.name, agent=self._agent, wanted=" or ".join(names)
            )


def _unexpected(seen: UnexpectedChangeSeen) -> UnexpectedChange:
    return UnexpectedChange(message=str(seen) or "an unexpected change", stop_all=seen.stop_all)
