"""Reading the management agents of ``config.xml``, their partitions and thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from autosync.config.lithnet.elements import PRODUCT, Element
from autosync.config.lithnet.members import Members
from autosync.config.lithnet.notes import Notes
from autosync.config.lithnet.predecessor import LithnetAgent, LithnetPartition
from autosync.config.lithnet.trigger_elements import triggers
from autosync.model.counts import ChangeKind
from autosync.model.steps import Slot

LONGEST_NAME: Final = 500
_SLOTS: Final = {
    "run-profile-confirming-import": Slot.CONFIRMING_IMPORT,
    "run-profile-delta-import": Slot.DELTA_IMPORT,
    "run-profile-delta-sync": Slot.DELTA_SYNC,
    "run-profile-export": Slot.EXPORT,
    "run-profile-full-import": Slot.FULL_IMPORT,
    "run-profile-full-sync": Slot.FULL_SYNC,
    "run-profile-scheduled-import": Slot.SCHEDULED_IMPORT,
}
_THRESHOLDS: Final = ("adds", "changes", "delete-adds", "deletes", "renames", "updates")
_FIRST_SCHEMA: Final = ("auto-import-interval", "auto-import-scheduling")
_AGENT: Final = (
    *_FIRST_SCHEMA,
    "controller-script-path",
    "disabled",
    "id",
    "is-missing",
    "lock-managementagents",
    "name",
    "partitions",
    *_SLOTS,
    "thresholds-staging",
    "triggers",
    "version",
)
_PARTITION: Final = (
    "auto-import-enabled",
    "auto-import-interval",
    "id",
    "is-missing",
    "is-selected",
    "name",
    *_SLOTS,
    "version",
)
WHOLE_AGENT: Final = ""
"""The partition of schema version 0, whose profiles are the agent's."""


def agents(elements: Sequence[Element], schema: int, notes: Notes) -> tuple[LithnetAgent, ...]:
    """Return the agents. Names and ids that are given twice are noted: the predecessor mixed such agents up (#117)."""
    found: list[LithnetAgent] = []
    for element in elements:
        if element.name != "management-agent":
            notes.look("management-agents", f"the element {element.name} is unknown and was not taken over")
            continue
        agent = _agent(element, schema, notes)
        if agent is None:
            continue
        twin = next((each for each in found if each.name.casefold() == agent.name.casefold()), None)
        if twin is not None:
            ids = "the same id" if twin.id == agent.id else f"the ids {twin.id} and {agent.id}"
            notes.look(
                agent.name, f"two agents have this name, with {ids}; the first is taken over, the second is left out"
            )
            continue
        if same := next((each.name for each in found if agent.id and each.id == agent.id), None):
            notes.look(agent.name, f"it has the same id as {same} ({agent.id}); one of them was renamed or copied")
        found.append(agent)
    return tuple(found)


def _agent(element: Element, schema: int, notes: Notes) -> LithnetAgent | None:
    name = next((child.text for child in element.children if child.name == "name" and child.space == PRODUCT), "")
    if not name or len(name) > LONGEST_NAME or "#" in name:
        notes.look("management-agents", f"an agent with the name {name[:60] or '(none)'} cannot be taken over")
        return None
    members = Members(element, _AGENT, name, notes)
    _note_mixture(members, schema, name, notes)
    thresholds, total = _thresholds(members.child("thresholds-staging"), name, notes)
    return LithnetAgent(
        id=members.text("id").strip("{}").lower(),
        name=name,
        version=members.whole("version"),
        disabled=members.flag("disabled"),
        is_missing=members.flag("is-missing"),
        script=members.text("controller-script-path"),
        locks=members.texts("lock-managementagents") or (),
        thresholds=thresholds,
        total=total,
        partitions=_partitions(members, schema, name, notes),
        triggers=triggers(list(members.items("triggers")), name, notes),
    )


def _note_mixture(members: Members, schema: int, name: str, notes: Notes) -> None:
    """Note elements of the other schema version: the predecessor would not have read them."""
    first = [each for each in (*_FIRST_SCHEMA, *_SLOTS) if members.has(each)]
    if schema >= 1 and first:
        notes.look(name, f"{', '.join(first)}: of schema version 0 in a file of version {schema}; not taken over")
    if schema < 1 and members.has("partitions"):
        notes.look(name, "it has partitions although the file is of schema version 0; they are taken over")


def _thresholds(element: Element | None, name: str, notes: Notes) -> tuple[Mapping[ChangeKind, int], int]:
    if element is None:
        return {}, 0
    members = Members(element, _THRESHOLDS, f"{name} › thresholds", notes)
    found = {kind: members.whole(kind.value) for kind in ChangeKind}
    return {kind: number for kind, number in found.items() if number > 0}, max(0, members.whole("changes"))


def _partitions(members: Members, schema: int, name: str, notes: Notes) -> tuple[LithnetPartition, ...]:
    found = []
    for element in members.items("partitions"):
        if element.name != "partition":
            notes.look(name, f"the element {element.name} in partitions is unknown and was not taken over")
        elif partition := _partition(element, name, notes):
            found.append(partition)
    if schema < 1 and not found and (old := _of_first_schema(members, name, notes)):
        found.append(old)
    return tuple(found)


def _partition(element: Element, agent: str, notes: Notes) -> LithnetPartition | None:
    name = next((child.text for child in element.children if child.name == "name"), "")
    where = f"{agent} › {name or 'partition'}"
    members = Members(element, _PARTITION, where, notes)
    if not name or len(name) > LONGEST_NAME:
        notes.look(where, "a partition without a usable name was not taken over")
        return None
    interval = timedelta(minutes=max(1, members.whole("auto-import-interval")))
    return LithnetPartition(
        id=members.text("id").strip("{}").lower(),
        name=name,
        is_active=members.flag("is-selected") and not members.flag("is-missing"),
        auto_import=interval if members.flag("auto-import-enabled") else None,
        slots={slot: members.text(word) for word, slot in _SLOTS.items()},
    )


def _of_first_schema(members: Members, agent: str, notes: Notes) -> LithnetPartition | None:
    """Return the one partition that stands for all; its profiles find their partitions by their first steps."""
    given = {slot: members.text(word) for word, slot in _SLOTS.items() if members.text(word)}
    if not given and not members.has("auto-import-scheduling"):
        return None
    word = members.text("auto-import-scheduling").lower()
    if word not in {"", "enabled", "disabled", "default"}:
        notes.look(agent, f"auto-import-scheduling: {word[:60]} is unknown; taken as disabled")
    interval = timedelta(minutes=max(1, members.whole("auto-import-interval")))
    partition = LithnetPartition(id="", name=WHOLE_AGENT, is_active=True, slots=given)
    return replace(partition, auto_import=interval) if word == "enabled" else partition
