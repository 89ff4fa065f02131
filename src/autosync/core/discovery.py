"""Which profile serves which purpose: what the operator chose, else what the profiles' steps say.

Found by the steps, never by name. A profile of one plain step serves best; where there is none, a combined step or a
profile of several steps does, as long as it does nothing but what would have come next anyway.
"""

from collections.abc import Mapping

from autosync.model.agents import Agent
from autosync.model.ids import PartitionName, ProfileName
from autosync.model.settings import AgentSettings
from autosync.model.steps import Profile, Slot, StepKind

_PLAIN = {
    Slot.DELTA_IMPORT: (StepKind.DELTA_IMPORT,),
    Slot.FULL_IMPORT: (StepKind.FULL_IMPORT,),
    Slot.DELTA_SYNC: (StepKind.DELTA_SYNC,),
    Slot.FULL_SYNC: (StepKind.FULL_SYNC,),
    Slot.EXPORT: (StepKind.EXPORT,),
}

_COMBINED = {
    Slot.DELTA_IMPORT: (StepKind.DELTA_IMPORT_DELTA_SYNC,),
    Slot.FULL_IMPORT: (StepKind.FULL_IMPORT_DELTA_SYNC, StepKind.FULL_IMPORT_FULL_SYNC),
}

_SYNCS = (StepKind.DELTA_SYNC, StepKind.FULL_SYNC)
_THEN = {
    Slot.DELTA_IMPORT: (StepKind.DELTA_IMPORT, *_SYNCS),
    Slot.FULL_IMPORT: (StepKind.FULL_IMPORT, *_SYNCS),
    Slot.DELTA_SYNC: (StepKind.DELTA_SYNC,),
    Slot.FULL_SYNC: (StepKind.FULL_SYNC,),
    Slot.EXPORT: (StepKind.EXPORT, StepKind.DELTA_IMPORT, StepKind.FULL_IMPORT, *_SYNCS),
}
"""What may follow the first step of a profile of several steps: only what would come next anyway."""

_IN_PLACE_OF = {
    Slot.SCHEDULED_IMPORT: Slot.DELTA_IMPORT,
    Slot.CONFIRMING_IMPORT: Slot.DELTA_IMPORT,
    Slot.DELTA_IMPORT: Slot.FULL_IMPORT,
}
"""Where nothing serves a purpose, this purpose's profile does: without a delta import, a full one."""

_SLOTS = {slot.value: slot for slot in Slot}


def profile_for(agent: Agent, settings: AgentSettings, slot: Slot, partition: PartitionName) -> ProfileName | None:
    """Return the profile for a purpose on a partition; None when it is switched off, or nothing serves it."""
    chosen = _overrides(settings, partition)
    if slot in chosen:
        return chosen[slot]
    found = _by_steps(agent, slot, partition)
    if found is None and slot in _IN_PLACE_OF:
        return profile_for(agent, settings, _IN_PLACE_OF[slot], partition)
    return found


def partitions_of(agent: Agent, wanted: PartitionName | None) -> tuple[PartitionName, ...]:
    """Return the partitions that are meant: all of them where none is named, none where the name fits nothing.

    Names match whatever their case. A place inside a partition means that partition: a trigger may watch a branch of it.
    """
    if wanted is None:
        return agent.partitions
    if wanted in agent.partitions:
        return (wanted,)
    name = wanted.casefold()
    around = [each for each in agent.partitions if name == each.casefold() or name.endswith("," + each.casefold())]
    return (max(around, key=len),) if around else ()


def as_described(agent: Agent, partition: PartitionName) -> PartitionName:
    """Return a partition as the engine's description writes it: results and counts may differ in case (W31)."""
    if partition in agent.partitions:
        return partition
    name = partition.casefold()
    return next((each for each in agent.partitions if each.casefold() == name), partition)


def profile_named(agent: Agent, name: ProfileName) -> ProfileName | None:
    """Return the agent's profile of that name, whatever its case; None when there is none."""
    if name in agent.profiles:
        return name
    return next((each for each in agent.profiles if each.casefold() == name.casefold()), None)


def renamed(before: Profile, agent: Agent) -> ProfileName | None:
    """Return the profile that does what ``before`` did, when exactly one does: somebody renamed it."""
    same = [each.name for each in agent.profiles.values() if each.steps == before.steps]
    return same[0] if len(same) == 1 else None


def provisional(slot: Slot, partition: PartitionName | None) -> ProfileName:
    """Return the name under which a wish waits until its engine has told its profiles."""
    return ProfileName(slot.value if partition is None else f"{slot.value} of {partition}")


def meant_by(profile: ProfileName) -> tuple[Slot, PartitionName | None] | None:
    """Return what a provisional name stands for; None when it is an ordinary name."""
    slot, _, partition = profile.partition(" of ")
    found = _SLOTS.get(slot)
    if found is None:
        return None
    return found, PartitionName(partition) if partition else None


def _overrides(settings: AgentSettings, partition: PartitionName) -> Mapping[Slot, ProfileName | None]:
    if partition in settings.slots:
        return settings.slots[partition]
    name = partition.casefold()
    return next((slots for each, slots in settings.slots.items() if each.casefold() == name), {})


def _by_steps(agent: Agent, slot: Slot, partition: PartitionName) -> ProfileName | None:
    """Return the best profile for the slot; of equally good ones the last, as the predecessor did."""
    best: tuple[int, ProfileName] | None = None
    for profile in agent.profiles.values():
        rank = _rank(profile, slot, partition)
        if rank is not None and (best is None or rank <= best[0]):
            best = rank, profile.name
    return best[1] if best else None


def _rank(profile: Profile, slot: Slot, partition: PartitionName) -> int | None:
    """Return how well a profile serves: 0 for one plain step, 1 for one combined step, 2 for several steps."""
    kinds = _PLAIN.get(slot)
    if kinds is None or not profile.steps or not any(step.partition == partition for step in profile.steps):
        return None
    first, *later = profile.steps
    if not later:
        return 0 if first.kind in kinds else 1 if first.kind in _COMBINED.get(slot, ()) else None
    leads = first.kind in kinds
    serves = any(step.kind in kinds and step.partition == partition for step in profile.steps)
    return 2 if leads and serves and all(step.kind in _THEN[slot] for step in later) else None
