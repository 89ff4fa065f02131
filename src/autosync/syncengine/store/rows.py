"""What the store holds, as it travels: rows of the connector space, and everything that one batch writes."""

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final


class Staged(IntEnum):
    """What waits with an object: a staged import, or a pending export."""

    NONE = 0
    ADD = 1
    UPDATE = 2
    RENAME = 3
    DELETE = 4
    DELETE_ADD = 5

    @property
    def word(self) -> str:
        """Return Microsoft's word: ``add``, …, ``delete-add``."""
        return self.name.lower().replace("_", "-")


NONE: Final = 0
ADD: Final = 1
UPDATE: Final = 2
RENAME: Final = 3
DELETE: Final = 4
DELETE_ADD: Final = 5
"""The same as plain numbers, for the loops that see every object."""

_STAGED: Final = tuple(f"staged {kind}" for kind in range(len(Staged)))
_PENDING: Final = tuple(f"pending {kind}" for kind in range(len(Staged)))

NORMAL: Final = 0
EXPLICIT: Final = 1
"""``link`` of a disconnector: an explicit one is not joined again by itself."""


@dataclass(slots=True, eq=False)
class CsRow:
    """One connector space object.

    ``blob`` is what the connected system showed last; ``before`` what was synchronized last, while an import is staged;
    ``export`` the pending export; ``escrow`` what was exported and not yet seen again.
    """

    id: int
    agent: int
    space: int
    type: str
    anchor: str | None
    dn: str
    digest: bytes | None = None
    mv: int | None = None
    link: int = NORMAL
    staged: int = NONE
    pending: int = NONE
    blob: bytes | None = None
    before: bytes | None = None
    export: bytes | None = None
    escrow: bytes | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What an import must know of an object before it decodes it."""

    id: int
    digest: bytes | None
    special: int
    """Above 0 where equal content is not enough: a staged delete, an export that waits or is not yet confirmed."""


@dataclass(frozen=True, slots=True)
class Space:
    """The connector space of one partition of an agent."""

    id: int
    agent: int
    partition: str
    token: bytes | None
    signature: bytes | None


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """An object's error as the store keeps it until the object is carried."""

    cs: int
    stage: str
    agent: int
    dn: str
    error_type: str
    algorithm_step: str
    message: str
    first: str
    last: str
    retries: int = 0


@dataclass(slots=True)
class WriteBatch:
    """Everything that one batch of a run writes, whole or not at all.

    Lists are applied in the order of their declaration. A row may stand in several update lists, but not in
    ``cs_new`` and an update list.
    """

    cs_gone: list[int] = field(default_factory=list)
    cs_new: list[CsRow] = field(default_factory=list)
    cs_read: list[CsRow] = field(default_factory=list)
    """Content: anchor, dn, type, space, digest, blob, before, staged, pending, export, escrow."""
    cs_digests: list[tuple[bytes | None, int]] = field(default_factory=list)
    """Only the digest: the content is the same in other words."""
    cs_linked: list[CsRow] = field(default_factory=list)
    """Links: mv, link, staged, before."""
    cs_pending: list[CsRow] = field(default_factory=list)
    """Exports: mv, link, dn, pending, export."""
    cs_sent: list[CsRow] = field(default_factory=list)
    """After an export: anchor, dn, pending, export, escrow."""

    refs_gone: list[tuple[int, int, str]] = field(default_factory=list)
    refs_new: list[tuple[int, int, str, int, int]] = field(default_factory=list)
    """``(cs, attribute, value, agent, state)``."""
    refs_state: list[tuple[int, int, int, str]] = field(default_factory=list)
    """``(state, cs, attribute, value)``."""
    refs_settled: list[int] = field(default_factory=list)
    """Connector space objects whose staged references have been synchronized."""

    export_refs_forgotten: list[int] = field(default_factory=list)
    """Connector space objects all of whose reference differences are void."""
    export_refs_gone: list[tuple[int, int, int, int | str]] = field(default_factory=list)
    export_refs_new: list[tuple[int, int, int, int | str, str | None, int]] = field(default_factory=list)
    """``(cs, attribute, removes, key, value, sent)``."""
    export_refs_sent: list[tuple[int, str, int, int, int, int | str]] = field(default_factory=list)
    """``(sent, value, cs, attribute, removes, key)``."""

    mv_new: list[tuple[int, str, bytes, int]] = field(default_factory=list)
    mv_changed: list[tuple[bytes, int, int]] = field(default_factory=list)
    """``(blob, stamp, id)``."""
    mv_stamped: list[tuple[int, int]] = field(default_factory=list)
    """``(stamp, id)`` of objects that were evaluated and stay as they are."""
    mv_gone: list[int] = field(default_factory=list)
    keys_gone: list[tuple[str, str, int]] = field(default_factory=list)
    keys_new: list[tuple[str, str, int]] = field(default_factory=list)

    waiting_gone: list[int] = field(default_factory=list)
    waiting_new: list[tuple[int, str, str, int]] = field(default_factory=list)
    """Disconnectors by what they would join on: ``(agent, index, value, cs)``."""

    due_gone: list[tuple[int, int, str]] = field(default_factory=list)
    due_new: list[tuple[int, int, str]] = field(default_factory=list)
    """Metaverse objects to evaluate: ``(mv, agent, value)``; with a value only for that reference."""
    delayed_gone: list[tuple[int, int]] = field(default_factory=list)
    delayed_new: list[tuple[int, int, int]] = field(default_factory=list)
    """Deprovisioning to come: ``(mv, agent, when in seconds since 1970)``; 0 once the moment has come."""

    errors_gone: list[tuple[int, str]] = field(default_factory=list)
    errors_new: list[ErrorRow] = field(default_factory=list)

    tally: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Changes of the counters: ``(space, "objects" | "staged 1" | "pending 4" | …)``."""

    def count(self, row: CsRow, was_staged: int, was_pending: int) -> None:
        """Note that an object's states have changed from these."""
        if row.staged != was_staged:
            self._move(row.space, _STAGED, was_staged, row.staged)
        if row.pending != was_pending:
            self._move(row.space, _PENDING, was_pending, row.pending)

    def count_new(self, row: CsRow) -> None:
        """Note a new object with its states."""
        self.tally[row.space, "objects"] += 1
        self.count(row, NONE, NONE)

    def count_gone(self, space: int, was_staged: int, was_pending: int) -> None:
        """Note that an object with these states has gone."""
        self.tally[space, "objects"] -= 1
        self._move(space, _STAGED, was_staged, NONE)
        self._move(space, _PENDING, was_pending, NONE)

    def _move(self, space: int, names: tuple[str, ...], old: int, new: int) -> None:
        if old:
            self.tally[space, names[old]] -= 1
        if new:
            self.tally[space, names[new]] += 1

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to write."""
        return not any(getattr(self, name) for name in self.__slots__)
