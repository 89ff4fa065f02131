"""Write changes to a table: one transaction a batch; a batch that fails is halved until the guilty objects stand alone.

So a batch without errors costs a handful of statements, and one bad object among 5,000 about 25 transactions.
"""

from collections.abc import Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from autosync.syncengine.connectors.port import Change, ChangeOutcome
from autosync.syncengine.connectors.sql.failures import DatabaseFailures
from autosync.syncengine.connectors.sql.source import Source
from autosync.syncengine.connectors.sql.statements import Batch


class SqlWriter:
    """One export. Every batch is durable when ``write`` returns; ``abandon`` has nothing left to give up."""

    def __init__(self, engine: Engine, source: Source, partition: str, failures: DatabaseFailures) -> None:
        self._engine = engine
        self._source = source
        self._partition = partition
        self._failures = failures

    def write(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        """Apply the changes; raise ``ConnectorError`` when the database is gone."""
        outcomes = self._write(changes)
        # What failed may have needed what came after it (a manager who is added later): once more, if anything went well.
        failed = [index for index, outcome in enumerate(outcomes) if outcome.error_type == "constraint-violation"]
        if failed and len(failed) < len(changes):
            again = self._write([changes[index] for index in failed])
            for index, outcome in zip(failed, again, strict=True):
                outcomes[index] = outcome
        return outcomes

    def close(self) -> None:
        """Do nothing: every batch is visible already."""

    def abandon(self) -> None:
        """Do nothing: every batch is visible already."""

    def _write(self, changes: Sequence[Change]) -> list[ChangeOutcome]:
        try:
            with self._engine.begin() as connection:
                return Batch(connection, self._source, self._partition).apply(changes)
        except SQLAlchemyError as error:
            if self._failures.ends_run(error):
                raise self._failures.run_error(error, started=True) from None
            if len(changes) == 1:
                return [self._failures.outcome(error)]
        half = len(changes) // 2
        return self._write(changes[:half]) + self._write(changes[half:])
