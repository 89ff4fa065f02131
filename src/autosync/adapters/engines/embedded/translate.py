"""From the embedded engine's words to AutoSync's."""

from collections.abc import Mapping
from dataclasses import asdict

from autosync.model.agents import Agent, Pending, PendingSet, Sighting
from autosync.model.counts import Counts, ObjectError, RunResult, StepResult
from autosync.model.ids import EngineName, PartitionName, ProfileName, agent_id
from autosync.model.steps import Profile, Step, StepKind
from autosync.syncengine import results as engine_results
from autosync.syncengine.inspection import AgentDescription, Fingerprint, PartitionPending, PendingChange, PendingCounts

_SHOWN_ERRORS = 100


def agent(engine: EngineName, found: AgentDescription) -> Agent:
    """Return an agent as AutoSync knows agents."""
    profiles = {
        ProfileName(profile.name): Profile(
            name=ProfileName(profile.name),
            steps=tuple(
                Step(kind=StepKind(step.kind.value), partition=PartitionName(step.partition)) for step in profile.steps
            ),
        )
        for profile in found.profiles
    }
    return Agent(
        id=agent_id(engine, found.name),
        category=found.kind,
        partitions=tuple(map(PartitionName, found.partitions)),
        profiles=profiles,
    )


def handle_of(run: engine_results.RunResult) -> str:
    """Return the handle of a run: the label that its start gave it, or its number where somebody else started it."""
    return run.run_id or str(run.run_number)


def sighting(engine: EngineName, run: engine_results.RunResult) -> Sighting:
    """Return an agent's newest run."""
    return Sighting(
        agent=agent_id(engine, run.agent),
        handle=handle_of(run),
        profile=ProfileName(run.profile),
        running=run.ended is None,
        started=run.started,
        label=run.run_id.partition("@")[0],
    )


def run_result(engine: EngineName, run: engine_results.RunResult) -> RunResult:
    """Return what a run did."""
    steps = tuple(_step(engine, step) for step in run.steps)
    messages = [run.message, *(step.message for step in run.steps)]
    return RunResult(
        handle=handle_of(run),
        status=run.status,
        steps=steps,
        started=run.started,
        ended=run.ended,
        message="; ".join(dict.fromkeys(filter(None, messages))),
    )


def pending(
    engine: EngineName,
    name: str,
    found: Mapping[str, PartitionPending],
    fingerprints: tuple[Mapping[str, Fingerprint], Mapping[str, Fingerprint]],
    sample: list[PendingChange],
) -> Pending:
    """Return what waits on an agent; ``fingerprints`` of imports and of exports."""
    sets: list[dict[PartitionName, PendingSet]] = []
    for direction, prints in zip(("import", "export"), fingerprints, strict=True):
        sets.append(
            {
                PartitionName(partition): PendingSet(
                    counts=_counts(waiting.imports if direction == "import" else waiting.exports),
                    fingerprint=prints[partition].digest if partition in prints else "",
                    sample=tuple(
                        f"{each.kind} {each.dn}"
                        for each in sample
                        if each.direction == direction and each.partition == partition
                    ),
                )
                for partition, waiting in found.items()
                if (waiting.imports if direction == "import" else waiting.exports).total
            }
        )
    return Pending(
        agent=agent_id(engine, name),
        imports=sets[0],
        exports=sets[1],
        population={PartitionName(partition): waiting.objects for partition, waiting in found.items()},
    )


def _counts(found: PendingCounts) -> Counts:
    return Counts(
        adds=found.adds,
        updates=found.updates,
        renames=found.renames,
        deletes=found.deletes,
        delete_adds=found.delete_adds,
    )


def _step(engine: EngineName, step: engine_results.StepResult) -> StepResult:
    kind = StepKind(step.kind.value)
    staging, export = step.staging, step.export
    staged = Counts(
        adds=staging.stage_add,
        updates=staging.stage_update,
        renames=staging.stage_rename,
        deletes=staging.stage_delete,
        delete_adds=staging.stage_delete_add,
    )
    exported = Counts(
        adds=export.export_add,
        updates=export.export_update,
        renames=export.export_rename,
        deletes=export.export_delete,
        delete_adds=export.export_delete_add,
    )
    return StepResult(
        kind=kind,
        partition=PartitionName(step.partition),
        status=step.status,
        started=step.started,
        ended=step.ended,
        staged=staged if kind.imports else None,
        exported=exported if kind.exports else None,
        export_failures=export.export_failure if kind.exports else None,
        outbound={agent_id(engine, target): block.changes for target, block in step.outbound.items()},
        counters=_counters(step),
        errors=_errors(step),
        error_count=step.error_count,
        discovery_errors=step.deletions_skipped or bool(step.discovery_errors),
    )


def _counters(step: engine_results.StepResult) -> dict[str, int]:
    """Return every counter above 0 by Microsoft's element name; outbound ones as ``target: name``."""
    found: dict[str, int] = {}
    for block in (step.staging, step.inbound, step.export):
        found.update({name.replace("_", "-"): value for name, value in asdict(block).items() if value})
    for target, outbound in step.outbound.items():
        found.update(
            {f"{target}: {name.replace('_', '-')}": value for name, value in asdict(outbound).items() if value}
        )
    return found


def _errors(step: engine_results.StepResult) -> tuple[ObjectError, ...]:
    discovery = [
        ObjectError(
            stage="discovery", error_type=each.error_type, dn=each.anchor or "", message=each.message, line=each.line
        )
        for each in step.discovery_errors
    ]
    others = [
        ObjectError(
            stage=stage, error_type=each.error_type, dn=each.dn, message=each.message, retry_count=each.retry_count
        )
        for stage, errors in (("sync", step.sync_errors), ("export", step.export_errors))
        for each in errors
    ]
    return tuple([*discovery, *others][:_SHOWN_ERRORS])
