"""The scene of a planning pass: who could start, who runs, and why the others wait. Read by planning and by ``explain``."""

from dataclasses import dataclass, field
from datetime import datetime

from autosync.core import admission
from autosync.core.admission import LockSet, Occupied
from autosync.core.obstacles import conditions, obstacles
from autosync.core.selection import Candidate, Going
from autosync.core.state import State
from autosync.model.agents import Agent
from autosync.model.ids import AgentId, EngineName, ProfileName, RequestId, engine_of
from autosync.model.requests import Request, Waiting, WaitKind
from autosync.model.settings import EngineSettings
from autosync.model.steps import Profile


@dataclass(slots=True, kw_only=True)
class Scene:
    """``waiting`` tells of each request that is no candidate why not."""

    candidates: dict[EngineName, list[Candidate]] = field(default_factory=dict)
    going: dict[EngineName, list[Going]] = field(default_factory=dict)
    occupied: Occupied = field(default_factory=Occupied)
    waiting: dict[RequestId, tuple[Waiting, ...]] = field(default_factory=dict)


def scene(state: State, now: datetime) -> Scene:
    """Sort what waits and what runs."""
    found = Scene()
    for run in state.runs.values():
        profile = _profile(state, run.agent, run.profile)
        locks = _locks(state, run.agent, run.profile, exclusive=run.exclusive)
        going = Going(run=run, locks=locks, is_sync=locks.sync, alone=locks.alone, profile=profile)
        found.going.setdefault(locks.engine, []).append(going)
        found.occupied.take(locks)
    given = conditions(state, now)
    free: list[Request] = []
    for request in state.requests.values():
        reasons = tuple(obstacles(given, request))
        if reasons:
            found.waiting[request.id] = reasons
        else:
            free.append(request)
    _admit(state, found, free)
    return found


def engine_settings(state: State, engine: EngineName) -> EngineSettings:
    """Return the operator's decisions about an engine, or the defaults."""
    return state.settings.engines.get(engine) or EngineSettings(name=engine)


def _admit(state: State, found: Scene, free: list[Request]) -> None:
    """Make candidates of the requests, but let a synchronization wait for the imports that belong together with it."""
    profiles = {request.id: _profile(state, request.agent, request.profile) for request in free}
    imports: dict[AgentId, list[Request]] = {}
    for request in free:
        profile = profiles[request.id]
        if profile is not None and profile.imports and not profile.syncs and not request.confirms:
            imports.setdefault(request.agent, []).append(request)
    for request in free:
        profile = profiles[request.id]
        together = _waits_for(request, profile, imports)
        if together is not None:
            text = f"{together.profile} of {together.agent} belongs together with it and goes first"
            found.waiting[request.id] = (Waiting(kind=WaitKind.ORDER, text=text, blocker=together.agent),)
        else:
            candidate = _candidate(state, request, profile)
            found.candidates.setdefault(candidate.locks.engine, []).append(candidate)


def _waits_for(request: Request, profile: Profile | None, imports: dict[AgentId, list[Request]]) -> Request | None:
    """Return an import of another partition that came from the same cause: one synchronization serves both."""
    if profile is None or not profile.syncs or request.agent not in imports:
        return None
    return next((each for each in imports[request.agent] if each.cascades & request.cascades), None)


def _candidate(state: State, request: Request, profile: Profile | None) -> Candidate:
    locks = _locks(state, request.agent, request.profile, exclusive=request.exclusive)
    return Candidate(
        request=request,
        profile=profile,
        locks=locks,
        is_sync=locks.sync,
        alone=locks.alone,
        imports=profile is None or profile.imports,
        exports=profile is None or profile.exports,
        waiting_since=request.wished,
        expected=request.expected,
    )


def _locks(state: State, agent: AgentId, profile: ProfileName, *, exclusive: bool) -> LockSet:
    """Return what a run locks; worked out again only where the configuration or the agent's description is another."""
    known = state.agents.get(agent)
    described = known.agent if known is not None else None
    key = (agent, profile, exclusive)
    before = state.lock_sets.get(key)
    if before is not None and before[0] is state.settings and before[1] is described:
        return before[2]
    engine = engine_settings(state, engine_of(agent))
    steps = _profile(state, agent, profile)
    whole = described or Agent(id=agent)
    locks = admission.locks_of(steps, whole, state.settings.agent(agent), engine, exclusive=exclusive)
    state.lock_sets[key] = (state.settings, described, locks)
    return locks


def _profile(state: State, agent: AgentId, profile: ProfileName) -> Profile | None:
    known = state.agents.get(agent)
    return known.agent.profiles.get(profile) if known is not None and known.agent is not None else None
