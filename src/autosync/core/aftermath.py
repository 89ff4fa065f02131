"""Follow-ups as requests: what a run's steps made necessary is queued, with the run as its cause."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autosync.core import cascades, discovery, flapping, followups, holds, looks, outcomes, queue
from autosync.core.state import Look
from autosync.core.turn import Turn
from autosync.model.causes import Cause, CauseKind
from autosync.model.counts import Counts, StepResult
from autosync.model.ids import AgentId, CascadeId, PartitionName, engine_of
from autosync.model.requests import Request, Trail, Wanted
from autosync.model.runs import Run
from autosync.model.steps import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passed:
    """What a run passes on to its follow-ups."""

    run: Run
    cascades: frozenset[CascadeId]
    trail: Mapping[AgentId, Trail]


def queue_followups(turn: Turn, run: Run, steps: Sequence[StepResult]) -> None:
    """Queue what must follow the run."""
    full_sync = turn.agent_settings(run.agent).full_sync_after_full_import
    profile = turn.profile(run.agent, run.profile)
    status = run.outcome.status if run.outcome is not None else ""
    needed = list(followups.followups(steps, full_sync=full_sync))
    needed += followups.doubts(status, steps, profile.steps if profile is not None else ())
    has_found_out = _has_found_out(run)
    if not needed and not has_found_out:
        return
    passed = _Passed(run=run, cascades=_cascades(turn, run), trail=_trail(turn, run, steps))
    for each in needed:
        match each:
            case followups.Needed():
                _need(turn, passed, each)
            case followups.Outbound():
                _look_at_targets(turn, passed, each)
            case followups.Doubtful():
                _find_out(turn, passed, each.partition)
            case followups.Exported():
                _wake(turn, passed)
    if has_found_out:
        _go_on_knowing(turn, passed, steps)


def _find_out(turn: Turn, passed: _Passed, partition: PartitionName) -> None:
    """Queue the import that shows what an export did which broke off. What it confirms has not arrived: more may be missing."""
    run = passed.run
    profiles = queue.resolve(turn, Wanted(agent=run.agent, slot=Slot.CONFIRMING_IMPORT, partition=partition))
    cause = _cause(turn, run, "broke off, and nobody knows what it exported", CauseKind.BROKEN_OFF)
    for profile in profiles:
        wish = queue.Wish(agent=run.agent, profile=profile, causes=(cause,), cascades=passed.cascades, front=True)
        queue.add(turn, wish)


def _has_found_out(run: Run) -> bool:
    """Return whether this was the import that shows what an export did which broke off."""
    causes = run.request_as_started.causes if run.request_as_started is not None else ()
    well = run.outcome is not None and run.outcome.kind in outcomes.WELL
    return well and any(cause.kind is CauseKind.BROKEN_OFF for cause in causes)


def _go_on_knowing(turn: Turn, passed: _Passed, steps: Sequence[StepResult]) -> None:
    """Have decided anew what was decided in doubt, and look for exports that waited to know."""
    reason = "showed what an export had done that broke off"
    for step in steps:
        if step.kind.imports and not step.kind.syncs:
            sync = followups.Needed(slot=Slot.DELTA_SYNC, partition=step.partition, expected=None, reason=reason)
            _need(turn, passed, sync)
    cause = _cause(turn, passed.run, reason)
    looks.want(turn, passed.run.agent, Look(causes=(cause,), cascades=passed.cascades))


def _need(turn: Turn, passed: _Passed, needed: followups.Needed) -> None:
    run = passed.run
    known = turn.agent(run.agent)
    settings = turn.agent_settings(run.agent)
    slot = needed.slot
    if known.agent is None:
        profile = discovery.provisional(slot, needed.partition)
    else:
        found = discovery.profile_for(known.agent, settings, slot, needed.partition)
        if found is None:
            queue.unserved(turn, run.agent, slot, needed.partition)
            return
        profile = found
    wish = queue.Wish(
        agent=run.agent,
        profile=profile,
        causes=(_cause(turn, run, needed.reason),),
        cascades=passed.cascades,
        front=True,
        confirms=slot is Slot.CONFIRMING_IMPORT,
        trail=passed.trail,
        expected=_expected(needed, turn.waiting(run.agent, profile)),
    )
    queue.add(turn, wish)


def _expected(needed: followups.Needed, waiting: Request | None) -> int | None:
    """Return how many changes wait for the follow-up: what imports staged adds up until it is synchronized."""
    if needed.slot is Slot.CONFIRMING_IMPORT or needed.expected is None:
        return None
    return needed.expected + ((waiting.expected or 0) if waiting is not None else 0)


def _look_at_targets(turn: Turn, passed: _Passed, outbound: followups.Outbound) -> None:
    cause = _cause(turn, passed.run, "left changes to export")
    look = Look(causes=(cause,), cascades=passed.cascades, trail=passed.trail)
    for target in outbound.targets if outbound.targets is not None else _all_of_engine(turn, passed.run.agent):
        looks.want(turn, target, look)


def _all_of_engine(turn: Turn, agent: AgentId) -> Iterable[AgentId]:
    """Return every agent of the engine: the synchronization did not say which it reached."""
    return [each for each in turn.agents.now if engine_of(each) == engine_of(agent)]


def _wake(turn: Turn, passed: _Passed) -> None:
    for woken in sorted(turn.agent_settings(passed.run.agent).wakes):
        profiles = queue.resolve(turn, Wanted(agent=woken, slot=Slot.DELTA_IMPORT))
        cause = _cause(turn, passed.run, f"exported, which wakes {woken}", CauseKind.WAKE)
        wish = queue.Wish(agent=woken, causes=(cause,), cascades=passed.cascades, trail=passed.trail)
        if profiles:
            queue.ask(turn, profiles, wish)


def _cause(turn: Turn, run: Run, did: str, kind: CauseKind = CauseKind.RUN) -> Cause:
    ended = run.result.ended if run.result is not None and not run.managed else None
    at = turn.now if ended is None else min(ended, turn.now)  # what somebody else runs next may begin before we know
    text = f"run {run.id}, {run.profile} of {run.agent}, {did}"
    return Cause(kind=kind, text=text, at=at, run=run.id, agent=run.agent)


def _cascades(turn: Turn, run: Run) -> frozenset[CascadeId]:
    """Return which cascades go on in the run's follow-ups.

    What a confirming import confirms has arrived. When it also brought in something of its own, that alone goes on.
    """
    if not run.managed and not run.cascades:
        text = f"{run.profile} of {run.agent} was run by somebody else (run {run.id})"
        cause = Cause(kind=CauseKind.FOUND, text=text, at=turn.now, run=run.id)
        return cascades.opened_by(turn, (cause,), run.started, frozenset())
    confirms = run.request_as_started is not None and run.request_as_started.confirms
    return (cascades.arrived_with(turn, run) if confirms else frozenset()) or run.cascades


def _trail(turn: Turn, run: Run, steps: Sequence[StepResult]) -> Mapping[AgentId, Trail]:
    """Return the trail after the run, and stop an agent that flaps."""
    before = run.request_as_started.trail if run.request_as_started is not None else {}
    exported = [step.exported for step in steps if step.kind.exports and step.exported is not None]
    trail = flapping.lengthened(before, run.agent, sum(exported, Counts()))
    after = turn.agent_settings(run.agent).guards.flapping_after
    known = trail.get(run.agent)
    if exported and known is not None and flapping.is_flapping(trail, run.agent, after):
        holds.open_flapping(turn, run.agent, known.counts, known.repeats)
    return trail
