"""The variables that a script's process gets: what every child of the service gets, and what the configuration names."""

from collections.abc import Iterable, Mapping
from typing import Final

from autosync.adapters.child_environment import minimal

_NOT_FOR_SCRIPTS: Final = frozenset({"PSMODULEPATH"})
"""Windows PowerShell that inherits PowerShell 7's finds modules that it cannot load; it makes its own where there is none."""


def environment_of(service: Mapping[str, str], more: Iterable[str]) -> dict[str, str]:
    """Return the service's variables that a script gets; ``more`` names further ones, in any case."""
    wanted = {name.upper() for name in more}
    usual = {name: value for name, value in minimal(service).items() if name.upper() not in _NOT_FOR_SCRIPTS}
    return {**usual, **{name: value for name, value in service.items() if name.upper() in wanted}}
