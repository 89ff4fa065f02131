"""What a configuration of Lithnet AutoSync says, in its own words; defaults are those of .NET for missing elements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from autosync.model.counts import ChangeKind
from autosync.model.steps import Slot


class Password(StrEnum):
    """What is known of a password. The value itself is never read further than this."""

    NONE = "none"
    ENCRYPTED = "encrypted"
    PLAIN = "plain"


class TriggerKind(StrEnum):
    """The predecessor's types of trigger."""

    ACTIVE_DIRECTORY = "active-directory-change-trigger"
    MIM_SERVICE = "mim-service-pending-import-trigger"
    INTERVAL = "interval-trigger"
    SCHEDULED = "scheduled-trigger"
    POWERSHELL = "powershell-trigger"


@dataclass(frozen=True, slots=True, kw_only=True)
class LithnetTrigger:
    """One trigger; each type uses some of the fields."""

    kind: TriggerKind
    where: str
    disabled: bool = False
    profile: str = ""
    interval: timedelta = timedelta(0)
    start: datetime | None = None
    exclusive: bool = False
    front: bool = False
    host: str = ""
    base_dn: str = ""
    object_classes: tuple[str, ...] | None = None
    min_interval: timedelta = timedelta(0)
    last_logon_offset: timedelta = timedelta(0)
    explicit_credentials: bool = False
    user: str = ""
    password: Password = Password.NONE
    script: str = ""
    carries_on: bool = False
    """Whether a PowerShell trigger goes on after an error (``reset``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LithnetPartition:
    """A partition and its seven slots; an empty slot means: never do this."""

    id: str
    name: str
    is_active: bool
    """Selected in the agent, and not missing."""
    auto_import: timedelta | None = None
    slots: Mapping[Slot, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LithnetAgent:
    """One management agent."""

    id: str
    name: str
    version: int = 0
    disabled: bool = False
    is_missing: bool = False
    script: str = ""
    locks: tuple[str, ...] = ()
    thresholds: Mapping[ChangeKind, int] = field(default_factory=dict)
    """Staged changes from which on it stopped; only those that were in force."""
    total: int = 0
    partitions: tuple[LithnetPartition, ...] = ()
    triggers: tuple[LithnetTrigger, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LithnetMail:
    """Where mail went."""

    enabled: bool = False
    uses_app_config: bool = False
    sender: str = ""
    to: tuple[str, ...] | None = None
    host: str = ""
    port: int = 25
    starttls: bool = False
    uses_own_account: bool = False
    user: str = ""
    password: Password = Password.NONE
    most_errors: int = 0
    every_time: bool = False
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LithnetConfiguration:
    """A whole ``config.xml``."""

    schema: int
    description: str = ""
    run_mode: str = "supported"
    mail: LithnetMail = field(default_factory=LithnetMail)
    clear_history: bool = False
    history_age: timedelta = timedelta(0)
    save_history: bool = False
    history_folder: str = ""
    agents: tuple[LithnetAgent, ...] = ()
