"""What the engine asks of a connector: read a connected system whole or by its changes, and write changes to it.

A connector knows one connected system and nothing of the connector space. It runs in the engine's worker process, so it
may block. Everything moves in batches of some thousand objects; nothing here is called once per object.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self, TypeAlias, runtime_checkable

Scalar: TypeAlias = str | int | bool | bytes
"""One value of an attribute. Integers and booleans only where the schema says so; a reference is a ``str``."""

Attributes: TypeAlias = dict[str, Scalar | list[Scalar]]
"""An object's attributes: a scalar where the attribute has one value, a list where it is multi-valued. No empty values."""


class AttributeType(StrEnum):
    """The types of the engine's schema."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    BINARY = "binary"
    REFERENCE = "reference"


class ReferenceBy(StrEnum):
    """What the connected system puts into a reference attribute to name another object of the same connector space."""

    ANCHOR = "anchor"
    DN = "dn"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSchema:
    """One attribute of an object type in the connected system."""

    name: str
    type: AttributeType = AttributeType.STRING
    multivalued: bool = False
    required: bool = False
    writable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a connected system holds and what can be done with it, as far as can be known before a run.

    ``attributes`` maps each object type to its attributes. ``delta`` says whether ``open_delta`` reads only changes;
    where it is False a delta import reads the whole and stages the differences, deletions included.
    """

    attributes: Mapping[str, Sequence[AttributeSchema]]
    partitions: Sequence[str] = ("default",)
    delta: bool = False
    writable: bool = False
    reference_by: ReferenceBy = ReferenceBy.ANCHOR


@dataclass(slots=True, kw_only=True)
class Entry:
    """One object as the connected system shows it. ``dn`` equals ``anchor`` where the system has no names of its own."""

    anchor: str
    dn: str
    object_type: str
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadError:
    """An object or row that could not be read (MIM: a discovery error). ``line`` counts from 1, header included."""

    error_type: str
    message: str
    line: int | None = None
    anchor: str | None = None
    attribute: str | None = None


class ReadBatch(Protocol):
    """Up to some thousand objects, decoded only where asked: an unchanged object costs an anchor and a digest.

    ``digests`` are 16 bytes each over the object's raw content and the connector's settings: equal digests mean an
    equal object. In a delta, ``deleted`` names the anchors (or, where the system knows no more, the DNs) that went away.
    ``errors`` belong to this batch; the objects they name are not in ``anchors``.
    """

    @property
    def anchors(self) -> Sequence[str]: ...

    @property
    def digests(self) -> Sequence[bytes]: ...

    @property
    def deleted(self) -> Sequence[str]: ...

    @property
    def errors(self) -> Sequence[ReadError]: ...

    def entry(self, index: int) -> Entry:
        """Decode the object at ``index``; raise ``EntryError`` where its content is bad."""
        ...


class EntryError(Exception):
    """An object whose content cannot be decoded; ``error`` says why and where."""

    def __init__(self, error: ReadError) -> None:
        super().__init__(error.message)
        self.error = error


class ConnectorError(Exception):
    """The run must end: ``status`` is the run status in Microsoft's words (``no-start-file-not-found``, …).

    The message names the thing, the value and the way out, and never a secret.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class Reader(Protocol):
    """One reading of the connected system. Iterate to the end, then ask ``complete`` and ``token``."""

    def __iter__(self) -> Iterator[ReadBatch]:
        """Yield batches; raise ``ConnectorError`` when reading cannot go on."""
        ...

    @property
    def complete(self) -> bool:
        """Return whether everything was read without a gap. If not, what was not seen must not be taken for deleted."""
        ...

    @property
    def token(self) -> bytes | None:
        """Return how far this reading came: the next delta starts there. Stored only when the import ended well."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class Remembering(Protocol):
    """A reader of the whole that looks at what it reads in the light of the reading before. Readers need not be."""

    def recall(self, token: bytes | None) -> None:
        """Take note of the token that the last complete reading left; called once, before the iteration."""
        ...

    @property
    def remark(self) -> str:
        """Return what a person should hear beside errors; asked after the iteration, empty mostly."""
        ...


class ChangeKind(StrEnum):
    """What an export does to one object."""

    ADD = "add"
    UPDATE = "update"
    RENAME = "rename"
    DELETE = "delete"
    DELETE_ADD = "delete-add"


@dataclass(slots=True, kw_only=True)
class Change:
    """One pending export.

    ``anchor`` is None for an add whose anchor the connected system will give. ``attributes`` holds the whole new object
    for an add and only the changed attributes otherwise; an empty list removes an attribute. ``added`` and ``removed``
    hold value-level differences of multi-valued attributes where the engine has them: a connector that can write single
    values uses those, others use ``whole`` (the object as it will be after the change).
    """

    kind: ChangeKind
    object_type: str
    anchor: str | None
    dn: str
    old_dn: str | None = None
    attributes: Attributes = field(default_factory=dict)
    added: Attributes = field(default_factory=dict)
    removed: Attributes = field(default_factory=dict)
    whole: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOutcome:
    """What became of one change. ``error_type`` None means done; ``anchor`` is what the connected system gave an add."""

    error_type: str | None = None
    message: str | None = None
    anchor: str | None = None


class Writer(Protocol):
    """One export to the connected system."""

    def write(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        """Apply the changes and return an outcome for each, in order; raise ``ConnectorError`` when it cannot go on.

        Changes that were applied before the error count as unknown: the confirming import tells. Writing the same
        change twice must do no harm (an add that is there already with the same content is done).
        """
        ...

    def close(self) -> None:
        """Make everything durable and visible at once (a file is replaced as a whole); raise ``ConnectorError``."""
        ...

    def abandon(self) -> None:
        """Give up what ``close`` has not yet made visible, and free resources; never raises."""
        ...


class Connector(Protocol):
    """A connected system."""

    def describe(self) -> Description:
        """Return the schema and the abilities; raise ``ConnectorError`` when the system cannot be reached."""
        ...

    def open_full(self, partition: str) -> Reader:
        """Start reading everything."""
        ...

    def open_delta(self, partition: str, token: bytes | None) -> Reader:
        """Start reading what changed since ``token``.

        Raises ``ConnectorError('no-start-full-import-required', …)`` when there is no token or the system no longer
        knows it. Only called where ``Description.delta`` is True.
        """
        ...

    def open_export(self, partition: str) -> Writer:
        """Start writing."""
        ...
