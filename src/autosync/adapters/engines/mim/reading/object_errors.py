"""The objects that a step could not read, synchronize or export. Attribute values are never taken over.

What an extension said (its call stack) and what a directory detailed may repeat values; the error's type, its code and the
literal that belongs to the code do not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from autosync.adapters.engines.mim.reading.values import whole
from autosync.model.counts import ObjectError
from autosync.untrusted_xml import Node

MOST: Final = 100
_LONGEST: Final = 300

UNREAD: Final = frozenset({"change-not-reimported", "call-stack", "anchor", "value", "entry", "delta", "filter-hints"})
"""Elements that hold attribute values, or may: not even built."""

_STAGES: Final[Mapping[str, tuple[str, str]]] = {
    "ma-object-error": ("ma-discovery-errors", "discovery"),
    "import-error": ("synchronization-errors", "sync"),
    "export-error": ("synchronization-errors", "export"),
    "retry-error": ("mv-retry-errors", "sync"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectErrors:
    """The first errors of a step, and how many there are."""

    first: tuple[ObjectError, ...]
    count: int
    discovery: int
    """How many of them are objects that could not be read."""


def object_errors(step: Node) -> ObjectErrors:
    """Return the errors of a step, whatever element of it they stand in."""
    first: list[ObjectError] = []
    count = discovery = 0
    for node, stage in _found(step):
        count += 1
        discovery += stage == "discovery"
        if len(first) < MOST:
            first.append(_error(node, stage))
    return ObjectErrors(first=tuple(first), count=count, discovery=discovery)


def coded(node: Node | None) -> str:
    """Return what a ``cd-error`` says without values: ``Replication access was denied. (8453)``."""
    if node is None:
        return ""
    literal, code = " ".join(node.words("error-literal").split()), node.words("error-code")
    return _cut(f"{literal} ({code})" if literal and code else literal or code)


def _found(step: Node) -> Iterator[tuple[Node, str]]:
    for name, (container, stage) in _STAGES.items():
        for holder in (step, *step.all(container)):
            for node in holder.all(name):
                yield node, stage


def _error(node: Node, stage: str) -> ObjectError:
    names = (node.attributes.get(name, "") for name in ("dn", "display-name", "displayName"))
    return ObjectError(
        stage=stage,
        error_type=_cut(node.words("error-type") or "unknown"),
        dn=next((name for name in names if name), "") or node.words("dn"),
        message=_cut("; ".join(part for part in _parts(node) if part)),
        line=whole(node.words("line-number")),
        retry_count=whole(node.words("retry-count")) or 0,
    )


def _parts(node: Node) -> Iterator[str]:
    yield coded(node.at("cd-error"))
    if step := node.words("algorithm-step"):
        yield f"at {step}"
    if attribute := node.words("attribute-name"):
        yield f"attribute {attribute}"
    mapping = node.at("rules-error-info", "context", "attribute-mapping")
    if mapping is not None and (target := mapping.attributes.get("dest-attr")):
        yield f"flow to {target}"
    extension = node.at("extension-error-info")
    if extension is not None:
        named = [extension.words(name) for name in ("extension-name", "extension-callsite", "extension-context")]
        yield "extension " + " ".join(name for name in named if name)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
