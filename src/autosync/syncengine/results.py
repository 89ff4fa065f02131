"""What a run did, with the counters of Microsoft's run history: their element names, underscores for hyphens.

The statuses are Microsoft's strings: ``success``, ``completed-…``, ``no-start-…``, ``stopped-…``, ``in-progress``.
Nothing here holds an attribute value, so that a result may be logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from autosync.syncengine.steps import StepKind


@dataclass(slots=True, kw_only=True)
class StagingCounters:
    """What an import staged (``staging-counters``)."""

    stage_no_change: int = 0
    stage_add: int = 0
    stage_update: int = 0
    stage_rename: int = 0
    stage_delete: int = 0
    stage_delete_add: int = 0
    stage_failure: int = 0

    @property
    def changes(self) -> int:
        """Return how many changes wait for a synchronization because of this import."""
        return self.stage_add + self.stage_update + self.stage_rename + self.stage_delete + self.stage_delete_add


@dataclass(slots=True, kw_only=True)
class InboundCounters:
    """What a synchronization did with the agent's own objects (``inbound-flow-counters``)."""

    disconnector_filtered: int = 0
    disconnector_joined_no_flow: int = 0
    disconnector_joined_flow: int = 0
    disconnector_joined_remove_mv: int = 0
    disconnector_projected_no_flow: int = 0
    disconnector_projected_flow: int = 0
    disconnector_projected_remove_mv: int = 0
    disconnector_remains: int = 0
    connector_filtered_remove_mv: int = 0
    connector_filtered_leave_mv: int = 0
    connector_flow: int = 0
    connector_flow_remove_mv: int = 0
    connector_no_flow: int = 0
    connector_delete_remove_mv: int = 0
    connector_delete_leave_mv: int = 0
    connector_delete_add_processed: int = 0
    flow_failure: int = 0


@dataclass(slots=True, kw_only=True)
class OutboundCounters:
    """What a synchronization did to one target agent (``outbound-flow-counters``)."""

    provisioned_add_no_flow: int = 0
    provisioned_add_flow: int = 0
    provisioned_rename_no_flow: int = 0
    provisioned_rename_flow: int = 0
    provisioned_disconnect: int = 0
    connector_flow: int = 0
    connector_no_flow: int = 0
    provisioned_delete_add_no_flow: int = 0
    provisioned_delete_add_flow: int = 0

    @property
    def changes(self) -> int:
        """Return everything but ``connector_no_flow``: above 0 the target may have something to export."""
        return (
            self.provisioned_add_no_flow
            + self.provisioned_add_flow
            + self.provisioned_rename_no_flow
            + self.provisioned_rename_flow
            + self.provisioned_disconnect
            + self.connector_flow
            + self.provisioned_delete_add_no_flow
            + self.provisioned_delete_add_flow
        )


@dataclass(slots=True, kw_only=True)
class ExportCounters:
    """What an export wrote (``export-counters``)."""

    export_add: int = 0
    export_update: int = 0
    export_rename: int = 0
    export_delete: int = 0
    export_delete_add: int = 0
    export_failure: int = 0

    @property
    def changes(self) -> int:
        """Return how many objects the connected system accepted."""
        return self.export_add + self.export_update + self.export_rename + self.export_delete + self.export_delete_add


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryError:
    """An object that an import could not read (``ma-discovery-errors``)."""

    error_type: str
    message: str = ""
    line: int | None = None
    anchor: str | None = None
    attribute: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectError:
    """An object that a synchronization or an export could not carry (``import-error``, ``export-error``).

    The message names rules and attributes, never values.
    """

    error_type: str
    dn: str
    message: str = ""
    algorithm_step: str = ""
    """Microsoft's words: ``connector-filter``, ``join``, ``projection``, ``import-flow``, ``provisioning``,
    ``deprovisioning``, ``export-flow``; empty for an export error."""
    first_occurred: datetime | None = None
    retry_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What one step did. ``outbound`` has a block only for targets that got something evaluated.

    The error lists hold the first errors of the step; ``error_count`` counts all of them.
    """

    kind: StepKind
    partition: str
    status: str
    started: datetime
    ended: datetime | None = None
    staging: StagingCounters = field(default_factory=StagingCounters)
    inbound: InboundCounters = field(default_factory=InboundCounters)
    outbound: Mapping[str, OutboundCounters] = field(default_factory=dict)
    export: ExportCounters = field(default_factory=ExportCounters)
    discovery_errors: tuple[DiscoveryError, ...] = ()
    sync_errors: tuple[ObjectError, ...] = ()
    export_errors: tuple[ObjectError, ...] = ()
    error_count: int = 0
    deletions_skipped: bool = False
    """Whether the reading had gaps, so that objects not seen were not taken for deleted."""
    message: str = ""
    """What a person should read beside the status: the connector's own sentence."""
    progress: str = ""
    """How far it came: ``x/y`` where the total is known, ``x`` otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What one run did, its steps in the order in which they ran. ``ended`` None means that it still runs.

    ``status`` is that of the first step that ended the run, or of the last step.
    ``run_id`` is the label that the caller gave the run; empty when it gave none.
    """

    run_number: int
    agent: str
    profile: str
    status: str
    started: datetime
    ended: datetime | None = None
    steps: tuple[StepResult, ...] = ()
    run_id: str = ""
    message: str = ""
