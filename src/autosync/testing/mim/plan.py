"""What a stand-in server is made of: agents with their partitions, run profiles and steps, as values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from autosync.adapters.engines.simulated.plans import AgentPlan, Flow
from autosync.model.ids import PartitionName, ProfileName
from autosync.model.steps import Profile, Step, StepKind

_NAMESPACE: Final = UUID("6f3a5f0e-6f0a-4d7e-9a53-0d1f6f6a7f10")
DEFAULT: Final = "default"

QUICK: Final[Mapping[StepKind, tuple[float, float]]] = dict.fromkeys(StepKind, (0.05, 0.001))
"""Seconds of a step that finds nothing, and more per change: for tests against real time."""
BRISK: Final[Mapping[StepKind, tuple[float, float]]] = dict.fromkeys(StepKind, (2.0, 0.02))
"""The same for people who watch."""

_SHORT: Final = {
    "FI": StepKind.FULL_IMPORT,
    "DI": StepKind.DELTA_IMPORT,
    "FS": StepKind.FULL_SYNC,
    "DS": StepKind.DELTA_SYNC,
    "EX": StepKind.EXPORT,
}


def guid_of(*parts: str) -> str:
    """Return the id that belongs to these words, as the server writes ids: upper case, braces."""
    return f"{{{uuid5(_NAMESPACE, '/'.join(parts))}}}".upper()


class Files(StrEnum):
    """Whether a step uses drop files."""

    NONE = "none"
    AUDIT = "audit"
    """It writes one and goes on."""
    TO_FILE = "to-file"
    """It writes one and stops: a test run."""
    FROM_FILE = "from-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class MimPartition:
    """A partition. ``allowed_operations`` are the bits of MS-UPSCDS 2.2.2.16."""

    name: str = DEFAULT
    display_name: str = ""
    selected: bool = True
    dns_name: str = ""
    """Of a domain; empty: not one."""
    domain_controllers: tuple[str, ...] = ()
    allowed_operations: int = 1

    @property
    def is_dn(self) -> bool:
        """Return whether the name is the place of its objects."""
        return "=" in self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class MimStep:
    """A step of a run profile. ``objects`` and ``deletions`` are its thresholds; 0: none."""

    kind: StepKind
    partition: str = DEFAULT
    objects: int = 0
    deletions: int = 0
    files: Files = Files.NONE
    word: str = ""
    """How the server names a step type that nobody has heard of, with the kind ``UNKNOWN``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MimProfile:
    """A run profile."""

    name: str
    steps: tuple[MimStep, ...]

    @property
    def as_profile(self) -> Profile:
        """Return it in AutoSync's words."""
        steps = tuple(Step(kind=step.kind, partition=PartitionName(step.partition)) for step in self.steps)
        return Profile(name=ProfileName(self.name), steps=steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class MimAgent:
    """A management agent and the connected system behind it."""

    name: str
    category: str = "AD"
    """The server's word: ``AD``, ``ADAM``, ``FIM``, ``MSSQL``, ``Extensible2``, ``AVP``, …"""
    type: str = ""
    """What ``MIIS_ManagementAgent.Type`` says; empty: after the category."""
    id: str = ""
    """Empty: made from the name when the agent is created, and kept when it is renamed."""
    partitions: tuple[MimPartition, ...] = (MimPartition(),)
    profiles: tuple[MimProfile, ...] | None = None
    """None: the usual five per selected partition (``FI``, ``DI``, ``FS``, ``DS``, ``EX``; with several, ``DI <name>``)."""
    flows: tuple[Flow, ...] = ()
    generates: float = 0.0
    population: int = 1000
    seconds: Mapping[StepKind, tuple[float, float]] = field(default_factory=lambda: QUICK)
    forest: str = ""
    """The forest of ``AD``, the host of ``ADAM``."""
    port: int | None = None
    service_host: str = ""
    """The address of the MIM Service, for ``FIM``."""

    @property
    def guid(self) -> str:
        """Return its id."""
        return self.id or guid_of(self.name)

    @property
    def shown_type(self) -> str:
        """Return what WMI tells of its type."""
        return self.type or _TYPES.get(self.category, self.category)

    @property
    def selected(self) -> tuple[MimPartition, ...]:
        """Return the partitions that are synchronized."""
        return tuple(each for each in self.partitions if each.selected)

    @property
    def all_profiles(self) -> tuple[MimProfile, ...]:
        """Return its run profiles."""
        return usual_profiles(each.name for each in self.selected) if self.profiles is None else self.profiles

    def partition_id(self, name: str) -> str:
        """Return the id of one of its partitions."""
        return guid_of(self.guid, name)

    def as_plan(self) -> AgentPlan:
        """Return what the simulated connector spaces need of it."""
        return AgentPlan(
            name=self.name,
            partitions=tuple(PartitionName(each.name) for each in self.selected),
            flows=self.flows,
            generates=self.generates,
            population=self.population,
        )


_TYPES: Final = {
    "AD": "Active Directory Domain Services",
    "ADAM": "Active Directory Lightweight Directory Services",
    "FIM": "FIM Service Management Agent",
    "MSSQL": "SQL Server",
    "Extensible2": "Extensible Connectivity 2.0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MimServer:
    """A server."""

    name: str = "SYNC01"
    agents: tuple[MimAgent, ...] = ()
    spread: float = 0.0
    """How much durations vary: each is multiplied by a log-normal factor of this sigma."""


def usual_profiles(partitions: Iterable[str]) -> tuple[MimProfile, ...]:
    """Return the five profiles that most agents have, for each partition."""
    names = tuple(partitions)
    return tuple(
        MimProfile(name=short if len(names) == 1 else f"{short} {name}", steps=(MimStep(kind=kind, partition=name),))
        for name in names
        for short, kind in _SHORT.items()
    )


def crowd(count: int, seconds: Mapping[StepKind, tuple[float, float]] = QUICK) -> MimServer:
    """Return a server with many agents: what changes in the first flows to all others."""
    names = [f"Agent {number:03}" for number in range(1, count + 1)]
    flows = tuple(Flow(agent=name) for name in names[1:])
    return MimServer(
        agents=tuple(
            MimAgent(name=name, category="Extensible2", flows=flows if name == names[0] else (), seconds=seconds)
            for name in names
        )
    )


def company(seconds: Mapping[StepKind, tuple[float, float]] = QUICK) -> MimServer:
    """Return a small company: personnel, a directory of two domains, the portal and a telephone directory."""
    north, south = "DC=north,DC=corp,DC=example", "DC=south,DC=corp,DC=example"
    to_all = (
        Flow(agent="AD", partition=PartitionName(north)),
        Flow(agent="AD", partition=PartitionName(south)),
        Flow(agent="Portal"),
        Flow(agent="Phone book", partition=PartitionName("O=Phone book")),
    )
    domains = tuple(
        MimPartition(name=dn, dns_name=f"{word}.corp.example", domain_controllers=(f"dc1.{word}.corp.example",))
        for word, dn in (("north", north), ("south", south))
    )
    configuration = MimPartition(
        name="CN=Configuration,DC=corp,DC=example", selected=False, allowed_operations=0x4000001F
    )
    return MimServer(
        agents=(
            MimAgent(name="HR", category="MSSQL", flows=to_all, population=1200, seconds=seconds),
            MimAgent(
                name="AD",
                partitions=(*domains, configuration),
                flows=(Flow(agent="Portal"), Flow(agent="Phone book", partition=PartitionName("O=Phone book"))),
                generates=0.3,
                forest="corp.example",
                seconds=seconds,
            ),
            MimAgent(
                name="Portal",
                category="FIM",
                flows=to_all[:2],
                service_host="http://mimservice.corp.example:5725",
                seconds=seconds,
            ),
            MimAgent(
                name="Phone book",
                category="ADAM",
                partitions=(MimPartition(name="O=Phone book", display_name="Telephones"),),
                forest="adlds1",
                port=50389,
                seconds=seconds,
            ),
        )
    )
