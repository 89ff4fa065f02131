"""``type: embedded``: the engine that AutoSync brings along."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from autosync.adapters.engines.embedded.checkup import EmbeddedCheckup
from autosync.adapters.engines.embedded.engine import EmbeddedEngine
from autosync.adapters.engines.embedded.options import EmbeddedKind, EmbeddedOptions, rules_digest, setup_of
from autosync.adapters.engines.embedded.schedule import deprovisioning_triggers
from autosync.bootstrap.engine_type import EngineType
from autosync.config.spec import EngineSpec
from autosync.model.ids import TriggerId, agent_id
from autosync.model.settings import Settings
from autosync.model.steps import Slot
from autosync.ports.clock import Clock
from autosync.ports.registry import Surroundings
from autosync.runtime.engine_hosts import EnginePart
from autosync.runtime.link import Limits
from autosync.runtime.trigger_watch import TriggerPart


def embedded_options(spec: EngineSpec) -> EmbeddedOptions:
    """Return what the kind parsed."""
    assert isinstance(spec.options, EmbeddedOptions)
    return spec.options


def _part(spec: EngineSpec, _: Settings, around: Surroundings) -> EnginePart:
    options = embedded_options(spec)
    return EnginePart(
        engine=EmbeddedEngine(spec.name, lambda: setup_of(options, around.secrets)),
        # A start dies with the worker that it was given to, and a worker answers in order: none can begin late.
        limits=Limits(late_start=timedelta(0)),
        fingerprint=f"{spec.type} {spec.data!r} {rules_digest(options)}",
    )


def _triggers(spec: EngineSpec, clock: Clock) -> Iterator[TriggerPart]:
    for name, trigger in deprovisioning_triggers(embedded_options(spec), clock).items():
        agent = agent_id(spec.name, name)
        yield TriggerPart(
            id=TriggerId(f"{agent}#deprovisioning"),
            agent=agent,
            trigger=trigger,
            slot=Slot.DELTA_SYNC,
            fingerprint=f"deprovisioning {spec.data!r}",
        )


EMBEDDED: Final = EngineType(
    kind=EmbeddedKind(),
    part=_part,
    place=lambda spec: f"embedded, {embedded_options(spec).store.name}",
    checkup=lambda spec, around: EmbeddedCheckup(
        embedded_options(spec), lambda: setup_of(embedded_options(spec), around.secrets)
    ),
    triggers=_triggers,
    runs_one_at_a_time=True,
)
