"""Why each waiting request waits, by the same rules that decide what starts."""

from collections.abc import Mapping
from datetime import datetime

from autosync.core import admission, selection
from autosync.core.planning import guards_have_seen, next_start
from autosync.core.scene import engine_settings, scene
from autosync.core.selection import Candidate
from autosync.core.state import EngineState, State
from autosync.model.ids import RequestId, engine_of
from autosync.model.requests import Waiting, WaitKind


def explain(state: State, now: datetime) -> Mapping[RequestId, tuple[Waiting, ...]]:
    """Return why each waiting request does not start at ``now``, the weightiest reason first."""
    found = scene(state, now)
    reasons = dict(found.waiting)
    for engine, candidates in found.candidates.items():
        settings = engine_settings(state, engine)
        going = found.going.get(engine, [])
        last_start = state.engines[engine].last_start if engine in state.engines else None
        history = selection.History(estimates=state.estimates, cascades=state.cascades, last_start=last_start)
        choice = selection.choose(settings, candidates, going, history, now)
        for candidate in candidates:
            blocked = admission.blockers(candidate.locks, found.occupied, settings)
            chosen = choice.reasons.get(candidate.request.id)
            order = chosen if chosen is not None and candidate.request.id not in choice.starts else None
            reasons[candidate.request.id] = blocked or ((order,) if order else _not_ready(state, candidate, now))
    return {request: reasons[request] for request in state.requests}


def _not_ready(state: State, candidate: Candidate, now: datetime) -> tuple[Waiting, ...]:
    """Return what a request that may start still waits for."""
    request = candidate.request
    known = state.agents[request.agent]
    engine = state.engines.get(engine_of(request.agent)) or EngineState()
    if candidate.profile is not None and not guards_have_seen(known, engine, candidate.profile, now):
        text = f"the guards wait for the engine's count of what is pending on {request.agent}"
        return (Waiting(kind=WaitKind.INSPECTING, text=text),)
    word = known.script.get(request.profile)
    if word is not None and word.allowed is None:
        return (Waiting(kind=WaitKind.SCRIPT, text="the controller script is being asked"),)
    due = next_start(engine.last_start, engine_settings(state, engine_of(request.agent)), now)
    if due is not None:
        return (Waiting(kind=WaitKind.STAGGER, text="the next run starts a moment later", until=due),)
    return (Waiting(kind=WaitKind.ORDER, text="it may start now"),)
