"""One connector of an agent for each metaverse object: who gives way where there would be two.

Microsoft's engine lets the first stay and tells ``ambiguous-import-flow-from-multiple-connectors`` of the second. A connector
that provisioning only means to make is no rival: the object that is there already is the one that was meant.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from autosync.syncengine.errors import FlowError
from autosync.syncengine.running.doubt import is_in_doubt, waits_to_be_seen
from autosync.syncengine.running.units import Unit
from autosync.syncengine.store.rows import ADD, DELETE, EXPLICIT, CsRow, WriteBatch

AMBIGUOUS: Final = "ambiguous-import-flow-from-multiple-connectors"


def give_way(units: Iterable[Unit], agent: int, how: Mapping[int, str], batch: WriteBatch) -> dict[int, FlowError]:
    """Drop what was only to be made beside an object that is there; return the errors of those that come second.

    ``how`` says what became of the objects of this batch. A connector that is staged as deleted is no rival: an object that
    came back under another anchor is joined before its old connector goes.
    """
    failures: dict[int, FlowError] = {}
    for unit in units:
        mine = [row for row in unit.rows if row.agent == agent and row.staged != DELETE] if len(unit.rows) > 1 else ()
        if len(mine) < 2:
            continue
        there = [row for row in mine if not _is_only_meant(row)]
        for row in mine:
            if there and _is_only_meant(row):
                _drop(unit, row, batch)
        first = next((row for row in there if how.get(row.id) != "joined"), there[0] if there else None)
        failures.update(
            (row.id, ambiguous(unit, first, row))
            for row in there
            if first is not None and row is not first and row.id in how
        )
    return failures


def ambiguous(unit: Unit, first: CsRow, second: CsRow) -> FlowError:
    """Return the error of an object that fits a metaverse object which has a connector of its agent."""
    names = f"{second.dn} belongs to the {unit.type.name} that {first.dn} is connected to"
    return FlowError(
        AMBIGUOUS, "join", f"{names}; nothing flows from or to it until one of the two is gone or fits no more"
    )


def _is_only_meant(row: CsRow) -> bool:
    return row.pending == ADD and row.blob is None and (row.escrow is None or is_in_doubt(row))


def _drop(unit: Unit, row: CsRow, batch: WriteBatch) -> None:
    unit.rows.remove(row)
    unit.lost.append(row)
    unit.topology = unit.all_references = True
    row.mv, row.link = None, EXPLICIT
    if is_in_doubt(row):
        was_pending = row.pending
        waits_to_be_seen(row)
        batch.cs_pending.append(row)
        batch.count(row, row.staged, was_pending)
        return
    batch.cs_gone.append(row.id)
    batch.count_gone(row.space, row.staged, row.pending)
