"""From what a script gives to firings: texts are profiles; objects name a profile, or a type of run and a partition."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autosync.model.ids import PartitionName, ProfileName
from autosync.model.steps import Slot
from autosync.ports.trigger import Firing

_SLOTS: Final[Mapping[str, Slot]] = {
    **{slot.value.replace("-", ""): slot for slot in Slot},
    "deltasynchronization": Slot.DELTA_SYNC,
    "fullsynchronization": Slot.FULL_SYNC,
}
_NONE: Final = frozenset({"", "none", "00000000-0000-0000-0000-000000000000"})
_OTHER_NAMES: Final = {
    "runprofilename": "profile",
    "runprofiletype": "type",
    "partitionname": "partition",
    "front": "runimmediate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Output that asks for no run; ``why`` for people."""

    why: str


def firing_of(value: object, script: str) -> tuple[Firing | Ignored, ...]:
    """Return what an output of ``script`` asks for; beside a firing perhaps what of it was ignored."""
    if isinstance(value, str):
        if not value.strip():
            return (Ignored(why="an empty text"),)
        return (Firing(profile=ProfileName(value.strip()), text=f"{script} asked for {value.strip()}"),)
    if not isinstance(value, Mapping):
        return (Ignored(why=f"output that is neither a text nor an object ({_kind(value)})"),)
    return _of_object({_name(str(key)): each for key, each in value.items()}, script)


def _of_object(said: Mapping[str, object], script: str) -> tuple[Firing | Ignored, ...]:
    profile, kind = _word(said, "profile"), _word(said, "type")
    slot = _SLOTS.get(_plain(kind))
    if kind and slot is None:
        return (Ignored(why=f"an object with the unknown type of run {kind}; known: {', '.join(Slot)}"),)
    if not profile and slot is None and _word(said, "token") == "":
        return (
            Ignored(
                why=f"an object without RunProfileName and RunProfileType (it has: {', '.join(said) or 'nothing'})"
            ),
        )
    partition = _word(said, "partition")
    moment, ignored = _moment(said)
    firing = Firing(
        profile=ProfileName(profile) if profile else None,
        slot=None if profile else slot,
        partition=PartitionName(partition) if partition else None,
        exclusive=said.get("exclusive") is True,
        front=said.get("runimmediate") is True,
        token=_word(said, "token") or None,
        changed=moment,
        text=_word(said, "text") or f"{script} asked for {profile or slot or 'an import'}",
    )
    by_id = "" if partition else _word(said, "partitionid")
    if by_id:
        ignored += (Ignored(why=f"the PartitionID {by_id}; give PartitionName. It runs on every partition"),)
    return (firing, *ignored)


def _moment(said: Mapping[str, object]) -> tuple[datetime | None, tuple[Ignored, ...]]:
    """Return when it changed in the connected system, where the script says so with a time zone."""
    text = _word(said, "changed")
    if not text:
        return None, ()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        return None, (Ignored(why=f"changed: {text} is no moment with a time zone"),)
    return moment, ()


def _word(said: Mapping[str, object], name: str) -> str:
    value = said.get(name)
    text = value.strip() if isinstance(value, str) else ""
    return "" if text.casefold() in _NONE else text


def _name(key: str) -> str:
    plain = _plain(key)
    return _OTHER_NAMES.get(plain, plain)


def _plain(word: str) -> str:
    return word.replace("_", "").replace("-", "").casefold()


def _kind(value: object) -> str:
    return {bool: "true or false", int: "a number", float: "a number", list: "a list"}.get(
        type(value), "something else"
    )
