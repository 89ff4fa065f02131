"""What a simulated engine is made of: agents, where their changes flow to, and how long their steps take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from autosync.model.ids import EngineName, PartitionName, ProfileName
from autosync.model.steps import Profile, Step, StepKind

DEFAULT: Final = PartitionName("default")
DEFAULT_NAME: Final = EngineName("sim")

SECONDS: Final[Mapping[StepKind, tuple[float, float]]] = {
    StepKind.FULL_IMPORT: (60.0, 0.02),
    StepKind.DELTA_IMPORT: (20.0, 0.02),
    StepKind.FULL_SYNC: (60.0, 0.05),
    StepKind.DELTA_SYNC: (20.0, 0.05),
    StepKind.EXPORT: (15.0, 0.05),
    StepKind.FULL_IMPORT_DELTA_SYNC: (80.0, 0.07),
    StepKind.FULL_IMPORT_FULL_SYNC: (120.0, 0.07),
    StepKind.DELTA_IMPORT_DELTA_SYNC: (40.0, 0.07),
    StepKind.UNKNOWN: (30.0, 0.0),
}
"""Seconds of a step that finds nothing, and seconds more per change."""

_SHORT: Final = {
    "FI": StepKind.FULL_IMPORT,
    "DI": StepKind.DELTA_IMPORT,
    "FS": StepKind.FULL_SYNC,
    "DS": StepKind.DELTA_SYNC,
    "EX": StepKind.EXPORT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Where an agent's changes go."""

    agent: str
    partition: PartitionName = DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPlan:
    """One agent, and the connected system behind it."""

    name: str
    category: str = ""
    partitions: tuple[PartitionName, ...] = (DEFAULT,)
    flows: tuple[Flow, ...] = ()
    generates: float = 0.0
    """Share of the changes exported to it that make it generate an attribute: a new staged change when confirmed."""
    population: int = 1000
    profiles: Mapping[ProfileName, Profile] | None = None
    """None: the usual five per partition (``FI``, ``DI``, ``FS``, ``DS``, ``EX``; with several, ``DI north``)."""
    seconds: Mapping[StepKind, tuple[float, float]] = field(default_factory=lambda: SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePlan:
    """One engine."""

    name: EngineName = DEFAULT_NAME
    agents: tuple[AgentPlan, ...] = ()
    labels: bool = False
    """Whether it carries AutoSync's run id, as some engines can."""
    spread: float = 0.2
    """How much durations vary: each is multiplied by a log-normal factor of this sigma."""
    latency: tuple[float, float] = (0.01, 0.05)
    """Least and most seconds that an answer takes."""
    notice: float = 2.0
    """Seconds until a watcher sees a run that began or ended."""


def usual_profiles(partitions: tuple[PartitionName, ...]) -> dict[ProfileName, Profile]:
    """Return the five profiles that most agents have, for each partition."""
    made = (
        Profile(
            name=ProfileName(short if len(partitions) == 1 else f"{short} {partition}"),
            steps=(Step(kind=kind, partition=partition),),
        )
        for partition in partitions
        for short, kind in _SHORT.items()
    )
    return {profile.name: profile for profile in made}
