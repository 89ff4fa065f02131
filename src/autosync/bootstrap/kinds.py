"""Which types of engine, trigger and channel this installation has."""

from collections.abc import Mapping
from typing import Final

from autosync.adapters.notifiers.log import LogKind
from autosync.adapters.triggers.file.kind import FileKind
from autosync.bootstrap.embedded import EMBEDDED
from autosync.bootstrap.engine_type import EngineType
from autosync.bootstrap.mim import MIM
from autosync.ports.registry import Registries

ENGINES: Final[Mapping[str, EngineType]] = {"embedded": EMBEDDED, "mim": MIM}

KINDS: Final = Registries(
    engines={name: each.kind for name, each in ENGINES.items()},
    triggers={"file": FileKind()},
    channels={"log": LogKind()},
)
