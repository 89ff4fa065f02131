"""What a script trigger runs, and how often."""

from dataclasses import dataclass
from datetime import timedelta

from autosync.adapters.scripts.options import ScriptOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptTriggerOptions:
    """Options of ``type: powershell`` and ``type: python``."""

    script: ScriptOptions
    every: timedelta = timedelta(seconds=30)
    """How long to wait after each call."""
    maname: str = ""
    """What the script gets as ``maname``; empty: the agent's name in its engine."""
