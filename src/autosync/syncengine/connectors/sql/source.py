"""The tables of one connected database: their columns, their types, and how a row becomes an object."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    FromClause,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Time,
    column,
    text,
)
from sqlalchemy.types import TypeEngine

from autosync.syncengine.connectors.anchors import join_anchor, split_anchor
from autosync.syncengine.connectors.port import (
    Attributes,
    AttributeSchema,
    AttributeType,
    ConnectorError,
    Entry,
    Scalar,
)
from autosync.syncengine.connectors.settings_reading import nearest
from autosync.syncengine.connectors.sql.settings import ChildTable, SqlSettings
from autosync.syncengine.connectors.values import ValueMisfit, text_decoder

_TYPES: Final[tuple[tuple[type[TypeEngine[Any]], AttributeType], ...]] = (
    (Boolean, AttributeType.BOOLEAN),
    (Integer, AttributeType.INTEGER),
    (LargeBinary, AttributeType.BINARY),
)

_FROM_TEXT: Final[tuple[tuple[type[TypeEngine[Any]], Callable[[str], object]], ...]] = (
    (Boolean, lambda text: text.casefold() in ("true", "1")),
    (Integer, int),
    (LargeBinary, bytes.fromhex),
    (Numeric, Decimal),
    (DateTime, datetime.fromisoformat),
    (Date, date.fromisoformat),
    (Time, time.fromisoformat),
)


@dataclass(frozen=True, slots=True)
class Child:
    """A child table with its two columns."""

    attribute: str
    key: Column[Any]
    value: Column[Any]
    kind: AttributeType


class Source:
    """What is read from and written to, reflected from the database. Raises ``ConnectorError`` when the settings do not fit."""

    def __init__(self, connection: Connection, settings: SqlSettings) -> None:
        self.settings = settings
        self._metadata = MetaData()
        self.table = self._reflect(connection, settings.table) if settings.table else None
        self.rows: FromClause = self.table if self.table is not None else self._query(connection, settings.query or "")
        self.names = [each.name for each in self.rows.c]
        self.anchor = [self._column(name, "anchor") for name in settings.anchor]
        self._anchor_at = [self.names.index(name) for name in settings.anchor]
        self.children = [self._child(connection, child) for child in settings.multi_valued]
        self.from_text = {each.name: from_text(each) for each in self.rows.c}  # type: ignore[arg-type]
        self.types = {each.name: self._type(each) for each in self.rows.c}
        self.partition = self._optional(settings.partition_column, "partition-column")
        self._type_at = self._at(settings.object_type_column, "object-type")
        self._deleted_at = self._at(settings.deleted.column if settings.deleted else None, "deleted")
        for name in settings.types:
            if name not in {child.attribute for child in self.children}:
                self._column(name, "types")
        self._decoders = {kind: text_decoder(kind, settings.booleans) for kind in AttributeType}

    def schema(self) -> tuple[AttributeSchema, ...]:
        """Return the attributes: the columns, and the child tables' values."""
        plain = [
            AttributeSchema(
                name=each.name,
                type=self.types[each.name],
                required=each.name in self.settings.anchor,
                writable=self.table is not None,
            )
            for each in self.rows.c
        ]
        several = [AttributeSchema(name=each.attribute, type=each.kind, multivalued=True) for each in self.children]
        return (*plain, *several)

    def reflect(self, connection: Connection, name: str) -> Table:
        """Return another table of the database."""
        return self._reflect(connection, name)

    def anchor_of(self, row: Sequence[object]) -> str:
        """Return the anchor of a row; empty when a part of it is NULL or empty."""
        parts = [text_of(row[at]) for at in self._anchor_at]
        return join_anchor(parts) if all(parts) else ""

    def join_key(self, key: Sequence[object]) -> str:
        """Return the anchor for the database's own values."""
        return join_anchor([text_of(part) for part in key])

    def key_of(self, anchor: str) -> tuple[object, ...]:
        """Return an anchor as the database's own values; raise ``ValueMisfit``."""
        try:
            parts = split_anchor(anchor, len(self.anchor))
        except ValueError as error:
            raise ValueMisfit("invalid-attribute-value", str(error)) from None
        names = self.settings.anchor
        return tuple(convert_value(name, self.from_text[name], part) for name, part in zip(names, parts, strict=True))

    def is_deleted(self, row: Sequence[object]) -> bool:
        """Return whether the row says that its object is gone."""
        if self._deleted_at is None or self.settings.deleted is None:
            return False
        value, words = text_of(row[self._deleted_at]), self.settings.deleted.words
        return value.casefold() in {word.casefold() for word in words} if words else bool(value)

    def entry(self, row: Sequence[object], children: Mapping[str, Sequence[object]]) -> Entry:
        """Return the object in a row; raise ``ValueMisfit``."""
        found: Attributes = {}
        for name, value in zip(self.names, row, strict=True):
            if value is not None and value != "":
                found[name] = self._decode(name, self.types[name], value)
        for child in self.children:
            if values := children.get(child.attribute):
                found[child.attribute] = [self._decode(child.attribute, child.kind, value) for value in values]
        kind = self.settings.object_type if self._type_at is None else text_of(row[self._type_at])
        if not kind:
            raise ValueMisfit("missing-object-class", f"column {self.settings.object_type_column}: no object type")
        anchor = self.anchor_of(row)
        return Entry(anchor=anchor, dn=anchor, object_type=kind, attributes=found)

    def _decode(self, name: str, kind: AttributeType, value: object) -> Scalar:
        decode = self._decoders[kind]
        try:
            if kind is AttributeType.BINARY and isinstance(value, (bytes, bytearray, memoryview)):
                return bytes(value)
            if kind is AttributeType.INTEGER and isinstance(value, int):
                return int(value)
            return decode(text_of(value)) if decode else text_of(value)
        except ValueMisfit as error:
            raise ValueMisfit(error.error_type, f"column {name}: {error}") from None

    def _type(self, each: Any) -> AttributeType:
        given = self.settings.types.get(each.name)
        return given or next((kind for sql, kind in _TYPES if isinstance(each.type, sql)), AttributeType.STRING)

    def _child(self, connection: Connection, child: ChildTable) -> Child:
        table = self._reflect(connection, child.table)
        for name in (child.key, child.value):
            if name not in table.c:
                raise _mismatch(f"{child.table} has no column {name!r}{nearest(name, table.c.keys())}")
        kind = self.settings.types.get(child.attribute, AttributeType.STRING)
        return Child(child.attribute, table.c[child.key], table.c[child.value], kind)

    def _reflect(self, connection: Connection, name: str) -> Table:
        schema, _, table = name.rpartition(".")
        return Table(table, self._metadata, schema=schema or None, autoload_with=connection, extend_existing=True)

    def _query(self, connection: Connection, query: str) -> FromClause:
        clean = query.strip().rstrip(";")
        names = connection.execute(text(f"SELECT * FROM ({clean}) AS source WHERE 1 = 0")).keys()  # noqa: S608 (the settings' own query)
        return text(clean).columns(*(column(name) for name in names)).subquery("source")

    def _column(self, name: str, key: str) -> Any:
        if name in self.rows.c:
            return self.rows.c[name]
        raise _mismatch(
            f"{self.settings.table or 'the query'} has no column {name!r} ({key}){nearest(name, self.names)}"
        )

    def _optional(self, name: str | None, key: str) -> Any:
        return None if name is None else self._column(name, key)

    def _at(self, name: str | None, key: str) -> int | None:
        return None if name is None else self.names.index(self._column(name, key).name)


def text_of(value: object) -> str:
    """Return a database value as text; empty for NULL."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)


def from_text(target: Column[Any]) -> Callable[[str], object] | None:
    """Return a function from text to what the column's type needs in Python; None where that is text."""
    return next((convert for kind, convert in _FROM_TEXT if isinstance(target.type, kind)), None)


def to_column(target: Column[Any], value: Scalar) -> object:
    """Return a value as the database's column wants it; raise ``ValueMisfit``."""
    convert = from_text(target) if isinstance(value, str) else None
    return convert_value(target.name, convert, value)


def convert_value(name: str, convert: Callable[[str], object] | None, value: Scalar) -> object:
    """Return a value converted; raise ``ValueMisfit``."""
    if convert is None or not isinstance(value, str):
        return value
    try:
        return convert(value)
    except (ValueError, InvalidOperation):
        message = f"column {name}: {value[:40]!r} does not fit the column's type"
        raise ValueMisfit("invalid-attribute-value", message) from None


def _mismatch(message: str) -> ConnectorError:
    return ConnectorError("no-start-database-schema-mismatch", message)
