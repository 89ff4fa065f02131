"""What the person who takes a configuration over may say about the new one, and what is known about the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autosync.model.agents import Agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How the new configuration should look."""

    engine: str = "mim"
    """The engine's name in it."""
    server: str = ""
    """The synchronization server; empty: AutoSync runs on it."""
    zone: str = ""
    """The time zone of the server, for schedules; empty: times are written in UTC, at the same moments as now."""
    agents: Mapping[str, Agent] = field(default_factory=dict)
    """The engine's agents by their ids (lower case, without braces), where they are known."""
