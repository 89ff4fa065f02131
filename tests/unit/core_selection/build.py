"""Small candidates, going runs and learned rows for the tests of the selection."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from autosync.core.admission import LockSet
from autosync.core.selection import Candidate, Choice, Going, History, choose
from autosync.model.causes import Cause, CauseKind
from autosync.model.ids import AgentId, CascadeId, EngineName, PartitionName, ProfileName, RequestId, RunId
from autosync.model.requests import Request
from autosync.model.rows import EstimateRow
from autosync.model.runs import Run, RunState
from autosync.model.settings import EngineSettings, RunMode
from autosync.model.steps import Profile, Step, StepKind

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ENGINE = EngineName("e")
KINDS = {
    "DI": StepKind.DELTA_IMPORT,
    "FI": StepKind.FULL_IMPORT,
    "DS": StepKind.DELTA_SYNC,
    "EX": StepKind.EXPORT,
}
PROFILES = {
    name: Profile(name=ProfileName(name), steps=(Step(kind=kind, partition=PartitionName("default")),))
    for name, kind in KINDS.items()
}


def settings(mode: RunMode = RunMode.SUPPORTED, most: int | None = None) -> EngineSettings:
    return EngineSettings(name=ENGINE, run_mode=mode, max_parallel=most)


def request(
    number: int,
    what: str,
    *,
    waits: float = 1.0,
    cause: CauseKind = CauseKind.RUN,
    front: bool = False,
    confirms: bool = False,
    expected: int | None = None,
) -> Request:
    """Return a request; ``what`` is ``agent PROFILE``."""
    agent, profile = what.split()
    wished = NOW - timedelta(seconds=waits)
    return Request(
        id=RequestId(number),
        agent=AgentId(f"e/{agent}"),
        profile=ProfileName(profile),
        wished=wished,
        cascades=frozenset({CascadeId(number)}),
        causes=(Cause(kind=cause, text="", at=wished),),
        front=front,
        confirms=confirms,
        expected=expected,
    )


def locks(wish: Request, mode: RunMode) -> LockSet:
    syncs = PROFILES[wish.profile].syncs
    alone = mode is RunMode.EXCLUSIVE or wish.exclusive or (mode is RunMode.SUPPORTED and syncs)
    return LockSet(agent=wish.agent, sync=syncs, alone=alone)


def candidate(wish: Request, mode: RunMode = RunMode.SUPPORTED) -> Candidate:
    profile = PROFILES[wish.profile]
    taken = locks(wish, mode)
    return Candidate(
        request=wish,
        profile=profile,
        locks=taken,
        is_sync=taken.sync,
        alone=taken.alone,
        imports=profile.imports,
        exports=profile.exports,
        waiting_since=wish.wished,
        expected=wish.expected,
    )


def going(number: int, what: str, *, since: float = 0.0, mode: RunMode = RunMode.SUPPORTED) -> Going:
    wish = request(number, what)
    run = Run(
        id=RunId(number),
        agent=wish.agent,
        profile=wish.profile,
        state=RunState.RUNNING,
        started=NOW - timedelta(seconds=since),
        request_as_started=wish,
    )
    taken = locks(wish, mode)
    return Going(run=run, locks=taken, is_sync=taken.sync, alone=taken.alone, profile=PROFILES[wish.profile])


def learned(what: str, seconds: float, *targets: str, confirming: float | None = None) -> EstimateRow:
    """Return what eight runs of ``agent PROFILE`` taught."""
    agent, profile = what.split()
    return EstimateRow(
        agent=AgentId(f"e/{agent}"),
        profile=ProfileName(profile),
        durations=((seconds, 1),) * 8,
        steps=(KINDS[profile],),
        outbound={AgentId(f"e/{target}"): 1.0 for target in targets},
        confirming=confirming,
    )


def history(*rows: EstimateRow, quiet: float | None = None) -> History:
    last_start = NOW - timedelta(seconds=quiet) if quiet is not None else None
    return replace(History(estimates={(row.agent, row.profile): row for row in rows}), last_start=last_start)


def chosen(
    wishes: Sequence[Request],
    runs: Sequence[Going] = (),
    known: History | None = None,
    *,
    mode: RunMode = RunMode.SUPPORTED,
    most: int | None = None,
) -> tuple[set[str], Choice]:
    """Return what starts as ``agent PROFILE``, and the whole choice."""
    choice = choose(settings(mode, most), [candidate(each, mode) for each in wishes], runs, known or History(), NOW)
    names = {each.id: f"{each.agent.partition('/')[2]} {each.profile}" for each in wishes}
    return {names[each] for each in choice.starts}, choice
