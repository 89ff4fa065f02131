"""What can be said about a connected system in memory, and how it is read from YAML."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autosync.syncengine.connectors.port import Attributes, AttributeType, ReferenceBy
from autosync.syncengine.connectors.settings_reading import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong. Objects are counted over the connector's whole life, from 1; chances are between 0 and 1.

    ``fail_nth`` objects are refused (``cd-error``). With ``disconnect_write_after`` objects the connection breaks in the
    middle of a batch, once: what was applied stays applied. ``lose_answer_of_batch`` breaks it after the whole batch was
    applied, before the answer. ``disconnect_read_after`` breaks a reading, once. ``fail_chance`` is drawn from ``seed``.
    """

    seed: int = 0
    fail_chance: float = 0.0
    fail_nth: frozenset[int] = frozenset()
    disconnect_write_after: int | None = None
    lose_answer_of_batch: int | None = None
    disconnect_read_after: int | None = None
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySettings:
    """A system. Two connectors with the same ``name`` in one process share their objects; without a name each has its own.

    ``generated`` returns what the system itself adds to an object that is created (number of the object, its attributes);
    a value for ``anchor`` makes the system the giver of anchors. With ``atomic`` an export is visible when it is closed.
    """

    name: str = ""
    object_types: tuple[str, ...] = ("person",)
    attributes: tuple[str, ...] = ()
    multi_valued: tuple[str, ...] = ()
    types: Mapping[str, AttributeType] = field(default_factory=dict)
    anchor: str | None = None
    delta: bool = True
    atomic: bool = False
    reference_by: ReferenceBy = ReferenceBy.ANCHOR
    partitions: tuple[str, ...] = ("default",)
    keep_changes: int = 100_000
    batch: int = 5000
    faults: Faults = field(default_factory=Faults)
    generated: Callable[[int, Attributes], Attributes] | None = None


def parse_memory(data: object) -> MemorySettings:
    """Return the settings in plain YAML data; raise ``SettingsError`` with every mistake."""
    section, usual = Section(data), MemorySettings()
    settings = MemorySettings(
        name=section.text("name", ""),
        object_types=section.words("object-types", usual.object_types),
        attributes=section.words("attributes"),
        multi_valued=section.words("multi-valued"),
        types=section.types("types"),
        anchor=section.optional_text("anchor"),
        delta=section.flag("delta", default=True),
        atomic=section.flag("atomic", default=False),
        reference_by=section.choice("reference-by", ReferenceBy, ReferenceBy.ANCHOR),
        partitions=section.words("partitions", usual.partitions),
        keep_changes=int(section.number("keep-changes", usual.keep_changes)),
        faults=_faults(section.section("faults")),
    )
    section.finish()
    section.raise_mistakes()
    return settings


def _faults(section: Section) -> Faults:
    def optional(key: str) -> int | None:
        return int(section.number(key, 0)) if section.has(key) else None

    faults = Faults(
        seed=int(section.number("seed", 0)),
        fail_chance=section.number("fail-chance", 0),
        disconnect_write_after=optional("disconnect-write-after"),
        lose_answer_of_batch=optional("lose-answer-of-batch"),
        disconnect_read_after=optional("disconnect-read-after"),
    )
    section.finish()
    return faults
