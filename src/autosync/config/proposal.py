"""A first configuration for an engine that is there already: complete, commented, and with everything switched off."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from autosync.config.yaml_text import Lines, Plain, flow
from autosync.model.agents import MIM_SERVICE
from autosync.model.ids import AgentId, PartitionName, ProfileName
from autosync.model.steps import Slot

_LIMIT: Final = "500 or 10%"
_REACHED_ALIKE: Final = ("transport", "port", "sign-in", "ca")
"""Of an engine's keys, what probably holds for another server, too; a fingerprint never does."""
_DIRECTORIES: Final = frozenset({"ad", "adam", "ad gal", "adgal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedPartition:
    """A partition, and the run profile that serves each purpose; None where none does."""

    name: PartitionName
    slots: Mapping[Slot, ProfileName | None]
    domain_controllers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedAgent:
    """An agent as it was found."""

    id: AgentId
    category: str
    partitions: tuple[ProposedPartition, ...]
    left_over: tuple[ProfileName, ...] = ()
    """Run profiles that serve no purpose by themselves."""
    notes: tuple[str, ...] = ()
    service_host: str = ""
    """Of a MIM Service agent: where the MIM Service is; empty: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a configuration is proposed for."""

    engine: str
    options: Mapping[str, Plain]
    agents: Sequence[ProposedAgent]
    found: str
    """Where and when the agents were read."""
    triggers: Collection[str] = field(default_factory=frozenset)
    """The trigger types of this installation; one that it has not stands as a comment."""


def proposed_text(proposal: Proposal) -> str:
    """Return the file."""
    lines = Lines()
    lines.comment(0, f"AutoSync's configuration, proposed from {proposal.found}.")
    lines.comment(0, "Nothing of it runs yet: every agent has enabled: false. Read it, switch on what you want; then")
    lines.comment(0, "autosync config validate, autosync doctor, autosync run.")
    lines.comment(0, "All keys: autosync config schema. What is left out has a good default.")
    lines.put(0)
    lines.put(0, "service:")
    lines.key(1, "time-zone", "UTC", "of schedules and exclusions; put yours, such as Europe/Brussels")
    lines.comment(1, "no-export: true # everything but exports, for as long as you want to watch only")
    lines.put(0)
    _engine(lines, proposal)
    lines.put(0, "agents:")
    for agent in proposal.agents:
        _agent(lines, agent, proposal)
    _rest(lines)
    return lines.text.rstrip("\n") + "\n"


def _engine(lines: Lines, proposal: Proposal) -> None:
    lines.put(0, "engines:")
    lines.key(1, proposal.engine)
    for key, value in proposal.options.items():
        lines.key(2, key, value)
    lines.key(2, "run-mode", "supported", "supported: a synchronization runs alone | unsupported | exclusive")
    lines.comment(2, "shadow: true # watch what another scheduler runs, and start nothing: autosync shadow report")
    lines.comment(2, "keep-run-history: 30d # older runs are deleted in the engine, every hour")
    lines.comment(2, "save-run-history: run-history # and are saved in this folder first")
    lines.put(0)


def _agent(lines: Lines, agent: ProposedAgent, proposal: Proposal) -> None:
    lines.comment(1, f"category {agent.category or 'unknown'}")
    for note in agent.notes:
        lines.comment(1, note)
    lines.key(1, agent.id)
    lines.key(2, "enabled", False)
    lines.key(2, "import-if-none-for", "1h", "the safety net: an import when none ran for so long")
    lines.key(2, "partitions")
    for partition in agent.partitions:
        _partition(lines, partition)
    if agent.left_over:
        lines.comment(2, f"by themselves these serve no purpose: {', '.join(agent.left_over)}")
    lines.key(2, "guards")
    lines.key(3, "staged", {"deletes": _LIMIT}, "more staged deletions than these wait for a person")
    lines.key(3, "exports", {"deletes": _LIMIT})
    _triggers(lines, agent, proposal)
    lines.put(0)


def _partition(lines: Lines, partition: ProposedPartition) -> None:
    given: dict[str, Plain] = {slot.value: name for slot, name in partition.slots.items() if name is not None}
    lines.key(3, partition.name)
    for slot, name in given.items():
        lines.key(4, slot, name)
    missing = [slot.value for slot, name in partition.slots.items() if name is None]
    if missing:
        lines.comment(4, f"no run profile was found for: {', '.join(missing)}")
    if not given:
        lines.comment(4, "this partition is left alone")


def _triggers(lines: Lines, agent: ProposedAgent, proposal: Proposal) -> None:
    known = proposal.triggers
    wanted = [dict(each) for each in _default_triggers(agent, proposal.options)]
    usable = [each for each in wanted if _is_usable(each, known)]
    if not any(each["type"] != "schedule" for each in usable):
        usable.insert(0, {"type": "interval", "every": "15m", "run": Slot.DELTA_IMPORT.value})
    lines.key(2, "triggers")
    for each in usable:
        lines.item(3, each)
    for each in wanted:
        if each not in usable:
            why = "name its domain-controllers" if each["type"] in known else "this installation has no such trigger"
            lines.comment(3, f"- {flow(each)}  ({why})")
        elif each["type"] == "mim-service":
            lines.comment(
                3, "host is the MIM Service's own server: AutoSync's account needs Remote Management Users there, too"
            )
    lines.comment(3, '- {type: schedule, cron: "0 2 * * sat", run: full-import}')


def _is_usable(entry: Mapping[str, Plain], known: Collection[str]) -> bool:
    if entry["type"] == "active-directory" and "domain-controllers" not in entry:
        return False
    return entry["type"] in known or entry["type"] in {"interval", "schedule"}


def _default_triggers(agent: ProposedAgent, engine: Mapping[str, Plain]) -> list[dict[str, Plain]]:
    """Return the triggers that suit the category: push where there is one, else a look every quarter of an hour."""
    if agent.category == MIM_SERVICE:
        return [{"type": "mim-service", "host": _service_host(agent, engine), "every": "10s"}]
    if agent.category in _DIRECTORIES:
        return [_directory(each) for each in agent.partitions if each.slots.get(Slot.DELTA_IMPORT) is not None]
    return [{"type": "interval", "every": "15m", "run": Slot.DELTA_IMPORT.value}]


def _service_host(agent: ProposedAgent, engine: Mapping[str, Plain]) -> dict[str, Plain]:
    """Return the server of the MIM Service, reached as the engine's is."""
    alike = {key: engine[key] for key in _REACHED_ALIKE if key in engine}
    server = agent.service_host or "mimservice.example"
    own = server if server != "localhost" else engine.get("server", server)
    return {"server": own, **alike}


def _directory(partition: ProposedPartition) -> dict[str, Plain]:
    entry: dict[str, Plain] = {"type": "active-directory"}
    if partition.domain_controllers:
        entry["domain-controllers"] = list(partition.domain_controllers)
    return entry | {"base": partition.name, "partition": partition.name}


def _rest(lines: Lines) -> None:
    lines.put(0, "# exclusions:")
    lines.put(0, '#   - {name: patch window, weekly: "Sun 02:00-05:00", agents: all}')
