"""What a database is asked, and what follows from its answers. Blocking; it runs in a thread."""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    case,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)

from autosync.adapters.triggers.sql.options import SqlOptions, VersionKind
from autosync.adapters.triggers.sql.sights import Sight, lowered, plain
from autosync.model.errors import TokenUnknown, TriggerFailed

_HORIZONS: Final = {
    VersionKind.ROWVERSION: "min_active_rowversion()",
    VersionKind.TRANSACTION_ID: "pg_snapshot_xmin(pg_current_snapshot())",
}
"""Below these every transaction has ended, so that no row can still appear."""


def look(connection: Connection, options: SqlOptions, before: Sight | None) -> Sight:
    """Return what is there now. Equal to ``before`` when nothing changed.

    Raises ``TriggerFailed`` for a query of several rows, ``TokenUnknown`` when change tracking forgot ``before``.
    """
    if options.query is not None:
        return _row(connection, options.query)
    if options.change_tracking:
        return _tracked(connection, options, before)
    return _newest(connection, options, before)


def _row(connection: Connection, query: str) -> Sight:
    rows = connection.execute(text(query)).fetchmany(2)
    if len(rows) > 1:
        raise TriggerFailed(
            "the query returns more than one row; let it return one, such as select max(version) from …"
        )
    return Sight(values=tuple(plain(value) for value in rows[0]) if rows else ())


def _newest(connection: Connection, options: SqlOptions, before: Sight | None) -> Sight:
    low = lowered(before.newest, options.overlap) if before is not None and options.overlap else None
    newest, rows, recent = connection.execute(newest_and_counts(options, low)).one()
    version = plain(newest)
    if low is not None and before is not None and version == before.newest:
        return Sight(values=(version,), rows=rows, recent=int(recent or 0))
    if options.overlap and version is not None:
        recent = connection.execute(newest_and_counts(options, lowered(version, options.overlap))).one()[2]
    return Sight(values=(version,), rows=rows, recent=int(recent or 0))


def newest_and_counts(options: SqlOptions, low: object) -> Select[Any]:
    """Return the query for the newest version, the number of rows, and of those from ``low`` on (0 without it)."""
    version: ColumnElement[Any] = column(options.version_column or "")
    recent: ColumnElement[Any] = literal_column("0") if low is None else func.sum(case((version >= low, 1), else_=0))
    query = select(func.max(version), func.count(), recent).select_from(_table(options))
    horizon = _HORIZONS.get(options.version)
    return query if horizon is None else query.where(version < literal_column(horizon))


def _tracked(connection: Connection, options: SqlOptions, before: Sight | None) -> Sight:
    name = _quoted(connection, options)
    current, oldest = connection.execute(
        text("select change_tracking_current_version(), change_tracking_min_valid_version(object_id(:name))"),
        {"name": name},
    ).one()
    if current is None or oldest is None:
        raise TriggerFailed(
            f"change tracking is off for {options.table}; alter the database and the table to turn it on"
        )
    if before is None:
        return Sight(values=(int(current),))
    since = before.newest
    if not isinstance(since, int) or since < int(oldest):
        raise TokenUnknown(
            f"change tracking of {options.table} no longer knows version {since!r}; a full import replaces it"
        )
    # The name is an identifier that the dialect has quoted; changetable() takes no parameter there.
    changed = connection.execute(
        text(f"select top 1 1 from changetable(changes {name}, :since) as changed"),  # noqa: S608
        {"since": since},
    ).first()
    return before if changed is None else Sight(values=(int(current),))


def _table(options: SqlOptions) -> FromClause:
    schema, _, name = (options.table or "").rpartition(".")
    return table(name, schema=schema or None)


def _quoted(connection: Connection, options: SqlOptions) -> str:
    quote = connection.dialect.identifier_preparer.quote_identifier
    return ".".join(quote(part) for part in (options.table or "").split("."))
