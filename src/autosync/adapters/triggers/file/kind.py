"""``type: file`` and ``type: folder`` in the configuration."""

from typing import Final

from autosync.adapters.triggers.file.options import FILE_SHAPE, FOLDER_SHAPE, FileOptions
from autosync.adapters.triggers.file.watching import FileTrigger
from autosync.options.kind import BlockTrigger
from autosync.ports.registry import Surroundings


def _trigger(options: FileOptions, around: Surroundings) -> FileTrigger:
    return FileTrigger(options, around.clock)


FILE_KIND: Final = BlockTrigger(shape=FILE_SHAPE, make=_trigger)
FOLDER_KIND: Final = BlockTrigger(shape=FOLDER_SHAPE, make=_trigger)
