"""Setbacks: runs that did not do their work come again, repaired or after a delay, and an agent that fails rests."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from autosync.core import coverage, discovery, outcomes, probes, queue, retry, tokens
from autosync.core.narration import duration
from autosync.core.turn import Turn
from autosync.model.causes import Cause, CauseKind
from autosync.model.counts import StepResult
from autosync.model.facts import FactKind, Severity
from autosync.model.ids import AgentId, ProfileName
from autosync.model.requests import Request
from autosync.model.rows import Setback
from autosync.model.runs import Outcome, OutcomeKind, Run
from autosync.model.steps import Slot, Step
from autosync.model.wording import number

_NO_SETBACK = frozenset({OutcomeKind.STOPPED, OutcomeKind.ABANDONED})
"""A person's or a limit's will, and what never began."""


def settle(turn: Turn, run: Run, outcome: Outcome, steps: Sequence[StepResult]) -> None:
    """Do what the outcome asks for. Runs of other people are theirs to try again."""
    skipped = _tell_skipped_deletions(turn, run, steps)
    _note(turn, run, outcome, steps)
    request = run.request_as_started
    if request is None:
        return
    if outcome.kind in outcomes.WELL:
        _recover(turn, run)
        if skipped:
            _import_again(turn, run, request)
    else:
        # What earlier imports left rides on the run alone: its request takes all of it along to the next attempt.
        _set_back(turn, run, replace(request, tokens=run.tokens), outcome.kind)


def _note(turn: Turn, run: Run, outcome: Outcome, steps: Sequence[StepResult]) -> None:
    """Remember what did not do its work, and forget what this run has made good: people see it as long as it stands."""
    known = turn.agent(run.agent)
    standing = dict(known.row.setbacks)
    if outcome.kind is OutcomeKind.SUCCESS:
        done = steps or _planned(turn, run.agent, run.profile)
        for profile in tuple(standing):
            planned = _planned(turn, run.agent, profile)
            if profile == run.profile or coverage.covers(done, planned):
                del standing[profile]
    elif outcome.kind not in _NO_SETBACK:
        before = standing.get(run.profile)
        standing[run.profile] = Setback(
            run=run.id,
            at=turn.now,
            outcome=outcome.kind,
            status=outcome.status,
            message=outcome.message,
            count=before.count + 1 if before is not None else 1,
            errors=sum(step.error_count for step in steps),
        )
    if standing != known.row.setbacks:
        turn.put_agent(replace(known, row=replace(known.row, setbacks=standing)))


def _planned(turn: Turn, agent: AgentId, name: ProfileName) -> Sequence[Step]:
    profile = turn.profile(agent, name)
    return profile.steps if profile is not None else ()


def _set_back(turn: Turn, run: Run, request: Request, kind: OutcomeKind) -> None:
    match kind:
        case OutcomeKind.TRY_LATER | OutcomeKind.TRY_AGAIN:
            _try_again(turn, run, request, counts=False)
        case OutcomeKind.FAILED:
            _try_again(turn, run, request, counts=True)
        case OutcomeKind.MISCONFIGURED:
            _fail(turn, run)
            rest = turn.agent_settings(run.agent).breaker.rest
            again = replace(request, attempt=1, not_before=turn.now + rest)
            _come_back(turn, run, again, "something must be changed first")
        case OutcomeKind.NEEDS_REPAIR:
            _repair(turn, run, request)
        case OutcomeKind.STOPPED if not run.comes_back:
            tokens.keep(turn, run)
        case OutcomeKind.STOPPED:
            queue.put_back(turn, request)
        case OutcomeKind.ABANDONED | OutcomeKind.SUCCESS | OutcomeKind.OBJECT_ERRORS:
            queue.put_back(turn, request)


def _recover(turn: Turn, run: Run) -> None:
    """Close the breaker at the first success; told once."""
    known = turn.agent(run.agent)
    if known.row.failures == 0 and known.row.breaker_until is None and known.probed is None:
        return
    turn.put_agent(replace(known, row=replace(known.row, failures=0, breaker_until=None), probed=None))
    if known.row.breaker_until is not None:
        text = f"{run.agent} works again after {number(known.row.failures, 'failure')} in a row"
        turn.record(FactKind.BREAKER_CLOSED, text, agent=run.agent, run=run.id)


def _fail(turn: Turn, run: Run) -> None:
    """Count a failure; too many in a row open the breaker, and a failed probe leaves it open. Told once."""
    known = turn.agent(run.agent)
    policy = turn.agent_settings(run.agent).breaker
    until = retry.breaker_after(known.row, policy, turn.now)
    row = replace(known.row, failures=known.row.failures + 1, breaker_until=until)
    turn.put_agent(replace(known, row=row))
    if until is not None and known.row.breaker_until is None:
        failed = f"{run.agent} failed {number(row.failures, 'time')} in a row"
        text = f"{failed} and rests for {duration(policy.rest)}; nothing is lost"
        turn.record(FactKind.BREAKER_OPENED, text, severity=Severity.ERROR, agent=run.agent, run=run.id)


def _try_again(turn: Turn, run: Run, request: Request, *, counts: bool) -> None:
    """Have the request wait for its next attempt; after the last one for the breaker's rest, and begin anew."""
    settings = turn.agent_settings(run.agent)
    given_up = retry.is_given_up(settings.retry, request.attempt)
    is_probe = turn.agent(run.agent).row.breaker_until is not None
    if counts or given_up or is_probe:
        _fail(turn, run)
    if given_up:
        again = replace(request, attempt=1, not_before=turn.now + settings.breaker.rest)
        why = f"{number(request.attempt, 'attempt')} came to nothing"
    else:
        pause = retry.delay(settings.retry, request.attempt, turn.chance)
        again = replace(request, attempt=request.attempt + 1, not_before=turn.now + pause)
        why = f"attempt {request.attempt} came to nothing"
    _come_back(turn, run, again, why, severity=Severity.ERROR if given_up else Severity.INFO)


def _come_back(turn: Turn, run: Run, request: Request, why: str, *, severity: Severity = Severity.WARNING) -> None:
    said = run.outcome.message or f"[{_status(run)}]" if run.outcome is not None else ""
    request = replace(request, setback=said)
    early = probes.is_due_after(turn, request)
    waiting = queue.put_back(turn, request)
    pause = (request.not_before or turn.now) - turn.now
    turn.record(
        FactKind.RETRY_PLANNED,
        f"{run.profile} of {run.agent} is tried again in {duration(pause)}: {why}: {said}",
        severity=severity,
        agent=run.agent,
        run=run.id,
        request=waiting.id,
        data={"attempt": request.attempt, "pause_s": pause.total_seconds()},
    )
    if early:
        probes.allow(turn, run.agent, [waiting])


def _repair(turn: Turn, run: Run, request: Request) -> None:
    """Import in full instead, at most once an hour: the engine has lost its place."""
    known = turn.agent(run.agent)
    profile = turn.profile(run.agent, run.profile)
    partition = next((step.partition for step in profile.steps if step.kind.imports), None) if profile else None
    if known.agent is None or partition is None:
        _try_again(turn, run, request, counts=True)
        return
    full = discovery.profile_for(known.agent, turn.agent_settings(run.agent), Slot.FULL_IMPORT, partition)
    if full is None:
        queue.unserved(turn, run.agent, Slot.FULL_IMPORT, partition)
        _try_again(turn, run, request, counts=True)
        return
    _fail(turn, run)
    due = _repair_at(turn, run, full)
    text = f"the engine wants a full import after run {run.id}, {run.profile} of {run.agent} [{_status(run)}]"
    cause = Cause(kind=CauseKind.REPAIR, text=text, at=turn.now, run=run.id)
    causes = queue.united(request.causes, (cause,))
    repair = replace(request, profile=full, causes=causes, not_before=due, attempt=1, setback="")
    waiting = queue.put_back(turn, repair)
    turn.record(
        FactKind.RETRY_PLANNED, text, severity=Severity.WARNING, agent=run.agent, run=run.id, request=waiting.id
    )


def _repair_at(turn: Turn, run: Run, full: ProfileName) -> datetime | None:
    """Return when the full import may run, None for now, and count it. One that waits anyway repairs as well."""
    known = turn.agent(run.agent)
    waiting = turn.waiting(run.agent, full)
    waits_anyway = waiting is not None and waiting.not_before is None
    due = None if waits_anyway else retry.repair_at(known.row, turn.now)
    turn.put_agent(replace(known, row=replace(known.row, last_repair=due or turn.now)))
    return due


def _status(run: Run) -> str:
    return run.outcome.status if run.outcome is not None else ""


def _tell_skipped_deletions(turn: Turn, run: Run, steps: Sequence[StepResult]) -> bool:
    """Say, once until it is well again, that unread objects made the engine skip deletions; return whether said."""
    known = turn.agent(run.agent)
    told = False
    reported = known.reported
    for step in steps:
        if not step.kind.imports:
            continue
        key = f"deletions skipped in {step.partition}"
        if not (step.discovery_errors or step.status == outcomes.DISCOVERY_ERRORS):
            reported -= {key}
        elif key not in reported:
            reported |= {key}
            told = True
            text = (
                f"{run.profile} of {run.agent} could not read every object of {step.partition}, so no deletion counts"
            )
            turn.record(FactKind.DELETIONS_SKIPPED, text, severity=Severity.WARNING, agent=run.agent, run=run.id)
    if reported != known.reported:
        turn.put_agent(replace(known, reported=reported))
    return told


def _import_again(turn: Turn, run: Run, request: Request) -> None:
    """Import once more after a while: what could not be read then may be readable."""
    pause = retry.delay(turn.agent_settings(run.agent).retry, request.attempt, turn.chance)
    cause = Cause(kind=CauseKind.RETRY, text=f"run {run.id} could not read every object", at=turn.now, run=run.id)
    wish = queue.Wish(
        agent=run.agent,
        profile=run.profile,
        causes=(cause,),
        cascades=run.cascades,
        not_before=turn.now + pause,
        confirms=request.confirms,
    )
    queue.add(turn, wish)
