"""What a step has done so far, and the result that becomes of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from autosync.syncengine.results import (
    DiscoveryError,
    ExportCounters,
    InboundCounters,
    ObjectError,
    OutboundCounters,
    StagingCounters,
    StepResult,
)
from autosync.syncengine.steps import Step

SHOWN_ERRORS = 1000
"""How many errors of each kind a result carries; all of them are counted, and the store keeps the newest of each object."""

ERROR_LIMIT = 5000
"""After this many object errors a step stops, as Microsoft's engine does."""


class Stopped(Exception):
    """The run must end now; ``status`` is Microsoft's ``stopped-…`` or ``no-start-…``."""

    def __init__(self, status: str, message: str = "") -> None:
        super().__init__(message or status)
        self.status = status
        self.message = message


@dataclass(slots=True)
class StepReport:
    """Counts while a step runs."""

    step: Step
    started: datetime
    staging: StagingCounters = field(default_factory=StagingCounters)
    inbound: InboundCounters = field(default_factory=InboundCounters)
    outbound: dict[str, OutboundCounters] = field(default_factory=dict)
    export: ExportCounters = field(default_factory=ExportCounters)
    discovery_errors: list[DiscoveryError] = field(default_factory=list)
    sync_errors: list[ObjectError] = field(default_factory=list)
    export_errors: list[ObjectError] = field(default_factory=list)
    discovery_count: int = 0
    warning_count: int = 0
    sync_count: int = 0
    export_count: int = 0
    deletions_skipped: bool = False
    nothing_there: bool = False
    message: str = ""
    done: int = 0
    total: int | None = None
    on_progress: Callable[[int, int | None], None] | None = None

    def discovery_error(self, error: DiscoveryError) -> None:
        """Note an object that could not be read."""
        self.discovery_count += 1
        if len(self.discovery_errors) < SHOWN_ERRORS:
            self.discovery_errors.append(error)
        self._limit(self.discovery_count)

    def warning(self, error: ObjectError) -> None:
        """Note an export that the connected system did not keep."""
        self.warning_count += 1
        if len(self.sync_errors) < SHOWN_ERRORS:
            self.sync_errors.append(error)
        self._limit(self.warning_count)

    def sync_error(self, error: ObjectError) -> None:
        """Note an object that could not be synchronized."""
        self.sync_count += 1
        if len(self.sync_errors) < SHOWN_ERRORS:
            self.sync_errors.append(error)
        self._limit(self.sync_count)

    def export_error(self, error: ObjectError) -> None:
        """Note an object that the connected system refused."""
        self.export_count += 1
        if len(self.export_errors) < SHOWN_ERRORS:
            self.export_errors.append(error)
        self._limit(self.export_count)

    def advance(self, objects: int) -> None:
        """Note that some more objects are done, and tell whoever wants to know."""
        self.done += objects
        if self.on_progress is not None:
            self.on_progress(self.done, self.total)

    def target(self, agent: str) -> OutboundCounters:
        """Return the outbound counters of a target."""
        return self.outbound.setdefault(agent, OutboundCounters())

    def completed_status(self) -> str:
        """Return how a step ended that came to its end."""
        if self.discovery_count or self.deletions_skipped:
            return "completed-discovery-errors"
        if self.sync_count:
            return "completed-sync-errors"
        if self.export_count:
            return "completed-export-errors"
        if self.warning_count:
            return "completed-warnings"
        return "completed-no-objects" if self.nothing_there else "success"

    def result(self, status: str, ended: datetime | None) -> StepResult:
        """Return what the step did."""
        total = f"/{self.total}" if self.total is not None else ""
        return StepResult(
            kind=self.step.kind,
            partition=self.step.partition,
            status=status,
            started=self.started,
            ended=ended,
            staging=self.staging,
            inbound=self.inbound,
            outbound=dict(self.outbound),
            export=self.export,
            discovery_errors=tuple(self.discovery_errors),
            sync_errors=tuple(self.sync_errors),
            export_errors=tuple(self.export_errors),
            error_count=self.discovery_count + self.warning_count + self.sync_count + self.export_count,
            deletions_skipped=self.deletions_skipped,
            message=self.message,
            progress=f"{self.done}{total}",
        )

    @staticmethod
    def _limit(count: int) -> None:
        if count >= ERROR_LIMIT:
            raise Stopped("stopped-error-limit", f"{ERROR_LIMIT} objects failed")
