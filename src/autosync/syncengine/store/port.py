"""What the engine asks of its store. Everything moves in batches; nothing here is called once per object.

Obligations: ``apply`` is one transaction, durable enough to be a checkpoint, but for ``together``. Readings see everything
that was applied.
A list of keys may be some thousand long; what is not there is simply missing from the answer.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from autosync.syncengine.store.rows import CsRow, ErrorRow, Known, Space, WriteBatch

MvRow = tuple[int, str, bytes, int]
"""A metaverse object: ``(id, type, blob, stamp)``."""
Name = tuple[int, str | None, str, int]
"""A connector space object by name: ``(id, anchor, dn, pending)``."""
Ref = tuple[int, int, str, int]
"""``(cs, attribute, value, state)``."""
ExportRef = tuple[int, int, int, int | str, str | None, int]
"""``(cs, attribute, removes, key, value, sent)``."""


class ObjectStore(Protocol):
    """Connector spaces and metaverse."""

    def apply(self, batch: WriteBatch) -> None:
        """Write a batch whole or not at all."""
        ...

    def together(self, batches: int) -> AbstractContextManager[None]:
        """Make up to so many batches one transaction within; readings see what was applied and not yet committed.

        A process that dies loses those since the last commit, so only for what the next run does again by itself.
        """
        ...

    def next_cs_id(self) -> int:
        """Return the first connector space id that was never used in this process."""
        ...

    def next_mv_id(self) -> int:
        """Return the first metaverse id that was never used in this process."""
        ...

    def known(self, space: Space, anchors: Sequence[str]) -> dict[str, Known]:
        """Return what is known of an agent's objects by anchor."""
        ...

    def nameless(self, agent: int, dns: Sequence[str]) -> list[CsRow]:
        """Return objects that have no anchor yet, by distinguished name."""
        ...

    def rows(self, ids: Sequence[int]) -> list[CsRow]:
        """Return objects by id."""
        ...

    def by_name(self, agent: int, names: Sequence[str]) -> list[CsRow]:
        """Return an agent's objects whose anchor or distinguished name is among ``names``."""
        ...

    def scan(self, space: int, after: int, limit: int) -> list[CsRow]:
        """Return the next objects of a space in the order of their ids."""
        ...

    def scan_stale(self, space: int, after: int, limit: int, stamp: int) -> list[CsRow]:
        """Return the next objects of a space that a full synchronization must look at.

        Left out are connectors without a staged import whose metaverse object bears the stamp.
        """
        ...

    def count_fresh(self, space: int, stamp: int) -> int:
        """Return how many objects ``scan_stale`` leaves out."""
        ...

    def scan_ids(self, space: int, after: int, limit: int) -> list[int]:
        """Return the next ids of a space in order."""
        ...

    def staged(self, space: int, kind: int, after: int, limit: int) -> list[CsRow]:
        """Return the next objects with a staged import of this kind."""
        ...

    def pending(self, space: int, kind: int, after: int, limit: int) -> list[CsRow]:
        """Return the next objects with a pending export of this kind."""
        ...

    def escrowed(self, space: int, after: int, limit: int) -> list[CsRow]:
        """Return the next objects whose export was not yet confirmed."""
        ...

    def connectors(self, mvs: Sequence[int]) -> list[CsRow]:
        """Return all connectors of these metaverse objects, in the order of their ids."""
        ...

    def metaverse(self, ids: Sequence[int]) -> list[MvRow]:
        """Return metaverse objects by id."""
        ...

    def scan_metaverse(self, after: int, limit: int) -> list[MvRow]:
        """Return the next metaverse objects in the order of their ids."""
        ...

    def find_by_key(self, index: str, values: Sequence[str]) -> list[tuple[str, int]]:
        """Return ``(value, metaverse id)`` of an index."""
        ...

    def links(self, agent: int, names: Sequence[str], *, by_dn: bool) -> dict[str, int]:
        """Return the metaverse id behind an agent's objects by anchor, or by distinguished name."""
        ...

    def names_of_metaverse(self, mvs: Sequence[int]) -> list[tuple[int, int, int, str | None, str, int]]:
        """Return ``(mv, agent, id, anchor, dn, pending)`` of all connectors, the newest first."""
        ...

    def names(self, ids: Sequence[int]) -> dict[int, Name]:
        """Return the names of connector space objects by id."""
        ...

    def dependents(self, agent: int, values: Sequence[str]) -> list[tuple[int, int, str]]:
        """Return ``(metaverse id, attribute, value)`` of whoever refers to these values within an agent."""
        ...

    def refs(self, ids: Sequence[int]) -> list[Ref]:
        """Return all reference values of objects."""
        ...

    def staged_refs(self, ids: Sequence[int]) -> list[Ref]:
        """Return the reference values that were added or removed and not yet synchronized."""
        ...

    def refs_among(self, triples: Sequence[tuple[int, int, str]]) -> dict[tuple[int, int, str], str]:
        """Return those of the ``(cs, attribute, value)`` that are there, each with the value as it is written there."""
        ...

    def has_refs(self, pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        """Return those of the ``(cs, attribute)`` that have any value."""
        ...

    def desired_refs(
        self, asked: Sequence[tuple[int, int, int, int]], *, by_dn: bool
    ) -> list[tuple[int, int, str | None, str]]:
        """Return what references of one agent mean in another.

        Asked ``(cs, attribute, its agent, target agent)``; answered ``(place in asked, id, anchor, dn)``. ``by_dn``
        says that values may be distinguished names.
        """
        ...

    def export_refs(self, ids: Sequence[int]) -> list[ExportRef]:
        """Return the pending and unconfirmed reference differences of objects."""
        ...

    def export_refs_about(self, ids: Sequence[int]) -> list[tuple[int, int, int, int, str | None, int, int | None]]:
        """Return the additions of references to these objects, each with the metaverse id of whom they are added to."""
        ...

    def waiting(self, agent: int, index: str, values: Sequence[str]) -> list[tuple[str, int]]:
        """Return ``(value, cs)`` of the disconnectors that would join on these values."""
        ...

    def due(self, after: int, limit: int) -> list[tuple[int, int, str]]:
        """Return the next metaverse objects that must be evaluated."""
        ...

    def delayed_of(self, mvs: Sequence[int]) -> dict[tuple[int, int], int]:
        """Return when these objects' connectors are to be deprovisioned, by (mv, agent); 0: the moment has come."""
        ...

    def delayed_until(self, moment: int, limit: int) -> list[tuple[int, int]]:
        """Return ``(metaverse id, agent)`` of the connectors whose deprovisioning has become due."""
        ...

    def errors_of(self, ids: Sequence[int], stage: str) -> dict[int, ErrorRow]:
        """Return the recorded errors of objects."""
        ...

    def attribute_number(self, name: str) -> int:
        """Return the number that stands for an attribute's name, a new one where needed."""
        ...


class Ledger(Protocol):
    """Agents, partitions, counters and runs."""

    def agent_number(self, name: str) -> int:
        """Return the number that stands for an agent's name, a new one where needed."""
        ...

    def space(self, agent: int, partition: str) -> Space:
        """Return the connector space of a partition, a new one where needed."""
        ...

    def spaces(self, agent: int) -> list[Space]:
        """Return an agent's connector spaces."""
        ...

    def set_reading(self, space: int, token: bytes | None, signature: bytes) -> None:
        """Remember how far an import has read, and under which rules."""
        ...

    def tallies(self, agent: int) -> dict[tuple[int, str], int]:
        """Return the counters of an agent's spaces; at most a few dozen rows, whatever the size of the spaces."""
        ...

    def fact(self, key: str) -> bytes | None:
        """Return something remembered under a name."""
        ...

    def remember(self, key: str, value: bytes) -> None:
        """Remember something under a name."""
        ...

    def start_run(self, agent: int, result: bytes) -> int:
        """Record a run in progress and return its number, greater than any before, also after clearing."""
        ...

    def save_run(self, agent: int, number: int, ended: str | None, result: bytes) -> None:
        """Record how a run goes or went. Times are ISO 8601 in UTC."""
        ...

    def open_runs(self) -> list[tuple[int, int, bytes]]:
        """Return the runs that have no end."""
        ...

    def runs(self, agent: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Return runs above a number, the oldest first."""
        ...

    def newest_run(self, agent: int) -> tuple[int, bytes] | None:
        """Return an agent's newest run."""
        ...

    def clear_runs(self, before: str) -> int:
        """Delete the runs that ended until a moment; return how many."""
        ...

    def rebuild_index(self, name: str, entries: Iterator[tuple[str, str, int]]) -> None:
        """Fill a metaverse index anew: (index, value, mv)."""
        ...

    def pending_digest_rows(self, space: int, *, exports: bool) -> Iterator[tuple[object, ...]]:
        """Yield everything that identifies the pending changes of a space, in a fixed order."""
        ...


class Store(ObjectStore, Ledger, Protocol):
    """The whole store."""

    def close(self) -> None:
        """Let go of the store. Idempotent."""
        ...
