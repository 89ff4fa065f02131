"""Reading the triggers of an agent in ``config.xml``."""

from collections.abc import Sequence
from typing import Final

from autosync.config.lithnet.elements import Element
from autosync.config.lithnet.members import Members
from autosync.config.lithnet.notes import Notes
from autosync.config.lithnet.predecessor import LithnetTrigger, TriggerKind

_BY_CLOCK: Final = ("disabled", "exclusive", "interval", "run-immediate", "run-profile-name")
_MEMBERS: Final = {
    TriggerKind.ACTIVE_DIRECTORY: (
        "disabled",
        "base-dn",
        "host-name",
        "last-logon-offset",
        "min-interval",
        "object-classes",
        "password",
        "run-profile-name",
        "use-explicit-credentials",
        "username",
    ),
    TriggerKind.MIM_SERVICE: ("disabled", "host-name", "interval"),
    TriggerKind.INTERVAL: _BY_CLOCK,
    TriggerKind.SCHEDULED: (*_BY_CLOCK, "start-date"),
    TriggerKind.POWERSHELL: ("disabled", "exception-behaviour", "interval", "password", "path", "username"),
}
_BEHAVIOURS: Final = ("", "terminate", "reset")


def triggers(elements: Sequence[Element], agent: str, notes: Notes) -> tuple[LithnetTrigger, ...]:
    """Return the triggers, in order; every one of an unknown type is noted."""
    found = []
    for place, element in enumerate(elements, start=1):
        word = element.type or element.name
        where = f"{agent} › trigger {place}"
        if word not in set(TriggerKind):
            notes.look(where, f"triggers of the type {word} are unknown; it was not taken over")
        else:
            found.append(_trigger(element, TriggerKind(word), where, notes))
    return tuple(found)


def _trigger(element: Element, kind: TriggerKind, where: str, notes: Notes) -> LithnetTrigger:
    members = Members(element, _MEMBERS[kind], f"{where} ({kind.value})", notes)
    behaviour = members.text("exception-behaviour")
    if behaviour not in _BEHAVIOURS:
        notes.look(where, f"exception-behaviour: {behaviour} is unknown")
    return LithnetTrigger(
        kind=kind,
        where=where,
        disabled=members.flag("disabled"),
        profile=members.text("run-profile-name"),
        interval=members.duration("interval"),
        start=members.moment("start-date"),
        exclusive=members.flag("exclusive"),
        front=members.flag("run-immediate"),
        host=members.text("host-name"),
        base_dn=members.text("base-dn"),
        object_classes=members.texts("object-classes"),
        min_interval=members.duration("min-interval"),
        last_logon_offset=members.duration("last-logon-offset"),
        explicit_credentials=members.flag("use-explicit-credentials"),
        user=members.text("username"),
        password=members.password("password"),
        script=members.text("path"),
        carries_on=behaviour == "reset",
    )
