"""What is due by the clock: schedules, the safety net, runs that take too long, and when to look at the clock again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from autosync.core import intake, obstacles, queue, recovery, schedule, scripts, shadow
from autosync.core.narration import duration
from autosync.core.state import AgentState
from autosync.core.turn import Turn
from autosync.model.causes import Cause, CauseKind
from autosync.model.facts import FactKind, Severity
from autosync.model.ids import AgentId, PartitionName, engine_of
from autosync.model.requests import Wanted
from autosync.model.rows import AgentRow, ScheduleRow
from autosync.model.runs import Run
from autosync.model.schedules import Misfire
from autosync.model.settings import ImportCounts, ScheduleSettings, Settings
from autosync.model.steps import Slot
from autosync.model.wording import number

ON_TIME = timedelta(minutes=1)
"""A fire time that passed longer ago was missed."""


def due(turn: Turn) -> None:
    """Do what is due now."""
    if turn.clock is not None and turn.now < turn.clock - ON_TIME:
        _step_back(turn)
    for each in turn.settings.schedules.values():
        if each.enabled and turn.agent_settings(each.agent).enabled:
            _schedule(turn, each)
    _safety_nets(turn)
    for run in tuple(turn.runs.now.values()):
        _limit(turn, run)
    recovery.inquire_due(turn)
    scripts.tell_due(turn)
    shadow.close_overdue(turn)


def align(turn: Turn, before: Settings | None) -> None:
    """Have schedules that changed count from now; ``before`` None: the service starts, and only the rows tell."""
    for each in turn.settings.schedules.values():
        row = turn.schedules.now.get(each.id)
        if row is None or not each.enabled:
            continue
        known = before.schedules.get(each.id) if before is not None else None
        if before is None:
            changed = row.next != schedule.next_fire(each.when, row.anchor, row.last or row.anchor)
        else:
            changed = known is None or known.when != each.when or not known.enabled
        if changed:
            _begin(turn, each, row.last)


def next_due(turn: Turn) -> datetime | None:
    """Return when something is due next."""
    return min((each for each in _moments(turn) if each > turn.now), default=None)


def _begin(turn: Turn, settings: ScheduleSettings, last: datetime | None = None) -> ScheduleRow:
    following = schedule.next_fire(settings.when, turn.now, turn.now)
    row = ScheduleRow(id=settings.id, anchor=turn.now, last=last, next=following)
    turn.put_schedule(row)
    return row


def _schedule(turn: Turn, settings: ScheduleSettings) -> None:
    row = turn.schedules.now.get(settings.id) or _begin(turn, settings)
    if row.next is None or turn.now < row.next:
        return
    before = row.next - timedelta(microseconds=1)
    passed = schedule.missed(settings.when, row.anchor, before, turn.now)
    on_time = schedule.missed(settings.when, row.anchor, max(before, turn.now - ON_TIME), turn.now)
    following = schedule.next_fire(settings.when, row.anchor, turn.now)
    turn.put_schedule(replace(row, last=turn.now, next=following))
    if passed > on_time:
        _tell_missed(turn, settings, passed - on_time)
    if on_time or settings.misfire is Misfire.ONCE:
        _fire(turn, settings)


def _tell_missed(turn: Turn, settings: ScheduleSettings, count: int) -> None:
    then = "it catches up with one run" if settings.misfire is Misfire.ONCE else "it waits for the next"
    text = f"schedule {settings.id} missed {number(count, 'fire time')}; {then}"
    turn.record(
        FactKind.SCHEDULE_MISSED,
        text,
        severity=Severity.WARNING,
        agent=settings.agent,
        trigger=settings.id,
        data={"count": count},
    )


def _fire(turn: Turn, settings: ScheduleSettings) -> None:
    text = f"schedule {settings.id} fired"
    turn.record(FactKind.SCHEDULE_FIRED, text, agent=settings.agent, trigger=settings.id)
    slot = settings.run if isinstance(settings.run, Slot) else None
    profile = None if isinstance(settings.run, Slot) else settings.run
    wanted = Wanted(agent=settings.agent, slot=slot, profile=profile, partition=settings.partition)
    profiles = queue.resolve(turn, wanted)
    cause = Cause(kind=CauseKind.SCHEDULE, text=text, at=turn.now, trigger=settings.id)
    wish = queue.Wish(agent=settings.agent, causes=(cause,), exclusive=settings.exclusive, front=settings.front)
    if profiles:
        queue.ask(turn, profiles, wish)


def _safety_nets(turn: Turn) -> None:
    nets = [(each, due) for each, due in _nets(turn) if due <= turn.now]
    if not nets:
        return
    importing = _importing(turn)
    for (agent, partition), _ in nets:
        if (agent, partition) not in importing:
            _import_unheard(turn, agent, partition)


def _import_unheard(turn: Turn, agent: AgentId, partition: PartitionName) -> None:
    silence = turn.agent_settings(agent).import_if_none_for or timedelta()
    profiles = queue.resolve(turn, Wanted(agent=agent, slot=Slot.SCHEDULED_IMPORT, partition=partition))
    text = f"nothing was imported from {agent} for {duration(silence)}"
    if profiles:
        cause = Cause(kind=CauseKind.SAFETY_NET, text=text, at=turn.now)
        queue.ask(turn, profiles, queue.Wish(agent=agent, causes=(cause,)))


def _nets(turn: Turn) -> Iterator[tuple[tuple[AgentId, PartitionName], datetime]]:
    """Yield when each partition's safety net is due, of agents that can import."""
    for settings in turn.settings.agents.values():
        known = turn.agents.now.get(settings.id)
        if settings.import_if_none_for is None or not settings.enabled or known is None or known.agent is None:
            continue
        if known.row.stopped_by is None:
            for partition in known.agent.partitions:
                last = _last_import(known.row, settings.import_counts, partition)
                due = turn.now if last is None else min(last, turn.now) + settings.import_if_none_for
                if f"{Slot.SCHEDULED_IMPORT.value} of {partition}" not in known.reported:
                    yield (settings.id, partition), due


def _last_import(row: AgentRow, counts: ImportCounts, partition: PartitionName) -> datetime | None:
    delta, full = row.last_import.get(partition), row.last_full_import.get(partition)
    match counts:
        case ImportCounts.FULL:
            return full
        case ImportCounts.DELTA:
            return delta
        case ImportCounts.ANY:
            return max((each for each in (delta, full) if each is not None), default=None)


def _importing(turn: Turn) -> set[tuple[AgentId, PartitionName]]:
    """Return where an import waits or runs."""
    found: set[tuple[AgentId, PartitionName]] = set()
    wanted = [(each.agent, each.profile) for each in turn.requests.now.values()]
    going = [(each.agent, each.profile) for each in turn.runs.now.values()]
    for agent, name in (*wanted, *going):
        profile = turn.profile(agent, name)
        steps = profile.steps if profile is not None else ()
        found.update((agent, step.partition) for step in steps if step.kind.imports)
    return found


def _limit(turn: Turn, run: Run) -> None:
    """Say once that a run takes too long, and stop it where that is wanted."""
    settings = turn.agent_settings(run.agent)
    key = f"run {run.id} is late"
    known = turn.agent(run.agent)
    if settings.run_limit is None or turn.now < run.started + settings.run_limit or key in known.reported:
        return
    turn.put_agent(replace(known, reported=known.reported | {key}))
    text = f"{run.profile} of {run.agent} has been running for more than {duration(settings.run_limit)}"
    turn.record(FactKind.RUN_LATE, text, severity=Severity.WARNING, agent=run.agent, run=run.id)
    if settings.stop_long_runs and run.stop_asked_by is None and not shadow.watches(turn, run.agent):
        intake.stop_run(turn, run, "the run limit")


def _step_back(turn: Turn) -> None:
    """Let nothing wait for a moment that was near and is far now: the clock was set back."""
    for each in turn.settings.schedules.values():
        row = turn.schedules.now.get(each.id)
        if row is not None and turn.now < (row.last or row.anchor):
            _begin(turn, each)
    for request in tuple(turn.requests.now.values()):
        latest = turn.now + turn.agent_settings(request.agent).breaker.rest
        if request.not_before is not None and request.not_before > latest:
            turn.put_request(replace(request, not_before=latest))
    for known in tuple(turn.agents.now.values()):
        latest = turn.now + turn.agent_settings(known.row.id).breaker.rest
        if known.row.breaker_until is not None and known.row.breaker_until > latest:
            turn.put_agent(replace(known, row=replace(known.row, breaker_until=latest)))


def _moments(turn: Turn) -> Iterator[datetime]:
    yield from (
        row.next
        for each in turn.settings.schedules.values()
        if each.enabled and (row := turn.schedules.now.get(each.id)) is not None and row.next is not None
    )
    yield from (due for _, due in _nets(turn))
    for request in turn.requests.now.values():
        if request.not_before is not None:
            yield request.not_before
        if request.would_have_run is not None:
            yield request.would_have_run + turn.engine_settings(engine_of(request.agent)).shadow_patience
    for known in turn.agents.now.values():
        yield from _of_agent(known)
    for run in turn.runs.now.values():
        limit = turn.agent_settings(run.agent).run_limit
        if limit is not None:
            yield run.started + limit
    yield from turn.inquiries.now.values()
    if turn.requests.now:
        yield from _exclusion_ends(turn)


def _of_agent(known: AgentState) -> Iterator[datetime]:
    if known.row.breaker_until is not None:
        yield known.row.breaker_until
    if known.ask_after is not None:
        yield known.ask_after
    for word in known.script.values():
        yield word.until
        if word.asked is not None:
            yield word.asked + obstacles.SCRIPT_MAY_TAKE
    yield from (entry.again for entry in known.row.unheard.values())


def _exclusion_ends(turn: Turn) -> Iterator[datetime]:
    for exclusion in turn.settings.exclusions:
        until = schedule.open_until(exclusion, turn.now)
        if until is not None:
            yield until
