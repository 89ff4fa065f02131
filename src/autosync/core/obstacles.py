"""What keeps a request back whatever else runs: connection, people, guards, windows, back-off. Locks come after these."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from autosync.core import combined, retry, schedule
from autosync.core.state import AgentState, EngineState, State
from autosync.model.holds import Hold, HoldKind, HoldState
from autosync.model.ids import AgentId, EngineName, PartitionName, RunId, engine_of
from autosync.model.requests import Request, Waiting, WaitKind
from autosync.model.rows import Unheard
from autosync.model.schedules import Exclusion, Part
from autosync.model.steps import Profile
from autosync.model.wording import number

SCRIPT_MAY_TAKE: Final = timedelta(seconds=2)
"""So long a request keeps its place while its controller script is asked; then others go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What holds for all requests at one moment, worked out once."""

    state: State
    now: datetime
    excluded: tuple[tuple[Exclusion, datetime | None], ...]
    """The exclusions that are in force, and until when."""
    holds: Mapping[AgentId, tuple[Hold, ...]]
    wide: Mapping[EngineName, tuple[Hold, ...]]
    """Holds that keep a whole engine back."""
    unheard: tuple[tuple[AgentId, RunId, Unheard], ...]
    """Ended runs about which a controller script has not given its verdict."""


def conditions(state: State, now: datetime) -> Conditions:
    """Work out what holds at ``now``."""
    holds: dict[AgentId, tuple[Hold, ...]] = {}
    wide: dict[EngineName, tuple[Hold, ...]] = {}
    for hold in state.holds.values():
        holds[hold.agent] = (*holds.get(hold.agent, ()), hold)
        if hold.engine_wide:
            engine = engine_of(hold.agent)
            wide[engine] = (*wide.get(engine, ()), hold)
    excluded = tuple(
        (each, schedule.open_until(each, now)) for each in state.settings.exclusions if schedule.is_open(each, now)
    )
    unheard = tuple((key, run, entry) for key, each in state.agents.items() for run, entry in each.row.unheard.items())
    return Conditions(state=state, now=now, excluded=excluded, holds=holds, wide=wide, unheard=unheard)


def obstacles(given: Conditions, request: Request) -> Iterator[Waiting]:
    """Yield everything that keeps the request back beside other runs, the weightiest first."""
    state = given.state
    known = state.agents.get(request.agent)
    engine = state.engines.get(engine_of(request.agent)) or EngineState()
    if not engine.connected:
        since = f": {engine.error}" if engine.error else ""
        yield Waiting(kind=WaitKind.DISCONNECTED, text=f"{engine_of(request.agent)} cannot be reached{since}")
    if known is None or known.agent is None:
        text = f"{engine_of(request.agent)} has not described {request.agent}"
        yield Waiting(kind=WaitKind.UNKNOWN_PROFILE, text=text)
        return
    profile = known.agent.profiles.get(request.profile)
    yield from _watched(given, request)
    yield from _stopped(given, known)
    if profile is None:
        text = f"{request.agent} no longer has a run profile named {request.profile}"
        yield Waiting(kind=WaitKind.UNKNOWN_PROFILE, text=text)
    elif combined.is_kept_back(state.settings.agent(request.agent), profile):
        yield Waiting(kind=WaitKind.COMBINED, text=combined.why(profile))
    yield from _held(given, request, profile)
    yield from _excluded(given, request, profile)
    if state.settings.no_export and Part.EXPORTS in parts_of(profile):
        yield Waiting(kind=WaitKind.NO_EXPORT, text="exports are switched off (no-export)")
    yield from _resting(given, request, known)
    yield from _unanswered(given, request, profile, known)
    yield from _without_verdict(given, request, profile)


def parts_of(profile: Profile | None) -> frozenset[Part]:
    """Return the parts that a run of the profile has; all where the profile is unknown."""
    if profile is None:
        return frozenset(Part)
    has = {Part.IMPORTS: profile.imports, Part.SYNCS: profile.syncs, Part.EXPORTS: profile.exports}
    return frozenset(part for part, there in has.items() if there)


def applies(exclusion: Exclusion, agent: AgentId, profile: Profile | None) -> bool:
    """Return whether an exclusion that is in force keeps such a run back."""
    agents = exclusion.agents
    meant = agents is None or agent in agents or engine_of(agent) in agents
    return meant and (exclusion.only is None or not exclusion.only.isdisjoint(parts_of(profile)))


def guarded(profile: Profile) -> Iterator[tuple[HoldKind, PartitionName]]:
    """Yield which pending sets the guards look at before such a run: staged imports, pending exports, per partition."""
    seen: set[tuple[HoldKind, PartitionName]] = set()
    for step in profile.steps:
        for kind, has in ((HoldKind.STAGED, step.kind.syncs), (HoldKind.EXPORTS, step.kind.exports)):
            if has and (kind, step.partition) not in seen:
                seen.add((kind, step.partition))
                yield kind, step.partition


def keeps_back(hold: Hold, profile: Profile | None) -> bool:
    """Return whether a hold keeps such a run back: an open one its own set, a rejected one all of that kind."""
    if hold.state is HoldState.APPROVED:
        return False
    if hold.kind is HoldKind.SCRIPT or profile is None:
        return True
    kind = HoldKind.STAGED if hold.kind is HoldKind.STAGED else HoldKind.EXPORTS
    sets = tuple(guarded(profile))
    whole = hold.state is HoldState.REJECTED or hold.partition is None
    return any(each == kind and (whole or partition == hold.partition) for each, partition in sets)


def _stopped(given: Conditions, known: AgentState) -> Iterator[Waiting]:
    if not given.state.settings.agent(known.row.id).enabled:
        yield Waiting(kind=WaitKind.STOPPED, text=f"{known.row.id} is disabled in the configuration")
    elif known.row.stopped_by is not None:
        reason = f": {known.row.stopped_reason}" if known.row.stopped_reason else ""
        yield Waiting(kind=WaitKind.STOPPED, text=f"{known.row.id} was stopped by {known.row.stopped_by}{reason}")


def _held(given: Conditions, request: Request, profile: Profile | None) -> Iterator[Waiting]:
    holds = given.holds.get(request.agent, ())
    if given.wide:
        everywhere = given.wide.get(engine_of(request.agent), ())
        holds += tuple(hold for hold in everywhere if hold.agent != request.agent)
    for hold in holds:
        if keeps_back(hold, profile):
            said = "was rejected and not lifted" if hold.state is HoldState.REJECTED else "needs a decision"
            yield Waiting(kind=WaitKind.HELD, text=f"hold H-{hold.id} {said}: {hold.text}", blocker=f"hold H-{hold.id}")


def _excluded(given: Conditions, request: Request, profile: Profile | None) -> Iterator[Waiting]:
    for exclusion, until in given.excluded:
        if applies(exclusion, request.agent, profile):
            yield Waiting(kind=WaitKind.EXCLUDED, text=f"exclusion period {exclusion.name}", until=until)


def _resting(given: Conditions, request: Request, known: AgentState) -> Iterator[Waiting]:
    if retry.is_resting(known.row, given.now):
        text = f"{request.agent} rests after {number(known.row.failures, 'failure')} in a row"
        yield Waiting(kind=WaitKind.BREAKER, text=text, until=known.row.breaker_until)
    if request.not_before is not None and given.now < request.not_before:
        said = f": {request.setback}" if request.setback else ""
        text = f"it is tried again later (attempt {request.attempt}){said}"
        yield Waiting(kind=WaitKind.BACK_OFF, text=text, until=request.not_before)


def _unanswered(given: Conditions, request: Request, profile: Profile | None, known: AgentState) -> Iterator[Waiting]:
    word = known.script.get(request.profile)
    if word is not None and word.asked is not None and word.asked + SCRIPT_MAY_TAKE <= given.now < word.until:
        yield Waiting(kind=WaitKind.SCRIPT, text="the controller script is being asked, and takes its time")
    if word is not None and word.allowed is False and given.now < word.until:
        said = f": {word.text}" if word.text else ""
        yield Waiting(kind=WaitKind.SCRIPT, text=f"the controller script said not now{said}", until=word.until)
    if known.ask_after is None or given.now >= known.ask_after or profile is None:
        return
    if any(guarded(profile)):
        text = f"the engine could not say what is pending on {request.agent}"
        yield Waiting(kind=WaitKind.INSPECTING, text=text, until=known.ask_after)


def _without_verdict(given: Conditions, request: Request, profile: Profile | None) -> Iterator[Waiting]:
    """Yield the runs whose verdict a request waits for: those that it comes from, and those whose work it would carry on."""
    if not given.unheard:
        return
    parts = parts_of(profile)
    for agent, run, entry in given.unheard:
        caused = any(cause.run == run for cause in request.causes)
        carries_on = request.agent == agent and not parts.isdisjoint({Part.SYNCS, Part.EXPORTS})
        if caused or carries_on or (request.agent in entry.targets and Part.EXPORTS in parts):
            failed = f"; it failed: {entry.error}" if entry.error else ""
            text = f"the controller script of {agent} has not said whether run {run} may be followed up{failed}"
            yield Waiting(kind=WaitKind.SCRIPT, text=text, until=entry.again if entry.error else None)


def _watched(given: Conditions, request: Request) -> Iterator[Waiting]:
    if request.would_have_run is None:
        return
    engine = given.state.settings.engines.get(engine_of(request.agent))
    if engine is not None and engine.shadow:
        text = f"{engine.name} is only watched: AutoSync would have run it, and waits for somebody else to"
        yield Waiting(kind=WaitKind.SHADOW, text=text, until=request.would_have_run + engine.shadow_patience)
