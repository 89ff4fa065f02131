"""From options to a script: what runs it, and on which machine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from autosync.adapters.scripts.bridged import BridgedScript
from autosync.adapters.scripts.interpreter import Ears, Interpreter
from autosync.adapters.scripts.life import Patience
from autosync.adapters.scripts.powershell.command import command as powershell_command
from autosync.adapters.scripts.process import ScriptProcess
from autosync.adapters.scripts.python.command import command as python_command
from autosync.adapters.scripts.script import Script
from autosync.options.script import Language, ScriptOptions
from autosync.options.windows_host import WindowsHost
from autosync.ports.secrets import SecretSource

_COMMANDS: Final[Mapping[Language, Callable[[ScriptOptions], Sequence[str]]]] = {
    Language.POWERSHELL: powershell_command,
    Language.PYTHON: python_command,
}
_PATIENT: Final = Patience()


def script_of(
    options: ScriptOptions, secrets: SecretSource, wanted: Sequence[str] = (), patience: Patience = _PATIENT
) -> Script:
    """Return the script, unopened. ``wanted`` names functions that count wherever the script brings them in from."""
    if options.host is not None:
        return _remote(options, options.host, secrets, wanted, patience)
    command = _COMMANDS[options.language]
    return BridgedScript(options, secrets, lambda ears: ScriptProcess(ears, options, command), wanted, patience)


def _remote(
    options: ScriptOptions, host: WindowsHost, secrets: SecretSource, wanted: Sequence[str], patience: Patience
) -> Script:
    # Loaded here: the libraries for Windows remoting are large, and most scripts need none of them.
    from autosync.adapters.scripts.powershell.remote import POLL_S, RemoteInterpreter  # noqa: PLC0415

    def make(ears: Ears) -> Interpreter:
        return RemoteInterpreter(ears, host, secrets)

    # A wish to stop is heard after the question for output that is under way.
    return BridgedScript(options, secrets, make, wanted, replace(patience, stop=patience.stop + POLL_S))
