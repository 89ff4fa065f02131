"""What AutoSync records: one value per thing that happened, as journal, event stream and answer to ``why``.

One class serves all kinds: a fact is read by people and filtered by machines, and its kinds grow with the product.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from autosync.model.ids import AgentId, CascadeId, EngineName, HoldId, RequestId, RunId, TriggerId


class FactKind(StrEnum):
    """Everything that can be recorded, past tense."""

    SERVICE_STARTED = "service-started"
    SETTINGS_APPLIED = "settings-applied"
    STORE_RECOVERED = "store-recovered"
    """The store can be written again; nothing was started while it could not."""
    ENGINE_CONNECTED = "engine-connected"
    ENGINE_LOST = "engine-lost"
    AGENT_FOUND = "agent-found"
    AGENT_CHANGED = "agent-changed"
    AGENT_MISSING = "agent-missing"
    AGENT_STARTED = "agent-started"
    AGENT_STOPPED = "agent-stopped"
    TRIGGER_FIRED = "trigger-fired"
    TRIGGER_FAILED = "trigger-failed"
    TRIGGER_RECOVERED = "trigger-recovered"
    SCHEDULE_FIRED = "schedule-fired"
    SCHEDULE_MISSED = "schedule-missed"
    TOKEN_STORED = "token-stored"  # noqa: S105 - a word, not a secret
    REQUEST_QUEUED = "request-queued"
    REQUEST_MERGED = "request-merged"
    REQUEST_DROPPED = "request-dropped"
    REQUEST_UNRESOLVED = "request-unresolved"
    """It resolves to no profile: the slot is empty, or the agent unknown. Said once per slot."""
    RETRY_PLANNED = "retry-planned"
    RUN_STARTED = "run-started"
    RUN_ADOPTED = "run-adopted"
    RUN_SEEN = "run-seen"
    """Somebody else's run was noticed."""
    RUN_ENDED = "run-ended"
    RUN_REFUSED = "run-refused"
    RUN_LOST = "run-lost"
    RUN_ABANDONED = "run-abandoned"
    RUN_STOP_ASKED = "run-stop-asked"
    RUN_LATE = "run-late"
    HOLD_OPENED = "hold-opened"
    HOLD_DECIDED = "hold-decided"
    HOLD_SETTLED = "hold-settled"
    PROFILE_HELD = "profile-held"
    """A profile imports and synchronizes in one run, past the limits in between. Said once per profile."""
    LIMIT_PASSED = "limit-passed"
    """A run synchronized what it staged itself, and that was more than the limits let pass unseen."""
    REFUSED = "refused"
    """Somebody's wish was refused, with the reason."""
    BREAKER_OPENED = "breaker-opened"
    BREAKER_CLOSED = "breaker-closed"
    CASCADE_OPENED = "cascade-opened"
    CASCADE_QUIET = "cascade-quiet"
    FLAPPING_FOUND = "flapping-found"
    DELETIONS_SKIPPED = "deletions-skipped"
    """Discovery errors made the engine skip deletions."""
    UNKNOWN_STATUS = "unknown-status"
    NOT_UNDERSTOOD = "not-understood"
    """The engine wrote something about a run that was taken for the safe case. Said once for each kind and agent."""
    PENDING_FOUND = "pending-found"
    WOULD_HAVE_RUN = "would-have-run"
    """In an engine that is only watched, AutoSync would have started a run now."""
    WOULD_HAVE_HELD = "would-have-held"
    """In an engine that is only watched, a guard would have held what is pending. Said once per set."""
    SHADOW_MATCHED = "shadow-matched"
    """Somebody else's run serves what AutoSync would have run."""
    SHADOW_MISSED = "shadow-missed"
    """Nobody ran what AutoSync would have run."""
    SHADOW_UNASKED = "shadow-unasked"
    """Somebody else ran what nothing had asked for."""
    SCRIPT_FAILED = "script-failed"
    """A controller script has an error or does not answer; said once until it is well again."""
    SCRIPT_RECOVERED = "script-recovered"
    UNEXPECTED_CHANGE = "unexpected-change"
    """A controller script saw what must not go on, and stopped its agent or the whole engine."""


class Severity(StrEnum):
    """Who should care: nobody, somebody who looks, somebody now."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened. ``text`` is a whole sentence for people; ``data`` holds plain JSON values."""

    kind: FactKind
    at: datetime
    text: str
    severity: Severity = Severity.INFO
    engine: EngineName | None = None
    agent: AgentId | None = None
    run: RunId | None = None
    request: RequestId | None = None
    hold: HoldId | None = None
    cascade: CascadeId | None = None
    trigger: TriggerId | None = None
    person: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)
