"""Agents as their engine describes them, and what waits in their connector spaces."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from autosync.model.counts import Counts
from autosync.model.ids import AgentId, PartitionName, ProfileName
from autosync.model.steps import Profile

MIM_SERVICE = "mim-service"
"""The category of MIM Service agents, on which a delta import counts as a synchronization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A management agent (Entra: connector) as the engine reports it now.

    ``category`` is the engine's word in lower case (``ad``, ``adam``, ``mim-service``, ``csv``, …): an open set.
    """

    id: AgentId
    category: str = ""
    partitions: tuple[PartitionName, ...] = (PartitionName("default"),)
    profiles: Mapping[ProfileName, Profile] = field(default_factory=dict)


class PendingSide(StrEnum):
    """Which changes wait in a connector space."""

    IMPORTS = "imports"
    """Staged, for the next synchronization."""
    EXPORTS = "exports"


BOTH_SIDES: Final = frozenset(PendingSide)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSet:
    """Staged imports, or pending exports, of one partition.

    ``fingerprint`` identifies exactly this set of changes; empty where the engine cannot tell sets apart, and then the
    counts stand for it. ``counts`` is None when the engine cannot count.
    """

    counts: Counts | None
    fingerprint: str = ""
    sample: tuple[str, ...] = ()
    """Some of the changes as a person would name them, for a hold's display."""

    @property
    def identity(self) -> str:
        """Return what an approval is bound to."""
        return self.fingerprint or repr(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What waits in an agent's connector space, per partition. A partition that is missing has nothing pending.

    A side is None where nobody asked for it: then nothing is known of it.
    """

    agent: AgentId
    imports: Mapping[PartitionName, PendingSet] | None = field(default_factory=dict)
    exports: Mapping[PartitionName, PendingSet] | None = field(default_factory=dict)
    population: Mapping[PartitionName, int] = field(default_factory=dict)
    """Connector space objects per partition; missing where the engine cannot count, or no limit depends on it."""

    def side(self, side: PendingSide) -> Mapping[PartitionName, PendingSet] | None:
        """Return the sets of one side; None where nobody asked for it."""
        return self.imports if side is PendingSide.IMPORTS else self.exports


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An agent's newest run as the engine shows it, whoever started it."""

    agent: AgentId
    handle: str
    """The engine's own name for the run, good for asking again (MIM: the run number)."""
    profile: ProfileName
    running: bool
    started: datetime | None = None
    label: str = ""
    """The id that AutoSync gave the start, where the engine can carry one; empty otherwise."""
