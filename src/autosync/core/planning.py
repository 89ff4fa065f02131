"""Which waiting requests start now: the selection chooses among those that nothing else keeps back, admission has the law."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from autosync.core import admission, holds, inspection, looks, obstacles, scripts, selection, shadow, tokens
from autosync.core.scene import Scene, scene
from autosync.core.state import AgentState, EngineState, WaitLog
from autosync.core.turn import Turn
from autosync.model.commands import StartRun
from autosync.model.facts import FactKind
from autosync.model.holds import HoldKind
from autosync.model.ids import RequestId, engine_of
from autosync.model.requests import Request, Waiting
from autosync.model.runs import Run, RunState
from autosync.model.settings import EngineSettings
from autosync.model.steps import Profile

KEPT_REASONS = 12
"""Of a request that waited for more reasons than these, the shortest are told as one."""
OTHER_REASONS = "other runs"


def plan(turn: Turn) -> datetime | None:
    """Start what may start; return when to choose again although nothing happened."""
    looks.advance(turn)
    _consult_guards(turn)
    found = scene(turn.view(), turn.now)
    reasons = {request: waiting[0] for request, waiting in found.waiting.items()}
    revisit: datetime | None = None
    for engine, candidates in found.candidates.items():
        settings = turn.engine_settings(engine)
        going = found.going.get(engine, [])
        history = selection.History(
            estimates=turn.estimates.now, cascades=turn.cascades.now, last_start=turn.engine(engine).last_start
        )
        choice = selection.choose(settings, candidates, going, history, turn.now)
        reasons.update(choice.reasons)
        moments = [choice.revisit, _start_chosen(turn, settings, found, choice.starts)]
        revisit = min((each for each in (revisit, *moments) if each is not None), default=None)
    _log_waits(turn, reasons)
    return revisit


def _consult_guards(turn: Turn) -> None:
    """Have the guards look at every waiting request of which they know what it would let pass."""
    for request in tuple(turn.requests.now.values()):
        known = turn.agents.now.get(request.agent)
        if known is None or not inspection.sides_known(known):
            continue
        profile = turn.profile(request.agent, request.profile)
        if profile is not None:
            holds.admit(turn, request, profile)


def _start_chosen(turn: Turn, settings: EngineSettings, found: Scene, chosen: tuple[RequestId, ...]) -> datetime | None:
    """Start the chosen ones that are ready; return when the next may start where starts are staggered."""
    candidates = {each.request.id: each for each in found.candidates[settings.name]}
    for request in chosen:
        candidate = candidates[request]
        if candidate.profile is None or admission.first_blocker(candidate.locks, found.occupied, settings) is not None:
            continue
        if not _is_ready(turn, candidate.request, candidate.profile):
            continue
        if settings.shadow:
            shadow.would_run(turn, candidate.request)
            continue
        due = next_start(turn.engine(settings.name).last_start, settings, turn.now)
        if due is not None:
            return due
        _start(turn, settings, candidate.request, candidate.profile)
        found.occupied.take(candidate.locks)
    return None


def next_start(last: datetime | None, settings: EngineSettings, now: datetime) -> datetime | None:
    """Return when the engine's next run may start where starts are staggered; None: now. A future start is no start."""
    if not settings.stagger or last is None or last > now:
        return None
    due = last + settings.stagger
    return due if now < due else None


def _is_ready(turn: Turn, request: Request, profile: Profile) -> bool:
    """Return whether the guards have seen what they must see; else have them shown."""
    known = turn.agent(request.agent)
    if not guards_have_seen(known, turn.engine(engine_of(request.agent)), profile, turn.now):
        inspection.ask(turn, request.agent, frozenset(holds.side_of(kind) for kind, _ in obstacles.guarded(profile)))
        return False
    policy = turn.agent_settings(request.agent).script
    return policy is None or shadow.watches(turn, request.agent) or scripts.allow(turn, known, request, policy)


def guards_have_seen(known: AgentState, engine: EngineState, profile: Profile, now: datetime) -> bool:
    """Return whether everything is known, and fresh, that the guards must judge before such a run."""
    kinds = {kind for kind, _ in obstacles.guarded(profile)}
    if not kinds:
        return True
    imports_seen = HoldKind.STAGED not in kinds or inspection.imports_known(known)
    exports_seen = HoldKind.EXPORTS not in kinds or inspection.exports_known(known, engine)
    return imports_seen and exports_seen and inspection.is_fresh(known, now)


def _start(turn: Turn, settings: EngineSettings, request: Request, profile: Profile) -> None:
    waits = _waits(turn, request)
    turn.remove_request(request)
    carried = tokens.take(turn, request, profile)
    known = turn.agent(request.agent)
    run = Run(
        id=turn.next_run(),
        agent=request.agent,
        profile=request.profile,
        state=RunState.STARTING,
        started=turn.now,
        request=request.id,
        request_as_started=request,
        handle_before=known.row.seen_handle,
        exclusive=request.exclusive,
        causes=request.causes,
        cascades=request.cascades,
        tokens=carried,
        attempt=request.attempt,
        wished=request.wished,
        waits=waits,
    )
    turn.put_run(run)
    turn.put_engine(settings.name, replace(turn.engine(settings.name), last_start=turn.now))
    holds.used(turn, run, profile)
    inspection.overtake(turn, request.agent, synchronizes=profile.syncs)
    _forget_word(turn, request)
    turn.command(StartRun(run=run.id, agent=run.agent, profile=run.profile, settle=settings.settle))
    _tell_start(turn, run)


def _tell_start(turn: Turn, run: Run) -> None:
    text = f"{run.profile} of {run.agent} was started, because {run.causes[0].text}"
    data: dict[str, object] = {
        "profile": run.profile,
        "causes": [cause.text for cause in run.causes],
        "runs": sorted({cause.run for cause in run.causes if cause.run is not None}),
        "cascades": sorted(run.cascades),
        "waits": [[reason, seconds] for reason, seconds in run.waits],
        "attempt": run.attempt,
    }
    turn.record(FactKind.RUN_STARTED, text, agent=run.agent, run=run.id, request=run.request, data=data)


def _forget_word(turn: Turn, request: Request) -> None:
    """Let a script's yes be good for one start."""
    known = turn.agent(request.agent)
    if request.profile in known.script:
        words = {profile: word for profile, word in known.script.items() if profile != request.profile}
        turn.put_agent(replace(known, script=words))


def _log_waits(turn: Turn, reasons: Mapping[RequestId, Waiting]) -> None:
    """Note for each waiting request what it waits for, where that has changed."""
    for request in turn.requests.now:
        reason = (
            reasons[request].text if request in reasons else "the guards look at what is pending, or others go first"
        )
        log = turn.waits.now.get(request)
        if log is None:
            turn.waits.put(request, WaitLog(reason=reason, since=turn.now))
        elif log.reason != reason:
            turn.waits.put(request, WaitLog(reason=reason, since=turn.now, spent=_spent(log, turn.now)))


def _waits(turn: Turn, request: Request) -> tuple[tuple[str, float], ...]:
    log = turn.waits.now.get(request.id)
    return _spent(log, turn.now) if log is not None else ()


def _spent(log: WaitLog, now: datetime) -> tuple[tuple[str, float], ...]:
    """Return where the time went so far; a reason that comes again is counted on, and of many only the longest stay."""
    seconds = max((now - log.since).total_seconds(), 0.0)
    if not seconds:
        return log.spent
    spent = dict(log.spent)
    spent[log.reason] = spent.get(log.reason, 0.0) + seconds
    if len(spent) > KEPT_REASONS:
        others = spent.pop(OTHER_REASONS, 0.0)
        shortest = sorted(spent, key=spent.__getitem__)[:2]
        spent[OTHER_REASONS] = others + sum(spent.pop(reason) for reason in shortest)
    return tuple(spent.items())
