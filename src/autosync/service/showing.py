"""From what is known to what is shown: the state's values as views. Pure; each view is of one state and one moment."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from autosync.core.state import AgentState, Inspection, State
from autosync.model.agents import Agent, PendingSet
from autosync.model.causes import Cascade, Cause
from autosync.model.counts import Counts, StepResult
from autosync.model.holds import Hold, HoldKind, HoldState
from autosync.model.ids import AgentId, RequestId, engine_of
from autosync.model.requests import Request, Waiting
from autosync.model.rows import AgentRow
from autosync.model.runs import Run
from autosync.ports.store import Revision, StoredFact
from autosync.service import views
from autosync.service.naming import hold_name
from autosync.service.sentences import did, errors_of, kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is shown: one state at one moment, with the reasons why its requests wait."""

    state: State
    now: datetime
    waits: Mapping[RequestId, tuple[Waiting, ...]] = field(default_factory=dict)

    def agents(self) -> list[AgentId]:
        """Return every agent that an engine described or the configuration names, in order."""
        return sorted({*self.state.agents, *self.state.settings.agents})

    def agent_state(self, agent: AgentId) -> AgentState:
        """Return what is known about the agent, or that nothing is."""
        return self.state.agents.get(agent) or AgentState(row=AgentRow(id=agent))

    def described(self, agent: AgentId) -> Agent | None:
        """Return the agent as its engine describes it, where it does."""
        return self.agent_state(agent).agent

    def connected(self, agent: AgentId) -> bool:
        """Return whether the agent's engine answers."""
        engine = self.state.engines.get(engine_of(agent))
        return engine is not None and engine.connected


def counts(of: Counts | None) -> views.CountsView | None:
    """Show counts; None stays None: unknown is not zero."""
    if of is None:
        return None
    return views.CountsView(
        adds=of.adds,
        updates=of.updates,
        renames=of.renames,
        deletes=of.deletes,
        delete_adds=of.delete_adds,
        total=of.total,
    )


def cause(of: Cause) -> views.CauseView:
    """Show one cause."""
    return views.CauseView(
        kind=of.kind.value, text=of.text, at=of.at, run=of.run, trigger=of.trigger, person=of.person, count=of.count
    )


def waits(of: tuple[Waiting, ...]) -> tuple[views.WaitView, ...]:
    """Show why a request waits."""
    return tuple(views.WaitView(kind=w.kind.value, text=w.text, until=w.until, blocker=w.blocker) for w in of)


def request(scene: Scene, of: Request, *, run: Run | None = None) -> views.RequestView:
    """Show a request; ``run`` is the newest run that it became, where it no longer waits."""
    waiting = of.id in scene.state.requests
    until = scene.now if waiting or run is None else run.started
    return views.RequestView(
        request=of.id,
        agent=of.agent,
        profile=of.profile,
        state="waiting" if waiting else "started" if run is not None else "gone",
        wished=of.wished,
        waited_s=_seconds(of.wished, until),
        front=of.front,
        exclusive=of.exclusive,
        attempt=of.attempt,
        not_before=of.not_before,
        confirms=of.confirms,
        expected=of.expected,
        hold=None if of.hold is None else hold_name(of.hold),
        causes=tuple(cause(one) for one in of.causes),
        cascades=tuple(sorted(of.cascades)),
        why=waits(scene.waits.get(of.id, ())) if waiting else (),
        run=None if run is None else run.id,
        outcome=None if run is None or run.outcome is None else run.outcome.kind.value,
    )


def brief(scene: Scene, of: Run) -> views.RunBrief:
    """Show a run in a line."""
    estimate = scene.state.estimates.get((of.agent, of.profile))
    durations = [seconds for seconds, _ in estimate.durations] if estimate is not None else []
    return views.RunBrief(
        run=of.id,
        agent=of.agent,
        profile=of.profile,
        kind=kind_of(of, scene.described(of.agent)),
        state=of.state.value,
        managed=of.managed,
        started=of.started,
        ended=of.ended,
        seconds=_seconds(of.started, of.ended or scene.now),
        expected_s=median(durations) if durations else None,
        outcome=None if of.outcome is None else of.outcome.kind.value,
        status=None if of.outcome is None else of.outcome.status,
        summary=did(of),
        cascades=tuple(sorted(of.cascades)),
        errors=errors_of(of),
    )


def run(scene: Scene, of: Run) -> views.RunView:
    """Show a run with its steps, counters, errors and causes."""
    return views.RunView(
        brief=brief(scene, of),
        request=of.request,
        handle=of.handle,
        exclusive=of.exclusive,
        attempt=of.attempt,
        wished=of.wished,
        message=(of.result.message if of.result is not None else "") or (of.outcome.message if of.outcome else ""),
        stop_asked_by=of.stop_asked_by,
        causes=tuple(cause(one) for one in of.causes),
        waits=shares(of),
        steps=() if of.result is None else tuple(_step(step) for step in of.result.steps),
    )


def shares(of: Run) -> tuple[views.ShareView, ...]:
    """Show where a run's waiting time went, longest first."""
    return tuple(
        views.ShareView(text=text, seconds=seconds)
        for text, seconds in sorted(of.waits, key=lambda share: share[1], reverse=True)
    )


def _step(of: StepResult) -> views.StepView:
    return views.StepView(
        kind=of.kind.value,
        partition=of.partition,
        status=of.status,
        started=of.started,
        ended=of.ended,
        staged=counts(of.staged),
        exported=counts(of.exported),
        export_failures=of.export_failures,
        outbound=None if of.outbound is None else {str(target): count for target, count in of.outbound.items()},
        counters=dict(of.counters),
        errors=tuple(
            views.ErrorView(
                stage=error.stage,
                error_type=error.error_type,
                dn=error.dn,
                message=error.message,
                line=error.line,
                retry_count=error.retry_count,
            )
            for error in of.errors
        ),
        error_count=of.error_count,
        discovery_errors=of.discovery_errors,
    )


def pending_now(scene: Scene, of: Hold) -> PendingSet | None:
    """Return the pending set that the hold is about as the engine last counted it; None where that is not known."""
    known = scene.agent_state(of.agent)
    if known.inspection is not Inspection.KNOWN or known.pending is None or of.partition is None:
        return None
    side = known.pending.imports if of.kind is HoldKind.STAGED else known.pending.exports
    return side.get(of.partition) if side is not None else None


def fingerprint(identity: str) -> str:
    """Return the short name of a pending set that people pass back when they decide."""
    return hashlib.sha256(identity.encode()).hexdigest()[:12]


def hold(scene: Scene, of: Hold) -> views.HoldView:
    """Show a hold with the pending set as it is now, for that is what a decision is about."""
    live = pending_now(scene, of) if of.state is HoldState.OPEN else None
    waiting = [one.id for one in scene.state.requests.values() if one.hold == of.id]
    return views.HoldView(
        id=hold_name(of.id),
        kind=of.kind.value,
        agent=of.agent,
        partition=of.partition,
        state=of.state.value,
        text=of.text,
        opened=of.opened,
        age_s=_seconds(of.opened, scene.now),
        breaches=tuple(views.BreachView(what=b.what, count=b.count, limit=b.limit, text=b.text) for b in of.breaches),
        counts=counts(live.counts if live is not None else of.counts),
        fingerprint=fingerprint(live.identity if live is not None else of.fingerprint),
        sample=live.sample if live is not None and live.sample else of.sample,
        requests=tuple(waiting),
        decided=of.decided,
        decided_by=of.decided_by,
        reason=of.reason,
        used_by=of.used_by,
        story=_story(of),
    )


def _story(of: Hold) -> str:
    if of.decided_by is None:
        return "settled by itself" if of.state is HoldState.SETTLED else of.state.value
    decision = HoldState.APPROVED if of.state is HoldState.SETTLED else of.state
    used = f", used by run {of.used_by}" if of.used_by is not None else ""
    unused = ", then not needed" if of.state is HoldState.SETTLED and not used else ""
    return f"{decision.value} by {of.decided_by}{used}{unused}"


def cascade(of: Cascade, members: tuple[views.RunBrief, ...] = ()) -> views.CascadeView:
    """Show a cascade."""
    return views.CascadeView(
        id=of.id,
        cause=cause(of.cause),
        changed=of.changed,
        opened=of.opened,
        quiet=of.quiet,
        latency_s=None if of.quiet is None else _seconds(of.changed, of.quiet),
        runs=of.runs,
        exported=of.exported,
        members=members,
    )


def event(of: StoredFact) -> views.EventView:
    """Show a fact of the journal."""
    fact = of.fact
    return views.EventView(
        number=of.number,
        at=fact.at,
        kind=fact.kind.value,
        severity=fact.severity.value,
        text=fact.text,
        engine=fact.engine,
        agent=fact.agent,
        run=fact.run,
        request=fact.request,
        hold=None if fact.hold is None else hold_name(fact.hold),
        cascade=fact.cascade,
        trigger=fact.trigger,
        person=fact.person,
        data=dict(fact.data),
    )


def revision(of: Revision, *, with_text: bool = True) -> views.RevisionView:
    """Show a configuration revision."""
    return views.RevisionView(
        number=of.number, applied=of.applied, by=of.by, reason=of.reason, text=of.text if with_text else ""
    )


def _seconds(begin: datetime, end: datetime) -> float:
    return max(0.0, round((end - begin).total_seconds(), 3))
