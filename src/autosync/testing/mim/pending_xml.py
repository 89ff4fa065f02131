"""Pending changes as ``csexport`` writes them, in pieces: one object at a time."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from autosync.adapters.engines.simulated.spaces import Change
from autosync.model.agents import PendingSide
from autosync.model.counts import ChangeKind
from autosync.testing.mim.plan import MimAgent, guid_of

_OPERATIONS: Final = {
    ChangeKind.ADDS: "add",
    ChangeKind.UPDATES: "update",
    ChangeKind.RENAMES: "update",
    ChangeKind.DELETES: "delete",
    ChangeKind.DELETE_ADDS: "delete-add",
}


def dn_of(change: Change, partition: str) -> str:
    """Return the name of the object that a change is about, in the connector space of a partition."""
    return f"CN=Object {change.id},{partition}" if "=" in partition else f"object-{change.id}"


def pending_file(
    agent: MimAgent, side: PendingSide, changes: Iterable[tuple[str, Change]], *, tells_partition: bool = True
) -> Iterator[bytes]:
    """Yield the whole file, in UTF-8. ``changes`` are with the names of their partitions."""
    yield b'<?xml version="1.0" encoding="utf-8"?>\n<cs-objects>\n'
    for partition, change in changes:
        yield _object(agent, side, partition, change, tells_partition=tells_partition).encode()
    yield b"</cs-objects>\n"


def _object(agent: MimAgent, side: PendingSide, partition: str, change: Change, *, tells_partition: bool) -> str:
    dn, operation = escape(dn_of(change, partition)), _OPERATIONS[change.kind]
    holder, word = ("unapplied-export", "export") if side is PendingSide.EXPORTS else ("pending-import", "import")
    renamed = f' newdn="{dn} (new)"' if change.kind is ChangeKind.RENAMES else ""
    place = ""
    if tells_partition:
        place = f"<partition-id>{agent.partition_id(partition)}</partition-id>"
        place += f"<partition-name>{escape(partition)}</partition-name>"
    value = f'<attr name="title" operation="replace"><value>title {change.id}</value></attr>'
    inside = "" if change.kind is ChangeKind.DELETES else value
    return (
        f'<cs-object cs-dn="{dn}" id="{guid_of(agent.guid, dn)}" object-type="person">\n'
        f' <{holder}><delta operation="{operation}" dn="{dn}"{renamed}>{inside}</delta></{holder}>\n'
        f' <synchronized-hologram><entry dn="{dn}"></entry></synchronized-hologram>\n'
        f" <connector>1</connector><connector-state>normal</connector-state><seen-by-import>1</seen-by-import>\n"
        f" <{word}-delta-operation>{operation}</{word}-delta-operation>\n"
        f" <ma-id>{agent.guid}</ma-id><ma-name>{escape(agent.name)}</ma-name>{place}\n</cs-object>\n"
    )
