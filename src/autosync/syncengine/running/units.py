"""The unit of synchronization: one metaverse object with all its connectors, as one batch sees them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from autosync.syncengine.errors import FlowError
from autosync.syncengine.rules.plan import TypePlan
from autosync.syncengine.running.escrow import expected
from autosync.syncengine.store.codec import decode
from autosync.syncengine.store.rows import ADD, DELETE, NONE, CsRow

CONDEMNED: Final = ""
"""A metaverse value under no name: the object has to go, and waits only for a connector's deprovisioning."""


@dataclass(slots=True, eq=False)
class Unit:
    """One metaverse object in a batch.

    ``rows`` are its connectors after this batch, ``lost`` those that it loses in it. ``fresh`` holds the connector
    space ids whose newest image is being synchronized; all others count as they were synchronized last.
    """

    mv: int
    type: TypePlan
    old: dict[str, Any]
    is_new: bool = False
    stamp: int = 0
    """By which rules the store says that it was evaluated."""
    rows: list[CsRow] = field(default_factory=list)
    lost: list[CsRow] = field(default_factory=list)
    made: list[CsRow] = field(default_factory=list)
    frozen: set[int] = field(default_factory=set)
    """Connectors that wait for their deprovisioning: nothing flows to them."""
    values: dict[str, Any] = field(default_factory=dict)
    gone: bool = False
    deleted: bool = False
    settled: bool = False
    """Whether it was evaluated by these rules and nothing has come since: only a Python function may say something new."""
    topology: bool = False
    """Whether a connector came, went or was renamed: whoever refers to the object must look again."""
    all_references: bool = False
    some_references: set[tuple[int, str]] = field(default_factory=set)
    """References to look at again: ``(agent, value)``."""

    def goes(self) -> bool:
        """Return whether the type's deletion rule says that the metaverse object goes."""
        sources = self.type.sources
        if any(row.agent in sources for row in self.rows) if sources else self.rows:
            return False
        if self.type.by_loss:
            return CONDEMNED in self.old or any(row.agent in sources for row in self.lost)
        return True

    @property
    def changed(self) -> bool:
        """Return whether the metaverse object's values change."""
        return self.is_new or self.values != self.old


class UnitFailed(Exception):
    """A unit cannot be carried; nothing of it may be written."""

    def __init__(self, unit: Unit, error: FlowError, row: CsRow | None = None) -> None:
        super().__init__(str(error))
        self.unit = unit
        self.error = error
        self.row = row


@dataclass(slots=True)
class Images:
    """The attributes of connectors as a batch must see them, decoded once."""

    fresh: frozenset[int]
    _synchronized: dict[int, dict[str, Any]] = field(default_factory=dict)
    _believed: dict[int, dict[str, Any]] = field(default_factory=dict)

    def synchronized(self, row: CsRow) -> dict[str, Any]:
        """Return what flows inwards: the newest image where it is being synchronized, else the one before."""
        found = self._synchronized.get(row.id)
        if found is None:
            if row.id in self.fresh or row.staged == NONE:
                found = decode(row.blob) if row.escrow is None else expected(row.blob, row.escrow)
            else:
                found = {} if row.staged == ADD else decode(row.before)
            self._synchronized[row.id] = found
        return found

    def believed(self, row: CsRow) -> dict[str, Any]:
        """Return what the connected system shows, with what was exported since: the ground of export flow."""
        if row.staged == NONE or row.id in self.fresh:
            return self.synchronized(row)
        found = self._believed.get(row.id)
        if found is None:
            found = self._believed[row.id] = {} if row.staged == DELETE else expected(row.blob, row.escrow)
        return found


def rows_by_unit(units: dict[int, Unit], rows: Iterable[CsRow], batch: dict[int, CsRow]) -> None:
    """Give each unit its connectors; a row that the batch holds already is taken from there."""
    for row in rows:
        if row.id in batch or row.mv is None:
            continue
        units[row.mv].rows.append(row)
