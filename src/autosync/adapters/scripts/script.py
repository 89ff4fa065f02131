"""A user's script, wherever it runs: what triggers and controllers ask of it.

Obligations of every host (``tests/contracts/test_script_contract.py``):

- ``open`` loads the script in a fresh process or session and gives it its credentials. A call opens it where it is not
  open, where the last call was stopped or the process or session ended, and where the file is another one since.
- Outputs come as plain data (text, numbers, booleans, lists, mappings with text keys; moments as ISO text), in order, while
  the call goes on. What the script prints, warns and logs goes to AutoSync's log, secrets masked.
- A call that takes longer than its limit is stopped, and its process ended with everything that it started. So is a
  call whose outputs are no longer read.
- Calls of one script never overlap; state that it keeps survives from one to the next.
- Errors are ``ScriptFailed`` with file and line; ``UnexpectedChangeSeen`` where the script asked to stop.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from autosync.model.errors import ScriptFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function that the script has."""

    name: str
    parameters: tuple[str, ...] = ()

    def parameter(self, wanted: str) -> str | None:
        """Return the parameter as the script writes it; None where it has none of that name."""
        return next((each for each in self.parameters if each.casefold() == wanted.casefold()), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An argument that PowerShell gets as an object of a .NET type; Python gets its ``value``."""

    type: str
    value: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What a function is called with."""

    positional: tuple[str | Shape, ...] = ()
    named: Mapping[str, str | None] = field(default_factory=dict)
    """Given to the parameters that the function declares; the others are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One value that the function gave."""

    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """Nothing came for a while, but the call goes on."""

    seconds: float


class UnexpectedChangeSeen(ScriptFailed):
    """The script raised ``UnexpectedChange``: its agent, or every agent, must not go on."""

    def __init__(self, message: str, *, stop_all: bool) -> None:
        super().__init__(message)
        self.stop_all = stop_all


class Script(Protocol):
    """One script."""

    async def open(self) -> None:
        """Load it anew; raise ``ScriptFailed``."""
        ...

    async def function(self, name: str) -> Function | None:
        """Return a function by name (PowerShell: in any case); open the script where it is not. Raises ``ScriptFailed``."""
        ...

    def call(self, name: str, arguments: Arguments) -> AsyncGenerator[Output | Working]:
        """Call a function and yield what it gives. The generator must be closed; raises ``ScriptFailed``."""
        ...

    async def close(self) -> None:
        """End it, within a second; on another machine within three. Idempotent; a later call opens it again."""
        ...
