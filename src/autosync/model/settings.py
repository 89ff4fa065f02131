"""What the operator decided: the policy part of the configuration, validated and resolved; no adapter's options."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache

from autosync.model.counts import ChangeKind
from autosync.model.ids import AgentId, EngineName, PartitionName, ProfileName, TriggerId
from autosync.model.schedules import Exclusion, Misfire, When
from autosync.model.steps import Slot


class RunMode(StrEnum):
    """Which runs of an engine may overlap."""

    SUPPORTED = "supported"
    """A run with a sync part runs alone."""
    UNSUPPORTED = "unsupported"
    """Imports and exports may run beside a synchronization; two synchronizations never overlap."""
    EXCLUSIVE = "exclusive"
    """Every run runs alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A threshold: breached by more than ``absolute`` changes, or more than ``percent`` of the connector space.

    The percentage counts only where the connector space holds at least ``minimum`` objects.
    """

    absolute: int | None = None
    percent: float | None = None
    minimum: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Limits by kind of change, and for their sum. A kind without a limit is unlimited."""

    kinds: Mapping[ChangeKind, Limit] = field(default_factory=dict)
    total: Limit | None = None
    emptied: bool = False
    """Whether deleting half or more of a connector space with at least three objects is a breach in itself."""


DEFAULT_DELETES = Limit(absolute=500, percent=10.0, minimum=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What may hold an agent's runs. The defaults are on: a mass deletion needs a person, with or without settings."""

    staged: Thresholds = Thresholds(kinds={ChangeKind.DELETES: DEFAULT_DELETES}, emptied=True)
    exports: Thresholds = Thresholds(kinds={ChangeKind.DELETES: DEFAULT_DELETES}, emptied=True)
    flapping_after: int | None = 5
    """Equal exports in a row without an outside cause that count as flapping; None never."""
    allow_combined: bool = False
    """Whether a run may synchronize what it imports itself although limits of staged changes were set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how soon a run that the world stopped is tried again."""

    attempts: int = 6
    """Including the first."""
    first_delay: timedelta = timedelta(seconds=5)
    factor: float = 2.0
    longest_delay: timedelta = timedelta(minutes=10)
    jitter: float = 0.2
    """Each delay is multiplied by a random factor between 1 - jitter and 1 + jitter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When an agent's consecutive failures stop further tries, and for how long."""

    failures: int = 5
    rest: timedelta = timedelta(minutes=15)


class IfFalse(StrEnum):
    """What a controller script's no means."""

    HOLD = "hold"
    """The request waits, and the script is asked again."""
    DROP = "drop"
    """The request is dropped, visibly."""


class OnScriptError(StrEnum):
    """What happens when a controller script fails, or does not answer in time."""

    HOLD = "hold"
    """The run, or what follows from one, waits, and the script is asked again."""
    RUN = "run"
    """AutoSync goes on as if the script had agreed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptPolicy:
    """What an agent's controller script may decide."""

    if_false: IfFalse = IfFalse.HOLD
    on_error: OnScriptError = OnScriptError.HOLD
    time_limit: timedelta = timedelta(seconds=60)
    """For one answer."""


class ImportCounts(StrEnum):
    """Which imports restart an agent's safety net."""

    ANY = "any"
    FULL = "full"
    DELTA = "delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """The operator's decisions about one agent. What is None or empty is found by discovery or has a default."""

    id: AgentId
    enabled: bool = True
    slots: Mapping[PartitionName, Mapping[Slot, ProfileName | None]] = field(default_factory=dict)
    """Overrides of discovery; a slot set to None is empty: never do this."""
    import_if_none_for: timedelta | None = None
    import_counts: ImportCounts = ImportCounts.ANY
    full_sync_after_full_import: bool = False
    lock_with: frozenset[AgentId] = frozenset()
    wakes: frozenset[AgentId] = frozenset()
    guards: Guards = Guards()
    retry: RetryPolicy = RetryPolicy()
    breaker: BreakerPolicy = BreakerPolicy()
    run_limit: timedelta | None = None
    """A run that takes longer is reported once (and stopped where ``stop_long_runs``)."""
    stop_long_runs: bool = False
    script: ScriptPolicy | None = None
    """Its controller script is asked before each start, and told how each run ended; None: it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """A trigger that fires by the clock: decided in the core, so that its fire times survive restarts."""

    id: TriggerId
    agent: AgentId
    when: When
    run: Slot | ProfileName
    """A profile by name where it is not one of the slots."""
    partition: PartitionName | None = None
    exclusive: bool = False
    front: bool = False
    enabled: bool = True
    misfire: Misfire = Misfire.ONCE
    """Default: one catch-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The operator's decisions about one engine."""

    name: EngineName
    run_mode: RunMode = RunMode.SUPPORTED
    max_parallel: int | None = None
    mim_service_export_is_sync: bool = True
    stagger: timedelta = timedelta(0)
    """Least time between two starts. Off by default: engines do not need it."""
    settle: timedelta = timedelta(0)
    """Wait after a run before its result counts. Off by default."""
    shadow: bool = False
    """Whether the engine is watched and never driven: somebody else's scheduler runs it."""
    shadow_patience: timedelta = timedelta(hours=1)
    """How long a wish waits for somebody else's run that serves it, before it counts as never run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole policy of one configuration revision."""

    revision: int = 0
    engines: Mapping[EngineName, EngineSettings] = field(default_factory=dict)
    agents: Mapping[AgentId, AgentSettings] = field(default_factory=dict)
    schedules: Mapping[TriggerId, ScheduleSettings] = field(default_factory=dict)
    exclusions: tuple[Exclusion, ...] = ()
    no_export: bool = False
    zone: str = "UTC"

    def is_shadow(self, engine: EngineName) -> bool:
        """Return whether an engine is watched and never driven."""
        known = self.engines.get(engine)
        return known is not None and known.shadow

    def agent(self, agent: AgentId) -> AgentSettings:
        """Return the agent's settings, or the defaults for one that the configuration does not name."""
        return self.agents.get(agent) or _defaults(agent)


@lru_cache(maxsize=4096)
def _defaults(agent: AgentId) -> AgentSettings:
    return AgentSettings(id=agent)
