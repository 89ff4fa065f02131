"""Wishes for runs, waiting in an agent's queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from autosync.model.causes import Cause
from autosync.model.counts import Counts
from autosync.model.ids import AgentId, CascadeId, HoldId, PartitionName, ProfileName, RequestId, TriggerId
from autosync.model.steps import Slot

Token: TypeAlias = str
"""How far a trigger has read; opaque to everybody but the trigger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants run: a profile by name, or a slot on a partition that resolves to one."""

    agent: AgentId
    profile: ProfileName | None = None
    slot: Slot | None = None
    partition: PartitionName | None = None
    exclusive: bool = False
    front: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """How often an agent exported the same counts in a row, along one chain without an outside cause."""

    counts: Counts
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A wish for one run. At most one request waits per agent and profile: equal ones merge."""

    id: RequestId
    agent: AgentId
    profile: ProfileName
    exclusive: bool = False
    front: bool = False
    wished: datetime
    """The earliest wish; merging keeps it."""
    causes: tuple[Cause, ...]
    cascades: frozenset[CascadeId] = frozenset()
    tokens: Mapping[TriggerId, Token] = field(default_factory=dict)
    attempt: int = 1
    not_before: datetime | None = None
    """Set while a retry backs off."""
    setback: str = ""
    """What came of the attempt before, for people."""
    hold: HoldId | None = None
    confirms: bool = False
    """Whether it confirms an export: such imports go before the next export."""
    trail: Mapping[AgentId, Trail] = field(default_factory=dict)
    expected: int | None = None
    """Changes known to wait for it (staged, or pending exports); None when unknown."""
    would_have_run: datetime | None = None
    """When it could have started on an engine that is only watched; since then it waits for somebody else's run."""


class WaitKind(StrEnum):
    """Why a request does not start now."""

    RUNNING = "running"
    """Its agent is running something."""
    LOCKED = "locked"
    """Another agent holds a lock that it needs (``lock-with``)."""
    SYNC = "sync"
    """A synchronization runs, and only one may."""
    ALONE = "alone"
    """A run that must be alone is running, or this one must be and others run."""
    PARALLEL = "parallel"
    ORDER = "order"
    """It could run, but others go first or a synchronization waits for its window."""
    BACK_OFF = "back-off"
    BREAKER = "breaker"
    HELD = "held"
    SHADOW = "shadow"
    """Its engine is only watched: it waits for somebody else's run."""
    COMBINED = "combined"
    """It imports and synchronizes in one run, and limits are set for what lies between."""
    EXCLUDED = "excluded"
    NO_EXPORT = "no-export"
    STOPPED = "stopped"
    """Its agent is stopped or disabled."""
    DISCONNECTED = "disconnected"
    INSPECTING = "inspecting"
    """The guards wait for the engine's count of what is pending."""
    SCRIPT = "script"
    """A controller script said: not now."""
    STAGGER = "stagger"
    UNKNOWN_PROFILE = "unknown-profile"
    """The engine no longer has the profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why a request waits, and for what. ``text`` is what a person reads."""

    kind: WaitKind
    text: str
    until: datetime | None = None
    blocker: str | None = None
