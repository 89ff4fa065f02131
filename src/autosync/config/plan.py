"""What would change: the difference in meaning between two configurations, with every guard that gets weaker."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from autosync.config.plan_entries import Entry, Subject, entries, rebuilt
from autosync.config.spec import Configuration
from autosync.model.ids import AgentId, EngineName, TriggerId
from autosync.model.wording import number

RESTART_KEYS: Final = frozenset({"store", "listen", "token-file"})
"""Keys of the service that a running one cannot take over."""


class ChangeKind(StrEnum):
    """What happens to a thing or a key."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference. Without a key the whole thing comes or goes."""

    kind: ChangeKind
    subject: Subject
    key: str = ""
    before: str = ""
    after: str = ""
    weaker: bool = False
    """Whether a guard holds less than before."""

    def __str__(self) -> str:
        """Return one line: ``~ agent mim/HR › guards › staged › deletes: 20 → 500 (weaker guard)``."""
        sign = {ChangeKind.ADDED: "+", ChangeKind.REMOVED: "-", ChangeKind.CHANGED: "~"}[self.kind]
        flag = " (weaker guard)" if self.weaker else ""
        if not self.key:
            return f"{sign} {self.subject}{flag}"
        return f"{sign} {self.subject} › {self.key}: {self.before or 'nothing'} → {self.after or 'nothing'}{flag}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All differences, and what the running service must do about them."""

    changes: tuple[Change, ...]
    engines: frozenset[EngineName]
    """Engines that come, go, or must be built anew because their options changed."""
    agents: frozenset[AgentId]
    """Agents whose own decisions changed."""
    triggers: frozenset[TriggerId]
    """Triggers of any kind that come, go or changed."""
    needs_restart: bool
    """Whether a change comes into force only with the next start of the service."""

    @property
    def is_empty(self) -> bool:
        """Return whether both configurations mean the same."""
        return not self.changes

    @property
    def weaker(self) -> tuple[Change, ...]:
        """Return the changes that make a guard hold less."""
        return tuple(change for change in self.changes if change.weaker)

    def __str__(self) -> str:
        """Return one line per change and a closing line."""
        if self.is_empty:
            return "Nothing changes."
        lines = [str(change) for change in self.changes]
        count = number(len(lines), "change")
        weaker = f", {number(len(self.weaker), 'weakens a guard', 'weaken a guard')}"
        restart = " Some come into force with the next start of the service." if self.needs_restart else ""
        return "\n".join([*lines, f"{count}{weaker if self.weaker else ''}.{restart}"])


def plan(old: Configuration, new: Configuration) -> Plan:
    """Return what changes in meaning; order, comments and defaults written out do not count."""
    before, after = entries(old, beside=new), entries(new, beside=old)
    changes = tuple(_changes(before, after))
    return Plan(
        changes=changes,
        engines=rebuilt(old, new),
        agents=frozenset(AgentId(name) for name in _touched(changes, "agent")),
        triggers=frozenset(TriggerId(name) for name in _touched(changes, "trigger")),
        needs_restart=any(change.subject.kind == "service" and change.key in RESTART_KEYS for change in changes),
    )


def _changes(
    before: Mapping[Subject, Mapping[str, Entry]], after: Mapping[Subject, Mapping[str, Entry]]
) -> Iterator[Change]:
    for subject in sorted({*before, *after}):
        old, new = before.get(subject), after.get(subject)
        if old is None:
            yield Change(kind=ChangeKind.ADDED, subject=subject)
        elif new is None:
            yield Change(kind=ChangeKind.REMOVED, subject=subject, weaker=subject.is_guard)
        else:
            yield from _keys(subject, old, new)


def _keys(subject: Subject, old: Mapping[str, Entry], new: Mapping[str, Entry]) -> Iterator[Change]:
    for key in sorted({*old, *new}):
        was, becomes = old.get(key), new.get(key)
        if was is not None and becomes is not None and was.value == becomes.value:
            continue
        if was is not None and becomes is not None:
            weaker = subject.is_guard or (was.weaker is not None and was.weaker(was.value, becomes.value))
            kind = ChangeKind.CHANGED
        else:
            weaker, kind = subject.is_guard, ChangeKind.ADDED if was is None else ChangeKind.REMOVED
        yield Change(
            kind=kind,
            subject=subject,
            key=key,
            before=was.text if was else "",
            after=becomes.text if becomes else "",
            weaker=weaker,
        )


def _touched(changes: Iterable[Change], kind: str) -> Iterator[str]:
    return (change.subject.name for change in changes if change.subject.kind == kind)
