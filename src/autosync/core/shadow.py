"""Engines that are only watched: what AutoSync would have run and why, beside what somebody else's scheduler runs.

A wish lives as it always does, up to the moment when it could start. Then it waits for a run of somebody else that serves it;
that run takes its causes over, so that chains, cascades and latencies go on. Locks are those of real runs alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from autosync.core import coverage, queue, tokens
from autosync.core.narration import duration
from autosync.core.turn import Turn
from autosync.model.causes import Cause
from autosync.model.counts import StepResult
from autosync.model.facts import FactKind, Severity
from autosync.model.holds import Hold
from autosync.model.ids import AgentId, TriggerId, engine_of
from autosync.model.requests import Request, Token
from autosync.model.runs import Run
from autosync.model.steps import Profile


def watches(turn: Turn, agent: AgentId) -> bool:
    """Return whether the agent's engine is only watched."""
    return turn.settings.is_shadow(engine_of(agent))


def would_run(turn: Turn, request: Request) -> None:
    """Record that the request could start now; from now on it waits for somebody else's run."""
    turn.put_request(replace(request, would_have_run=turn.now))
    text = f"AutoSync would have started {request.profile} of {request.agent} now, because {request.causes[0].text}"
    data: dict[str, object] = {
        "profile": request.profile,
        "causes": [cause.text for cause in request.causes],
        "waited_s": (turn.now - request.wished).total_seconds(),
    }
    turn.record(FactKind.WOULD_HAVE_RUN, text, agent=request.agent, request=request.id, data=data)


def would_hold(turn: Turn, hold: Hold) -> None:
    """Record, once for each set, what a guard would have held."""
    key = f"would have held {hold.kind} {hold.partition} {hold.fingerprint}"
    if key not in turn.agent(hold.agent).reported:
        turn.report(hold.agent, key)
        text = f"a guard would have held this: {hold.text}"
        turn.record(FactKind.WOULD_HAVE_HELD, text, severity=Severity.WARNING, agent=hold.agent)


def matched(turn: Turn, run: Run) -> Run:
    """Return somebody else's run with the causes of the wishes that it serves; they wait no longer."""
    if not watches(turn, run.agent):
        return run
    profile = turn.profile(run.agent, run.profile)
    served = tuple(_served(turn, run, profile))
    looked_for = _looked_for(turn, run, profile)
    for request in served:
        turn.remove_request(request)
        _tell_match(turn, run, request)
    if looked_for and not served:
        _tell_early(turn, run, looked_for)
    if not (served or looked_for):
        return run
    return _with_causes(turn, run, profile, served, looked_for)


def ended(turn: Turn, run: Run, steps: Sequence[StepResult]) -> None:
    """Record a run of somebody else that nothing had asked for, and whether it changed anything."""
    if run.managed or run.causes or not watches(turn, run.agent):
        return
    changed = _changed(steps)
    did = "changed nothing" if changed is False else "changed something" if changed else "did not say what it changed"
    seconds = _took(turn, run).total_seconds()
    text = f"{run.profile} of {run.agent} was run by somebody else, and nothing had asked for it; it {did}"
    data: dict[str, object] = {"profile": run.profile, "seconds": seconds, "changed": changed}
    turn.record(FactKind.SHADOW_UNASKED, text, agent=run.agent, run=run.id, data=data)


def close_overdue(turn: Turn) -> None:
    """Give up waiting for runs that nobody starts: recorded, and closed."""
    for request in tuple(turn.requests.now.values()):
        if request.would_have_run is None or not watches(turn, request.agent):
            continue
        patience = turn.engine_settings(engine_of(request.agent)).shadow_patience
        if turn.now < request.would_have_run + patience:
            continue
        tokens.leave(turn, request)
        turn.remove_request(request)
        text = (
            f"{request.profile} of {request.agent} was never run by the other scheduler: AutoSync would have started it "
            f"{duration(turn.now - request.would_have_run)} ago, because {request.causes[0].text}"
        )
        data: dict[str, object] = {"profile": request.profile}
        turn.record(
            FactKind.SHADOW_MISSED,
            text,
            severity=Severity.WARNING,
            agent=request.agent,
            request=request.id,
            data=data,
        )


def _served(turn: Turn, run: Run, profile: Profile | None) -> Iterator[Request]:
    """Yield the wishes that the run serves: it does all that they would do, and began when all their causes were there."""
    for request in tuple(turn.requests.now.values()):
        if request.agent != run.agent or any(run.started < cause.at for cause in request.causes):
            continue
        ours = turn.profile(request.agent, request.profile)
        alike = profile is not None and ours is not None and coverage.covers(profile.steps, ours.steps)
        if request.profile == run.profile or alike:
            yield request


def _looked_for(turn: Turn, run: Run, profile: Profile | None) -> tuple[Cause, ...]:
    """Return why AutoSync was about to export, where the other scheduler is faster than the look at what is pending."""
    look = turn.agent(run.agent).look
    if look is None or profile is None or not profile.exports:
        return ()
    return tuple(cause for cause in look.causes if cause.at <= run.started)


def _with_causes(
    turn: Turn, run: Run, profile: Profile | None, served: Sequence[Request], looked_for: tuple[Cause, ...]
) -> Run:
    causes, cascades = looked_for, run.cascades
    carried: dict[TriggerId, Token] = {}
    look = turn.agent(run.agent).look
    if looked_for and look is not None:
        cascades |= look.cascades
    for request in served:
        causes, cascades = queue.united(causes, request.causes), cascades | request.cascades
        carried.update(request.tokens)
    if served and profile is not None:
        carried = dict(tokens.take(turn, replace(served[0], tokens=carried), profile))
    elif served:
        tokens.leave(turn, replace(served[0], tokens=carried))
        carried = {}
    request_id = served[0].id if served else None
    return replace(run, request=request_id, causes=causes, cascades=cascades, tokens=carried)


def _tell_match(turn: Turn, run: Run, request: Request) -> None:
    ours = request.would_have_run
    delay = (run.started - ours).total_seconds() if ours is not None else 0.0
    when = (
        "before AutoSync could" if ours is None else f"{duration(abs(run.started - ours))} {_side(run.started, ours)}"
    )
    text = f"{run.profile} of {run.agent} was started by somebody else {when} have started {request.profile}"
    _record_match(turn, run, text, delay)


def _tell_early(turn: Turn, run: Run, causes: tuple[Cause, ...]) -> None:
    text = f"{run.profile} of {run.agent} was started by somebody else before AutoSync had looked what is pending"
    _record_match(turn, run, text, (run.started - max(cause.at for cause in causes)).total_seconds())


def _record_match(turn: Turn, run: Run, text: str, delay: float) -> None:
    data: dict[str, object] = {"profile": run.profile, "delay_s": round(delay, 3)}
    turn.record(FactKind.SHADOW_MATCHED, text, agent=run.agent, run=run.id, data=data)


def _side(theirs: datetime, ours: datetime) -> str:
    return "after AutoSync would" if ours <= theirs else "before AutoSync would"


def _changed(steps: Sequence[StepResult]) -> bool | None:
    """Return whether a run changed anything; None where its counters do not tell."""
    known: list[bool] = []
    for step in steps:
        counts = [step.staged] if step.kind.imports else []
        counts += [step.exported] if step.kind.exports else []
        known += [each.total > 0 for each in counts if each is not None]
        if step.kind.syncs and step.outbound is not None:
            known.append(any(step.outbound.values()))
        if (step.kind.syncs and step.outbound is None) or None in counts:
            return True if any(known) else None
    return any(known) if known else None


def _took(turn: Turn, run: Run) -> timedelta:
    result = run.result
    if result is not None and result.started is not None and result.ended is not None:
        return result.ended - result.started
    return turn.now - run.started
