"""``type: powershell`` and ``type: python`` in the configuration."""

from typing import Final

from autosync.adapters.scripts.hosts import script_of
from autosync.adapters.triggers.script.options import ScriptTriggerOptions, shape
from autosync.adapters.triggers.script.watching import ScriptTrigger, wanted_functions
from autosync.model.ids import name_of
from autosync.options.kind import BlockTrigger
from autosync.options.script import Language
from autosync.ports.registry import Surroundings


def _trigger(options: ScriptTriggerOptions, around: Surroundings) -> ScriptTrigger:
    script = script_of(options.script, around.secrets, wanted_functions(options.script.language))
    maname = options.maname or (name_of(around.agent) if around.agent else "")
    return ScriptTrigger(options, script, around.clock, maname)


POWERSHELL_KIND: Final = BlockTrigger(shape=shape(Language.POWERSHELL), make=_trigger)
PYTHON_KIND: Final = BlockTrigger(shape=shape(Language.PYTHON), make=_trigger)
