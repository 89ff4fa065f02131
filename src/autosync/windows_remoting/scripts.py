"""A user's script on a server: its text is loaded once, its functions are called with parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from autosync.windows_remoting.plain import Plain, plain
from autosync.windows_remoting.powershell import Command, Said, Session
from autosync.windows_remoting.target import Target
from autosync.windows_remoting.workers import Workers

T = TypeVar("T")

_SPARE_S: Final = 30.0
"""For connecting, opening the runspace and loading the script."""
_PARAMETERS: Final = """# autosync: parameters
param([string] $Name)
$function = Get-Command -Name $Name -CommandType Function -ErrorAction SilentlyContinue
if ($function) { @($function.Parameters.Keys) } else { $null }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptAnswer:
    """What a function returned, and what it said meanwhile."""

    values: tuple[Plain, ...]
    said: tuple[Said, ...]
    is_fresh: bool
    """Whether the script was loaded for this call: what it kept from earlier calls is gone."""


class RemoteScript:
    """One script in a runspace of its own. What it keeps between calls lives as long as the runspace."""

    def __init__(self, target: Target, text: str, *, name: str) -> None:
        self._workers = Workers(lambda: Session(target, (text,)), most=1, name=f"script {name}", idle_s=None)
        self._openings = 0

    async def open(self) -> None:
        """Load the script. Raises ``CommandFailed`` for what is wrong with it, ``RemotingFailed``."""
        await self._workers.call(Session.open, limit_s=_SPARE_S * 3)

    async def close(self) -> None:
        """End the runspace; idempotent, bounded in time."""
        await self._workers.close()

    async def parameters_of(self, function: str) -> frozenset[str] | None:
        """Return the names of a function's parameters; None when the script has no such function."""
        command = Command(text=_PARAMETERS, parameters={"Name": function}, is_script=True)
        names, _ = await self._call(lambda session: session.run(command, limit_s=_SPARE_S), _SPARE_S)
        found = [str(name) for name in names if name is not None]
        return frozenset(found) if found or names == [] else None

    async def call(self, function: str, parameters: Mapping[str, object], *, limit_s: float) -> ScriptAnswer:
        """Call a function. A ``Credential`` among the parameters becomes a ``PSCredential``.

        Raises ``CommandFailed`` for a terminating error; ``RemotingFailed`` when the connection broke or time is over: then
        the runspace is given up, and the next call loads the script anew.
        """
        command = Command(text=function, parameters=parameters)

        def do(session: Session) -> tuple[list[object], list[Said], int]:
            output, said = session.run(command, limit_s=limit_s)
            return output, said, session.openings

        output, said, openings = await self._call(do, limit_s)
        is_fresh, self._openings = openings != self._openings, openings
        return ScriptAnswer(values=tuple(plain(each) for each in output), said=tuple(said), is_fresh=is_fresh)

    async def _call(self, do: Callable[[Session], T], limit_s: float) -> T:
        return await self._workers.call(do, limit_s=limit_s + _SPARE_S)
