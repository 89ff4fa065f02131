"""What this installation must know about a type of engine: everything about it stands in one value."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from autosync.config.spec import EngineSpec
from autosync.model.settings import Settings
from autosync.ports.checkup import Checkup
from autosync.ports.clock import Clock
from autosync.ports.registry import EngineKind, Surroundings
from autosync.runtime.engine_hosts import EnginePart
from autosync.runtime.trigger_watch import TriggerPart


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineType:
    """One type of engine, as ``type:`` names it."""

    kind: EngineKind
    part: Callable[[EngineSpec, Settings, Surroundings], EnginePart]
    """Builds an engine; nothing is opened yet."""
    place: Callable[[EngineSpec], str]
    """Where an engine is, for people."""
    checkup: Callable[[EngineSpec, Surroundings], Checkup]
    triggers: Callable[[EngineSpec, Clock], Iterable[TriggerPart]] = lambda _spec, _clock: ()
    """The triggers that an engine brings along, because nothing outside tells what they tell."""
    runs_one_at_a_time: bool = False
    """Whether the engine would make a second run wait anyway."""
