"""The end of a run: what it meant, what it leaves to do, and what is learned from it."""

import re
from collections.abc import Sequence
from dataclasses import replace

from autosync.core import (
    aftermath,
    cascades,
    combined,
    discovery,
    estimates,
    followups,
    inspection,
    outcomes,
    recovery,
    scripts,
    setbacks,
    shadow,
    tokens,
)
from autosync.core.narration import counts_text, duration
from autosync.core.turn import Turn
from autosync.model.agents import Sighting
from autosync.model.commands import Describe, FollowRun
from autosync.model.counts import RunResult, StepResult
from autosync.model.facts import FactKind, Severity
from autosync.model.ids import engine_of
from autosync.model.rows import AgentRow
from autosync.model.runs import Outcome, OutcomeKind, Run, RunState
from autosync.model.stimuli import RunEnded, RunNeverBegan, RunRefused
from autosync.model.wording import number

_NUMBERS = re.compile(r"\d[\d,.]*")
_SEVERITY = {
    OutcomeKind.SUCCESS: Severity.INFO,
    OutcomeKind.OBJECT_ERRORS: Severity.WARNING,
    OutcomeKind.TRY_LATER: Severity.WARNING,
    OutcomeKind.TRY_AGAIN: Severity.WARNING,
    OutcomeKind.STOPPED: Severity.WARNING,
    OutcomeKind.ABANDONED: Severity.WARNING,
}


def ended(turn: Turn, end: RunEnded) -> None:
    """Take in the result of a run, ours or somebody else's."""
    run = turn.runs.now.get(end.run)
    if run is None:
        text = f"the end of run {end.run} was reported, but that run is over or was never known; it is ignored"
        turn.record(FactKind.REFUSED, text, run=end.run)
    elif _goes_on(run, end.result):
        turn.command(FollowRun(run=run.id, agent=run.agent, handle=end.result.handle))
    elif _is_of_another_run(run, end.result):
        _close(turn, run, end.result.status, "the engine answered with the run before", OutcomeKind.TRY_LATER)
    else:
        _end(turn, run, end.result)


def refused(turn: Turn, refusal: RunRefused) -> None:
    """Take in that the engine did not start a run."""
    run = turn.runs.now.get(refusal.run)
    if run is None:
        text = f"the refusal of run {refusal.run} was reported, but that run is over or was never known; it is ignored"
        turn.record(FactKind.REFUSED, text, run=refusal.run)
        return
    kind = _not_begun(outcomes.classify(refusal.status))
    _close(turn, run, refusal.status, refusal.message, kind)
    if kind is OutcomeKind.MISCONFIGURED:  # perhaps the profile has another name by now
        turn.command(Describe(engine=engine_of(run.agent)))


def never_began(turn: Turn, word: RunNeverBegan) -> None:
    """Take in that a start which was committed never reached the engine: the request waits again."""
    run = turn.runs.now.get(word.run)
    if run is None:
        text = f"run {word.run} was reported never to have begun, but it is over or was never known; it is ignored"
        turn.record(FactKind.REFUSED, text, run=word.run)
        return
    _close(turn, run, "", "the engine knows of no such run", OutcomeKind.ABANDONED)


def _is_of_another_run(run: Run, result: RunResult) -> bool:
    """Return whether the result is that of the run before: asked too early, an engine gives its newest (W27)."""
    return run.handle is None and run.handle_before is not None and result.handle == run.handle_before


def _goes_on(run: Run, result: RunResult) -> bool:
    """Return whether the run has not ended after all: ``completing-referential-updates`` and the like."""
    return (
        bool(result.handle) and result.status.startswith(outcomes.IN_PROGRESS) and run.handle in {None, result.handle}
    )


def _not_begun(kind: OutcomeKind) -> OutcomeKind:
    """Return what a refusal means: whatever stopped it stopped it before anything was done."""
    return OutcomeKind.TRY_LATER if kind in {OutcomeKind.TRY_AGAIN, *outcomes.WELL} else kind


def _close(turn: Turn, run: Run, status: str, message: str, kind: OutcomeKind) -> None:
    """End a run that did nothing. A run that was taken for it by mistake is somebody else's, and is looked at anew."""
    if run.stop_asked_by is not None:
        kind = OutcomeKind.STOPPED
    if run.handle is not None and kind is OutcomeKind.TRY_LATER:
        sighting = Sighting(agent=run.agent, handle=run.handle, profile=run.profile, running=True)
        turn.put_agent(replace(turn.agent(run.agent), sighted=sighting))
    outcome = Outcome(kind=kind, status=status, message=message)
    over = replace(run, state=RunState.ENDED, ended=turn.now, outcome=outcome)
    turn.put_run(over)
    _overtake(turn, over, ())
    said = "; ".join(each for each in (message, f"[{status}]" if status else "") if each)
    what = FactKind.RUN_ABANDONED if kind is OutcomeKind.ABANDONED else FactKind.RUN_REFUSED
    turn.record(
        what,
        f"{run.profile} of {run.agent} did not begin: {said}",
        severity=_SEVERITY.get(kind, Severity.ERROR),
        agent=run.agent,
        run=run.id,
        request=run.request,
        data={"outcome": kind.value, "status": status},
    )
    setbacks.settle(turn, over, outcome, ())


def _end(turn: Turn, run: Run, result: RunResult) -> None:
    kind = outcomes.classify(result.status)
    if run.stop_asked_by is not None and kind not in outcomes.WELL:
        kind = OutcomeKind.STOPPED
    outcome = Outcome(kind=kind, status=result.status, message=result.message)
    over = replace(
        run, state=RunState.ENDED, handle=result.handle or run.handle, ended=turn.now, outcome=outcome, result=result
    )
    steps = _as_described(turn, run, followups.steps_of(result, turn.profile(run.agent, run.profile)))
    turn.put_run(over)
    _overtake(turn, over, steps)
    _tell(turn, over, outcome, steps)
    _tell_doubts(turn, over, result)
    _remember(turn, over, steps)
    tokens.settle(turn, over, steps)
    cascades.count_run(turn, over, sum(step.exported.total for step in steps if step.exported is not None))
    combined.look_back(turn, over, steps)
    if not shadow.watches(turn, over.agent):
        scripts.run_ended(turn, over, steps)
    shadow.ended(turn, over, steps)
    aftermath.queue_followups(turn, over, steps)
    recovery.look_behind(turn, over)
    setbacks.settle(turn, over, outcome, steps)


def _as_described(turn: Turn, run: Run, steps: Sequence[StepResult]) -> Sequence[StepResult]:
    agent = turn.agent(run.agent).agent
    if agent is None:
        return steps
    return [replace(step, partition=discovery.as_described(agent, step.partition)) for step in steps]


def _overtake(turn: Turn, run: Run, steps: Sequence[StepResult]) -> None:
    profile = turn.profile(run.agent, run.profile)
    synchronizes = any(step.kind.syncs for step in steps) or profile is None or profile.syncs
    inspection.overtake(turn, run.agent, synchronizes=synchronizes)


def _tell(turn: Turn, run: Run, outcome: Outcome, steps: Sequence[StepResult]) -> None:
    if not outcomes.is_known(outcome.status):
        text = f"{run.agent} ended with a status that is not known, and counts as failed: {outcome.status!r}"
        turn.record(FactKind.UNKNOWN_STATUS, text, severity=Severity.WARNING, agent=run.agent, run=run.id)
    message = f": {outcome.message}" if outcome.message else ""
    took = duration(turn.now - run.started)
    text = f"{run.profile} of {run.agent} ended after {took} [{outcome.status}]{message}"
    did = _did(steps)
    turn.record(
        FactKind.RUN_ENDED,
        f"{text}; {did}" if did else text,
        severity=_SEVERITY.get(outcome.kind, Severity.ERROR),
        agent=run.agent,
        run=run.id,
        request=run.request,
        data={"outcome": outcome.kind.value, "status": outcome.status, "cascades": sorted(run.cascades)},
    )


def _tell_doubts(turn: Turn, run: Run, result: RunResult) -> None:
    """Say what was not understood, once for each kind: two that differ in numbers alone are of one kind."""
    for doubt in result.doubts:
        key = f"not understood: {_NUMBERS.sub('#', doubt)}"
        if key in turn.agent(run.agent).reported:
            continue
        turn.report(run.agent, key)
        text = (
            f"something about {run.profile} of {run.agent} is not understood, and was taken for the safe case: {doubt}"
        )
        turn.record(FactKind.NOT_UNDERSTOOD, text, severity=Severity.WARNING, agent=run.agent, run=run.id)


def _did(steps: Sequence[StepResult]) -> str:
    said: list[str] = []
    for step in steps:
        if step.staged is not None and step.kind.imports:
            said.append(f"staged {counts_text(step.staged)}")
        if step.exported is not None and step.kind.exports:
            said.append(f"exported {counts_text(step.exported)}")
        if step.outbound:
            said.append(f"left {number(sum(step.outbound.values()), 'pending export')}")
    return ", ".join(said)


def _remember(turn: Turn, run: Run, steps: Sequence[StepResult]) -> None:
    """Note when partitions were imported, that this run was dealt with, and how long it took."""
    known = turn.agent(run.agent)
    row = known.row
    if run.handle is not None and recovery.is_newer(run.handle, row.seen_handle):
        row = replace(row, seen_handle=run.handle)
    if run.outcome is not None and run.outcome.kind in {*outcomes.WELL, OutcomeKind.STOPPED}:
        row = _with_imports(row, run, steps)
    turn.put_agent(replace(known, row=row))
    if run.managed and run.outcome is not None and run.outcome.kind in outcomes.WELL:
        learned = estimates.learned(turn.estimates.now.get((run.agent, run.profile)), run)
        if learned is not None:
            turn.put_estimate(learned)


def _with_imports(row: AgentRow, run: Run, steps: Sequence[StepResult]) -> AgentRow:
    imported = {step.partition: run.started for step in steps if step.kind.imports and not step.kind.is_full_import}
    full = {step.partition: run.started for step in steps if step.kind.is_full_import}
    return replace(
        row,
        last_import={**row.last_import, **imported},
        last_full_import={**row.last_full_import, **full},
    )
