"""From options to a script: which host runs it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from autosync.adapters.scripts.child import ChildScript
from autosync.adapters.scripts.life import Patience
from autosync.adapters.scripts.options import Language, ScriptOptions
from autosync.adapters.scripts.powershell.command import command as powershell_command
from autosync.adapters.scripts.python.command import command as python_command
from autosync.adapters.scripts.script import Script
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
    return ChildScript(options, secrets, _COMMANDS[options.language], wanted, patience)
