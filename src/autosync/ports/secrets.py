"""The promise of a source of secrets: a reference in, a value out that shows itself to nobody by accident."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol


class Secret:
    """A value that prints as ``***``; ask for it by name where it is used and nowhere else."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._value

    def __repr__(self) -> str:
        """Return stars."""
        return "Secret(***)"

    __str__ = __repr__


class SecretSource(Protocol):
    """One way to find secrets: environment, file, credential store."""

    def find(self, reference: str) -> Secret:
        """Return the secret; raise ``ConfigError`` that names the reference, never the value."""
        ...


class SecretKind(StrEnum):
    """Where a referenced secret is kept; the words of the configuration."""

    ENV = "env"
    """An environment variable of the service."""
    FILE = "file"
    """A file that its owner alone can read."""
    SECRET = "secret"  # noqa: S105 - a word, not a secret
    """An entry of the installation's secrets, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretReference:
    """Where a secret is to be found; safe to be shown, logged and stored. As text ``env:NAME``: what ``find`` takes."""

    kind: SecretKind
    name: str

    def __str__(self) -> str:
        """Return ``kind:name``."""
        return f"{self.kind}:{self.name}"


HOW_TO_REFER: Final = (
    "write {env: NAME}, {file: path} or {secret: name}, so that the secret itself stays out of the file"
)

SECRET_SCHEMA: Final[Mapping[str, object]] = MappingProxyType(
    {
        "description": "Where the secret is kept; the secret itself never stands in the file.",
        "type": "object",
        "properties": {
            "env": {"type": "string", "minLength": 1, "description": "The environment variable that holds it."},
            "file": {
                "type": "string",
                "minLength": 1,
                "description": "The file that holds it, readable by its owner alone.",
            },
            "secret": {
                "type": "string",
                "minLength": 1,
                "description": "Its name in the secrets of this installation.",
            },
        },
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
)
"""The JSON Schema of a reference, for the schemas of kinds."""


def secret_reference(data: object) -> SecretReference:
    """Return the reference that ``data`` describes, ``{env: NAME}`` for example.

    Raises ``ValueError`` with a message for people that repeats nothing of ``data``: it may be the secret itself.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"a secret stands here itself; {HOW_TO_REFER}")  # noqa: TRY004 - a wrong value, not a wrong call
    if len(data) == 1:
        ((kind, name),) = data.items()
        if kind in set(SecretKind) and isinstance(name, str) and name.strip():
            return SecretReference(kind=SecretKind(kind), name=name)
    raise ValueError(f"this is no reference to a secret; {HOW_TO_REFER}")
