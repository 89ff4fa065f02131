"""When a run that came to nothing is tried again, and when an agent needs a rest."""

from datetime import datetime, timedelta

from autosync.model.rows import AgentRow
from autosync.model.settings import BreakerPolicy, RetryPolicy

REPAIR_EVERY = timedelta(hours=1)
"""Full imports that the engine asks for come at most this often on one agent."""


def delay(policy: RetryPolicy, attempt: int, chance: float) -> timedelta:
    """Return how long to wait after the ``attempt``-th try: growing, bounded, and spread by ``chance`` in [0, 1)."""
    longest = policy.longest_delay.total_seconds()
    exponent = min(max(attempt, 1) - 1, 64)
    plain = min(policy.first_delay.total_seconds() * policy.factor**exponent, longest)
    return timedelta(seconds=plain * (1 - policy.jitter + 2 * policy.jitter * chance))


def is_given_up(policy: RetryPolicy, attempt: int) -> bool:
    """Return whether the ``attempt``-th try was the last of its series."""
    return attempt >= policy.attempts


def breaker_after(row: AgentRow, policy: BreakerPolicy, now: datetime) -> datetime | None:
    """Return until when the agent rests after one more failure; None while the breaker stays closed.

    Once open it opens again at each failed probe.
    """
    opens = row.breaker_until is not None or row.failures + 1 >= policy.failures
    return now + policy.rest if opens else None


def is_resting(row: AgentRow, now: datetime) -> bool:
    """Return whether the agent's breaker keeps its runs back at ``now``."""
    return row.breaker_until is not None and now < row.breaker_until


def repair_at(row: AgentRow, now: datetime) -> datetime | None:
    """Return when the next full import for repair may run; None: at once."""
    if row.last_repair is None or now < row.last_repair:
        return None
    due = row.last_repair + REPAIR_EVERY
    return due if now < due else None
