"""What is found and not begun here: unfinished runs at start, lost contact, other people's runs, and the state itself."""

from dataclasses import replace
from datetime import timedelta

from autosync.core import looks, queue, shadow
from autosync.core.state import AgentState, Look, State
from autosync.core.turn import Turn
from autosync.model.agents import Sighting
from autosync.model.causes import Cause, CauseKind
from autosync.model.commands import FollowRun, InquireRun
from autosync.model.facts import FactKind, Severity
from autosync.model.ids import EngineName, engine_of
from autosync.model.requests import Wanted
from autosync.model.rows import Snapshot
from autosync.model.runs import Run, RunState
from autosync.model.settings import Settings
from autosync.model.steps import Slot
from autosync.model.stimuli import RunAccepted, RunLost, ServiceStarted, Sighted
from autosync.model.wording import number

ASK_AGAIN = timedelta(seconds=15)
"""Between two questions about a run of which contact was lost, while the engine answers otherwise."""


def restore(snapshot: Snapshot, settings: Settings) -> State:
    """Return the state that the store held. ``ServiceStarted`` must be the first stimulus after it."""
    return State(
        settings=settings,
        agents={row.id: AgentState(row=row) for row in snapshot.agents},
        requests={request.id: request for request in sorted(snapshot.requests, key=lambda each: each.id)},
        runs={run.id: run for run in snapshot.runs},
        holds={hold.id: hold for hold in snapshot.holds},
        cascades={cascade.id: cascade for cascade in snapshot.cascades},
        schedules={row.id: row for row in snapshot.schedules},
        tokens={row.trigger: row for row in snapshot.tokens},
        estimates={(row.agent, row.profile): row for row in snapshot.estimates},
        last_request=snapshot.last_request,
        last_run=snapshot.last_run,
        last_hold=snapshot.last_hold,
        last_cascade=snapshot.last_cascade,
    )


def started(turn: Turn, _: ServiceStarted) -> None:
    """Ask about every run that had not ended, and forget what only a living process can know."""
    waiting, unfinished = len(turn.requests.now), len(turn.runs.now)
    has = f"{number(waiting, 'waiting request')} and {number(unfinished, 'unfinished run')}"
    text = f"the service started with {has}"
    turn.record(FactKind.SERVICE_STARTED, text)
    for run in tuple(turn.runs.now.values()):
        inquire(turn, run)
    turn.touched = True


def inquire(turn: Turn, run: Run) -> None:
    """Ask the engine what became of a run."""
    if not run.managed and run.handle is not None:
        turn.inquiries.remove(run.id)
        turn.put_run(replace(run, state=RunState.RUNNING))
        turn.command(FollowRun(run=run.id, agent=run.agent, handle=run.handle))
        return
    turn.inquiries.put(run.id, turn.now + ASK_AGAIN)
    turn.command(
        InquireRun(run=run.id, agent=run.agent, profile=run.profile, handle=run.handle, handle_before=run.handle_before)
    )


def reconnected(turn: Turn, engine: EngineName) -> None:
    """Ask about the runs of which contact was lost."""
    for run in tuple(turn.runs.now.values()):
        if engine_of(run.agent) == engine and run.state is RunState.LOST:
            inquire(turn, run)


def look_everywhere(turn: Turn, engine: EngineName) -> None:
    """Look for pending work on every agent of an engine that was just connected, whatever its run numbers say.

    Cascades that nothing serves were cut off by a crash: what is found now most probably belongs to them.
    """
    served = frozenset[int]().union(*(each.cascades for each in turn.requests.now.values()))
    served = served.union(*(each.cascades for each in turn.runs.now.values()))
    served = served.union(*(each.look.cascades for each in turn.agents.now.values() if each.look is not None))
    orphans = frozenset(each for each in turn.cascades.now if each not in served)
    for agent, known in tuple(turn.agents.now.items()):
        if engine_of(agent) == engine and known.agent is not None:
            looks.want(turn, agent, Look(imports=True, cascades=orphans), anew=True)


def look_behind(turn: Turn, run: Run) -> None:
    """Look for work behind somebody else's run: the engine shows the newest of an agent, others may have come before it.

    A synchronization among them (W7) may have left exports anywhere, an export something to confirm. Numbers that follow
    each other leave no room for one.
    """
    if run.managed:
        return
    looks.want(turn, run.agent, Look(imports=True), anew=True)
    if not _follows(run) and not shadow.watches(turn, run.agent):
        _confirm(turn, run)
        for agent, known in tuple(turn.agents.now.items()):
            if engine_of(agent) == engine_of(run.agent) and known.agent is not None:
                looks.want(turn, agent, Look(), anew=True)


def _confirm(turn: Turn, run: Run) -> None:
    profiles = queue.resolve(turn, Wanted(agent=run.agent, slot=Slot.CONFIRMING_IMPORT))
    text = f"{run.agent} ran before run {run.id} without being seen, and may have exported"
    cause = Cause(kind=CauseKind.FOUND, text=text, at=turn.now, run=run.id)
    if profiles:
        queue.ask(turn, profiles, queue.Wish(agent=run.agent, causes=(cause,), confirms=True))


def _follows(run: Run) -> bool:
    """Return whether the run is the next after the one that was dealt with before it, as far as handles tell."""
    before, handle = run.handle_before or "", run.handle or ""
    return before.isdigit() and handle.isdigit() and int(handle) == int(before) + 1


def accepted(turn: Turn, word: RunAccepted) -> None:
    """Note the engine's name for a run."""
    run = turn.runs.now.get(word.run)
    if run is None:
        text = f"run {word.run} was reported to have begun, but it is over or was never known; it is ignored"
        turn.record(FactKind.REFUSED, text, run=word.run)
        return
    was_unsure = run.state is RunState.LOST or run.id in turn.inquiries.now
    turn.inquiries.remove(run.id)
    state = RunState.STOPPING if run.state is RunState.STOPPING else RunState.RUNNING
    if (run.handle, run.state) != (word.handle, state):
        turn.put_run(replace(run, handle=word.handle, state=state))
    if was_unsure:
        text = f"{run.profile} of {run.agent} goes on in the engine and was taken up again"
        turn.record(FactKind.RUN_ADOPTED, text, agent=run.agent, run=run.id)


def lost(turn: Turn, word: RunLost) -> None:
    """Note that contact with a run was lost. It keeps its locks until the engine can be asked."""
    run = turn.runs.now.get(word.run)
    if run is None:
        return
    turn.inquiries.put(run.id, turn.now + ASK_AGAIN)
    if run.state is not RunState.LOST:
        turn.put_run(replace(run, state=RunState.LOST))
        text = f"contact with {run.profile} of {run.agent} was lost: {word.error}. It is asked for again"
        turn.record(FactKind.RUN_LOST, text, severity=Severity.WARNING, agent=run.agent, run=run.id)
    turn.touched = True


def inquire_due(turn: Turn) -> None:
    """Ask again about runs of which nothing was heard, where the engine answers."""
    for run_id, due in tuple(turn.inquiries.now.items()):
        run = turn.runs.now.get(run_id)
        if run is None or run.state is not RunState.LOST or turn.now < due:
            continue
        if turn.engine(engine_of(run.agent)).connected:
            inquire(turn, run)


def sighted(turn: Turn, news: Sighted) -> None:
    """Take in an agent's newest run in the engine: ours is no news, anybody else's takes its locks and is followed."""
    sighting = news.sighting
    known = turn.agent(sighting.agent)
    run = turn.running(sighting.agent)
    if not is_newer(sighting.handle, known.row.seen_handle) or (run is not None and run.handle == sighting.handle):
        return
    if run is None:
        _take_up(turn, sighting)
    elif _is_ours(run, sighting):
        accepted(turn, RunAccepted(run=run.id, handle=sighting.handle))
    else:
        turn.put_agent(replace(known, sighted=sighting))


def deferred(turn: Turn) -> None:
    """Deal with other people's runs that were seen while one of ours was under way."""
    for agent, known in tuple(turn.agents.now.items()):
        if known.sighted is not None and turn.running(agent) is None:
            turn.put_agent(replace(known, sighted=None))
            if known.sighted.handle != known.row.seen_handle:
                _take_up(turn, known.sighted)


def _is_ours(run: Run, sighting: Sighting) -> bool:
    """Return whether a sighting is our own start, whose answer is still under way."""
    if sighting.label:
        return sighting.label == str(run.id)
    return run.managed and run.handle is None and run.profile == sighting.profile


def is_newer(handle: str, seen: str | None) -> bool:
    """Return whether a handle is newer than the one dealt with; numbers are compared, other handles only differ.

    No handle is never news: an engine whose history was cleared shows none.
    """
    if not handle:
        return False
    if seen is not None and handle.isdigit() and seen.isdigit():
        return int(handle) > int(seen)
    return handle != seen


def _take_up(turn: Turn, sighting: Sighting) -> None:
    run = Run(
        id=turn.next_run(),
        agent=sighting.agent,
        profile=sighting.profile,
        state=RunState.RUNNING,
        started=min(sighting.started or turn.now, turn.now),
        handle=sighting.handle,
        handle_before=turn.agent(sighting.agent).row.seen_handle,
        managed=False,
    )
    run = shadow.matched(turn, run)
    turn.put_run(run)
    turn.command(FollowRun(run=run.id, agent=run.agent, handle=sighting.handle))
    doing = "runs" if sighting.running else "ran"
    text = f"{sighting.profile} of {sighting.agent} {doing} and was started by somebody else"
    turn.record(FactKind.RUN_SEEN, text, agent=run.agent, run=run.id, data={"handle": sighting.handle})
