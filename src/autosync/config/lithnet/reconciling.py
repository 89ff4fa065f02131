"""The agents of ``config.xml`` beside those that the engine has: by id first, then by name, as far as they are known."""

from collections.abc import Mapping
from dataclasses import replace

from autosync.config.lithnet.agent_elements import WHOLE_AGENT
from autosync.config.lithnet.notes import Notes
from autosync.config.lithnet.predecessor import LithnetAgent, LithnetConfiguration, LithnetPartition
from autosync.model.agents import Agent
from autosync.model.ids import name_of
from autosync.model.steps import Slot


def reconciled(old: LithnetConfiguration, known: Mapping[str, Agent], notes: Notes) -> LithnetConfiguration:
    """Return the configuration with the engine's names; without known agents as it is.

    The predecessor took the first agent whose id *or* name fitted, and so mixed two up (#117); here the id decides.
    """
    if not known:
        return old
    agents = []
    for agent in old.agents:
        found = known.get(agent.id) or _by_name(agent.name, known)
        if found is None:
            agents.append(replace(agent, is_missing=True))
            continue
        _note_mismatch(agent, found, known, notes)
        name = name_of(found.id)
        agents.append(replace(agent, name=name, is_missing=False, partitions=_partitions(agent, found, notes)))
    named = {agent.name.casefold() for agent in agents}
    for each in known.values():
        if name_of(each.id).casefold() not in named:
            notes.look(
                name_of(each.id),
                "the engine has this agent, but config.xml does not name it: defaults are in force for it",
            )
    return replace(old, agents=tuple(agents))


def _by_name(name: str, known: Mapping[str, Agent]) -> Agent | None:
    return next((each for each in known.values() if name_of(each.id).casefold() == name.casefold()), None)


def _note_mismatch(agent: LithnetAgent, found: Agent, known: Mapping[str, Agent], notes: Notes) -> None:
    name = name_of(found.id)
    if agent.id not in known:
        notes.look(
            agent.name, f"the engine's agent of this name has another id than {agent.id or 'none'}: was it made anew?"
        )
    elif name.casefold() != agent.name.casefold():
        notes.look(
            agent.name, f"the engine calls the agent with this id {name}: it was renamed, and is taken over as {name}"
        )


def _partitions(agent: LithnetAgent, found: Agent, notes: Notes) -> tuple[LithnetPartition, ...]:
    """Return the partitions; profiles of schema version 0 go where their first steps work."""
    placed: list[LithnetPartition] = []
    for partition in agent.partitions:
        if partition.name != WHOLE_AGENT:
            placed.append(partition)
            continue
        for name in found.partitions:
            slots = {slot: profile for slot, profile in partition.slots.items() if _works_on(found, profile, name)}
            placed.append(replace(partition, name=name, slots=slots))
        _note_unplaced(agent, partition.slots, found, notes)
    return tuple(placed)


def _works_on(found: Agent, profile: str, partition: str) -> bool:
    steps = next((each.steps for name, each in found.profiles.items() if name.casefold() == profile.casefold()), ())
    return bool(steps) and steps[0].partition == partition


def _note_unplaced(agent: LithnetAgent, slots: Mapping[Slot, str], found: Agent, notes: Notes) -> None:
    for slot, profile in slots.items():
        if not any(_works_on(found, profile, name) for name in found.partitions):
            notes.look(
                agent.name, f"{slot.value}: the run profile {profile} works on none of the agent's partitions; left out"
            )
