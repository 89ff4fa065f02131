"""Requests that wait for a person, and what that person decided."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from autosync.model.counts import Counts
from autosync.model.ids import AgentId, HoldId, PartitionName, RunId
from autosync.model.wording import number


class HoldKind(StrEnum):
    """What a hold keeps back."""

    STAGED = "staged"
    """The agent's synchronizations: too many staged imports."""
    EXPORTS = "exports"
    """The agent's exports: too many pending exports."""
    FLAPPING = "flapping"
    """The agent's exports: it exports the same again and again."""
    SCRIPT = "script"
    """The agent: its controller script reported an unexpected change."""


class HoldState(StrEnum):
    """What became of a hold."""

    OPEN = "open"
    APPROVED = "approved"
    """Exactly the set of changes that was seen may pass."""
    REJECTED = "rejected"
    """Kept back until someone lifts it."""
    LIFTED = "lifted"
    """A rejection that was taken back: the guards look again."""
    SETTLED = "settled"
    """Over by itself: the set was exported, or fell below the limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One limit that was passed: ``212 deletes, limit 10``."""

    what: str
    count: int
    limit: str
    """As configured: ``10``, ``5%``, ``half or more``."""

    @property
    def text(self) -> str:
        """Return ``212 deletes, limit 10``."""
        is_noun = self.what.endswith("s") and " " not in self.what
        counted = number(self.count, self.what.removesuffix("s")) if is_noun else f"{self.count:,} {self.what}"
        return f"{counted}, limit {self.limit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A guard's no, until a person says otherwise."""

    id: HoldId
    kind: HoldKind
    agent: AgentId
    partition: PartitionName | None
    opened: datetime
    breaches: tuple[Breach, ...]
    counts: Counts | None
    fingerprint: str
    """Identity of the pending set that was seen; an approval is bound to it."""
    state: HoldState = HoldState.OPEN
    sample: tuple[str, ...] = ()
    text: str = ""
    decided: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None
    engine_wide: bool = False
    """Whether it keeps back every agent of the engine, not its own alone."""
    used_by: RunId | None = None
    """The newest run that an approval let pass."""
