"""What a step does, from the way in which the engine writes it (the same in run profiles and in run history).

Imports have their subtypes as separate elements or joined by commas. An import without ``to-cs`` does not only stage: it
synchronizes, too. Both files, ``to-file`` and ``resume-from-file``, are an audit file on the way; ``to-file`` alone is a
test run that stops after the file.
"""

from collections.abc import Mapping
from typing import Final

from autosync.adapters.engines.mim.reading.doubts import Doubts
from autosync.model.steps import StepKind
from autosync.untrusted_xml import Node

_IMPORTS: Final[Mapping[str, tuple[StepKind, StepKind]]] = {
    "delta-import": (StepKind.DELTA_IMPORT, StepKind.DELTA_IMPORT_DELTA_SYNC),
    "full-import": (StepKind.FULL_IMPORT, StepKind.FULL_IMPORT_DELTA_SYNC),
}
"""With ``to-cs``, and without."""

_RULES: Final[Mapping[str, StepKind]] = {
    "apply-pending": StepKind.DELTA_SYNC,
    "reevaluate-flow-connectors": StepKind.FULL_SYNC,
    "reevaluate-join-flow-all": StepKind.FULL_SYNC,
}
_SUBTYPES: Final = ("import-subtype", "export-subtype", "apply-rules-subtype")
_KNOWN_SUBTYPES: Final = frozenset({"to-cs", "to-file", "resume-from-file", *_RULES})


def step_kind(step: Node, doubts: Doubts) -> StepKind:
    """Return what the step does. ``step`` holds a ``step-type``; an unknown one is ``UNKNOWN``, with a warning."""
    step_type = step.at("step-type")
    word = step_type.attributes.get("type", "").strip() if step_type is not None else ""
    given = subtypes(step)
    for subtype in sorted(given - _KNOWN_SUBTYPES):
        doubts.tell(f"step type {word} has the unknown subtype {subtype}")
    if word in _IMPORTS:
        stages, combined = _IMPORTS[word]
        return stages if "to-cs" in given else combined
    if word == "full-import-reevaluate-rules":
        return StepKind.FULL_IMPORT_FULL_SYNC
    if word == "export":
        return StepKind.EXPORT
    if word == "apply-rules" and len(rules := given & set(_RULES)) == 1:
        return _RULES[rules.pop()]
    doubts.tell(
        f"unknown step type {' '.join([word, *sorted(given)]).strip() or 'without a name'}: taken as doing everything"
    )
    return StepKind.UNKNOWN


def subtypes(step: Node) -> set[str]:
    """Return all subtypes of a step."""
    step_type = step.at("step-type")
    written = (child.text for name in _SUBTYPES for child in step_type.all(name)) if step_type is not None else ()
    return {word.strip() for text in written for word in text.split(",") if word.strip()}


def is_test_run(step: Node) -> bool:
    """Return whether the step only writes a file, or only reads one: nothing that AutoSync starts by itself."""
    files = subtypes(step) & {"to-file", "resume-from-file"}
    return len(files) == 1
