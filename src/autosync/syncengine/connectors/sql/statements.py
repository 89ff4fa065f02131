"""The statements for a batch of changes, in one transaction: look what is there, then delete, add and update."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, update

from autosync.syncengine.connectors.changes import as_list, changed_attributes
from autosync.syncengine.connectors.port import Attributes, Change, ChangeKind, ChangeOutcome, Scalar
from autosync.syncengine.connectors.settings_reading import nearest
from autosync.syncengine.connectors.sql.reader import IN_LIST, read_children, rows_of, with_anchors
from autosync.syncengine.connectors.sql.source import Child, Source, convert_value, text_of, to_column
from autosync.syncengine.connectors.values import ValueMisfit

Key = tuple[object, ...]


class Batch:
    """One batch in one transaction. The errors of the database pass through; everything else becomes an outcome."""

    def __init__(self, connection: Connection, source: Source, partition: str) -> None:
        assert source.table is not None, "a query cannot be written to"
        self._connection = connection
        self._source = source
        self._table: Table = source.table
        self._partition = partition
        self._children = {child.attribute: child for child in source.children}
        self._rows: Mapping[str, Sequence[object]] = {}
        self._inserts: defaultdict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)
        self._updates: defaultdict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)
        self._deletes: list[Key] = []
        self._moves: list[Key] = []
        self._gone: defaultdict[str, list[Key]] = defaultdict(list)
        self._new: defaultdict[str, list[Key]] = defaultdict(list)

    def apply(self, changes: Sequence[Change]) -> list[ChangeOutcome]:
        """Apply the changes and return their outcomes in order."""
        self._rows = self._existing(changes)
        outcomes = [self._plan(change) for change in changes]
        self._execute()
        return outcomes

    def _existing(self, changes: Sequence[Change]) -> dict[str, Sequence[object]]:
        """Return the rows that the changes are about, by anchor."""
        keys = []
        for anchor in {name for change in changes for name in (self._anchor(change), change.dn) if name}:
            try:
                keys.append(self._source.key_of(anchor))
            except ValueMisfit:
                continue  # no row can have it; the change's own plan says so
        found: dict[str, Sequence[object]] = {}
        for start in range(0, len(keys), IN_LIST):
            query = rows_of(self._source, self._partition)
            query = query.where(with_anchors(self._source, keys[start : start + IN_LIST]))
            for row in self._connection.execute(query):
                found[self._source.anchor_of(row)] = tuple(row)
        return found

    def _anchor(self, change: Change) -> str:
        """Return the anchor that a change is about; empty when the database will give it."""
        if change.anchor:
            return change.anchor
        if change.kind not in (ChangeKind.ADD, ChangeKind.DELETE_ADD):
            return change.old_dn or change.dn
        parts = [change.attributes.get(name) for name in self._source.settings.anchor]
        return self._source.join_key(parts) if all(part is not None for part in parts) else ""

    def _plan(self, change: Change) -> ChangeOutcome:
        try:
            match change.kind:
                case ChangeKind.ADD:
                    return self._add(change)
                case ChangeKind.DELETE:
                    return self._delete(change)
                case ChangeKind.DELETE_ADD:
                    self._delete(change)
                    self._rows = {name: row for name, row in self._rows.items() if name != self._anchor(change)}
                    return self._add(change)
                case ChangeKind.UPDATE | ChangeKind.RENAME:
                    return self._update(change)
        except ValueMisfit as error:
            return ChangeOutcome(error_type=error.error_type, message=str(error))

    def _add(self, change: Change) -> ChangeOutcome:
        anchor = self._anchor(change)
        values, several = self._split(change.attributes)
        if (row := self._rows.get(anchor)) is not None and not self._source.is_deleted(row):
            return self._there_already(anchor, row, values)
        if anchor:
            values |= {each.name: part for each, part in zip(self._source.anchor, self._key(anchor), strict=True)}
        if self._source.settings.object_type_column:
            values.setdefault(self._source.settings.object_type_column, change.object_type)
        if self._source.partition is not None:
            values.setdefault(self._source.partition.name, self._partition)
        if row is not None:  # marked as deleted before: it comes back to life
            assert self._source.settings.deleted is not None, "only a marker makes a row deleted"
            values[self._source.settings.deleted.column] = values.get(self._source.settings.deleted.column)
            self._note_update(anchor, values)
        elif anchor:
            self._inserts[tuple(values)].append(values)
        else:
            anchor = self._insert_now(values)
        for name, wanted in several.items():
            self._new[name] += [(*self._key(anchor), value) for value in wanted]
        return ChangeOutcome(anchor=anchor)

    def _there_already(self, anchor: str, row: Sequence[object], values: Mapping[str, object]) -> ChangeOutcome:
        have = dict(zip(self._source.names, row, strict=True))
        different = [name for name, value in values.items() if value is not None and not _same(have[name], value)]
        if not different:
            return ChangeOutcome(anchor=anchor)
        message = f"a row with the anchor {anchor!r} is there already, with another {different[0]}"
        return ChangeOutcome(error_type="cd-existing-object", message=message)

    def _insert_now(self, values: Mapping[str, object]) -> str:
        """Insert a row whose anchor the database gives; return the anchor."""
        returned = self._connection.execute(insert(self._table).values(values).returning(*self._source.anchor)).one()
        return self._source.join_key(tuple(returned))

    def _delete(self, change: Change) -> ChangeOutcome:
        anchor = self._anchor(change)
        if anchor in self._rows:  # gone already: done
            self._deletes.append(self._key(anchor))
        return ChangeOutcome()

    def _update(self, change: Change) -> ChangeOutcome:
        anchor = self._anchor(change)
        wanted = change.dn if change.kind is ChangeKind.RENAME else anchor
        if anchor not in self._rows and wanted in self._rows:
            anchor = wanted  # renamed in an earlier try
        if anchor not in self._rows:
            return ChangeOutcome(error_type="cd-missing-object", message=f"no row has the anchor {anchor!r}")
        values, several = self._split(self._changed(change, anchor))
        if wanted != anchor:
            values |= {each.name: part for each, part in zip(self._source.anchor, self._key(wanted), strict=True)}
            self._moves.append((self._key(anchor)[0], self._key(wanted)[0]))
        if values:
            self._note_update(anchor, values)
        for name, whole in several.items():
            self._difference(self._children[name], anchor, wanted, whole)
        for child in self._children.values():
            self._single_values(child, wanted, change)
        return ChangeOutcome(anchor=wanted)

    def _changed(self, change: Change, anchor: str) -> Attributes:
        """Return what an update sets; values of child tables that it names singly are left to ``_single_values``."""
        plain = [name for name in (*change.added, *change.removed) if name not in self._children]
        if not plain:
            return change.attributes
        current = self._source.entry(self._rows[anchor], {}).attributes
        changed = changed_attributes(change, current)
        return {name: value for name, value in changed.items() if name in change.attributes or name in plain}

    def _difference(self, child: Child, old: str, new: str, whole: Sequence[object]) -> None:
        """Note what makes the child rows equal to ``whole``; those of a renamed object have moved by then."""
        current = read_children(self._connection, self._source, [old]).get(old, {}).get(child.attribute, [])
        have, want, key = set(current), set(whole), self._key(new)
        self._gone[child.attribute] += [(*key, value) for value in have - want]
        self._new[child.attribute] += [(*key, value) for value in want - have]

    def _single_values(self, child: Child, anchor: str, change: Change) -> None:
        """Note the single values that an update adds and removes: a group of a million members costs two rows."""
        if child.attribute in change.attributes:
            return
        added = self._child_values(child, change.added.get(child.attribute))
        removed = self._child_values(child, change.removed.get(child.attribute))
        key = self._key(anchor)
        self._gone[child.attribute] += [
            (*key, value) for value in (*removed, *added)
        ]  # added: or a second try doubles it
        self._new[child.attribute] += [(*key, value) for value in added]

    def _split(self, attributes: Attributes) -> tuple[dict[str, object], dict[str, list[object]]]:
        """Return the columns' values and the child tables' values; raise ``ValueMisfit``."""
        values: dict[str, object] = {}
        several: dict[str, list[object]] = {}
        from_text = self._source.from_text
        for name, value in attributes.items():
            if name in self._children:
                several[name] = self._child_values(self._children[name], value)
            elif name not in from_text:
                hint = nearest(name, from_text)
                raise ValueMisfit("schema-violation", f"{self._table.name} has no column {name!r}{hint}")
            elif isinstance(value, list):
                if len(value) > 1:
                    raise ValueMisfit("insufficient-columns", f"column {name} holds one value, not {len(value)}")
                values[name] = convert_value(name, from_text[name], value[0]) if value else None
            else:
                values[name] = value if (convert := from_text[name]) is None else convert_value(name, convert, value)
        return values, several

    def _child_values(self, child: Child, value: Scalar | list[Scalar] | None) -> list[object]:
        return list(dict.fromkeys(to_column(child.value, each) for each in as_list(value)))

    def _key(self, anchor: str) -> Key:
        return self._source.key_of(anchor)

    def _note_update(self, anchor: str, values: Mapping[str, object]) -> None:
        row = {f"new_{name}": value for name, value in values.items()}
        row |= {f"key_{index}": part for index, part in enumerate(self._key(anchor))}
        self._updates[tuple(values)].append(row)

    def _execute(self) -> None:
        """Run the statements: children go before their parents and come after them."""
        if self._deletes:
            for child in self._children.values():
                keys = [{"key_0": key[0]} for key in self._deletes]
                self._connection.execute(delete(child.key.table).where(child.key == bindparam("key_0")), keys)
            rows = [{f"key_{index}": part for index, part in enumerate(key)} for key in self._deletes]
            self._connection.execute(delete(self._table).where(self._by_key()), rows)
        for inserts in self._inserts.values():
            self._connection.execute(insert(self._table), inserts)
        for names, updates in self._updates.items():
            values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
            self._connection.execute(update(self._table).where(self._by_key()).values(values), updates)
        self._move_children()
        for name, gone in self._gone.items():
            self._delete_values(self._children[name], gone)
        for name, new in self._new.items():
            self._insert_values(self._children[name], new)

    def _move_children(self) -> None:
        for child in self._children.values() if self._moves else ():
            statement = (
                update(child.key.table).where(child.key == bindparam("old")).values({child.key: bindparam("new")})
            )
            self._connection.execute(statement, [{"old": old, "new": new} for old, new in self._moves])

    def _delete_values(self, child: Child, rows: Sequence[Key]) -> None:
        if rows:
            same = and_(child.key == bindparam("key_0"), child.value == bindparam("value_0"))
            parameters = [{"key_0": key, "value_0": value} for key, value in rows]
            self._connection.execute(delete(child.key.table).where(same), parameters)

    def _insert_values(self, child: Child, rows: Sequence[Key]) -> None:
        if rows:
            parameters = [{child.key.name: key, child.value.name: value} for key, value in rows]
            self._connection.execute(insert(child.key.table), parameters)

    def _by_key(self) -> Any:
        return and_(*(each == bindparam(f"key_{index}") for index, each in enumerate(self._source.anchor)))


def _same(have: object, want: object) -> bool:
    """Return whether a column holds a value; databases return some in another type."""
    return have == want or text_of(have) == text_of(want)
