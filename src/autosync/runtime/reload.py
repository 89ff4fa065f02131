"""Applies a new configuration to a running AutoSync: what did not change goes on undisturbed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autosync.model.ids import AgentId, EngineName
from autosync.model.settings import Settings
from autosync.model.stimuli import SettingsApplied
from autosync.ports.notifier import Notifier
from autosync.ports.store import StoredFact
from autosync.runtime.dispatcher import Router
from autosync.runtime.engine_hosts import EnginePart
from autosync.runtime.script_hosts import ScriptPart
from autosync.runtime.supervisor import Supervisor
from autosync.runtime.trigger_watch import TriggerPart


@dataclass(frozen=True, slots=True, kw_only=True)
class NewParts:
    """What a new configuration revision is made of. Parts with the fingerprint of a running one may be new objects."""

    settings: Settings
    engines: Mapping[EngineName, EnginePart] = field(default_factory=dict)
    triggers: tuple[TriggerPart, ...] = ()
    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    router: Router = lambda _facts: ()
    scripts: Mapping[AgentId, ScriptPart] = field(default_factory=dict)


async def apply(supervisor: Supervisor, parts: NewParts, *, by: str) -> Sequence[StoredFact]:
    """Put ``parts`` in force and return the facts that say so.

    Policy first, so that nothing fires or connects under settings that do not know it. Runs in progress go on: those of
    a changed engine are asked about through the new one.
    """
    facts = await supervisor.dispatcher.submit_and_wait(SettingsApplied(settings=parts.settings, by=by))
    supervisor.router = parts.router
    supervisor.outbox.use(parts.notifiers)
    supervisor.triggers.replace(parts.triggers)
    await supervisor.scripts.replace(parts.scripts)
    await supervisor.engines.replace(parts.engines, tuple(supervisor.dispatcher.state.runs.values()))
    return facts
