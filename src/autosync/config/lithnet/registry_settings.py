"""What the values of the predecessor's registry key mean now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from autosync.config.lithnet.notes import Notes
from autosync.config.lithnet.registry_file import Value

_MOST_TRIES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """What is taken over of the registry; None is the default of both."""

    mim_service_export_is_sync: bool | None = None
    attempts: int | None = None
    """Tries in all, the first included."""
    first_delay: timedelta | None = None
    stagger: timedelta | None = None
    settle: timedelta | None = None


_NAMES: Final = (
    *("AutoStartEnabled", "CompletingRefUpdatesSleepInterval", "ConfigFile", "ExclusiveModeDeferralInterval"),
    *("ExecutionStaggerInterval", "GetSyncLockForFimMAExport", "LockMode", "LogPath", "NetTcpBindAddress"),
    *("NetTcpBindPort", "NetTcpServerEnabled", "PostRunInterval", "RetryCodes", "RetryCount", "RetrySleepInterval"),
    *("RunHistoryTimerInterval", "ServiceAdminsGroup", "UnmanagedChangesCheckInterval"),
)
_WRITTEN: Final = {name.lower(): name for name in _NAMES}

_DEFAULTS: Final[Mapping[str, Value]] = {
    "getsynclockforfimmaexport": 1,
    "retrycount": 5,
    "retrysleepinterval": 5,
    "executionstaggerinterval": 1,
    "postruninterval": 2,
}

_BETTER: Final[Mapping[str, str]] = {
    "completingrefupdatessleepinterval": "a run that completes referential updates is watched until it has ended",
    "exclusivemodedeferralinterval": "nothing waits before an exclusive run: what may start is decided at once, with all locks",
    "lockmode": "one rule decides what may run together and takes all locks at once; the modes 0, 1 and 2 were approximations",
    "unmanagedchangescheckinterval": "what others run in the engine is noticed within seconds, not once an hour",
    "runhistorytimerinterval": "run history is cleared by age whenever it is due, not first after eight hours",
    "logpath": "the log goes to standard output or the event log; every fact is kept in the store",
    "configfile": "the new configuration is autosync.yaml: --config names it",
    "nettcpbindaddress": "there is no WCF endpoint; the API listens where service: listen says",
    "nettcpbindport": "there is no WCF endpoint; the API listens where service: listen says",
}


def registry_settings(values: Mapping[str, Value], notes: Notes) -> RegistrySettings:
    """Return what is taken over, and note every value."""
    for name, value in values.items():
        if name in _BETTER:
            notes.better("registry", f"{_WRITTEN[name]} ({_said(value)}): {_BETTER[name]}")
        elif name in _NOTED:
            _NOTED[name](value, notes)
        elif name not in _DEFAULTS:
            notes.look("registry", f"{name} is unknown and was not taken over")
    export = _number(values, "getsynclockforfimmaexport", notes)
    retries = _number(values, "retrycount", notes)
    settings = RegistrySettings(
        mim_service_export_is_sync=None if export is None else export != 0,
        attempts=None if retries is None else _attempts(retries, notes),
        first_delay=_seconds(values, "retrysleepinterval", notes),
        stagger=_seconds(values, "executionstaggerinterval", notes),
        settle=_seconds(values, "postruninterval", notes),
    )
    _note_retry(settings, notes)
    return settings


def _number(values: Mapping[str, Value], name: str, notes: Notes) -> int | None:
    """Return a number that differs from the default, else None."""
    value = values.get(name)
    if value is None or value == _DEFAULTS[name]:
        return None
    if isinstance(value, int):
        return value
    notes.look("registry", f"{_WRITTEN[name]} is no number; taken as not set")
    return None


def _seconds(values: Mapping[str, Value], name: str, notes: Notes) -> timedelta | None:
    number = _number(values, name, notes)
    return timedelta(seconds=number) if number and number <= 86_400 else None


def _attempts(retries: int, notes: Notes) -> int:
    if retries >= 2**31:
        notes.look(
            "registry", f"RetryCount: it tried for ever; now at most {_MOST_TRIES} times in a row, then the agent rests"
        )
        return _MOST_TRIES
    return min(retries + 1, _MOST_TRIES)


def _note_retry(settings: RegistrySettings, notes: Notes) -> None:
    if settings.attempts is not None or settings.first_delay is not None:
        notes.taken("registry", "number and delay of retries: as retry of every agent")
        notes.better(
            "registry", "a run that waits to be tried again holds no locks; the predecessor kept them all the time"
        )
    if settings.mim_service_export_is_sync is False:
        notes.taken("registry", "GetSyncLockForFimMAExport: as mim-service-export-is-sync of the engine")


def _said(value: Value) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _note_start(value: Value, notes: Notes) -> None:
    if value == 0:
        notes.look(
            "registry",
            "AutoStartEnabled was off: controllers were started by hand. Now enabled agents start with the service",
        )


def _note_group(value: Value, notes: Notes) -> None:
    notes.look(
        "registry",
        f"ServiceAdminsGroup: members of {_said(value)} could use the API; now a token file or sign-in decides",
    )


def _note_tcp(value: Value, notes: Notes) -> None:
    if value:
        notes.look(
            "registry",
            "NetTcpServerEnabled: the API was open to other machines; see service: listen, and put TLS before it",
        )


def _note_codes(value: Value, notes: Notes) -> None:
    notes.better(
        "registry",
        f"RetryCodes ({_said(value)}): statuses are classified by what they mean, so that deadlocks, lost connections and busy "
        "agents are tried again without a list",
    )


_NOTED: Final[Mapping[str, Callable[[Value, Notes], None]]] = {
    "autostartenabled": _note_start,
    "serviceadminsgroup": _note_group,
    "nettcpserverenabled": _note_tcp,
    "retrycodes": _note_codes,
}
