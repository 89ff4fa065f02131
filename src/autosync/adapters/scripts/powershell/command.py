"""Which PowerShell runs a script, and how the bridge program is started in it."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from autosync.model.errors import ScriptFailed
from autosync.options.script import Edition, ScriptOptions

BRIDGE: Final = Path(__file__).with_name("bridge.ps1")
SWITCHES: Final = ("-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File")

_UNIX: Final = ("/usr/bin/pwsh", "/usr/local/bin/pwsh", "/opt/microsoft/powershell/7/pwsh", "/snap/bin/pwsh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What decides where PowerShell is."""

    is_windows: bool = sys.platform == "win32"
    is_32_bit: bool = sys.maxsize <= 2**32
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    is_there: Callable[[str], bool] = os.path.isfile
    on_path: Callable[[str], str | None] = shutil.which


_HERE: Final = Machine()


def command(options: ScriptOptions, machine: Machine = _HERE) -> Sequence[str]:
    """Return the program by its full path, with the arguments that start the bridge. Raises ``ScriptFailed``."""
    return [executable(options, machine), *SWITCHES, str(BRIDGE)]


def executable(options: ScriptOptions, machine: Machine = _HERE) -> str:
    """Return the full path of the PowerShell that is wanted. Raises ``ScriptFailed`` with the places that were looked at."""
    if options.executable is not None:
        found = machine.on_path(options.executable)
        if found is None:
            raise ScriptFailed(f"there is no program {options.executable}; give executable the full path of PowerShell")
        return found
    edition = options.edition or (Edition.DESKTOP if machine.is_windows else Edition.CORE)
    places = list(_desktop(machine) if edition is Edition.DESKTOP else _core(machine))
    found = next((place for place in places if machine.is_there(place)), None)
    if found is None:
        raise ScriptFailed(_nowhere(edition, places, machine))
    return found


def _desktop(machine: Machine) -> Iterator[str]:
    """Yield places of Windows PowerShell 5.1. From a 32-bit program System32 is the folder of 32-bit programs."""
    if not machine.is_windows:
        return
    root = _variable(machine, "SystemRoot") or "C:\\Windows"
    if machine.is_32_bit:
        yield f"{root}\\Sysnative\\WindowsPowerShell\\v1.0\\powershell.exe"
    yield f"{root}\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"


def _core(machine: Machine) -> Iterator[str]:
    """Yield places of PowerShell 7: its installer's first, since anything may stand on the PATH."""
    if machine.is_windows:
        for variable in ("ProgramW6432", "ProgramFiles"):
            if root := _variable(machine, variable):
                yield f"{root}\\PowerShell\\7\\pwsh.exe"
    else:
        yield from _UNIX
    if found := machine.on_path("pwsh"):
        yield found


def _variable(machine: Machine, name: str) -> str:
    return next((value for key, value in machine.environment.items() if key.upper() == name.upper()), "")


def _nowhere(edition: Edition, places: Sequence[str], machine: Machine) -> str:
    if edition is Edition.DESKTOP and not machine.is_windows:
        return "Windows PowerShell 5.1 exists on Windows alone: set edition: core, and install PowerShell 7"
    name = "Windows PowerShell 5.1" if edition is Edition.DESKTOP else "PowerShell 7"
    looked = ", ".join(places) or "the PATH"
    return f"{name} was not found (looked for: {looked}); install it, or give its full path as executable"
