"""What a valid configuration says: the policy for the core, and what each part is built from. Secrets are references."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from autosync.model.facts import FactKind, Severity
from autosync.model.ids import AgentId, EngineName, TriggerId
from autosync.model.requests import Wanted
from autosync.model.settings import EngineSettings, Settings
from autosync.options.script import ScriptOptions


class LogLevel(StrEnum):
    """How much the journal tells."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSpec:
    """Where AutoSync keeps its memory. ``location`` is a file's absolute path for ``sqlite``, else what follows the scheme."""

    scheme: str
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the API listens. Port 0: any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return ``host:port``, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """The service itself. Paths are absolute."""

    zone: str
    store: StoreSpec
    no_export: bool
    listen: Address
    token_file: Path
    retention: timedelta
    log_level: LogLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """One engine: what it is built from, and the policy for it."""

    name: EngineName
    type: str
    options: object
    """As its kind parsed them."""
    data: Mapping[str, object]
    """The kind's own keys, as they stand in the file."""
    settings: EngineSettings
    agents: frozenset[str] | None
    """The names of all its agents; None when only the engine knows them."""
    keep_run_history: timedelta | None
    """Older runs are deleted in the engine itself; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSpec:
    """One trigger that an adapter watches. Interval and schedule triggers are in ``Settings.schedules`` instead."""

    id: TriggerId
    agent: AgentId
    type: str
    options: object
    data: Mapping[str, object]
    wanted: Wanted
    """What to run when it fires, unless the firing knows better."""
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerScriptSpec:
    """The controller script of one agent."""

    agent: AgentId
    time_limit: timedelta
    """Longest time for one answer."""
    script: ScriptOptions
    """Its path is absolute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """One way to tell people."""

    name: str
    type: str
    options: object
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSpec:
    """Which facts go to which channels: those of ``kinds``, and those at least as severe as ``severity``."""

    kinds: frozenset[FactKind]
    severity: Severity | None
    channels: tuple[str, ...]
    urgent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySpec:
    """Who is told what."""

    channels: tuple[ChannelSpec, ...] = ()
    routes: tuple[RouteSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A whole configuration, valid and resolved."""

    service: ServiceSpec
    settings: Settings
    """For the core. Its ``revision`` is 0: the store gives the number when the configuration comes into force."""
    engines: tuple[EngineSpec, ...]
    triggers: tuple[TriggerSpec, ...] = ()
    scripts: tuple[ControllerScriptSpec, ...] = ()
    notify: NotifySpec = field(default_factory=NotifySpec)
