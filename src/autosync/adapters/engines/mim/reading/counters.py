"""The counter blocks of a step: a missing counter of a present block is 0, of an absent block unknown.

Real servers write all staging, inbound and export counters, zeros included, for every type of step; blocks of outbound
flow only for agents that got something, and in them only what is not 0.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from autosync.adapters.engines.mim.reading.doubts import Doubts
from autosync.adapters.engines.mim.reading.values import whole
from autosync.model.counts import ChangeKind, Counts
from autosync.untrusted_xml import Node

_CHANGES: Final = {
    "add": ChangeKind.ADDS,
    "update": ChangeKind.UPDATES,
    "rename": ChangeKind.RENAMES,
    "delete": ChangeKind.DELETES,
    "delete-add": ChangeKind.DELETE_ADDS,
}
_BESIDE: Final = {"stage": frozenset({"no-change", "failure"}), "export": frozenset({"failure"})}
"""Counters of a block that count no change."""
_NO_FLOW: Final = "connector-no-flow"
_OUTBOUND: Final = frozenset(
    {
        "provisioned-add-no-flow",
        "provisioned-add-flow",
        "provisioned-rename-no-flow",
        "provisioned-rename-flow",
        "provisioned-disconnect",
        "provisioned-delete-add-no-flow",
        "provisioned-delete-add-flow",
        "connector-flow",
        _NO_FLOW,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of counters, by the engine's names. A number that is none is None."""

    numbers: Mapping[str, int | None]

    @property
    def shown(self) -> dict[str, int]:
        """Return the numbers that are numbers."""
        return {name: number for name, number in self.numbers.items() if number is not None}


def block(nodes: Iterable[Node], doubts: Doubts) -> Block | None:
    """Return the counters of a block; None where the block is absent. Of repeated counters the sum counts."""
    numbers: dict[str, int | None] = {}
    present = False
    for node in nodes:
        present = True
        for child in node.children:
            number = whole(child.text)
            if number is None:
                doubts.tell(f"the counter {child.name} is no number: taken as unknown")
            before = numbers.get(child.name, 0)
            numbers[child.name] = None if number is None or before is None else before + number
    return Block(numbers=numbers) if present else None


def changes(found: Block | None, prefix: str, doubts: Doubts) -> Counts | None:
    """Return the changes that a staging (``stage``) or export (``export``) block counts; None when that is unknown.

    A counter of a later version that is not 0 makes it unknown, so that it is looked at: it may be a change.
    """
    if found is None:
        return None
    counts = dict.fromkeys(ChangeKind, 0)
    unknown = False
    for name, number in found.numbers.items():
        word = name.removeprefix(f"{prefix}-")
        if word in _CHANGES and word != name and number is not None:
            counts[_CHANGES[word]] = number
        elif number is None or (number and word not in _BESIDE[prefix]):
            unknown = True
            if number is not None:
                doubts.tell(f"unknown counter {name} ({number}): the changes are taken as not counted")
    if unknown:
        return None
    return Counts(**{kind.name.lower(): number for kind, number in counts.items()})


def outbound_changes(found: Block, doubts: Doubts) -> int:
    """Return the outbound changes for one target: all but ``connector-no-flow``; unknown counters count, too.

    A number that cannot be read is one change, so that the target is looked at.
    """
    for name, number in found.numbers.items():
        if name not in _OUTBOUND and number:
            doubts.tell(f"unknown outbound counter {name} ({number}): counted as changes")
    return sum(1 if number is None else number for name, number in found.numbers.items() if name != _NO_FLOW)
