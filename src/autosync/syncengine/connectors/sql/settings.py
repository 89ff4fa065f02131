"""What can be said about tables in a database, and how it is read from YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from autosync.syncengine.connectors.port import AttributeType
from autosync.syncengine.connectors.settings_reading import Section
from autosync.syncengine.connectors.values import BooleanWords


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildTable:
    """A table with a row for each value of a multi-valued attribute, such as the members of groups."""

    table: str
    key: str
    value: str
    attribute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeColumn:
    """A column that grows with every change of a row: a version number, or a time.

    ``overlap`` (in the column's unit; seconds for times) is read again each time, for rows that were committed late.
    """

    column: str
    overlap: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTable:
    """A table with a row for each change, in the order of ``sequence``; ``overlap`` numbers are read again each time."""

    table: str
    key: tuple[str, ...]
    sequence: str
    overlap: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedColumn:
    """A column whose words (compared without case) say that a row's object is gone. Without words, any value says so."""

    column: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSettings:
    """A table (or a query, to read only) and what belongs to it. ``url`` holds the password and is never shown."""

    url: str = field(repr=False)
    table: str | None = None
    query: str | None = None
    anchor: tuple[str, ...] = ()
    object_type: str = "person"
    object_type_column: str | None = None
    partition_column: str | None = None
    types: Mapping[str, AttributeType] = field(default_factory=dict)
    booleans: BooleanWords = field(default_factory=BooleanWords)
    multi_valued: tuple[ChildTable, ...] = ()
    deleted: DeletedColumn | None = None
    change_column: ChangeColumn | None = None
    change_table: ChangeTable | None = None

    def meaning(self) -> tuple[object, ...]:
        """Return what decides how a row is understood; where the database is does not."""
        words, types = self.booleans, sorted(self.types.items())
        what = self.table, self.query, self.anchor, self.object_type, self.object_type_column, self.deleted
        return *what, types, words, self.multi_valued


def parse_sql(data: object) -> SqlSettings:
    """Return the settings in plain YAML data; raise ``SettingsError`` with every mistake."""
    section = Section(data)
    object_type, type_column = section.object_type("object-type")
    settings = SqlSettings(
        url=section.text("url"),
        table=section.optional_text("table"),
        query=section.optional_text("query"),
        anchor=section.words("anchor"),
        object_type=object_type,
        object_type_column=type_column,
        partition_column=section.optional_text("partition-column"),
        types=section.types("types"),
        booleans=section.booleans("booleans"),
        multi_valued=_children(section),
        deleted=_deleted(section),
        change_column=_change_column(section),
        change_table=_change_table(section),
    )
    section.finish()
    _check(section, settings)
    section.raise_mistakes()
    return settings


def _children(section: Section) -> tuple[ChildTable, ...]:
    inner = section.section("multi-valued")
    children = []
    for attribute in inner.items():
        each = inner.section(attribute)
        table, key, value = each.text("table"), each.text("key"), each.text("value")
        children.append(ChildTable(table=table, key=key, value=value, attribute=attribute))
        each.finish()
    return tuple(children)


def _deleted(section: Section) -> DeletedColumn | None:
    if not section.has("deleted"):
        return None
    inner = section.section("deleted")
    deleted = DeletedColumn(column=inner.text("column"), words=inner.words("words"))
    inner.finish()
    return deleted


def _change_column(section: Section) -> ChangeColumn | None:
    if not section.has("change-column"):
        return None
    if isinstance(section.raw("change-column"), str):
        return ChangeColumn(column=section.text("change-column"))
    inner = section.section("change-column")
    change = ChangeColumn(column=inner.text("column"), overlap=inner.number("overlap", 0))
    inner.finish()
    return change


def _change_table(section: Section) -> ChangeTable | None:
    if not section.has("change-table"):
        return None
    inner = section.section("change-table")
    change = ChangeTable(
        table=inner.text("table"),
        key=inner.words("key"),
        sequence=inner.text("sequence"),
        overlap=inner.number("overlap", 0),
    )
    inner.finish()
    return change


def _check(section: Section, settings: SqlSettings) -> None:
    if bool(settings.table) == bool(settings.query):
        section.wrong("table", "give either table or query")
    if not settings.anchor and not section.has("anchor"):
        section.wrong("anchor", "is missing: name the column (or columns) that identify a row for ever")
    if settings.multi_valued and len(settings.anchor) > 1:
        section.wrong("multi-valued", "needs an anchor of one column")
    if settings.change_column and settings.change_table:
        section.wrong("change-table", "give either change-column or change-table")
    if settings.change_table and len(settings.change_table.key) != len(settings.anchor):
        section.wrong("change-table", "key must name as many columns as anchor")
    try:
        make_url(settings.url)
    except ArgumentError:
        if settings.url:  # the text may hold a password: it is not repeated
            section.wrong("url", "is no database URL; for example sqlite:///people.db or postgresql://user@host/name")
