"""Which script runs, with what, and how long it may take."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from autosync.options.account import Account
from autosync.options.windows_host import WindowsHost


class Language(StrEnum):
    """In which language a script is written."""

    POWERSHELL = "powershell"
    PYTHON = "python"


class Edition(StrEnum):
    """Which PowerShell; the words of ``$PSEdition``."""

    DESKTOP = "desktop"
    """Windows PowerShell 5.1, part of Windows."""
    CORE = "core"
    """PowerShell 7."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptOptions:
    """Options of a script, in a trigger or at an agent."""

    language: Language
    path: Path
    sign_in: Account | None = None
    time_limit: timedelta | None = None
    """How long one call may take; None: as long as it wants."""
    executable: str | None = None
    """The program that runs it; None: found by itself."""
    edition: Edition | None = None
    """None: Windows PowerShell on Windows, PowerShell 7 elsewhere."""
    environment: tuple[str, ...] = ()
    """Variables of the service that the script gets beside the usual few."""
    host: WindowsHost | None = None
    """Where it runs, over PowerShell remoting; None: on this machine. What is said about its program does not count there."""
