"""The promise of a store: what was committed is there after any crash, whole or not at all.

Obligations (contract suite: ``autosync.testing.contracts.store``): a commit is one transaction and durable on return;
rows are put whole and putting one again changes nothing; invariants (one running run an agent, one waiting request an
agent and profile) are enforced by the store itself and raise ``IllegalTransition``. ``StoreUnavailable``: nothing of
the commit was stored; the same commit may be tried again. Queries see only what was committed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from autosync.model.causes import Cascade
from autosync.model.facts import Fact, FactKind, Severity
from autosync.model.holds import Hold
from autosync.model.ids import AgentId, CascadeId, EngineName, HoldId, RequestId, RunId
from autosync.model.requests import Request
from autosync.model.rows import Row, Snapshot
from autosync.model.runs import OutcomeKind, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFact:
    """A fact with its place in the journal; numbers grow and are never used twice."""

    number: int
    fact: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message in the outbox, delivered at least once: ``channel`` names the notifier, ``body`` is plain JSON."""

    number: int
    channel: str
    body: dict[str, object]
    created: datetime
    attempts: int = 0
    due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message to be put into the outbox with the facts that it tells of."""

    channel: str
    body: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A configuration that was in force: its whole text, who applied it, when and why. Secrets are references in it."""

    number: int
    text: str
    applied: datetime
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What belongs together in one transaction."""

    at: datetime
    rows: tuple[Row, ...] = ()
    facts: tuple[Fact, ...] = ()
    messages: tuple[NewMessage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs to list, newest first. ``before`` continues a listing: only runs with a smaller id."""

    agent: AgentId | None = None
    engine: EngineName | None = None
    outcomes: frozenset[OutcomeKind] | None = None
    cascade: CascadeId | None = None
    since: datetime | None = None
    before: RunId | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FactFilter:
    """Which facts to list: oldest first from ``after``, or the newest ``limit`` where ``after`` is None."""

    after: int | None = None
    agent: AgentId | None = None
    run: RunId | None = None
    request: RequestId | None = None
    hold: HoldId | None = None
    cascade: CascadeId | None = None
    kinds: frozenset[FactKind] | None = None
    severities: frozenset[Severity] | None = None
    limit: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What retention removed."""

    facts: int = 0
    runs: int = 0
    others: int = 0
    details: dict[str, int] = field(default_factory=dict)


class Store(Protocol):
    """The durable memory of one AutoSync."""

    async def open(self) -> None:
        """Open, migrate if older, take the single-writer lock; raise ``StoreUnavailable`` or ``StoreDamaged``."""
        ...

    async def close(self) -> None:
        """Close; idempotent."""
        ...

    async def load(self) -> Snapshot:
        """Return everything that the core's state is rebuilt from."""
        ...

    async def commit(self, commit: Commit) -> Sequence[StoredFact]:
        """Store it all, durably, and return the facts with their numbers."""
        ...

    async def run(self, run: RunId) -> Run | None:
        """Return one run, ended or not, with steps and counters."""
        ...

    async def runs(self, wanted: RunFilter) -> Sequence[Run]:
        """Return runs, newest first."""
        ...

    async def request(self, request: RequestId) -> Request | None:
        """Return one request, waiting or not, as it last was."""
        ...

    async def facts(self, wanted: FactFilter) -> Sequence[StoredFact]:
        """Return facts, oldest first."""
        ...

    async def hold(self, hold: HoldId) -> Hold | None:
        """Return one hold, decided or not."""
        ...

    async def holds(self, *, only_open: bool = True, limit: int = 100) -> Sequence[Hold]:
        """Return holds, newest first."""
        ...

    async def cascade(self, cascade: CascadeId) -> Cascade | None:
        """Return one cascade."""
        ...

    async def cascades(self, *, limit: int = 50) -> Sequence[Cascade]:
        """Return cascades, newest first."""
        ...

    async def add_revision(self, text: str, at: datetime, by: str, reason: str = "") -> Revision:
        """Store a configuration text and return its revision; the same text as the newest returns that one."""
        ...

    async def revisions(self, *, limit: int = 50) -> Sequence[Revision]:
        """Return configuration revisions, newest first."""
        ...

    async def due_messages(self, now: datetime, *, limit: int = 20) -> Sequence[Message]:
        """Return outbox messages that are due, oldest first."""
        ...

    async def message_sent(self, number: int) -> None:
        """Forget a delivered message."""
        ...

    async def message_failed(self, number: int, due: datetime, error: str) -> None:
        """Count a failed delivery and try again at ``due``."""
        ...

    async def prune(self, before: datetime, *, limit: int = 5000) -> Pruned:
        """Remove at most ``limit`` facts, runs and what belongs to them, of things that ended before the moment."""
        ...
