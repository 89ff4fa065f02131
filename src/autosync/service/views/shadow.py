"""Engines that are only watched."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowAgentView:
    """An agent of a watched engine: what AutoSync would have run, beside what somebody else's scheduler ran."""

    agent: str
    would_have_run: int
    would_have_held: int
    """Pending sets that a guard would have held."""
    matched: int
    """Wishes that somebody else's run served."""
    delay_median_s: float | None
    """How much later that run began than AutoSync would have; less than 0: earlier. None without matches."""
    delay_p95_s: float | None
    missed: int
    """Wishes that nobody ran in time."""
    unneeded: int
    """Runs that nothing had asked for and that changed nothing."""
    unneeded_s: float
    """The time that these took."""
    unasked_with_changes: int
    """Runs that nothing had asked for and that changed something, or did not say: a trigger may be missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowView:
    """The comparison with somebody else's scheduler, per agent."""

    engines: tuple[str, ...]
    """The engines that are watched."""
    since: datetime | None
    until: datetime
    agents: tuple[ShadowAgentView, ...]
