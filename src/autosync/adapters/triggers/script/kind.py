"""``type: powershell`` and ``type: python`` in the configuration."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from autosync.adapters.scripts.hosts import script_of
from autosync.adapters.scripts.keys import keys, script_options, time_limit
from autosync.adapters.scripts.options import Language
from autosync.adapters.triggers.script.options import ScriptTriggerOptions
from autosync.adapters.triggers.script.watching import ScriptTrigger, wanted_functions
from autosync.model.ids import name_of
from autosync.options.blocks import Block, Built, Key
from autosync.options.kind import BlockKind
from autosync.options.shapes import duration, maybe, text
from autosync.ports.registry import Parsed, Surroundings

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


class ScriptKind:
    """Implements ``ports.registry.TriggerKind`` for one language."""

    def __init__(self, language: Language) -> None:
        self._block = BlockKind(
            shape=Built(
                block=Block(doc=_DOCS[language], keys=(*keys(language, TIME_LIMIT), EVERY, MANAME)),
                build=lambda values, _: ScriptTriggerOptions(
                    script=script_options(language, TIME_LIMIT, values),
                    every=values[EVERY],
                    maname=values[MANAME] or "",
                ),
            )
        )

    def parse(self, data: Mapping[str, object], folder: Path) -> Parsed:
        """Return ``ScriptTriggerOptions``, with every mistake in ``data``."""
        return self._block.parse(data, folder)

    def json_schema(self) -> Mapping[str, object]:
        """Return the JSON Schema of what ``parse`` accepts."""
        return self._block.json_schema()

    def build(self, options: object, around: Surroundings) -> ScriptTrigger:
        """Return a trigger of the options that ``parse`` made."""
        if not isinstance(options, ScriptTriggerOptions):
            raise TypeError(f"not the options of a script trigger: {options!r}")
        script = script_of(options.script, around.secrets, wanted_functions(options.script.language))
        maname = options.maname or (name_of(around.agent) if around.agent else "")
        return ScriptTrigger(options, script, around.clock, maname)
