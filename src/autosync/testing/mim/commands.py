"""The commands that AutoSync sends through PowerShell remoting, recognised by name: no PowerShell is ever interpreted.

A command is known by its name, a script by its first line if that is a comment (``# autosync: bridge``); all that they
need comes as named parameters. So the stand-in proves the protocol around scripts, and nothing about the scripts.
"""

import base64
from collections.abc import Callable, Iterable
from typing import Final

from autosync.adapters.engines.mim.access.port import CSEXPORT_FILTER
from autosync.testing.mim.pipelines import Called, CommandFailed, Invocation
from autosync.testing.mim.provider import MimProvider, ProviderFault, Reason

MARK: Final = "# autosync:"
BRIDGE: Final = "bridge"
"""The script without which nobody knows the commands that deal with files."""
SIDES: Final = {letter: side for side, letter in CSEXPORT_FILTER.items()}
"""What the filters of ``csexport`` mean."""
_PIECE: Final = 49152
_ERRORS: Final = {
    Reason.NOT_FOUND: "NoSuchAgent",
    Reason.DENIED: "AccessDenied",
    Reason.AWAY: "ServiceStopped",
    Reason.TOOLS: "NoTools",
}


class Commands:
    """What can be called. Tests add functions to ``known``, by name in lower case, as if a script had defined them."""

    def __init__(self, provider: MimProvider) -> None:
        self._provider = provider
        self.known: dict[str, Callable[[Invocation, Called], None]] = {}
        self.scripts: list[str] = []
        """The scripts that were loaded, in order: those without a meaning of their own here."""
        self._bridge: dict[str, Callable[[Invocation, Called], None]] = {
            "find-tools": self._find_tools,
            "maexport": self._export_agent,
            "csexport": self._export_pending,
            "get-rundetails": self._run_details,
        }

    def run(self, invocation: Invocation) -> None:
        """Carry out a pipeline, command after command."""
        for called in invocation.commands:
            name = name_of(called)
            command = self._command(name.casefold(), invocation)
            try:
                if command is not None:
                    command(invocation, called)
                elif called.is_script:
                    self._load(name, called, invocation)
                else:
                    raise CommandFailed(f"The term '{name}' is not recognized.", "CommandNotFoundException")
            except ProviderFault as fault:
                raise CommandFailed(str(fault), _ERRORS[fault.reason]) from None

    def _command(self, name: str, invocation: Invocation) -> Callable[[Invocation, Called], None] | None:
        found = self.known.get(name)
        if found is None and BRIDGE in invocation.loaded:
            found = self._bridge.get(name)
        return found

    def _load(self, name: str, called: Called, invocation: Invocation) -> None:
        invocation.loaded.add(name)
        if name != BRIDGE:
            self.scripts.append(called.text)

    def _find_tools(self, invocation: Invocation, _: Called) -> None:
        if not self._provider.knobs.tools:
            raise CommandFailed("maexport.exe and csexport.exe were not found", _ERRORS[Reason.TOOLS])
        invocation.write("C:\\Program Files\\Microsoft Forefront Identity Manager\\2010\\Synchronization Service\\Bin")

    def _export_agent(self, invocation: Invocation, called: Called) -> None:
        _write_in_pieces(invocation, (self._provider.export_agent(_text(called, "Agent")),))

    def _export_pending(self, invocation: Invocation, called: Called) -> None:
        side = SIDES[_text(called, "Side")]
        _write_in_pieces(invocation, self._provider.export_pending(_text(called, "Agent"), side))

    def _run_details(self, invocation: Invocation, called: Called) -> None:
        key = _text(called, "Key")
        if self._provider.run(key) is None:
            raise CommandFailed(f"there is no run {key}", "NoSuchRun")
        _write_in_pieces(invocation, (self._provider.details(key).encode(),))


def name_of(called: Called) -> str:
    """Return what a command is known by."""
    if not called.is_script:
        return called.text
    first = called.text.lstrip("\ufeff").partition("\n")[0].strip()
    return first.removeprefix(MARK).strip() if first.startswith(MARK) else first


def _write_in_pieces(invocation: Invocation, parts: Iterable[bytes]) -> None:
    """Write a file as the bridge does: Base64 in pieces of a multiple of three bytes."""
    waiting = b""
    for part in parts:
        waiting += part
        while len(waiting) >= _PIECE:
            invocation.write(base64.b64encode(waiting[:_PIECE]).decode())
            waiting = waiting[_PIECE:]
    if waiting:
        invocation.write(base64.b64encode(waiting).decode())


def _text(called: Called, name: str) -> str:
    value = called.parameters.get(name)
    if not isinstance(value, str):
        raise CommandFailed(f"the parameter {name} is missing", "ParameterBindingException")
    return value
