"""What a synchronization would do to one object, computed by the very code that would do it, and never written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from autosync.syncengine.errors import FlowError
from autosync.syncengine.results import ObjectError
from autosync.syncengine.running.context import RunContext
from autosync.syncengine.running.escrow import unpack
from autosync.syncengine.running.many_references import ManyReferences
from autosync.syncengine.running.sync_batch import BatchOutcome, SyncBatch
from autosync.syncengine.running.units import Unit, UnitFailed
from autosync.syncengine.store.codec import decode
from autosync.syncengine.store.rows import DELETE, CsRow, Staged

_SAMPLE: Final = 10
"""Values of a multi-valued reference that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one connector says about an attribute; a reference is a metaverse id."""

    agent: str
    dn: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """One metaverse attribute: before, after, who wins, and who would have said something else."""

    attribute: str
    before: Any
    after: Any
    winner: Contribution | None
    losers: tuple[Contribution, ...] = ()

    @property
    def changes(self) -> bool:
        """Return whether the attribute gets another value."""
        return bool(self.before != self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencesPreview:
    """One multi-valued reference of a target's object: how many values come and go, and the names of the first few."""

    attribute: str
    added: int
    removed: int
    first_added: tuple[str, ...] = ()
    first_removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPreview:
    """What happens to one object of a target.

    ``does`` is ``add``, ``update``, ``rename``, ``delete``, ``disconnect``, ``join``, ``wait`` (for its
    deprovisioning) or ``nothing``. ``changes`` are (attribute, before, after); None for no value.
    """

    agent: str
    dn: str
    does: str
    new_dn: str | None = None
    changes: tuple[tuple[str, Any, Any], ...] = ()
    references: tuple[ReferencesPreview, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a synchronization would do. It holds values: show it only to people who may see them.

    ``connects`` is ``projected``, ``joined``, ``connector``, ``filtered``, ``deleted``, ``delete-add`` or ``remains``
    (a disconnector). Multi-valued references show who has been synchronized: members that are staged themselves come later.
    """

    agent: str
    anchor: str | None
    dn: str
    staged: str
    connects: str
    metaverse_id: int | None = None
    metaverse_type: str | None = None
    metaverse_deleted: bool = False
    imports: tuple[ImportPreview, ...] = ()
    targets: tuple[TargetPreview, ...] = ()
    error: ObjectError | None = None
    notes: tuple[str, ...] = field(default=())


def preview_object(context: RunContext, row: CsRow) -> Preview:
    """Return what a synchronization would do to ``row``."""
    staged, anchor, dn = Staged(row.staged).word, row.anchor, row.dn
    batch = SyncBatch(context, [row], full=True)
    outcome = batch.compute()
    how = outcome.connected.how.get(row.id) or "remains"
    unit = next(iter(outcome.units.values()), None)
    error = outcome.failures.get(row.id) or (next(iter(outcome.failures.values()), None) if outcome.again else None)
    if unit is None or error is not None:
        return Preview(
            agent=context.agent.name, anchor=anchor, dn=dn, staged=staged, connects=how,
            error=None if error is None else _object_error(error, dn),
        )  # fmt: skip
    return Preview(
        agent=context.agent.name,
        anchor=anchor,
        dn=dn,
        staged=staged,
        connects=how,
        metaverse_id=unit.mv,
        metaverse_type=unit.type.name,
        metaverse_deleted=unit.deleted,
        imports=tuple(_imports(context, batch, unit)),
        targets=tuple(_targets(context, outcome, unit, _references(context, outcome, unit))),
    )


def _imports(context: RunContext, batch: SyncBatch, unit: Unit) -> list[ImportPreview]:
    if unit.gone:
        return []
    try:
        contributions = list(reversed(batch.inbound_flow.contributions(unit)))
    except UnitFailed:  # it flowed a moment ago: only a function of the rules with moods gets here
        return []
    found = []
    for name in sorted(unit.old.keys() | unit.values.keys()):
        after = unit.values.get(name)
        said = [
            Contribution(agent=context.plan.agents[row.agent].name, dn=row.dn, value=values[name])
            for row, values in contributions
            if values.get(name) is not None
        ]
        winner = next((each for each in said if each.value == after), None)
        found.append(
            ImportPreview(
                attribute=name,
                before=unit.old.get(name),
                after=after,
                winner=winner,
                losers=tuple(each for each in said if each is not winner),
            )
        )
    return found


def _references(context: RunContext, outcome: BatchOutcome, unit: Unit) -> dict[int, list[ReferencesPreview]]:
    """Return what would change in multi-valued references, by connector; works on the batch as the second part would."""
    if unit.gone or not unit.type.multiple_references:
        return {}
    unit.all_references = True
    found: dict[int, list[ReferencesPreview]] = {}
    for target in ManyReferences(context.store, context.plan, outcome.batch).look_at([unit], outcome.outbound):
        waits = [ref for ref in target.waiting.values() if not ref[5]]
        coming = sorted(ref[3] for ref in waits if not ref[2] and isinstance(ref[3], int))
        going = sorted(str(ref[3]) for ref in waits if ref[2])
        if not coming and not going:
            continue
        names = context.store.names(coming[:_SAMPLE]).values()
        first = [dn if target.agent.by_dn or anchor is None else anchor for _, anchor, dn, _ in names]
        found.setdefault(target.row.id, []).append(
            ReferencesPreview(
                attribute=target.flow.target,
                added=len(coming),
                removed=len(going),
                first_added=tuple(sorted(first)),
                first_removed=tuple(going[:_SAMPLE]),
            )
        )
    return found


def _targets(
    context: RunContext, outcome: BatchOutcome, unit: Unit, references: Mapping[int, list[ReferencesPreview]]
) -> list[TargetPreview]:
    touched = {row.id for row in (*outcome.batch.cs_pending, *outcome.batch.cs_new)}
    gone = set(outcome.batch.cs_gone)
    found = []
    for row in (*unit.rows, *unit.lost):
        agent = context.plan.agents.get(row.agent)
        if agent is None or unit.type.name not in agent.outbound:
            continue
        export, shown = unpack(row.export), decode(row.blob)
        names = {number: name for number, _, name, _ in context.store.names(list(export.references.values())).values()}
        changes = [(name, shown.get(name), None if value == [] else value) for name, value in export.attributes.items()]
        changes += [(name, shown.get(name), names.get(number)) for name, number in export.references.items()]
        changes += [(name, None, "(initial value)") for name in export.initial]
        found.append(
            TargetPreview(
                agent=agent.name,
                dn=row.dn,
                does=_does(row, unit, touched, gone),
                new_dn=export.dn,
                changes=tuple(sorted(changes, key=lambda change: change[0])),
                references=tuple(references.get(row.id, ())),
            )
        )
    return found


def _does(row: CsRow, unit: Unit, touched: set[int], gone: set[int]) -> str:
    if row.id in unit.frozen and row in unit.rows:
        return "wait" if row.id not in touched else Staged(row.pending).word
    if row in unit.lost:
        return "delete" if row.pending == DELETE or row.id in gone else "disconnect"
    if row.pending:
        return Staged(row.pending).word
    return "nothing" if row.id not in touched else "join"


def _object_error(error: FlowError, dn: str) -> ObjectError:
    return ObjectError(error_type=error.error_type, dn=dn, message=str(error), algorithm_step=error.algorithm_step)
