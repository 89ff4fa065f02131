"""What every step needs: the store, the rules, the agent's connector, the time, and whether to stop."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from autosync.syncengine.connectors.port import Connector
from autosync.syncengine.results import ObjectError
from autosync.syncengine.rules.plan import AgentPlan, Plan
from autosync.syncengine.running.report import Stopped
from autosync.syncengine.store.port import Store
from autosync.syncengine.store.rows import ErrorRow, WriteBatch

BATCH = 5000
"""Objects in a batch: measured against 1,000 and 25,000."""

TOGETHER = 10
"""Batches of an import or a synchronization in a commit: what a run repeats, at most, when the one before it died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """One run's surroundings."""

    store: Store
    plan: Plan
    agent: AgentPlan
    connector: Connector | None
    now: datetime
    should_stop: Callable[[], bool]
    reads_delta: bool = False
    """Whether the connector reads only changes in a delta import; else the whole is read and compared."""
    batch_size: int = BATCH
    together: int = TOGETHER

    def connected(self) -> Connector:
        """Return the agent's connector; raise ``Stopped`` where it has none."""
        if self.connector is None:
            raise Stopped("no-start-bad-ma-configuration", f"agent {self.agent.name} has no connector")
        return self.connector

    def check_stop(self) -> None:
        """Raise ``Stopped`` where somebody asked to stop; called between batches."""
        if self.should_stop():
            raise Stopped("stopped-user-termination-from-wmi-or-ui")

    def record(self, batch: WriteBatch, stage: str, errors: Iterable[ErrorRow]) -> list[ObjectError]:
        """Put errors into the batch with what the store knows of them already, and return them as reported."""
        fresh = {error.cs: error for error in errors}
        earlier = self.store.errors_of(list(fresh), stage)
        reported = []
        for cs, error in fresh.items():
            before = earlier.get(cs)
            again = before is not None and before.error_type == error.error_type
            first = before.first if before is not None and again else error.first
            retries = before.retries + 1 if before is not None and again else 0
            batch.errors_new.append(
                ErrorRow(
                    cs, stage, error.agent, error.dn, error.error_type, error.algorithm_step, error.message, first,
                    error.last, retries,
                )
            )  # fmt: skip
            reported.append(as_object_error(batch.errors_new[-1]))
        return reported

    def failure(self, cs: int, agent: int, dn: str, error: tuple[str, str, str]) -> ErrorRow:
        """Return an error record of now; ``error`` is (type, algorithm step, message)."""
        moment = self.now.isoformat()
        error_type, step, message = error
        return ErrorRow(cs, "", agent, dn, error_type, step, message, moment, moment)


def as_object_error(row: ErrorRow) -> ObjectError:
    """Return an error record as a result shows it."""
    return ObjectError(
        error_type=row.error_type,
        dn=row.dn,
        message=row.message,
        algorithm_step=row.algorithm_step,
        first_occurred=datetime.fromisoformat(row.first).astimezone(UTC),
        retry_count=row.retries,
    )
