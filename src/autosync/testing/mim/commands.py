"""The commands that AutoSync sends through PowerShell remoting, recognised by name: no PowerShell is ever interpreted.

A command is known by its name, a script by its first line if that is a comment (``# autosync: maexport``); all that they
need comes as named parameters. So the stand-in proves the protocol around scripts, and nothing about the scripts.
"""

from collections.abc import Callable
from typing import Final

from autosync.adapters.engines.mim.access.port import PendingSide
from autosync.testing.mim.pipelines import Called, CommandFailed, Invocation
from autosync.testing.mim.provider import MimProvider, ProviderFault, Reason

MARK: Final = "# autosync:"
_PIECE: Final = 64 * 1024
_ERRORS: Final = {
    Reason.NOT_FOUND: "NoSuchAgent",
    Reason.DENIED: "AccessDenied",
    Reason.AWAY: "ServiceStopped",
    Reason.TOOLS: "NoTools",
}


class Commands:
    """What can be called. Tests add their own functions to ``known``, by name in lower case."""

    def __init__(self, provider: MimProvider) -> None:
        self._provider = provider
        self.known: dict[str, Callable[[Invocation, Called], None]] = {
            "find-tools": self._find_tools,
            "maexport": self._export_agent,
            "csexport": self._export_pending,
        }

    def run(self, invocation: Invocation) -> None:
        """Carry out a pipeline, command after command."""
        for called in invocation.commands:
            name = name_of(called)
            command = self.known.get(name.casefold())
            if command is None:
                raise CommandFailed(f"The term '{name}' is not recognized.", "CommandNotFoundException")
            try:
                command(invocation, called)
            except ProviderFault as fault:
                raise CommandFailed(str(fault), _ERRORS[fault.reason]) from None

    def _find_tools(self, invocation: Invocation, _: Called) -> None:
        if not self._provider.knobs.tools:
            raise CommandFailed("maexport.exe and csexport.exe were not found", _ERRORS[Reason.TOOLS])
        invocation.write("C:\\Program Files\\Microsoft Forefront Identity Manager\\2010\\Synchronization Service\\Bin")

    def _export_agent(self, invocation: Invocation, called: Called) -> None:
        whole = self._provider.export_agent(_text(called, "Agent"))
        for start in range(0, len(whole), _PIECE):
            invocation.write(whole[start : start + _PIECE])

    def _export_pending(self, invocation: Invocation, called: Called) -> None:
        for piece in self._provider.export_pending(_text(called, "Agent"), PendingSide(_text(called, "Side"))):
            invocation.write(piece)


def name_of(called: Called) -> str:
    """Return what a command is known by."""
    if not called.is_script:
        return called.text
    first = called.text.lstrip("\ufeff").partition("\n")[0].strip()
    return first.removeprefix(MARK).strip() if first.startswith(MARK) else first


def _text(called: Called, name: str) -> str:
    value = called.parameters.get(name)
    if not isinstance(value, str):
        raise CommandFailed(f"the parameter {name} is missing", "ParameterBindingException")
    return value
