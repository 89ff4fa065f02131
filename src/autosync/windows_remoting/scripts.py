"""A script of AutoSync's own on a server: its text is loaded once, its functions are called by name, with parameters."""

from dataclasses import dataclass
from typing import Final

from autosync.windows_remoting.plain import Plain, plain
from autosync.windows_remoting.powershell import Command, Said, Session
from autosync.windows_remoting.target import Target
from autosync.windows_remoting.workers import Workers

_SPARE_S: Final = 30.0
"""For connecting, opening the runspace and loading the script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptAnswer:
    """What a function returned, and what it said meanwhile."""

    values: tuple[Plain, ...]
    said: tuple[Said, ...]
    is_fresh: bool
    """Whether the script was loaded for this call: what it kept from earlier calls is gone."""


class RemoteScript:
    """One script in a runspace of its own. What it keeps between calls lives as long as the runspace.

    Without a text the session configuration brings the functions with it.
    """

    def __init__(self, target: Target, text: str, *, name: str) -> None:
        startup = (text,) if text else ()
        self._workers = Workers(lambda: Session(target, startup), most=1, name=f"script {name}", idle_s=None)
        self._openings = 0

    async def close(self) -> None:
        """End the runspace; idempotent, bounded in time."""
        await self._workers.close()

    async def call(self, command: Command, *, limit_s: float) -> ScriptAnswer:
        """Call a function. A ``Credential`` among the parameters becomes a ``PSCredential``.

        Raises ``CommandFailed`` for a terminating error; ``RemotingFailed`` when the connection broke or time is over: then
        the runspace is given up, and the next call loads the script anew.
        """

        def do(session: Session) -> tuple[list[object], list[Said], int]:
            output, said = session.run(command, limit_s=limit_s)
            return output, said, session.openings

        output, said, openings = await self._workers.call(do, limit_s=limit_s + _SPARE_S)
        is_fresh, self._openings = openings != self._openings, openings
        return ScriptAnswer(values=tuple(plain(each) for each in output), said=tuple(said), is_fresh=is_fresh)
