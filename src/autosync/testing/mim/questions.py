"""What the methods of ``MIIS_ManagementAgent`` that only read answer: always text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from autosync.model.counts import Counts
from autosync.testing.mim.run_xml import written
from autosync.testing.mim.runs import MimRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What there is to know about an agent's connector space."""

    objects: int
    imports: Counts
    exports: Counts


def answer(question: str, run: MimRun | None, space: Space) -> str | None:
    """Return the answer about an agent whose last remembered run is ``run``; None where there is no such method."""
    if question in _OF_RUN:
        return _OF_RUN[question](run) if run is not None else ""
    count = _OF_SPACE.get(question)
    if count is not None:
        return str(count(space))
    return "success" if question in {"SuppressFullSyncWarning", "GetServerStatus"} else None


_OF_RUN: Final[Mapping[str, Callable[[MimRun], str]]] = {
    "RunStatus": lambda run: run.status,
    "RunNumber": lambda run: str(run.number),
    "RunProfile": lambda run: run.profile.name,
    # A real server tells the times only of an agent that is idle.
    "RunStartTime": lambda run: written(run.started) if run.ended_at else "",
    "RunEndTime": lambda run: written(run.ended_at) if run.ended_at else "",
}
_OF_SPACE: Final[Mapping[str, Callable[[Space], int]]] = {
    "NumCSObjects": lambda space: space.objects,
    "NumTotalConnectors": lambda space: space.objects,
    "NumConnectors": lambda space: space.objects,
    "NumTotalDisconnectors": lambda _: 0,
    "NumDisconnectors": lambda _: 0,
    "NumExplicitConnectors": lambda _: 0,
    "NumExplicitDisconnectors": lambda _: 0,
    "NumFilteredDisconnectors": lambda _: 0,
    "NumPlaceHolders": lambda _: 0,
    "NumImportAdd": lambda space: space.imports.adds,
    "NumImportUpdate": lambda space: space.imports.updates + space.imports.renames,
    "NumImportDelete": lambda space: space.imports.deletes + space.imports.delete_adds,
    "NumImportNone": lambda space: max(0, space.objects - space.imports.total),
    "NumExportAdd": lambda space: space.exports.adds,
    "NumExportUpdate": lambda space: space.exports.updates + space.exports.renames,
    "NumExportDelete": lambda space: space.exports.deletes + space.exports.delete_adds,
}
READING: Final = frozenset({*_OF_RUN, *_OF_SPACE, "RunDetails", "SuppressFullSyncWarning", "GetServerStatus"})
"""The names of all these methods."""
