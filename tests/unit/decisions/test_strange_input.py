"""Nothing that the world says makes a decision fail: what cannot be done becomes a fact, or changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from autosync.core.orchestrator import decide
from autosync.core.state import State
from autosync.core.waiting import explain
from autosync.model.agents import Agent, Pending, PendingSet, Sighting
from autosync.model.counts import Counts, RunResult
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, CascadeId, EngineName, HoldId, PartitionName, ProfileName, RunId, TriggerId
from autosync.model.requests import Wanted
from autosync.model.schedules import Every
from autosync.model.scripts import UnexpectedChange
from autosync.model.settings import ScheduleSettings, Settings
from autosync.model.steps import Slot, StepKind
from autosync.model.stimuli import (
    AgentsDescribed,
    AgentSwitched,
    EngineConnected,
    EngineLost,
    HoldDecided,
    Inspected,
    PendingAsked,
    RequestDropAsked,
    RunAccepted,
    RunAsked,
    RunEnded,
    RunLost,
    RunNeverBegan,
    RunRefused,
    ScriptAnswered,
    ScriptHeard,
    ServiceStarted,
    SettingsApplied,
    Sighted,
    Stimulus,
    StopAsked,
    TimePassed,
    TriggerFired,
    TriggerHealth,
)
from tests.unit.decisions.building import MIM, MORNING, PEOPLE, Case, agent, idle, result, trigger

NOBODY = AgentId("no such agent, not even a slash")
NOTHING = ProfileName("")
NAIVE = MORNING.replace(tzinfo=None)
TRIGGER = TriggerId("###")

STRANGE: list[Stimulus] = [
    ServiceStarted(),
    SettingsApplied(settings=Settings()),
    AgentsDescribed(engine=EngineName(""), agents=()),
    AgentsDescribed(engine=MIM, agents=(Agent(id=NOBODY), Agent(id=NOBODY, partitions=()))),
    EngineConnected(engine=EngineName("unheard of")),
    EngineLost(engine=EngineName("unheard of"), error=""),
    TriggerFired(trigger=TRIGGER, wanted=Wanted(agent=NOBODY), token="", full=True, count=0),
    TriggerFired(trigger=TRIGGER, wanted=Wanted(agent=PEOPLE, partition=PartitionName("")), count=-5),
    TriggerFired(trigger=TRIGGER, wanted=Wanted(agent=PEOPLE, profile=NOTHING, slot=Slot.EXPORT)),
    TriggerFired(trigger=trigger(PEOPLE), wanted=Wanted(agent=PEOPLE), changed=NAIVE),
    TriggerFired(trigger=trigger(PEOPLE), wanted=Wanted(agent=PEOPLE), changed=datetime.max.replace(tzinfo=UTC)),
    TriggerFired(trigger=trigger(PEOPLE), wanted=Wanted(agent=PEOPLE), changed=datetime.min.replace(tzinfo=UTC)),
    RunAsked(wanted=Wanted(agent=NOBODY, profile=NOTHING), by=""),
    StopAsked(agent=NOBODY, by=""),
    RequestDropAsked(agent=NOBODY, profile=NOTHING, by=""),
    AgentSwitched(agent=NOBODY, started=True, by=""),
    AgentSwitched(agent=NOBODY, started=False, by=""),
    HoldDecided(hold=HoldId(-1), decision="", by=""),
    RunAccepted(run=RunId(-1), handle=""),
    RunRefused(run=RunId(-1), status=""),
    RunEnded(run=RunId(-1), result=RunResult(handle="", status="")),
    RunNeverBegan(run=RunId(-1)),
    RunLost(run=RunId(-1), error=""),
    Sighted(sighting=Sighting(agent=NOBODY, handle="1", profile=NOTHING, running=True)),
    Sighted(sighting=Sighting(agent=PEOPLE, handle="", profile=NOTHING, running=False)),
    Sighted(sighting=Sighting(agent=PEOPLE, handle="x", profile=NOTHING, running=True, started=NAIVE)),
    Inspected(agent=NOBODY, pending=None),
    Inspected(agent=PEOPLE, pending=Pending(agent=NOBODY, exports={PartitionName("?"): PendingSet(counts=None)})),
    ScriptAnswered(agent=NOBODY, profile=NOTHING, allowed=False, error="?"),
    ScriptHeard(agent=NOBODY, run=RunId(-1), unexpected=UnexpectedChange(message="", stop_all=True)),
    ScriptHeard(agent=PEOPLE, run=RunId(-1), error="?"),
    PendingAsked(agent=NOBODY),
    TriggerHealth(trigger=TRIGGER, alive=False),
    TimePassed(),
]
NAMES = [f"{place} {type(each).__name__}" for place, each in enumerate(STRANGE)]


def live(case: Case, stimuli: list[Stimulus]) -> None:
    for each in stimuli:
        case.tell(each, after=1)
        explain(case.state, case.now)


def test_every_kind_of_stimulus_is_among_the_strange_ones() -> None:
    assert {type(each) for each in STRANGE} == set(Stimulus.__args__)


@pytest.mark.parametrize("stimulus", STRANGE, ids=NAMES)
def test_a_newborn_state_takes_anything_first(stimulus: Stimulus) -> None:
    made = decide(State(), [stimulus], MORNING, 0.0)

    decide(made.state, [stimulus, stimulus], MORNING, 0.999)
    explain(made.state, MORNING)


@pytest.mark.parametrize("stimulus", STRANGE, ids=NAMES)
def test_a_living_case_takes_anything_and_goes_on_working(stimulus: Stimulus) -> None:
    case = Case()
    case.ask(PEOPLE, "full import")

    live(case, [stimulus, stimulus])
    while case.state.runs:
        run = next(iter(case.state.runs.values()))
        shown = idle(case.agents[run.agent].profiles[ProfileName("delta import")]) if run.agent in case.agents else ()
        case.tell(RunEnded(run=run.id, result=RunResult(handle="900", status="success", steps=shown)), after=1)

    assert case.started[0] == "mim/people: full import"


def test_all_of_it_in_one_batch_and_backwards() -> None:
    case = Case()
    case.tell(*STRANGE)
    case.tell(*reversed(STRANGE))

    case.fire(PEOPLE, "a real one")

    assert any("a real one" in each.trigger for each in case.facts_of(FactKind.TRIGGER_FIRED) if each.trigger)


@pytest.mark.parametrize("gap", [-86400.0, -1.0, 0.0, 1e9])
def test_any_two_stimuli_with_any_clock_between_them(gap: float) -> None:
    for first, second in pairwise([*STRANGE, *STRANGE[::2], *STRANGE[::3]]):
        case = Case()
        case.fire(PEOPLE)
        case.tell(first)
        case.tell(second, after=gap)
        explain(case.state, case.now)


def test_a_naive_time_of_a_change_counts_as_utc() -> None:
    case = Case()

    case.fire(PEOPLE, changed=NAIVE)

    assert case.state.cascades[CascadeId(1)].changed == NAIVE.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("started", "ended"),
    [(NAIVE, MORNING), (MORNING, NAIVE), (NAIVE, NAIVE), (None, NAIVE), (NAIVE, None), (MORNING, MORNING)],
)
def test_times_of_a_result_may_be_naive_missing_or_the_wrong_way_round(started: datetime, ended: datetime) -> None:
    case = Case()
    case.fire(PEOPLE)
    step = result(StepKind.DELTA_IMPORT, staged=Counts())

    done = RunResult(handle="1", status="success", steps=(step,), started=started, ended=ended)
    case.tell(RunEnded(run=1, result=done), after=5)

    assert case.going == set()
    assert all(seconds >= 0 for row in case.state.estimates.values() for seconds, _ in row.durations)


REPORTS = [
    RunEnded(run=RunId(1), result=RunResult(handle="1", status="success")),
    RunRefused(run=RunId(1), status="no-start-connection"),
    RunNeverBegan(run=RunId(1)),
    RunAccepted(run=RunId(1), handle="1"),
    RunLost(run=RunId(1), error="late"),
]


@pytest.mark.parametrize("report", REPORTS, ids=lambda each: type(each).__name__)
def test_a_report_that_comes_after_the_end_changes_no_request_and_no_run(report: Stimulus) -> None:
    case = Case()
    case.fire(PEOPLE)
    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts(adds=1)))
    requests, runs, agents = case.state.requests, case.state.runs, case.state.agents

    case.tell(report)

    assert (case.state.requests, case.state.runs, case.state.agents) == (requests, runs, agents)


def test_w27_two_ends_of_one_run_are_one_end() -> None:
    case = Case()
    case.fire(PEOPLE, token="t1")
    step = result(StepKind.DELTA_IMPORT, staged=Counts(adds=1))
    done = RunEnded(run=1, result=RunResult(handle="1", status="success", steps=(step,)))

    case.tell(done, done)

    assert case.started == ["mim/people: delta import", "mim/people: delta sync"]
    assert len(case.facts_of(FactKind.RUN_ENDED)) == 1
    assert len(case.facts_of(FactKind.REFUSED)) == 1


def test_an_end_for_a_run_whose_profile_is_gone_is_taken_in() -> None:
    case = Case()
    case.fire(PEOPLE)
    only_sync = {name: each for name, each in case.agents[PEOPLE].profiles.items() if name == "delta sync"}

    case.tell(AgentsDescribed(engine=MIM, agents=(replace(case.agents[PEOPLE], profiles=only_sync),)))
    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts(adds=1)))

    assert case.going == {"mim/people: delta sync"}


def test_an_end_for_an_agent_that_is_gone_is_taken_in() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.tell(AgentsDescribed(engine=MIM, agents=()))

    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts(adds=1)))
    case.tell(AgentsDescribed(engine=MIM, agents=tuple(case.agents.values())))

    assert case.going == {"mim/people: delta sync"}


@pytest.mark.parametrize("hours", [1, 24, 24 * 365])
def test_a_clock_that_steps_back_makes_no_retry_and_no_schedule_wait_for_it_to_catch_up(hours: int) -> None:
    clock = ScheduleSettings(
        id=trigger(PEOPLE, "clock"), agent=PEOPLE, when=Every(interval=timedelta(minutes=5)), run=Slot.FULL_IMPORT
    )
    case = Case(settings=Settings(schedules={clock.id: clock}))
    case.pass_time(minutes=6)
    case.end(PEOPLE, status="stopped-deadlocked")

    case.pass_time(hours=-hours)
    for _ in range(3):
        case.ring()
        if case.state.runs:
            case.end(PEOPLE)

    assert case.now < MORNING + timedelta(hours=1 - hours) + timedelta(minutes=25)
    assert case.started.count("mim/people: full import") >= 2


def test_a_decision_leaves_the_state_that_it_was_given_alone() -> None:
    case = Case()
    case.fire(PEOPLE)
    before = case.state
    copy = replace(before, requests=dict(before.requests), runs=dict(before.runs), agents=dict(before.agents))

    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts(adds=1)))

    assert before == copy


def test_an_agent_without_partitions_or_profiles_is_no_trouble() -> None:
    bare = Agent(id=PEOPLE, partitions=(), profiles={})
    case = Case(bare, agent("mim/other"))

    case.fire(PEOPLE)
    case.ask(PEOPLE, "anything")

    assert case.waiting | case.going == set()
    assert len(case.facts_of(FactKind.REQUEST_UNRESOLVED)) == 2
