"""From a configuration to the parts of a running AutoSync."""

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from autosync.adapters.clocks import SystemClock
from autosync.adapters.notifiers.log import LogNotifier
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.stores.memory import MemoryStore
from autosync.adapters.stores.sqlite import SqliteStore
from autosync.adapters.systemd import notify
from autosync.adapters.triggers.file.options import FileOptions
from autosync.adapters.triggers.file.watching import FileTrigger
from autosync.bootstrap.engine_type import Around
from autosync.bootstrap.kinds import ENGINES
from autosync.config.spec import Configuration, EngineSpec, NotifySpec, StoreSpec, TriggerSpec
from autosync.model.facts import Fact, Severity
from autosync.model.settings import Settings
from autosync.ports.clock import Clock
from autosync.ports.notifier import Notifier
from autosync.ports.store import NewMessage, Store
from autosync.ports.trigger import Trigger
from autosync.runtime.reload import NewParts
from autosync.runtime.retention import Keep
from autosync.runtime.supervisor import Options, Parts
from autosync.runtime.trigger_watch import TriggerPart


def parts_of(configuration: Configuration, folder: Path) -> Parts:
    """Build everything; nothing is opened or started yet. ``folder`` is the configuration file's."""
    clock = SystemClock()
    new = new_parts_of(configuration, clock, folder)
    return Parts(
        store=store_of(configuration.service.store),
        settings=new.settings,
        clock=clock,
        random=random.SystemRandom(),
        engines=new.engines,
        triggers=new.triggers,
        notifiers=new.notifiers,
        router=new.router,
        tell_system=_tell_system,
        options=Options(keep=_keep(configuration)),
    )


def new_parts_of(configuration: Configuration, clock: Clock, folder: Path) -> NewParts:
    """Build what a new configuration may replace while AutoSync runs."""
    around = surroundings(configuration, clock, folder)
    return NewParts(
        settings=_one_at_a_time(configuration),
        engines={spec.name: ENGINES[spec.type].part(spec, around) for spec in configuration.engines},
        triggers=tuple(_trigger_part(spec, clock) for spec in configuration.triggers),
        notifiers=_notifiers(configuration.notify),
        router=_router(configuration.notify),
    )


def surroundings(configuration: Configuration, clock: Clock, folder: Path) -> Around:
    """Return what engines are built with. ``folder`` is the configuration file's."""
    return Around(clock=clock, secrets=Secrets(os.environ, folder), settings=configuration.settings)


def _one_at_a_time(configuration: Configuration) -> Settings:
    """Return the policy, with one run at a time where the engine would make others wait anyway."""
    settings = configuration.settings
    alone = {spec.name for spec in configuration.engines if ENGINES[spec.type].runs_one_at_a_time}
    engines = {
        name: replace(engine, max_parallel=1) if name in alone else engine for name, engine in settings.engines.items()
    }
    return replace(settings, engines=engines)


def store_of(spec: StoreSpec) -> Store:
    """Build AutoSync's own store."""
    return MemoryStore() if spec.scheme == "memory" else SqliteStore(Path(spec.location))


def place_of(spec: EngineSpec) -> str:
    """Return where an engine is, for people."""
    return ENGINES[spec.type].place(spec)


def _tell_system(word: str) -> None:
    notify(word)


def _trigger_part(spec: TriggerSpec, clock: Clock) -> TriggerPart:
    wanted = spec.wanted
    part = TriggerPart(
        id=spec.id,
        agent=spec.agent,
        trigger=_trigger(spec.options, clock),
        profile=wanted.profile,
        partition=wanted.partition,
        exclusive=wanted.exclusive,
        front=wanted.front,
        enabled=spec.enabled,
        fingerprint=f"{spec.type} {spec.data!r} {wanted!r} {spec.enabled}",
    )
    return part if wanted.slot is None else replace(part, slot=wanted.slot)


def _trigger(options: object, clock: Clock) -> Trigger:
    assert isinstance(options, FileOptions)
    return FileTrigger(options, clock)


def _notifiers(spec: NotifySpec) -> Mapping[str, Notifier]:
    return {channel.name: LogNotifier() for channel in spec.channels}


def _router(spec: NotifySpec) -> Callable[[Sequence[Fact]], Sequence[NewMessage]]:
    ranks = {severity: rank for rank, severity in enumerate(Severity)}

    def route(facts: Sequence[Fact]) -> Sequence[NewMessage]:
        return [
            NewMessage(channel=channel, body=_body(fact, urgent=rule.urgent))
            for fact in facts
            for rule in spec.routes
            if fact.kind in rule.kinds or (rule.severity is not None and ranks[fact.severity] >= ranks[rule.severity])
            for channel in rule.channels
        ]

    return route


def _body(fact: Fact, *, urgent: bool) -> dict[str, object]:
    return {
        "kind": str(fact.kind),
        "severity": str(fact.severity),
        "text": fact.text,
        "at": fact.at.isoformat(),
        "agent": fact.agent,
        "hold": fact.hold,
        "run": fact.run,
        "urgent": urgent,
    }


def _keep(configuration: Configuration) -> Keep:
    ages = {spec.name: spec.keep_run_history for spec in configuration.engines if spec.keep_run_history is not None}
    return Keep(history=configuration.service.retention, engine_history=ages)
