"""What a decision yields: the state after it, and what must be recorded, stored and done because of it."""

from dataclasses import dataclass

from autosync.core.state import State
from autosync.model.commands import Command
from autosync.model.facts import Fact
from autosync.model.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``rows`` and ``facts`` are committed in one transaction before any of ``commands`` is carried out."""

    state: State
    facts: tuple[Fact, ...] = ()
    rows: tuple[Row, ...] = ()
    commands: tuple[Command, ...] = ()
