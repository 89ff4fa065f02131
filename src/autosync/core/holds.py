"""Holds: what the guards keep back until a person decides, and what becomes of that decision."""

from dataclasses import dataclass, replace

from autosync.core import guards, inspection, obstacles, shadow
from autosync.core.narration import by_whom, counts_text
from autosync.core.state import AgentState
from autosync.core.turn import Turn
from autosync.model.agents import PendingSet, PendingSide
from autosync.model.counts import Counts
from autosync.model.facts import FactKind, Severity
from autosync.model.holds import Breach, Hold, HoldKind, HoldState
from autosync.model.ids import AgentId, PartitionName, engine_of
from autosync.model.requests import Request
from autosync.model.runs import Run
from autosync.model.scripts import UnexpectedChange
from autosync.model.steps import Profile
from autosync.model.stimuli import HoldDecided
from autosync.model.wording import number

UNCOUNTED = PendingSet(counts=None, fingerprint="uncounted")
"""Stands for the pending set of an engine that cannot say what is pending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the guards saw in one pending set."""

    agent: AgentId
    kind: HoldKind
    partition: PartitionName
    pending: PendingSet
    breaches: tuple[Breach, ...]


def side_of(kind: HoldKind) -> PendingSide:
    """Return which pending changes a kind of hold is about."""
    return PendingSide.IMPORTS if kind is HoldKind.STAGED else PendingSide.EXPORTS


def admit(turn: Turn, request: Request, profile: Profile) -> Request:
    """Have the guards look at what the request would let pass, as far as it is known; a breach makes a hold."""
    known = turn.agent(request.agent)
    for kind, partition in obstacles.guarded(profile):
        if _is_known(turn, known, kind):
            _judge(turn, _see(turn, known, kind, partition))
    hold = next((each for each in turn.holds_of(request.agent) if obstacles.keeps_back(each, profile)), None)
    if (hold and hold.id) != request.hold:
        request = replace(request, hold=hold.id if hold else None)
        turn.put_request(request)
    return request


def review(turn: Turn, agent: AgentId) -> None:
    """Look again at the agent's holds: what was seen may have grown, shrunk or gone."""
    known = turn.agent(agent)
    for hold in turn.holds_of(agent):
        if hold.state is HoldState.REJECTED or not _is_known(turn, known, hold.kind):
            continue
        if hold.kind is HoldKind.FLAPPING:
            _review_flapping(turn, known, hold)
        elif hold.partition is not None:
            _judge(turn, _see(turn, known, hold.kind, hold.partition))


def open_flapping(turn: Turn, agent: AgentId, counts: Counts, repeats: int) -> None:
    """Stop an agent that exports the same again and again; told once."""
    if any(hold.kind is HoldKind.FLAPPING for hold in turn.holds_of(agent)) or shadow.watches(turn, agent):
        return
    text = (
        f"{agent} exported the same {number(repeats, 'time')} in a row without an outside cause: {counts_text(counts)}"
    )
    turn.record(FactKind.FLAPPING_FOUND, text, severity=Severity.ERROR, agent=agent)
    breach = Breach(what="equal exports in a row", count=repeats, limit=str(repeats))
    pending = PendingSet(counts=counts)
    _open(
        turn,
        Hold(
            id=turn.next_hold(),
            kind=HoldKind.FLAPPING,
            agent=agent,
            partition=None,
            opened=turn.now,
            breaches=(breach,),
            counts=counts,
            fingerprint=pending.identity,
            text=text,
        ),
    )


def open_script(turn: Turn, agent: AgentId, change: UnexpectedChange, when: str) -> bool:
    """Stop an agent, or its engine, because its controller script says so; return whether that is news. Told once."""
    before = next((each for each in turn.holds_of(agent) if each.kind is HoldKind.SCRIPT), None)
    if before is not None and before.state is HoldState.APPROVED:
        _end(turn, before, "the controller script reported again")
        before = None
    if before is not None and (before.engine_wide or not change.stop_all):
        return False
    what = f"all of {engine_of(agent)} is stopped" if change.stop_all else "it is stopped"
    text = f"the controller script of {agent} reported an unexpected change when {when}, so {what}: {change.message}"
    hold = Hold(
        id=before.id if before is not None else turn.next_hold(),
        kind=HoldKind.SCRIPT,
        agent=agent,
        partition=None,
        opened=turn.now,
        breaches=(),
        counts=None,
        fingerprint=f"{when}: {change.message}",
        engine_wide=change.stop_all,
        text=text,
    )
    turn.record(FactKind.UNEXPECTED_CHANGE, text, severity=Severity.ERROR, agent=agent, hold=hold.id)
    _open(turn, hold)
    return True


def used(turn: Turn, run: Run, profile: Profile) -> None:
    """Note which run an approval let pass, and settle one that is good for one run; those of a set stay with the set."""
    for hold in turn.holds_of(run.agent):
        if hold.state is HoldState.APPROVED and obstacles.keeps_back(replace(hold, state=HoldState.OPEN), profile):
            used_up = replace(hold, used_by=run.id)
            turn.put_hold(used_up)
            if hold.kind is HoldKind.FLAPPING:
                _end(turn, used_up, "the export that was approved runs")
            elif hold.kind is HoldKind.SCRIPT:
                _end(turn, used_up, "the agent runs again")


def decided(turn: Turn, decision: HoldDecided) -> None:
    """Carry out a person's decision, or record why it was refused."""
    hold = turn.holds.now.get(decision.hold)
    if hold is None:
        _refuse(turn, decision, None, f"there is no hold H-{decision.hold} that waits for a decision")
    elif decision.decision == "approve":
        _approve(turn, decision, hold)
    elif decision.decision == "reject" and hold.state is not HoldState.REJECTED:
        _decide(turn, decision, hold, HoldState.REJECTED)
    elif decision.decision == "lift" and hold.state is not HoldState.OPEN:
        _decide(turn, decision, hold, HoldState.LIFTED)
    else:
        _refuse(
            turn,
            decision,
            hold,
            f"hold H-{hold.id} is {hold.state.value}, so it cannot be decided: {decision.decision}",
        )


def _approve(turn: Turn, decision: HoldDecided, hold: Hold) -> None:
    if hold.state is HoldState.APPROVED:
        _refuse(turn, decision, hold, f"hold H-{hold.id} is approved already")
    elif decision.fingerprint != hold.fingerprint:
        text = (
            f"the pending set of {hold.agent} has changed since you looked: {counts_text(hold.counts)} now. Look again"
        )
        _refuse(turn, decision, hold, text)
    else:
        _decide(turn, decision, hold, HoldState.APPROVED)
        if hold.kind is HoldKind.FLAPPING:
            _forget_trail(turn, hold.agent)


def _decide(turn: Turn, decision: HoldDecided, hold: Hold, state: HoldState) -> None:
    turn.put_hold(replace(hold, state=state, decided=turn.now, decided_by=decision.by, reason=decision.reason or None))
    text = f"hold H-{hold.id} on {hold.agent} was {state.value} {by_whom(decision.by, decision.reason)}"
    turn.record(FactKind.HOLD_DECIDED, text, agent=hold.agent, hold=hold.id, person=decision.by)
    if state is not HoldState.REJECTED:
        _let_go(turn, hold)


def _refuse(turn: Turn, decision: HoldDecided, hold: Hold | None, text: str) -> None:
    agent = hold.agent if hold is not None else None
    turn.record(FactKind.REFUSED, text, severity=Severity.WARNING, agent=agent, hold=decision.hold, person=decision.by)


def _is_known(turn: Turn, known: AgentState, kind: HoldKind) -> bool:
    if kind is HoldKind.STAGED:
        return inspection.imports_known(known)
    return inspection.exports_known(known, turn.engine(engine_of(known.row.id)))


def _see(turn: Turn, known: AgentState, kind: HoldKind, partition: PartitionName) -> _Seen:
    agent = known.row.id
    found = turn.agent_settings(agent).guards
    thresholds = found.staged if kind is HoldKind.STAGED else found.exports
    sets = known.pending.side(side_of(kind)) if known.pending is not None else None
    if known.pending is None or sets is None:
        pending, population = UNCOUNTED, None
    else:
        pending = sets.get(partition) or PendingSet(counts=Counts())
        population = known.pending.population.get(partition)
    passed = guards.breaches(pending, population, thresholds)
    return _Seen(agent=agent, kind=kind, partition=partition, pending=pending, breaches=passed)


def _judge(turn: Turn, seen: _Seen) -> None:
    """Open, change or settle the hold on what was seen. A rejection stands until it is lifted."""
    hold = next(
        (each for each in turn.holds_of(seen.agent) if (each.kind, each.partition) == (seen.kind, seen.partition)),
        None,
    )
    if hold is None:
        if seen.breaches:
            _open(turn, _hold_on(turn, seen))
    elif hold.state is HoldState.REJECTED:
        return
    elif not seen.breaches:
        _end(turn, hold, "what is pending passes the limits no more")
    elif hold.fingerprint != seen.pending.identity:
        if hold.state is HoldState.APPROVED:
            _end(turn, hold, "what was approved is no longer what is pending")
            _open(turn, _hold_on(turn, seen))
        else:
            renewed = _hold_on(turn, seen, hold)
            turn.put_hold(renewed)
            turn.record(
                FactKind.HOLD_OPENED, _changed_text(renewed), severity=Severity.WARNING, agent=hold.agent, hold=hold.id
            )


def _review_flapping(turn: Turn, known: AgentState, hold: Hold) -> None:
    pending = known.pending
    if pending is None or pending.exports is None or _leads_on(turn, hold):
        return
    if all(each.counts is not None and each.counts.total == 0 for each in pending.exports.values()):
        _end(turn, hold, "nothing is left to export")


def _leads_on(turn: Turn, hold: Hold) -> bool:
    """Return whether what the agent's exports led to may end in the next one: between two rounds nothing is pending.

    The export that the hold keeps back does not count: with nothing pending it is the end of the chain.
    """
    trails = [each.trail for each in turn.requests.now.values() if each.hold != hold.id]
    trails += [each.request_as_started.trail for each in turn.runs.now.values() if each.request_as_started is not None]
    trails += [each.look.trail for each in turn.agents.now.values() if each.look is not None]
    return any(hold.agent in trail for trail in trails)


def _hold_on(turn: Turn, seen: _Seen, before: Hold | None = None) -> Hold:
    what = "staged imports" if seen.kind is HoldKind.STAGED else "pending exports"
    said = "; ".join(each.text for each in seen.breaches)
    return Hold(
        id=before.id if before else turn.next_hold(),
        kind=seen.kind,
        agent=seen.agent,
        partition=seen.partition,
        opened=before.opened if before else turn.now,
        breaches=seen.breaches,
        counts=seen.pending.counts,
        fingerprint=seen.pending.identity,
        sample=seen.pending.sample,
        text=f"{what} of {seen.agent}: {said}",
    )


def _changed_text(hold: Hold) -> str:
    return f"what hold H-{hold.id} keeps back has changed: {hold.text}"


def _open(turn: Turn, hold: Hold) -> None:
    if turn.settings.is_shadow(engine_of(hold.agent)):
        shadow.would_hold(turn, hold)
        return
    turn.put_hold(hold)
    text = f"hold H-{hold.id} was opened and waits for a decision: {hold.text}"
    data: dict[str, object] = {
        "fingerprint": hold.fingerprint,
        "breaches": [breach.text for breach in hold.breaches],
    }
    turn.record(FactKind.HOLD_OPENED, text, severity=Severity.ERROR, agent=hold.agent, hold=hold.id, data=data)


def _end(turn: Turn, hold: Hold, why: str) -> None:
    turn.put_hold(replace(hold, state=HoldState.SETTLED))
    approved = f", approved by {hold.decided_by}" if hold.decided_by is not None else ""
    used_by = f" and used by run {hold.used_by}" if hold.used_by is not None else ""
    text = f"hold H-{hold.id} on {hold.agent}{approved}{used_by}, is settled: {why}"
    turn.record(FactKind.HOLD_SETTLED, text, agent=hold.agent, hold=hold.id, run=hold.used_by)
    _let_go(turn, hold)


def _let_go(turn: Turn, hold: Hold) -> None:
    for request in tuple(turn.requests.now.values()):
        if request.hold == hold.id:
            turn.put_request(replace(request, hold=None))


def _forget_trail(turn: Turn, agent: AgentId) -> None:
    for request in tuple(turn.requests.now.values()):
        if agent in request.trail:
            kept = {each: trail for each, trail in request.trail.items() if each != agent}
            turn.put_request(replace(request, trail=kept))
