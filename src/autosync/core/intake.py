"""What people and triggers want: firings, asked runs, withdrawn requests, started and stopped agents, scripts' words."""

from dataclasses import replace
from datetime import datetime

from autosync.core import estimates, looks, probes, queue, tokens
from autosync.core.narration import by_whom
from autosync.core.state import Look
from autosync.core.turn import Turn
from autosync.model.causes import Cause, CauseKind
from autosync.model.commands import StopRun
from autosync.model.facts import FactKind, Severity
from autosync.model.ids import AgentId, engine_of
from autosync.model.requests import Request
from autosync.model.runs import Run, RunState
from autosync.model.steps import Slot
from autosync.model.stimuli import (
    AgentSwitched,
    RequestDropAsked,
    RunAsked,
    StopAsked,
    TriggerFired,
    TriggerHealth,
)
from autosync.model.wording import number


def fired(turn: Turn, firing: TriggerFired) -> None:
    """Queue what a trigger wants run."""
    wanted = firing.wanted
    if firing.full:
        wanted = replace(wanted, slot=Slot.FULL_IMPORT, profile=None)
    seen = f" ({firing.text})" if firing.text else ""
    text = f"trigger {firing.trigger} fired{seen}"
    about = text if firing.count == 1 else f"{text}, {number(firing.count, 'time')}"
    data = {"count": firing.count, **({"evidence": firing.evidence} if firing.evidence else {})}
    turn.record(FactKind.TRIGGER_FIRED, about, agent=wanted.agent, trigger=firing.trigger, data=data)
    profiles = queue.resolve(turn, wanted)
    if not profiles and firing.full:
        profiles = queue.resolve(turn, firing.wanted)
    cause = Cause(kind=CauseKind.TRIGGER, text=text, at=turn.now, trigger=firing.trigger, count=firing.count)
    wish = queue.Wish(
        agent=wanted.agent,
        causes=(cause,),
        changed=firing.changed,
        exclusive=wanted.exclusive,
        front=wanted.front,
        tokens={firing.trigger: firing.token} if firing.token is not None else {},
    )
    _listen(turn, wanted.agent, firing.changed or turn.now)
    if profiles:
        early = probes.is_due(turn, firing, profiles)
        requests = queue.ask(turn, profiles, wish)
        if early:
            probes.allow(turn, wanted.agent, requests)


def shadow_refusal(agent: AgentId) -> str:
    """Return what a person is told who wants something done in an engine that is only watched."""
    engine = engine_of(agent)
    return f"{engine} is only watched (engines › {engine} › shadow: true), so AutoSync starts and stops nothing there"


def _listen(turn: Turn, agent: AgentId, changed: datetime) -> None:
    """Learn what exports set off on their target: what a trigger tells a while after one may be its echo."""
    known = turn.agents.now.get(agent)
    for profile in known.agent.profiles if known is not None and known.agent is not None else ():
        row = turn.estimates.now.get((agent, profile))
        learned = estimates.heard(row, changed) if row is not None and row.exported is not None else None
        if learned is not None:
            turn.put_estimate(learned)


def trigger_health(turn: Turn, word: TriggerHealth) -> None:
    """Record that a trigger failed, or that it watches again; it says each once."""
    agent = AgentId(word.trigger.partition("#")[0])
    if word.alive:
        turn.record(
            FactKind.TRIGGER_RECOVERED, f"trigger {word.trigger} watches again", agent=agent, trigger=word.trigger
        )
    else:
        text = f"trigger {word.trigger} cannot watch: {word.error}. It is tried again"
        turn.record(FactKind.TRIGGER_FAILED, text, severity=Severity.WARNING, agent=agent, trigger=word.trigger)


def asked(turn: Turn, wish: RunAsked) -> None:
    """Queue what a person wants run; it takes the same path as everything else."""
    if turn.settings.is_shadow(engine_of(wish.wanted.agent)):
        _refuse(turn, wish.wanted.agent, wish.by, shadow_refusal(wish.wanted.agent))
        return
    profiles = queue.resolve(turn, wish.wanted)
    if not profiles:
        text = f"{wish.wanted.agent} has nothing to run for what {wish.by} asked"
        turn.record(FactKind.REFUSED, text, severity=Severity.WARNING, agent=wish.wanted.agent, person=wish.by)
        return
    text = f"asked for {by_whom(wish.by, wish.reason)}"
    cause = Cause(kind=CauseKind.PERSON, text=text, at=turn.now, person=wish.by)
    wanted = wish.wanted
    queue.ask(
        turn,
        profiles,
        queue.Wish(agent=wanted.agent, causes=(cause,), exclusive=wanted.exclusive, front=wanted.front),
    )


def stop_asked(turn: Turn, wish: StopAsked) -> None:
    """Have the agent's current run stopped."""
    if turn.settings.is_shadow(engine_of(wish.agent)):
        _refuse(turn, wish.agent, wish.by, shadow_refusal(wish.agent))
        return
    run = turn.running(wish.agent)
    if run is None:
        _refuse(turn, wish.agent, wish.by, f"nothing runs on {wish.agent} that could be stopped")
        return
    stop_run(turn, run, wish.by, wish.reason)


def stop_run(turn: Turn, run: Run, by: str, reason: str = "", *, comes_back: bool = False) -> None:
    """Have a run stopped. One of which contact was lost stays lost until the engine tells."""
    state = run.state if run.state is RunState.LOST else RunState.STOPPING
    turn.put_run(replace(run, state=state, stop_asked_by=by, comes_back=comes_back))
    turn.command(StopRun(run=run.id, agent=run.agent))
    text = f"{run.profile} of {run.agent} was asked to stop {by_whom(by, reason)}"
    turn.record(FactKind.RUN_STOP_ASKED, text, agent=run.agent, run=run.id, person=by)


def drop_asked(turn: Turn, wish: RequestDropAsked) -> None:
    """Take a waiting request back for a person."""
    request = turn.waiting(wish.agent, wish.profile)
    if request is None:
        _refuse(turn, wish.agent, wish.by, f"no request for {wish.profile} of {wish.agent} waits")
        return
    drop(turn, request, f"taken back {by_whom(wish.by, wish.reason)}", person=wish.by)


def drop(turn: Turn, request: Request, why: str, *, person: str | None = None) -> None:
    """Remove a waiting request, visibly. Its tokens stay with the agent: the next good import stores them."""
    turn.remove_request(request)
    tokens.leave(turn, request)
    text = f"the request for {request.profile} of {request.agent} was dropped: {why}"
    turn.record(
        FactKind.REQUEST_DROPPED,
        text,
        severity=Severity.WARNING,
        agent=request.agent,
        request=request.id,
        person=person,
    )


def switched(turn: Turn, switch: AgentSwitched) -> None:
    """Start or stop an agent. Work that came up while it was stopped is looked for when it starts (W6)."""
    known = turn.agent(switch.agent)
    word = "started" if switch.started else "stopped"
    if switch.agent not in turn.agents.now and switch.agent not in turn.settings.agents:
        _refuse(turn, switch.agent, switch.by, f"there is no agent {switch.agent} to be {word}")
        return
    if switch.started == (known.row.stopped_by is None):
        _refuse(turn, switch.agent, switch.by, f"{switch.agent} is {word} already")
        return
    row = replace(
        known.row,
        stopped_by=None if switch.started else switch.by,
        stopped_reason="" if switch.started else switch.reason,
    )
    turn.put_agent(replace(known, row=row))
    kind = FactKind.AGENT_STARTED if switch.started else FactKind.AGENT_STOPPED
    text = f"{switch.agent} was {word} {by_whom(switch.by, switch.reason)}"
    turn.record(kind, text, agent=switch.agent, person=switch.by)
    if switch.started:
        looks.want(turn, switch.agent, Look(imports=True), anew=True)


def _refuse(turn: Turn, agent: AgentId, person: str, text: str) -> None:
    turn.record(FactKind.REFUSED, text, severity=Severity.WARNING, agent=agent, person=person)
