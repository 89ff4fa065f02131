"""How the server writes what a step does: the same in run profiles and in run history."""

from collections.abc import Mapping
from html import escape
from typing import Final

from autosync.model.steps import StepKind
from autosync.testing.mim.plan import Files, MimAgent, MimStep

_TYPES: Final[Mapping[StepKind, tuple[str, str]]] = {
    StepKind.FULL_IMPORT: ("full-import", "import-subtype>to-cs"),
    StepKind.DELTA_IMPORT: ("delta-import", "import-subtype>to-cs"),
    StepKind.FULL_SYNC: ("apply-rules", "apply-rules-subtype>reevaluate-flow-connectors"),
    StepKind.DELTA_SYNC: ("apply-rules", "apply-rules-subtype>apply-pending"),
    StepKind.EXPORT: ("export", ""),
    StepKind.FULL_IMPORT_DELTA_SYNC: ("full-import", ""),
    StepKind.DELTA_IMPORT_DELTA_SYNC: ("delta-import", ""),
    StepKind.FULL_IMPORT_FULL_SYNC: ("full-import-reevaluate-rules", ""),
    StepKind.UNKNOWN: ("defragment", ""),
}
_FILES: Final[Mapping[Files, tuple[str, ...]]] = {
    Files.NONE: (),
    Files.AUDIT: ("to-file", "resume-from-file"),
    Files.TO_FILE: ("to-file",),
    Files.FROM_FILE: ("resume-from-file",),
}
_CUSTOM: Final[Mapping[str, str]] = {
    "AD": "<adma-step-data><batch-size>100</batch-size><page-size>500</page-size><time-limit>120</time-limit></adma-step-data>",
    "FIM": "<fimma-step-data><time-limit>0</time-limit></fimma-step-data>",
    "Extensible2": "<extensible2-step-data><timeout>0</timeout><batch-size>100</batch-size></extensible2-step-data>",
}


def step_type(step: MimStep) -> str:
    """Return the ``step-type`` element."""
    word, subtype = _TYPES[step.kind]
    children = [subtype] if subtype else []
    holder = "export-subtype" if step.kind is StepKind.EXPORT else "import-subtype"
    children += [f"{holder}>{each}" for each in _FILES[step.files]]
    inside = "".join(f"<{each}</{each.partition('>')[0]}>" for each in children)
    return f'<step-type type="{escape(step.word or word)}">{inside}</step-type>'


def threshold(step: MimStep) -> str:
    """Return the ``threshold`` element of a profile's step."""
    if not step.objects and not step.deletions:
        return "<threshold><batch-size>1</batch-size></threshold>"
    return (
        f"<threshold><object>{step.objects}</object><batch-size>1</batch-size>"
        f"<delete>{step.deletions}</delete></threshold>"
    )


def custom_data(agent: MimAgent) -> str:
    """Return the ``custom-data`` element of a step, which differs by the agent's category."""
    return f"<custom-data>{_CUSTOM.get('AD' if agent.category == 'ADAM' else agent.category, '')}</custom-data>"
