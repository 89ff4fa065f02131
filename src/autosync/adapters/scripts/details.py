"""A run that ended, as scripts read it: in the predecessor's words for PowerShell, in AutoSync's own for Python."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from autosync.adapters.scripts.script import Shape
from autosync.model.counts import Counts, ObjectError, StepResult
from autosync.model.ids import name_of
from autosync.model.steps import StepKind
from autosync.ports.scripts import EndedRun

RUN_DETAILS: Final = "Lithnet.Miiserver.Client.RunDetails"

_STEP_TYPES: Final = {
    StepKind.FULL_IMPORT: "FullImport",
    StepKind.DELTA_IMPORT: "DeltaImport",
    StepKind.FULL_SYNC: "FullSynchronization",
    StepKind.DELTA_SYNC: "DeltaSynchronization",
    StepKind.EXPORT: "Export",
    StepKind.FULL_IMPORT_DELTA_SYNC: "FullImportDeltaSynchronization",
    StepKind.FULL_IMPORT_FULL_SYNC: "FullImportFullSynchronization",
    StepKind.DELTA_IMPORT_DELTA_SYNC: "DeltaImportDeltaSynchronization",
    StepKind.UNKNOWN: "Unknown",
}
_OWN_NAMES: Final = {
    "disconnector-remains": "DisconnectedRemains",
    "connector-filtered-leave-mv": "ConnectedFilteredLeaveMV",
    "provisioned-rename-flow": "ProvisionRenameFlow",
}
"""Counters that the predecessor names differently than the engine does."""


def run_details(run: EndedRun) -> Shape:
    """Return what ``ExecutionComplete`` reads. Steps as in the engine's history: the one that ran last comes first."""
    result = run.result
    steps = [_step(number, step) for number, step in enumerate(result.steps, start=1)]
    return Shape(
        type=RUN_DETAILS,
        value={
            "MAName": name_of(run.agent.id),
            "RunNumber": int(result.handle) if result.handle.isdecimal() else 0,
            "RunProfileName": run.profile,
            "SecurityID": "",
            "Status": result.status,
            "Message": result.message,
            "Managed": run.managed,
            "LastStepStatus": result.steps[-1].status if result.steps else None,
            "StartTime": _moment(result.started),
            "EndTime": _moment(result.ended),
            "StepDetails": list(reversed(steps)),
        },
    )


def own_details(run: EndedRun) -> Shape:
    """Return what ``execution_complete`` reads, steps in the order in which they ran."""
    result = run.result
    return Shape(
        type="",
        value={
            "agent": run.agent.id,
            "profile": run.profile,
            "status": result.status,
            "handle": result.handle,
            "message": result.message,
            "managed": run.managed,
            "started": _moment(result.started),
            "ended": _moment(result.ended),
            "steps": [_own_step(step) for step in result.steps],
        },
    )


def _step(number: int, step: StepResult) -> Mapping[str, object]:
    return {
        "StepNumber": number,
        "StepResult": step.status,
        "StartDate": _moment(step.started),
        "EndDate": _moment(step.ended),
        "StepDefinition": {"Type": _STEP_TYPES[step.kind], "Partition": step.partition},
        "StagingCounters": _block(step, "stage", step.staged),
        "ExportCounters": _export(step),
        "InboundFlowCounters": _inbound(step),
        "OutboundFlowCounters": list(_outbound(step)),
        "MADiscoveryErrors": [
            {"ErrorType": each.error_type, "DN": each.dn, "LineNumber": each.line or 0, "Message": each.message}
            for each in step.errors
            if each.stage == "discovery"
        ],
        "SynchronizationErrors": {
            "ImportErrors": _errors(each for each in step.errors if each.stage == "sync"),
            "ExportErrors": _errors(each for each in step.errors if each.stage == "export"),
        },
    }


def _block(step: StepResult, prefix: str, counts: Counts | None) -> dict[str, int] | None:
    """Return the counters ``stage-…`` or ``export-…``: the engine's own where it gave them, else what was counted."""
    counted = {} if counts is None else _by_kind(prefix, counts)
    named = {name: number for name, number in step.counters.items() if name.startswith(f"{prefix}-")}
    both = {**counted, **named}
    return {_member(name): number for name, number in both.items()} or None


def _by_kind(prefix: str, counts: Counts) -> dict[str, int]:
    return {
        f"{prefix}-add": counts.adds,
        f"{prefix}-update": counts.updates,
        f"{prefix}-rename": counts.renames,
        f"{prefix}-delete": counts.deletes,
        f"{prefix}-delete-add": counts.delete_adds,
    }


def _export(step: StepResult) -> dict[str, int] | None:
    found = _block(step, "export", step.exported)
    return found if found is None or step.export_failures is None else {"ExportFailure": step.export_failures, **found}


def _inbound(step: StepResult) -> dict[str, int] | None:
    if not step.kind.syncs:
        return None
    return {
        _member(name): number
        for name, number in step.counters.items()
        if ":" not in name and not name.startswith(("stage-", "export-"))
    }


def _outbound(step: StepResult) -> Iterator[Mapping[str, object]]:
    """Yield a block for each target that got something."""
    blocks: dict[str, dict[str, int]] = {name_of(agent): {} for agent in step.outbound or {}}
    for name, number in step.counters.items():
        target, colon, counter = name.rpartition(": ")
        if colon:
            blocks.setdefault(target, {})[_member(counter)] = number
    changes = {name_of(agent): count for agent, count in (step.outbound or {}).items()}
    for target, counters in blocks.items():
        own = sum(number for name, number in counters.items() if name != "ConnectorNoFlow")
        yield {"ManagementAgent": target, **counters, "OutboundFlowChanges": changes.get(target, own)}


def _errors(errors: Iterable[ObjectError]) -> list[Mapping[str, object]]:
    return [
        {"ErrorType": each.error_type, "DN": each.dn, "RetryCount": each.retry_count, "Message": each.message}
        for each in errors
    ]


def _own_step(step: StepResult) -> Mapping[str, object]:
    return {
        "kind": step.kind,
        "partition": step.partition,
        "status": step.status,
        "started": _moment(step.started),
        "ended": _moment(step.ended),
        "staged": _own_counts(step.staged),
        "exported": _own_counts(step.exported),
        "export_failures": step.export_failures,
        # Not as names of attributes: agents and counters may be called anything.
        "outbound": [{"agent": agent, "changes": count} for agent, count in (step.outbound or {}).items()],
        "counters": [{"name": name, "count": count} for name, count in step.counters.items()],
        "errors": [
            {"stage": each.stage, "error_type": each.error_type, "dn": each.dn, "message": each.message}
            for each in step.errors
        ],
        "error_count": step.error_count,
    }


def _own_counts(counts: Counts | None) -> Mapping[str, int] | None:
    if counts is None:
        return None
    return {
        "adds": counts.adds,
        "updates": counts.updates,
        "renames": counts.renames,
        "deletes": counts.deletes,
        "delete_adds": counts.delete_adds,
        "total": counts.total,
    }


def _member(counter: str) -> str:
    """Return ``StageDeleteAdd`` for ``stage-delete-add``."""
    return _OWN_NAMES.get(counter) or "".join(
        "MV" if word == "mv" else word.capitalize() for word in counter.split("-")
    )


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
