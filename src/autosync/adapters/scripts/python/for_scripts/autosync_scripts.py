"""What scripts for AutoSync may import. This file needs nothing beside Python itself."""

from __future__ import annotations

from dataclasses import dataclass, field


class UnexpectedChange(Exception):
    """Raise it when what a run did must not go on: the agent stops, or with ``stop_all`` every agent of the engine."""

    def __init__(self, message: str = "", *, stop_all: bool = False) -> None:
        super().__init__(message)
        self.stop_all = stop_all


@dataclass(frozen=True)
class Credentials:
    """The ``sign-in`` of the configuration; its text shows no password."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Run:
    """A run that a trigger asks for: ``Run("DI")``, ``Run(type="delta-import", partition="DC=corp,DC=example")``."""

    profile: str | None = None
    type: str | None = None
    """``delta-import``, ``full-import``, ``delta-sync``, ``full-sync`` or ``export``."""
    partition: str | None = None
    exclusive: bool = False
    run_immediate: bool = False
    """Whether it goes before others that wait."""
    token: str | None = None
    """How far the script has read; given back to it once the import has ended well and the script starts again."""
    text: str = ""
    """What was seen, for people; no values."""
