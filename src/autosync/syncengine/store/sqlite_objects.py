"""Connector spaces and metaverse in SQLite: the readings. Keys travel as one JSON list for each statement."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from autosync.syncengine.store import statements as sql
from autosync.syncengine.store.port import ExportRef, MvRow, Name, Ref
from autosync.syncengine.store.rows import CsRow, ErrorRow, Known, Space

_json = msgspec.json.Encoder().encode


def json_list(values: Iterable[object]) -> str:
    """Return values as ``json_each`` reads them."""
    return _json(list(values)).decode("utf-8", "surrogatepass")


class SqliteObjects:
    """The readings of ``ObjectStore`` over an open connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._attributes: dict[str, int] = {}
        self._next_cs = self._next("cs")
        self._next_mv = self._next("mv")

    def next_cs_id(self) -> int:
        self._next_cs += 1
        return self._next_cs

    def next_mv_id(self) -> int:
        self._next_mv += 1
        return self._next_mv

    def known(self, space: Space, anchors: Sequence[str]) -> dict[str, Known]:
        rows = self._all(sql.KNOWN, (space.agent, space.id, json_list(anchors)))
        return {anchor: Known(*rest) for anchor, *rest in rows}

    def nameless(self, agent: int, dns: Sequence[str]) -> list[CsRow]:
        return self._rows(sql.NAMELESS, (agent, json_list(dns)))

    def rows(self, ids: Sequence[int]) -> list[CsRow]:
        return self._rows(sql.BY_ID, (json_list(ids),)) if ids else []

    def by_name(self, agent: int, names: Sequence[str]) -> list[CsRow]:
        if not names:
            return []
        asked = (agent, json_list(names))
        found = {row.id: row for row in self._rows(sql.BY_ANCHOR, asked)}
        found.update((row.id, row) for row in self._rows(sql.BY_DN, asked))
        return list(found.values())

    def scan(self, space: int, after: int, limit: int) -> list[CsRow]:
        return self._rows(sql.SCAN, (space, after, limit))

    def scan_stale(self, space: int, after: int, limit: int, stamp: int) -> list[CsRow]:
        return self._rows(sql.SCAN_STALE, (space, after, limit, stamp))

    def count_fresh(self, space: int, stamp: int) -> int:
        return int(self._connection.execute(sql.COUNT_FRESH, (space, stamp)).fetchone()[0])

    def scan_ids(self, space: int, after: int, limit: int) -> list[int]:
        return [number for (number,) in self._all(sql.SCAN_SEEN, (space, after, limit))]

    def staged(self, space: int, kind: int, after: int, limit: int) -> list[CsRow]:
        return self._rows(sql.STAGED, (space, kind, after, limit))

    def pending(self, space: int, kind: int, after: int, limit: int) -> list[CsRow]:
        return self._rows(sql.PENDING, (space, kind, after, limit))

    def escrowed(self, space: int, after: int, limit: int) -> list[CsRow]:
        return self._rows(sql.ESCROW, (space, after, limit))

    def connectors(self, mvs: Sequence[int]) -> list[CsRow]:
        return self._rows(sql.BY_MV, (json_list(mvs),)) if mvs else []

    def metaverse(self, ids: Sequence[int]) -> list[MvRow]:
        return self._all(sql.MV_BY_ID, (json_list(ids),)) if ids else []

    def scan_metaverse(self, after: int, limit: int) -> list[MvRow]:
        return self._all(sql.MV_SCAN, (after, limit))

    def find_by_key(self, index: str, values: Sequence[str]) -> list[tuple[str, int]]:
        return self._all(sql.MV_BY_KEY, (index, json_list(values))) if values else []

    def links(self, agent: int, names: Sequence[str], *, by_dn: bool) -> dict[str, int]:
        if not names:
            return {}
        found: dict[str, int] = {}
        if by_dn:
            found.update(self._all(sql.LINKS_BY_DN, (agent, json_list(names))))
        # An object whose name is its anchor has no name of its own in the table.
        missing = [name for name in names if name not in found]
        found.update(self._all(sql.LINKS_BY_ANCHOR, (agent, json_list(missing))) if missing else ())
        return found

    def names_of_metaverse(self, mvs: Sequence[int]) -> list[tuple[int, int, int, str | None, str, int]]:
        return self._all(sql.NAMES_OF_MV, (json_list(mvs),)) if mvs else []

    def names(self, ids: Sequence[int]) -> dict[int, Name]:
        return {row[0]: row for row in self._all(sql.NAMES_OF_CS, (json_list(ids),))} if ids else {}

    def dependents(self, agent: int, values: Sequence[str]) -> list[tuple[int, int, str]]:
        return self._all(sql.DEPENDENTS, (agent, json_list(values))) if values else []

    def refs(self, ids: Sequence[int]) -> list[Ref]:
        return self._all(sql.REFS_OF, (json_list(ids),)) if ids else []

    def staged_refs(self, ids: Sequence[int]) -> list[Ref]:
        return self._all(sql.REFS_STAGED, (json_list(ids),)) if ids else []

    def refs_among(self, triples: Sequence[tuple[int, int, str]]) -> dict[tuple[int, int, str], str]:
        found: dict[tuple[int, int, str], str] = {}
        distinguished = [each for each in triples if "=" in each[2]]
        others = [each for each in triples if "=" not in each[2]] if distinguished else triples
        for asked, statement in ((distinguished, sql.REFS_AMONG_BY_DN), (others, sql.REFS_AMONG)):
            if asked:
                found.update((asked[place], value) for place, value in self._all(statement, (json_list(asked),)))
        return found

    def has_refs(self, pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        return set(self._all(sql.HAS_REFS, (json_list(pairs),))) if pairs else set()

    def desired_refs(
        self, asked: Sequence[tuple[int, int, int, int]], *, by_dn: bool
    ) -> list[tuple[int, int, str | None, str]]:
        found: list[tuple[int, int, str | None, str]] = self._all(sql.DESIRED_BY_ANCHOR, (json_list(asked),))
        return found + self._all(sql.DESIRED_BY_DN, (json_list(asked),)) if by_dn else found

    def export_refs(self, ids: Sequence[int]) -> list[ExportRef]:
        return self._all(sql.EXPORT_REFS, (json_list(ids),)) if ids else []

    def export_refs_about(self, ids: Sequence[int]) -> list[tuple[int, int, int, int, str | None, int, int | None]]:
        return self._all(sql.EXPORT_REFS_ABOUT, (json_list(ids),)) if ids else []

    def waiting(self, agent: int, index: str, values: Sequence[str]) -> list[tuple[str, int]]:
        return self._all(sql.WAITING, (agent, index, json_list(values))) if values else []

    def due(self, after: int, limit: int) -> list[tuple[int, int, str]]:
        found = self._all(sql.DUE, (after, limit))
        if len(found) == limit and found[0][0] != found[-1][0]:
            # An object's reasons stay together: leave the last one, perhaps cut in two, for the next reading.
            last = found[-1][0]
            return [row for row in found if row[0] != last]
        return self._all(sql.DUE_OF, (found[0][0],)) if len(found) == limit else found

    def delayed_of(self, mvs: Sequence[int]) -> dict[tuple[int, int], int]:
        return {(mv, agent): at for mv, agent, at in self._all(sql.DELAYED_OF, (json_list(mvs),))} if mvs else {}

    def delayed_until(self, moment: int, limit: int) -> list[tuple[int, int]]:
        return self._all(sql.DELAYED_DUE, (moment, limit))

    def errors_of(self, ids: Sequence[int], stage: str) -> dict[int, ErrorRow]:
        return {row[0]: ErrorRow(*row) for row in self._all(sql.ERRORS_OF, (json_list(ids), stage))} if ids else {}

    def attribute_number(self, name: str) -> int:
        number = self._attributes.get(name)
        if number is None:
            number = self._attributes[name] = self._number("attribute", name)
        return number

    def forget_attribute_numbers(self) -> None:
        """Look them up again: some may have gone with a transaction that was rolled back."""
        self._attributes.clear()

    def _number(self, kind: str, text: str) -> int:
        """Return the number of a name. Writes only a new one: whoever just looks does not wait for a run's commit."""
        found = self._connection.execute(sql.SELECT_NAME, (kind, text)).fetchone()
        if found is None:
            self._connection.execute(sql.INSERT_NAME, (kind, text))
            found = self._connection.execute(sql.SELECT_NAME, (kind, text)).fetchone()
        return int(found[0])

    def _next(self, table: str) -> int:
        (newest,) = self._connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()  # noqa: S608
        return int(newest)

    def _rows(self, statement: str, parameters: Sequence[object]) -> list[CsRow]:
        return [CsRow(*row) for row in self._connection.execute(statement, parameters)]

    def _all(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        return self._connection.execute(statement, parameters).fetchall()
