"""From the predecessor's configuration to ``autosync.yaml`` and a report of what became of everything."""

from dataclasses import dataclass

from autosync.config.lithnet.agent_text import AgentWriter
from autosync.config.lithnet.config_file import read_configuration
from autosync.config.lithnet.engine_text import write_engine, write_notify, write_service
from autosync.config.lithnet.notes import Fate, Note, Notes, report_text
from autosync.config.lithnet.passwords import Passwords
from autosync.config.lithnet.predecessor import LithnetConfiguration, TriggerKind
from autosync.config.lithnet.reconciling import reconciled
from autosync.config.lithnet.registry_file import read_registry
from autosync.config.lithnet.registry_settings import RegistrySettings, registry_settings
from autosync.config.lithnet.trigger_text import TriggerWriter
from autosync.config.lithnet.wishes import Wishes
from autosync.config.yaml_text import Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The new configuration and the report."""

    yaml: str
    report: str
    notes: tuple[Note, ...]

    def of(self, fate: Fate) -> tuple[Note, ...]:
        """Return the notes of one kind."""
        return tuple(note for note in self.notes if note.fate is fate)


def import_lithnet(config: bytes, *, registry: bytes | None = None, wishes: Wishes | None = None) -> Imported:
    """Take over ``config.xml`` and, where it was exported, the registry key.

    Raises ``ImportRefused`` when one of the files cannot be read at all; everything else is in the report. No password,
    encrypted or plain, is in either text.
    """
    wishes, notes = wishes or Wishes(), Notes()
    old = reconciled(read_configuration(config, notes), wishes.agents, notes)
    notes.look("start", "two services must not drive one engine: stop and disable the old one before this one starts")
    settings = RegistrySettings()
    if registry is not None:
        settings = registry_settings(read_registry(registry, notes), notes)
    else:
        notes.look("registry", "no .reg file was given: settings of the service key are assumed to be the defaults")
    text = _yaml(old, settings, wishes, notes)
    return Imported(yaml=text, report=report_text(notes, "Lithnet AutoSync"), notes=tuple(notes.all))


def _yaml(old: LithnetConfiguration, registry: RegistrySettings, wishes: Wishes, notes: Notes) -> str:
    lines, passwords = Lines(), Passwords(notes)
    lines.comment(
        0, "AutoSync's configuration, taken over from Lithnet AutoSync. What became of each setting: see the report."
    )
    lines.comment(0, "Check it with: autosync config validate. All keys: autosync config schema.")
    if old.description:
        lines.comment(0, f"It was described as: {old.description}")
        notes.taken("config.xml", "its description, as a comment")
    lines.put(0)
    has_schedules = any(each.kind is TriggerKind.SCHEDULED for agent in old.agents for each in agent.triggers)
    write_service(lines, wishes, notes, has_schedules=has_schedules)
    write_engine(lines, old, registry, wishes, notes)
    if old.agents:
        lines.put(0, "agents:")
        triggers = TriggerWriter(lines, notes, passwords, wishes.zone or "UTC")
        writer = AgentWriter(lines, notes, triggers, registry, engine=wishes.engine)
        for agent in old.agents:
            writer.write(agent)
    write_notify(lines, old.mail, notes, passwords)
    return lines.text.rstrip("\n") + "\n"
