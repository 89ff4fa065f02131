"""The block of one agent in the new configuration."""

from collections.abc import Mapping
from datetime import timedelta

from autosync.config.lithnet.agent_elements import WHOLE_AGENT
from autosync.config.lithnet.notes import Notes
from autosync.config.lithnet.predecessor import LithnetAgent, LithnetPartition
from autosync.config.lithnet.registry_settings import RegistrySettings
from autosync.config.lithnet.trigger_text import TriggerWriter
from autosync.config.yaml_text import Lines, Plain, flow
from autosync.model.steps import Slot
from autosync.options.durations import format_duration


class AgentWriter:
    """Writes agents into the lines of a configuration, and notes what became of each setting."""

    def __init__(
        self, lines: Lines, notes: Notes, triggers: TriggerWriter, registry: RegistrySettings, *, engine: str
    ) -> None:
        self._lines = lines
        self._notes = notes
        self._triggers = triggers
        self._registry = registry
        self._engine = engine

    def write(self, agent: LithnetAgent) -> None:
        """Write one agent."""
        self._lines.key(1, f"{self._engine}/{agent.name}")
        self._enabled(agent)
        self._safety_net(agent)
        self._partitions(agent)
        self._guards(agent)
        self._locks(agent)
        self._retry()
        if agent.script:
            self._script(agent)
        if agent.triggers:
            self._lines.key(2, "triggers")
            for trigger in agent.triggers:
                self._triggers.write(agent.name, trigger)
        self._lines.put(0)

    def _enabled(self, agent: LithnetAgent) -> None:
        if agent.is_missing:
            why = "it was not in the engine any more"
        elif agent.disabled:
            why = "it was disabled"
        elif agent.version <= 0:
            why = "nobody had configured it, so it never started"
        else:
            self._lines.key(2, "enabled", True)
            return
        self._lines.key(2, "enabled", False, why)
        self._notes.look(agent.name, f"not enabled: {why}")

    def _safety_net(self, agent: LithnetAgent) -> None:
        active = [partition for partition in agent.partitions if partition.is_active]
        lengths = {partition.auto_import for partition in active if partition.auto_import is not None}
        if not lengths:
            return
        shortest = min(lengths)
        self._lines.key(2, "import-if-none-for", format_duration(shortest))
        self._notes.taken(agent.name, f"auto-import: import-if-none-for {format_duration(shortest)}")
        without = [partition.name for partition in active if partition.auto_import is None]
        if len(lengths) > 1 or without:
            said = ", ".join(format_duration(length) for length in sorted(lengths))
            missing = f"; {', '.join(without)} had none" if without else ""
            self._notes.look(
                agent.name, f"auto-import differed by partition ({said}{missing}): now the shortest counts for all"
            )

    def _partitions(self, agent: LithnetAgent) -> None:
        if not agent.partitions:
            self._notes.better(agent.name, "it names no partitions: run profiles are found by what their steps do")
            return
        written = [partition for partition in agent.partitions if partition.is_active]
        if written:
            self._lines.key(2, "partitions")
        else:
            self._notes.look(
                agent.name, "none of its partitions was selected: run profiles are found by what their steps do"
            )
        for partition in agent.partitions:
            if partition.is_active:
                self._slots(agent, partition)
            else:
                self._left_out(agent, partition)

    def _slots(self, agent: LithnetAgent, partition: LithnetPartition) -> None:
        name = partition.name
        if name == WHOLE_AGENT:
            name = "default"
            self._notes.look(
                agent.name,
                "its run profiles named no partition (schema version 0): they stand under default; where it has others, move "
                "each profile to the partition that its first step works on",
            )
        self._lines.key(3, name)
        given = partition.slots
        for slot in Slot:
            profile = given.get(slot, "")
            self._lines.key(4, slot.value, profile or False)
        empty = [slot.value for slot in Slot if not given.get(slot)]
        self._notes.taken(f"{agent.name} › {name}", "run profiles")
        if empty:
            self._notes.look(
                f"{agent.name} › {name}",
                f"{', '.join(empty)} had no run profile, which switches them off (false); delete a line, and one is found",
            )

    def _left_out(self, agent: LithnetAgent, partition: LithnetPartition) -> None:
        given: Mapping[str, Plain] = {slot.value: profile for slot, profile in partition.slots.items() if profile}
        self._lines.comment(3, f"{flow(partition.name)}: {flow(given)}")
        self._notes.look(
            f"{agent.name} › {partition.name}", "it was missing or not selected: its run profiles stand as a comment"
        )

    def _guards(self, agent: LithnetAgent) -> None:
        limits: dict[str, Plain] = {kind.value: number - 1 for kind, number in agent.thresholds.items()}
        if agent.total:
            limits["changes"] = agent.total - 1
        if limits:
            self._lines.key(2, "guards")
            self._lines.key(3, "staged", limits, "more than these are held")
            self._notes.taken(
                agent.name, "thresholds: as guards: staged; one less each, since more than the limit is held"
            )
            self._notes.better(
                agent.name,
                "a breach holds this agent's synchronization until a person approves exactly these changes; the predecessor "
                "stopped the controller, and after a start by hand they went through unseen",
            )
        if "deletes" not in limits:
            self._notes.better(agent.name, "it had no limit for deletions; now the default holds mass deletions")
        self._notes.better(
            agent.name, "exports are looked at, too, before they are made (guards: exports); it only saw imports"
        )

    def _locks(self, agent: LithnetAgent) -> None:
        others = [name for name in dict.fromkeys(agent.locks) if name.casefold() != agent.name.casefold()]
        if others:
            self._lines.key(2, "lock-with", [f"{self._engine}/{name}" for name in others])
            self._notes.taken(agent.name, f"lock-managementagents: lock-with {', '.join(others)}")

    def _script(self, agent: LithnetAgent) -> None:
        entry: dict[str, Plain] = {"path": agent.script, "if-false": "drop", "on-error": "run"}
        self._lines.key(
            2, "controller-script", entry, "as the predecessor did; hold, the default, keeps the run instead"
        )
        self._notes.taken(agent.name, f"controller script: {agent.script}")
        self._notes.look(agent.name, f"{agent.script} must be there for AutoSync's service, too")
        self._notes.better(
            agent.name,
            "its controller script has a time limit, and its errors are told with file and line; if-false: hold keeps a run "
            "that it refuses, where the predecessor forgot it",
        )

    def _retry(self) -> None:
        entry: dict[str, Plain] = {}
        if self._registry.attempts is not None:
            entry["attempts"] = self._registry.attempts
        if self._registry.first_delay is not None:
            entry["first-delay"] = format_duration(self._registry.first_delay)
            if self._registry.first_delay > timedelta(minutes=10):
                entry["longest-delay"] = format_duration(self._registry.first_delay)
        if entry:
            self._lines.key(2, "retry", entry)
