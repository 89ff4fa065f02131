"""What people and programs see of AutoSync: plain values that become JSON as they are.

Every moment is aware and in UTC; every duration is in seconds and says so in its name; ids are as in the journal, except
holds, which people name ``H-7``. Console, API and command line show nothing that is not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitView:
    """One reason why a request does not start now."""

    kind: str
    text: str
    until: datetime | None = None
    blocker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseView:
    """One reason for a request; ``text`` is complete without the rest."""

    kind: str
    text: str
    at: datetime
    run: int | None = None
    trigger: str | None = None
    person: str | None = None
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsView:
    """Objects by kind of change."""

    adds: int = 0
    updates: int = 0
    renames: int = 0
    deletes: int = 0
    delete_adds: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A wish for a run, and why it waits. ``state`` is ``waiting``, ``started`` or ``gone``."""

    request: int
    agent: str
    profile: str
    state: str
    wished: datetime
    waited_s: float
    """Until now while it waits, else until it started."""
    front: bool
    exclusive: bool
    attempt: int
    not_before: datetime | None
    confirms: bool
    expected: int | None
    hold: str | None
    causes: tuple[CauseView, ...]
    cascades: tuple[int, ...]
    why: tuple[WaitView, ...] = ()
    run: int | None = None
    """The newest run that it became."""
    outcome: str | None = None
    """How that run ended; None while it goes on, or while there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """One object that a run could not handle. Never an attribute value."""

    stage: str
    error_type: str
    dn: str
    message: str
    line: int | None
    retry_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """What one step of a run did; None where the engine did not say."""

    kind: str
    partition: str
    status: str
    started: datetime | None
    ended: datetime | None
    staged: CountsView | None
    exported: CountsView | None
    export_failures: int | None
    outbound: Mapping[str, int] | None
    counters: Mapping[str, int]
    errors: tuple[ErrorView, ...]
    error_count: int
    discovery_errors: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBrief:
    """A run in a line. ``summary`` is what it did, for people: ``3 exported``."""

    run: int
    agent: str
    profile: str
    kind: str
    state: str
    managed: bool
    started: datetime
    ended: datetime | None
    seconds: float
    """Until now while it goes on."""
    expected_s: float | None
    """The median of its recent durations, where known."""
    outcome: str | None
    status: str | None
    summary: str
    cascades: tuple[int, ...]
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareView:
    """A part of a waiting time."""

    text: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run with everything that is known of it."""

    brief: RunBrief
    request: int | None
    handle: str | None
    exclusive: bool
    attempt: int
    wished: datetime | None
    message: str
    stop_asked_by: str | None
    causes: tuple[CauseView, ...]
    waits: tuple[ShareView, ...]
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachView:
    """One limit that was passed; ``text`` says it whole."""

    what: str
    count: int
    limit: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """A guard's no. ``fingerprint`` names exactly the pending set that ``counts`` and ``sample`` show.

    Whoever decides sends the fingerprint back: a set that has changed since is not decided unseen.
    """

    id: str
    kind: str
    agent: str
    partition: str | None
    state: str
    text: str
    opened: datetime
    age_s: float
    breaches: tuple[BreachView, ...]
    counts: CountsView | None
    fingerprint: str
    sample: tuple[str, ...]
    requests: tuple[int, ...]
    decided: datetime | None
    decided_by: str | None
    reason: str | None
    used_by: int | None
    """The newest run that the approval let pass."""
    story: str
    """What became of it, in words: ``approved by anna, used by run 12``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerView:
    """A trigger and how it is.

    ``kind`` is ``watch`` or ``schedule``; ``state`` is ``live``, ``failed``, ``starting``, ``off`` or ``scheduled``.
    """

    id: str
    agent: str
    name: str
    kind: str
    state: str
    last_event: datetime | None = None
    """When it last gave a sign of life."""
    last_fired: datetime | None = None
    fired: int | None = None
    """How often, in this life of the service; None where nobody counts."""
    since: datetime | None = None
    """Since when it has been in its state, where known."""
    next: datetime | None = None
    error: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """A run profile and its steps (``delta-import default``)."""

    name: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetbackView:
    """The newest run of a profile that did not do (all of) its work, as long as no later run has made it good."""

    profile: str
    kind: str
    run: int
    at: datetime
    outcome: str
    status: str
    message: str
    count: int
    """How many such runs there were in a row."""
    errors: int
    """Objects that failed in it."""
    text: str
    """All of it in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """An agent now. ``state``: running, held, stopped, disabled, resting, disconnected, missing, waiting or idle."""

    id: str
    engine: str
    name: str
    category: str
    state: str
    text: str
    """Why it is in that state, where that is not plain; empty otherwise."""
    now: RunBrief | None
    waiting: tuple[RequestView, ...]
    last: RunBrief | None
    holds: tuple[str, ...]
    triggers: tuple[TriggerView, ...]
    partitions: tuple[str, ...]
    profiles: tuple[ProfileView, ...]
    failures: int
    resting_until: datetime | None
    pending_imports: int | None
    """None while it is not known."""
    pending_exports: int | None
    setbacks: tuple[SetbackView, ...] = ()
    """What failed and was not made good, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineView:
    """An engine and its agents."""

    name: str
    place: str
    connected: bool
    shadow: bool
    """Whether it is only watched."""
    lost_since: datetime | None
    error: str
    running: int
    waiting: int
    quiet_since: datetime | None
    """When its last run ended, if nothing runs or waits."""
    agents: tuple[AgentView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The whole at a glance: is it healthy, what runs, what waits and why, what needs a person."""

    now: datetime
    version: str
    revision: int
    no_export: bool
    engines: tuple[EngineView, ...]
    holds: tuple[HoldView, ...]
    """Holds that need a decision."""
    trouble: str = ""
    """Why nothing can be recorded, and so nothing starts; empty when all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeView:
    """Everything that came from one outside cause. ``latency_s`` runs from the change until it was quiet."""

    id: int
    cause: CauseView
    changed: datetime
    opened: datetime
    quiet: datetime | None
    latency_s: float | None
    runs: int
    exported: int
    members: tuple[RunBrief, ...] = ()
    """Its runs, oldest first; only where one cascade is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """One link of a chain: what happened, when, and which run or request it is. ``depth`` counts from the subject."""

    text: str
    at: datetime | None = None
    depth: int = 1
    run: int | None = None
    request: int | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyView:
    """Why something ran, waits, is held, or does not run: the chain back to its outside cause, and what followed."""

    subject: str
    text: str
    result: str = ""
    """How it ended, and what it did."""
    at: datetime | None = None
    until: datetime | None = None
    because: tuple[LinkView, ...] = ()
    waited_s: float | None = None
    waited: tuple[ShareView, ...] = ()
    waits: tuple[WaitView, ...] = ()
    then: tuple[LinkView, ...] = ()
    cascades: tuple[CascadeView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """A fact of the journal. ``number`` grows; whoever asks for events after it misses none."""

    number: int
    at: datetime
    kind: str
    severity: str
    text: str
    engine: str | None = None
    agent: str | None = None
    run: int | None = None
    request: int | None = None
    hold: str | None = None
    cascade: int | None = None
    trigger: str | None = None
    person: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the journal now says about somebody's wish."""

    text: str
    events: tuple[EventView, ...]
    request: int | None = None
    """The request that waits because of it, where it was a wish for a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MistakeView:
    """One mistake in a configuration, as ``file:line:column  path: message``."""

    file: str
    line: int | None
    column: int | None
    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One line of a plan: ``change`` is ``add``, ``remove`` or ``change``."""

    change: str
    path: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """What a configuration text would change. It can be applied when there are no mistakes."""

    revision: int
    """The revision that it is compared with: the running one."""
    mistakes: tuple[MistakeView, ...]
    changes: tuple[ChangeView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """A configuration that was, or is, in force. Secrets in ``text`` are references; it is empty in lists."""

    number: int
    applied: datetime
    by: str
    reason: str
    text: str = ""


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
