"""The promise of a source of secrets: a reference in, a value out that shows itself to nobody by accident."""

from typing import Protocol


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
