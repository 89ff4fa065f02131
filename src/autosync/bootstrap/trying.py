"""What ``autosync trigger test`` asks: one trigger of a configuration, run here and now, without a service or a store."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.bootstrap.configurations import load_configuration
from autosync.bootstrap.logs import log_to
from autosync.bootstrap.parts import trigger_part
from autosync.config.spec import Configuration, LogLevel, TriggerSpec
from autosync.core.schedule import next_fire
from autosync.model.errors import NotFound, TriggerFailed
from autosync.model.ids import TriggerId, engine_of, name_of
from autosync.model.settings import ScheduleSettings
from autosync.ports.clock import Clock
from autosync.ports.registry import Surroundings
from autosync.ports.trigger import Firing, Pulse
from autosync.runtime.trigger_watch import TriggerPart, wanted_by

_SHOWN: Final = 5
"""Fire times of a schedule."""

Tell = Callable[[Mapping[str, Any]], None]


async def try_trigger(path: Path, name: str, token: str | None, tell: Tell) -> None:
    """Watch with one trigger until it fails or is cancelled, and tell what it sees and would fire; nothing is stored.

    A schedule's next fire times are told instead. Raises ``ConfigError`` with the configuration's mistakes, and ``NotFound``.
    """
    path = await asyncio.to_thread(path.absolute)
    configuration = load_configuration(path).required()
    log_to(None, LogLevel.INFO)
    clock = SystemClock()
    trigger = _found(configuration, name)
    if isinstance(trigger, ScheduleSettings):
        _tell_times(trigger, clock, tell)
        return
    tell(_event(clock, "begins", f"watching as {trigger.type}", trigger=trigger.id, type=trigger.type))
    around = Surroundings(clock=clock, secrets=Secrets(os.environ, path.parent))
    try:
        await _watch(trigger_part(trigger, around), token, clock, tell)
    except TriggerFailed as error:
        tell(_event(clock, "fails", str(error)))


async def _watch(part: TriggerPart, token: str | None, clock: Clock, tell: Tell) -> None:
    watching = part.trigger.watch(token)
    assert isinstance(watching, AsyncGenerator)
    shown: Mapping[str, str] = {}
    async with aclosing(watching):
        async for seen in watching:
            if isinstance(seen, Firing):
                tell(_fires(part, seen, clock))
            elif seen.details != shown:
                shown = seen.details
                tell(_event(clock, "alive", _text(seen), details=dict(shown)))
    raise TriggerFailed("the watch ended by itself; the service would begin again")


def _fires(part: TriggerPart, firing: Firing, clock: Clock) -> Mapping[str, Any]:
    wanted = wanted_by(part, firing)
    return _event(
        clock,
        "fires",
        firing.text,
        agent=wanted.agent,
        profile=wanted.profile,
        slot=wanted.slot,
        partition=wanted.partition,
        exclusive=wanted.exclusive,
        front=wanted.front,
        token=firing.token,
        changed=None if firing.changed is None else firing.changed.isoformat(),
        count=firing.count,
    )


def _tell_times(schedule: ScheduleSettings, clock: Clock, tell: Tell) -> None:
    tell(_event(clock, "begins", "fires by the clock", trigger=schedule.id, type="by the clock"))
    for at in islice(_fire_times(schedule, clock.now()), _SHOWN):
        tell(_event(clock, "fires at", f"{at:%Y-%m-%d %H:%M:%S} UTC: {schedule.run}", due=at.isoformat()))


def _fire_times(schedule: ScheduleSettings, now: datetime) -> Iterator[datetime]:
    at: datetime | None = now
    while (at := next_fire(schedule.when, now, at or now)) is not None:
        yield at


def _found(configuration: Configuration, name: str) -> TriggerSpec | ScheduleSettings:
    """Return the trigger of that id; or the only one whose agent, name, or both without the engine are that."""
    known: dict[TriggerId, TriggerSpec | ScheduleSettings] = {spec.id: spec for spec in configuration.triggers}
    known |= configuration.settings.schedules
    fitting = [key for key in known if name == key] or [key for key, each in known.items() if name in _names(key, each)]
    if len(fitting) == 1:
        return known[fitting[0]]
    there = ", ".join(sorted(fitting or known)) or "none"
    raise NotFound(
        f"{name} may be any of {there}: say which" if fitting else f"there is no trigger {name}; there are: {there}"
    )


def _names(key: TriggerId, trigger: TriggerSpec | ScheduleSettings) -> tuple[str, ...]:
    own = key.rpartition("#")[2]
    return own, trigger.agent, name_of(trigger.agent), f"{name_of(trigger.agent)}#{own}", engine_of(trigger.agent)


def _text(pulse: Pulse) -> str:
    return ", ".join(f"{key} {value}" for key, value in pulse.details.items()) or "nothing new"


def _event(clock: Clock, kind: str, text: str, **more: object) -> Mapping[str, Any]:
    return {"at": clock.now().isoformat(), "kind": kind, "text": text, **more}
