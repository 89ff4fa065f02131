"""What a script trigger runs, and how often; and how that is written in the configuration."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from autosync.options.blocks import Block, Built, Key
from autosync.options.script import Language, ScriptOptions
from autosync.options.script_keys import keys, script_options, time_limit
from autosync.options.shapes import duration, maybe, text


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptTriggerOptions:
    """Options of ``type: powershell`` and ``type: python``."""

    script: ScriptOptions
    every: timedelta = timedelta(seconds=30)
    """How long to wait after each call."""
    maname: str = ""
    """What the script gets as ``maname``; empty: the agent's name in its engine."""


_TEXT: Final = maybe(text())

EVERY: Final = Key("every", duration(timedelta(seconds=1)), timedelta(seconds=30), "How long to wait after each call.")
MANAME: Final = Key(
    "ma-name", _TEXT, None, "What the script gets as maname; the agent's name in its engine unless given."
)
TIME_LIMIT: Final = time_limit(
    None,
    "How long one call may take before it is stopped; as long as it wants unless given: a script may sleep for days.",
)
_DOCS: Final = {
    Language.POWERSHELL: "Calls Get-RunProfileToExecute of a PowerShell script, and runs the profiles that it names.",
    Language.PYTHON: "Calls run_profile_to_execute of a Python script, or listens to its watch, and runs what it names.",
}


def shape(language: Language) -> Built[ScriptTriggerOptions]:
    """Return the block of a trigger in a language."""
    return Built(
        block=Block(doc=_DOCS[language], keys=(*keys(language, TIME_LIMIT), EVERY, MANAME)),
        build=lambda values, at: ScriptTriggerOptions(
            script=script_options(language, TIME_LIMIT, values, at),
            every=values[EVERY],
            maname=values[MANAME] or "",
        ),
    )
