"""Agents, engines and triggers at a glance: in which state each is, what it does now, and what it waits for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from autosync.core.state import AgentState, EngineState, Inspection
from autosync.model.agents import Agent, PendingSet
from autosync.model.holds import Hold, HoldState
from autosync.model.ids import AgentId, EngineName, HoldId, PartitionName, TriggerId, engine_of, name_of
from autosync.model.rows import Setback
from autosync.model.runs import OutcomeKind, Run
from autosync.model.settings import ScheduleSettings
from autosync.model.wording import number
from autosync.runtime.trigger_watch import WatchHealth
from autosync.service import showing, views
from autosync.service.naming import hold_name
from autosync.service.sentences import kind_of_profile, spoken
from autosync.service.showing import Scene


def agent(
    scene: Scene, of: AgentId, *, last: Run | None = None, triggers: Sequence[views.TriggerView] = ()
) -> views.AgentView:
    """Show an agent; ``last`` is its newest ended run."""
    known = scene.agent_state(of)
    now = _running(scene, of)
    state, text = agent_state(scene, of)
    known_pending = known.pending if known.inspection is Inspection.KNOWN else None
    return views.AgentView(
        id=of,
        engine=engine_of(of),
        name=name_of(of),
        category="" if known.agent is None else known.agent.category,
        state=state,
        text=text,
        now=None if now is None else showing.brief(scene, now),
        waiting=tuple(showing.request(scene, one) for one in scene.state.requests.values() if one.agent == of),
        last=None if last is None else showing.brief(scene, last),
        holds=tuple(hold_name(hold.id) for hold in holds_of(scene, of)),
        triggers=tuple(triggers),
        partitions=() if known.agent is None else known.agent.partitions,
        profiles=() if known.agent is None else _profiles(known.agent),
        failures=known.row.failures,
        resting_until=known.row.breaker_until,
        pending_imports=None if known_pending is None else _total(known_pending.imports),
        pending_exports=None if known_pending is None else _total(known_pending.exports),
        setbacks=tuple(_setbacks(known)),
    )


def _setbacks(known: AgentState) -> Iterator[views.SetbackView]:
    """Show what failed and stands, newest first; of profiles that the engine no longer has nothing can be made good."""
    profiles = known.agent.profiles if known.agent is not None else {}
    for name, setback in sorted(known.row.setbacks.items(), key=lambda entry: entry[1].at, reverse=True):
        if name in profiles or known.agent is None:
            kind = kind_of_profile(profiles.get(name), name)
            yield views.SetbackView(
                profile=name,
                kind=kind,
                run=setback.run,
                at=setback.at,
                outcome=setback.outcome.value,
                status=setback.status,
                message=setback.message,
                count=setback.count,
                errors=setback.errors,
                text=_setback_text(spoken(kind), setback),
            )


def _setback_text(what: str, setback: Setback) -> str:
    if setback.outcome is OutcomeKind.OBJECT_ERRORS:
        errors = number(setback.errors, "object") if setback.errors else "objects"
        did = f"{errors} failed in {what}"
    else:
        did = f"{what}: {setback.outcome.value.replace('-', ' ')}"
    again = f", {number(setback.count, 'time')} in a row" if setback.count > 1 else ""
    status = f" [{setback.status}]" if setback.status else ""
    return f"{did}{again}{status}" + (f": {setback.message}" if setback.message else "")


def agent_state(scene: Scene, of: AgentId) -> tuple[str, str]:
    """Return the agent's state in a word, and why it is so where that is not plain."""
    known = scene.agent_state(of)
    row = known.row
    if _running(scene, of) is not None:
        return "running", f"stopped by {row.stopped_by}: nothing more will start" if row.stopped_by else ""
    if not scene.state.settings.agent(of).enabled:
        return "disabled", "disabled in the configuration"
    if row.stopped_by:
        return "stopped", f"stopped by {row.stopped_by}" + (f": {row.stopped_reason}" if row.stopped_reason else "")
    if not scene.connected(of):
        engine = scene.state.engines.get(engine_of(of), EngineState())
        return "disconnected", engine.error
    if known.agent is None:
        return "missing", f"{engine_of(of)} has no such agent"
    if holds_of(scene, of):
        return "held", ", ".join(hold.text for hold in holds_of(scene, of))
    if row.breaker_until is not None and row.breaker_until > scene.now:
        return "resting", f"{number(row.failures, 'failure')} in a row"
    waiting = any(one.agent == of for one in scene.state.requests.values())
    return ("waiting" if waiting else "idle"), ""


def holds_of(scene: Scene, of: AgentId) -> list[Hold]:
    """Return the holds that keep the agent back: open ones and rejections."""
    kept: Mapping[HoldId, Hold] = scene.state.holds
    return [hold for hold in kept.values() if hold.agent == of and hold.state in {HoldState.OPEN, HoldState.REJECTED}]


def engine(scene: Scene, of: EngineName, agents: Sequence[views.AgentView], place: str) -> views.EngineView:
    """Show an engine with its agents."""
    known = scene.state.engines.get(of, EngineState())
    running = sum(engine_of(run.agent) == of for run in scene.state.runs.values())
    waiting = sum(engine_of(request.agent) == of for request in scene.state.requests.values())
    ended = [one.last.ended for one in agents if one.last is not None and one.last.ended is not None]
    return views.EngineView(
        name=of,
        place=place,
        connected=known.connected,
        shadow=scene.state.settings.is_shadow(of),
        lost_since=known.lost_since,
        error=known.error,
        running=running,
        waiting=waiting,
        quiet_since=max(ended) if ended and not running and not waiting else None,
        agents=tuple(agents),
    )


def watched(of: WatchHealth) -> views.TriggerView:
    """Show a trigger that watches."""
    if not of.enabled:
        state = "off"
    elif of.error and not of.alive:
        state = "failed"
    else:
        state = "live" if of.alive else "starting"
    lag = {} if of.lag is None else {"lag": f"{of.lag.total_seconds():.1f} s"}
    return views.TriggerView(
        id=of.id,
        agent=of.agent,
        name=trigger_parts(of.id)[1],
        kind="watch",
        state=state,
        last_event=of.last_event,
        last_fired=of.last_fire,
        fired=of.fires,
        since=of.since,
        error=of.error,
        details={**of.details, **lag},
    )


def schedules(scene: Scene) -> list[views.TriggerView]:
    """Show the triggers that the clock fires."""
    return [_schedule(scene, schedule) for schedule in scene.state.settings.schedules.values()]


def trigger_parts(trigger: TriggerId) -> tuple[str, str]:
    """Return the agent and the name in ``engine/agent#name``."""
    agent_part, _, name = trigger.rpartition("#")
    return agent_part or trigger, name or trigger


def by_agent(triggers: Iterable[views.TriggerView]) -> dict[str, list[views.TriggerView]]:
    """Return the triggers of each agent, in order of their names."""
    found: dict[str, list[views.TriggerView]] = {}
    for one in sorted(triggers, key=lambda trigger: trigger.id):
        found.setdefault(one.agent, []).append(one)
    return found


def _schedule(scene: Scene, of: ScheduleSettings) -> views.TriggerView:
    row = scene.state.schedules.get(of.id)
    return views.TriggerView(
        id=of.id,
        agent=of.agent,
        name=trigger_parts(of.id)[1],
        kind="schedule",
        state="scheduled" if of.enabled else "off",
        last_fired=None if row is None else row.last,
        next=row.next if row is not None and of.enabled else None,
        details={"run": str(of.run)},
    )


def _running(scene: Scene, of: AgentId) -> Run | None:
    return next((run for run in scene.state.runs.values() if run.agent == of), None)


def _profiles(of: Agent) -> tuple[views.ProfileView, ...]:
    return tuple(
        views.ProfileView(
            name=profile.name, steps=tuple(f"{step.kind.value} {step.partition}" for step in profile.steps)
        )
        for profile in of.profiles.values()
    )


def _total(sets: Mapping[PartitionName, PendingSet] | None) -> int | None:
    if sets is None:
        return None
    totals = [one.counts.total for one in sets.values() if one.counts is not None]
    return sum(totals) if len(totals) == len(sets) else None
