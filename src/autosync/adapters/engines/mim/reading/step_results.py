"""One step of a run: from ``step-details``, or from the pieces that ADSync hands out instead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from autosync.adapters.engines.mim.reading import statuses
from autosync.adapters.engines.mim.reading.counters import Block, block, changes, outbound_changes
from autosync.adapters.engines.mim.reading.doubts import Doubts
from autosync.adapters.engines.mim.reading.object_errors import UNREAD, object_errors
from autosync.adapters.engines.mim.reading.partitions import PartitionIndex
from autosync.adapters.engines.mim.reading.steps import step_kind
from autosync.adapters.engines.mim.reading.values import guid, moment
from autosync.model.counts import StepResult
from autosync.model.ids import AgentId, EngineName, PartitionName, agent_id
from autosync.untrusted_xml import Choice, Node, rooted, subtrees

_SHOWN_BLOCKS = ("staging-counters", "inbound-flow-counters", "export-counters", "ma-discovery-counters")
_ALWAYS_WRITTEN = _SHOWN_BLOCKS[:3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the reading of one agent's steps may ask, and where it tells what it did not understand."""

    engine: EngineName
    partitions: PartitionIndex | None = None
    agents: Mapping[str, str] = field(default_factory=dict)
    """Names by id."""
    doubts: Doubts


def step_result(node: Node, context: Context) -> StepResult:
    """Return what a step did."""
    doubts = context.doubts
    described = node.at("step-description") or node
    kind = step_kind(described, doubts)
    blocks = {name: block(node.all(name), doubts) for name in _SHOWN_BLOCKS}
    outbound, shown = _outbound(node, context, is_complete=any(blocks[name] for name in _ALWAYS_WRITTEN))
    errors = object_errors(node)
    export = blocks["export-counters"]
    status = _status(node, doubts)
    return StepResult(
        kind=kind,
        partition=_partition(described, context),
        status=status,
        started=_moment(node, "start-date", doubts),
        ended=_moment(node, "end-date", doubts),
        staged=changes(blocks["staging-counters"], "stage", doubts),
        exported=changes(export, "export", doubts),
        export_failures=export.numbers.get("export-failure", 0) if export is not None else None,
        outbound=outbound if kind.syncs else outbound or None,
        counters=_all_counters(blocks, shown),
        errors=errors.first,
        error_count=errors.count,
        discovery_errors=errors.discovery > 0 or status == "completed-discovery-errors",
    )


def step_of_pieces(
    pieces: Iterable[str], fields: Mapping[str, str], numbers: Mapping[str, int], context: Context
) -> StepResult:
    """Return what a step did, from ADSync's pieces of XML, which have no root or one of their own. Raises ``XmlRefused``.

    ``fields`` are ``step-result``, ``start-date`` and ``end-date`` where known; ``numbers`` the counters by the engine's
    names or by ADSync's (``StageAdd``). Empty pieces are none.
    """
    written = [piece for piece in pieces if piece.strip()]
    node = next(subtrees(rooted(written, "step-details"), lambda _: Choice.KEEP, dropped=UNREAD))
    given = [Node(name, {}, text) for name, text in fields.items()]
    blocks: dict[str, Node] = {}
    for name, number in numbers.items():
        word = _engine_word(name)
        holder = _holder(word)
        blocks.setdefault(holder, Node(holder, {})).children.append(Node(word, {}, str(number)))
    present = {child.name for child in node.children}
    added = [each for name, each in blocks.items() if name not in present]
    return step_result(Node(node.name, {}, "", [*given, *node.children, *added]), context)


def _engine_word(name: str) -> str:
    """Return ``stage-delete-add`` for ``StageDeleteAdd``."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("-")


def _holder(counter: str) -> str:
    prefix = counter.partition("-")[0]
    return {"stage": "staging-counters", "export": "export-counters"}.get(prefix, "inbound-flow-counters")


def _status(node: Node, doubts: Doubts) -> str:
    """Return the step's status; a step without one and without an end goes on."""
    status = node.words("step-result")
    if not status and not node.words("end-date"):
        return statuses.GOING_ON
    if not statuses.is_known(status):
        doubts.tell(f"unknown status {status}" if status else "a step that ended has no status")
    return status or "unknown"


def _partition(described: Node, context: Context) -> PartitionName:
    """Return the partition's name. The history has names, or display names where an administrator gave them."""
    word = described.words("partition")
    if context.partitions is None:
        return PartitionName(word or "default")
    found = context.partitions.find(word) if word else None
    if found is not None:
        return found.name
    if not word and len(context.partitions.selected) == 1:
        return context.partitions.selected[0].name
    context.doubts.tell(f"the partition {word or 'without a name'} of a step is none of the agent's")
    return PartitionName(word or "default")


def _moment(node: Node, name: str, doubts: Doubts) -> datetime | None:
    text = node.words(name)
    found = moment(text)
    if text and found is None:
        doubts.tell(f"{name}: {text} is no time")
    return found


def _outbound(
    node: Node, context: Context, *, is_complete: bool
) -> tuple[Mapping[AgentId, int] | None, dict[str, int]]:
    """Return outbound changes per target, and every counter under ``target: name``.

    No block means no outbound changes only where the engine wrote its other counters; otherwise nobody knows. A block
    whose target has no name makes all of it unknown, so that every agent is looked at.
    """
    changed: dict[AgentId, int] = {}
    shown: dict[str, int] = {}
    is_unnamed = False
    for each in node.all("outbound-flow-counters"):
        found = block([each], context.doubts)
        assert found is not None
        target = each.attributes.get("ma", "").strip() or context.agents.get(guid(each.attributes.get("ma-id", "")), "")
        count = outbound_changes(found, context.doubts)
        for name, number in found.shown.items():
            key = f"{target or 'unnamed agent'}: {name}"
            shown[key] = shown.get(key, 0) + number
        if target:
            agent = agent_id(context.engine, target)
            changed[agent] = changed.get(agent, 0) + count
        else:
            is_unnamed = True
            context.doubts.tell("a block of outbound flow names no agent: every agent's pending exports are looked at")
    return (changed if (changed or is_complete) and not is_unnamed else None), shown


def _all_counters(blocks: Mapping[str, Block | None], outbound: Mapping[str, int]) -> dict[str, int]:
    shown: dict[str, int] = {}
    for found in blocks.values():
        if found is not None:
            shown.update(found.shown)
    return {**shown, **outbound}
