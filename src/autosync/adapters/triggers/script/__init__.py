"""Asks a script of the user whether something changed: ``type: powershell`` and ``type: python``."""

from autosync.adapters.triggers.script.kind import ScriptKind
from autosync.adapters.triggers.script.watching import ScriptTrigger

__all__ = ["ScriptKind", "ScriptTrigger"]
