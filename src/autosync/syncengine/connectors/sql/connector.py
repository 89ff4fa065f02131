"""The connector for SQL databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from autosync.syncengine.connectors.port import (
    ConnectorError,
    Description,
    Reader,
    Writer,
)
from autosync.syncengine.connectors.sql.delta import SqlDeltaReader, current_watermark, read_token
from autosync.syncengine.connectors.sql.failures import DatabaseFailures
from autosync.syncengine.connectors.sql.reader import SqlReader
from autosync.syncengine.connectors.sql.settings import SqlSettings
from autosync.syncengine.connectors.sql.source import Source
from autosync.syncengine.connectors.sql.writer import SqlWriter


class SqlConnector:
    """One table or query of a database. A relative SQLite file counts from ``folder``."""

    def __init__(self, settings: SqlSettings, folder: Path) -> None:
        self._settings = settings
        self._url = _in_folder(make_url(settings.url), folder)
        self._failures = DatabaseFailures(self._url, settings.anchor)
        self._engine: Engine | None = None

    def __repr__(self) -> str:
        return f"SqlConnector({self._failures.name})"

    def describe(self) -> Description:
        """Return the columns and child tables as attributes, and the partitions that are in use."""
        settings = self._settings
        with self._connected() as connection:
            source = Source(connection, settings)
            partitions: tuple[str, ...] = ("default",)
            if source.partition is not None:
                query = select(source.partition).distinct().order_by(source.partition)
                partitions = tuple(str(row[0]) for row in connection.execute(query) if row[0] is not None)
        return Description(
            attributes={settings.object_type or "*": source.schema()},
            partitions=partitions,
            delta=bool(settings.change_column or settings.change_table),
            writable=settings.table is not None,
        )

    def open_full(self, partition: str) -> Reader:
        """Start reading the table; raise ``ConnectorError``."""
        with self._connected() as connection:
            source = Source(connection, self._settings)
            token = current_watermark(connection, source, partition)
        return SqlReader(self._get_engine(), source, partition, self._failures, token)

    def open_delta(self, partition: str, token: bytes | None) -> Reader:
        """Start reading the changes; raise ``ConnectorError``."""
        with self._connected() as connection:
            source = Source(connection, self._settings)
        mark = read_token(token, source, partition)
        return SqlDeltaReader(self._get_engine(), source, mark, self._failures)

    def open_export(self, partition: str) -> Writer:
        """Start writing; raise ``ConnectorError`` where only a query was given."""
        if self._settings.table is None:
            raise ConnectorError("no-start-bad-ma-configuration", "a query cannot be written to: give table")
        with self._connected() as connection:
            source = Source(connection, self._settings)
        return SqlWriter(self._get_engine(), source, partition, self._failures)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self._get_engine().connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._failures.run_error(error, started=False) from None
        except (
            OSError
        ) as error:  # python-tds tries to connect for 15 s, and then says only that time is up, with the cause
            said = self._failures.say(error.__cause__ or error)
            raise ConnectorError("no-start-connection", f"{self._failures.name}: {said}") from None

    def _get_engine(self) -> Engine:
        if self._engine is None:
            if (path := self._url.database) and self._is_sqlite and not Path(path).exists():
                raise ConnectorError(
                    "no-start-connection", f"there is no database {path}"
                )  # SQLite would make an empty one
            try:
                # A run holds its connections from the beginning to the end: a pool would only keep files open.
                self._engine = create_engine(self._url, poolclass=NullPool, hide_parameters=True)
            except (NoSuchModuleError, ImportError) as error:
                message = f"{self._failures.name}: {self._failures.say(error)}; install the driver"
                raise ConnectorError("no-start-bad-ma-configuration", message) from None
        return self._engine

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"


def _in_folder(url: URL, folder: Path) -> URL:
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":memory:", "file:")):
        return url
    return url.set(database=str(folder / url.database))
