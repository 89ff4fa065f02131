"""From a configuration to the parts of a running AutoSync."""

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from autosync.adapters.clocks import SystemClock
from autosync.adapters.scripts.controller import controller_script
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.stores.memory import MemoryStore
from autosync.adapters.stores.sqlite import SqliteStore
from autosync.adapters.systemd import notify
from autosync.adapters.triggers.webhook.watching import WebhookTrigger
from autosync.bootstrap.kinds import ENGINES, KINDS
from autosync.config.spec import Configuration, ControllerScriptSpec, EngineSpec, NotifySpec, StoreSpec, TriggerSpec
from autosync.model.facts import Fact, Severity
from autosync.model.ids import TriggerId
from autosync.model.settings import Settings
from autosync.ports.clock import Clock
from autosync.ports.notifier import Notifier
from autosync.ports.registry import Surroundings
from autosync.ports.secrets import SecretSource
from autosync.ports.store import NewMessage, Store
from autosync.ports.trigger import Trigger
from autosync.ports.webhook import Webhook
from autosync.runtime.reload import NewParts
from autosync.runtime.retention import Keep
from autosync.runtime.script_hosts import ScriptPart
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
        scripts=new.scripts,
        tell_system=_tell_system,
        options=Options(keep=_keep(configuration)),
    )


def new_parts_of(configuration: Configuration, clock: Clock, folder: Path) -> NewParts:
    """Build what a new configuration may replace while AutoSync runs."""
    around = Surroundings(clock=clock, secrets=Secrets(os.environ, folder))
    return NewParts(
        settings=_one_at_a_time(configuration),
        engines={
            spec.name: replace(
                ENGINES[spec.type].part(spec, configuration.settings, around), shadow=spec.settings.shadow
            )
            for spec in configuration.engines
        },
        triggers=(
            *(trigger_part(spec, around) for spec in configuration.triggers),
            *(part for spec in configuration.engines for part in ENGINES[spec.type].triggers(spec, clock)),
        ),
        notifiers=_notifiers(configuration.notify, around),
        router=_router(configuration.notify),
        scripts={spec.agent: _script_part(spec, around.secrets) for spec in configuration.scripts},
    )


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


def trigger_part(spec: TriggerSpec, around: Surroundings) -> TriggerPart:
    """Build a trigger, and say what it is for."""
    wanted = spec.wanted
    part = TriggerPart(
        id=spec.id,
        agent=spec.agent,
        trigger=KINDS.triggers[spec.type].build(spec.options, replace(around, agent=spec.agent)),
        profile=wanted.profile,
        partition=wanted.partition,
        exclusive=wanted.exclusive,
        front=wanted.front,
        enabled=spec.enabled,
        fingerprint=f"{spec.type} {spec.data!r} {wanted!r} {spec.enabled}",
    )
    return part if wanted.slot is None else replace(part, slot=wanted.slot)


def webhooks(find: Callable[[TriggerId], Trigger | None]) -> Callable[[str], Webhook | None]:
    """Return the way from an address (``home/hr/webhook``) to the trigger that is called there."""

    def at(address: str) -> Webhook | None:
        agent, _, name = address.rpartition("/")
        trigger = find(TriggerId(f"{agent}#{name}"))
        return trigger if isinstance(trigger, WebhookTrigger) else None

    return at


def _notifiers(spec: NotifySpec, around: Surroundings) -> Mapping[str, Notifier]:
    return {channel.name: KINDS.channels[channel.type].build(channel.options, around) for channel in spec.channels}


def _script_part(spec: ControllerScriptSpec, secrets: SecretSource) -> ScriptPart:
    return ScriptPart(
        script=controller_script(spec.script, spec.agent, secrets), time_limit=spec.time_limit, fingerprint=repr(spec)
    )


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
