"""Why a request waits: for each kind of reason, the first one that is told is the one that keeps it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta

import pytest

from autosync.core.waiting import explain
from autosync.model.counts import Counts
from autosync.model.ids import AgentId, ProfileName
from autosync.model.requests import Waiting, WaitKind
from autosync.model.rows import EstimateRow
from autosync.model.schedules import Exclusion, Weekly
from autosync.model.settings import (
    AgentSettings,
    BreakerPolicy,
    EngineSettings,
    Guards,
    Limit,
    RunMode,
    ScriptPolicy,
    Settings,
    Thresholds,
)
from autosync.model.steps import StepKind
from autosync.model.stimuli import AgentsDescribed, EngineLost, Inspected, ScriptAnswered
from tests.unit.decisions.building import CORP, MIM, MORNING, PEOPLE, Case, agent, profile, result

IMPORT, SYNC, EXPORT = ProfileName("delta import"), ProfileName("delta sync"), ProfileName("export")


def engine(**fields: object) -> Settings:
    return Settings(engines={MIM: EngineSettings(name=MIM, **fields)})


def of_people(**fields: object) -> Settings:
    return Settings(agents={PEOPLE: AgentSettings(id=PEOPLE, **fields)})


def running() -> Waiting:
    case = Case()
    case.ask(PEOPLE, EXPORT)
    case.fire(PEOPLE)
    return case.why(PEOPLE, IMPORT)


def locked() -> Waiting:
    case = Case(settings=of_people(lock_with=frozenset({CORP})))
    case.fire(CORP)
    case.fire(PEOPLE)
    return case.why(PEOPLE, IMPORT)


def sync() -> Waiting:
    case = Case(settings=engine(run_mode=RunMode.UNSUPPORTED))
    case.ask(CORP, SYNC)
    case.ask(PEOPLE, SYNC)
    return case.why(PEOPLE, SYNC)


def alone() -> Waiting:
    case = Case()
    case.ask(CORP, SYNC)
    case.fire(PEOPLE)
    return case.why(PEOPLE, IMPORT)


def parallel() -> Waiting:
    case = Case(settings=engine(max_parallel=1))
    case.fire(CORP)
    case.fire(PEOPLE)
    return case.why(PEOPLE, IMPORT)


def order() -> Waiting:
    """One of three partitions has been imported, the second is importing, and the third waits for it."""
    case = Case(agent(PEOPLE, partitions=("DC=a", "DC=b", "DC=c")))
    case.fire(PEOPLE)
    first = case.run(PEOPLE).profile.rpartition(" ")[2]
    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, partition=first, staged=Counts(adds=1)))
    return case.why(PEOPLE, f"delta sync {first}")


def back_off() -> Waiting:
    case = Case()
    case.fire(PEOPLE)
    case.end(PEOPLE, status="stopped-deadlocked")
    return case.why(PEOPLE, IMPORT)


def breaker() -> Waiting:
    case = Case(settings=of_people(breaker=BreakerPolicy(failures=1)))
    case.fire(PEOPLE)
    case.end(PEOPLE, status="gibberish")
    return case.why(PEOPLE, IMPORT)


def held() -> Waiting:
    case = Case()
    case.stage(PEOPLE, Counts(deletes=10_000))
    case.look_again()
    case.ask(PEOPLE, SYNC)
    return case.why(PEOPLE, SYNC)


def excluded() -> Waiting:
    always = Weekly(weekdays=frozenset(range(7)), begins=time(0), until=time(23))
    case = Case(settings=Settings(exclusions=(Exclusion(name="freeze", window=always, zone="UTC"),)))
    case.fire(PEOPLE)
    return case.why(PEOPLE, IMPORT)


def no_export() -> Waiting:
    case = Case(settings=Settings(no_export=True))
    case.ask(PEOPLE, EXPORT)
    return case.why(PEOPLE, EXPORT)


def stopped() -> Waiting:
    case = Case()
    case.switch(PEOPLE, on=False)
    case.fire(PEOPLE)
    return case.why(PEOPLE, IMPORT)


def disconnected() -> Waiting:
    case = Case()
    case.tell(EngineLost(engine=MIM, error="no route"))
    case.fire(PEOPLE)
    return case.why(PEOPLE, IMPORT)


def inspecting() -> Waiting:
    case = Case()
    case.mute = True
    case.look_again()
    case.ask(PEOPLE, SYNC)
    return case.why(PEOPLE, SYNC)


def script() -> Waiting:
    case = Case(settings=of_people(script=ScriptPolicy()))
    case.fire(PEOPLE)
    case.tell(ScriptAnswered(agent=PEOPLE, profile=IMPORT, allowed=False, text="payroll is open"))
    return case.why(PEOPLE, IMPORT)


def stagger() -> Waiting:
    case = Case(settings=engine(stagger=timedelta(seconds=30)))
    case.fire(CORP)
    case.fire(PEOPLE)
    return case.why(PEOPLE, IMPORT)


def unknown_profile() -> Waiting:
    case = Case()
    case.switch(PEOPLE, on=False)
    case.fire(PEOPLE)
    case.tell(AgentsDescribed(engine=MIM, agents=(agent(PEOPLE, case.agents[PEOPLE].profiles[EXPORT]), agent(CORP))))
    case.switch(PEOPLE, on=True)
    return case.why(PEOPLE, IMPORT)


def shadow() -> Waiting:
    case = Case(settings=engine(shadow=True))
    case.fire(PEOPLE)
    return case.why(PEOPLE, IMPORT)


def combined() -> Waiting:
    both = profile("import and sync", StepKind.DELTA_IMPORT, StepKind.DELTA_SYNC)
    few = Guards(staged=Thresholds(total=Limit(absolute=1)))
    case = Case(agent(PEOPLE, both), settings=of_people(guards=few))
    case.ask(PEOPLE, "import and sync")
    return case.why(PEOPLE, "import and sync")


KINDS: dict[WaitKind, tuple[Callable[[], Waiting], str]] = {
    WaitKind.RUNNING: (running, "mim/people is running"),
    WaitKind.LOCKED: (locked, "mim/corp"),
    WaitKind.SYNC: (sync, "mim/corp synchronizes"),
    WaitKind.ALONE: (alone, "mim/corp runs alone"),
    WaitKind.PARALLEL: (parallel, "at most 1"),
    WaitKind.ORDER: (order, "delta import"),
    WaitKind.BACK_OFF: (back_off, "stopped-deadlocked"),
    WaitKind.BREAKER: (breaker, "1 failure in a row"),
    WaitKind.HELD: (held, "10,000 deletes"),
    WaitKind.SHADOW: (shadow, "mim is only watched"),
    WaitKind.COMBINED: (combined, "allow-combined: true"),
    WaitKind.EXCLUDED: (excluded, "freeze"),
    WaitKind.NO_EXPORT: (no_export, "no-export"),
    WaitKind.STOPPED: (stopped, "maria: migration"),
    WaitKind.DISCONNECTED: (disconnected, "no route"),
    WaitKind.INSPECTING: (inspecting, "what is pending on mim/people"),
    WaitKind.SCRIPT: (script, "payroll is open"),
    WaitKind.STAGGER: (stagger, "a moment later"),
    WaitKind.UNKNOWN_PROFILE: (unknown_profile, "delta import"),
}


def test_every_kind_of_reason_has_a_case() -> None:
    assert set(KINDS) == set(WaitKind)


@pytest.mark.parametrize("kind", WaitKind)
def test_the_first_reason_is_the_true_one_and_names_the_thing(kind: WaitKind) -> None:
    build, words = KINDS[kind]

    reason = build()

    assert reason.kind is kind
    assert words in reason.text


TIMED = [WaitKind.BACK_OFF, WaitKind.BREAKER, WaitKind.EXCLUDED, WaitKind.SCRIPT, WaitKind.STAGGER]


@pytest.mark.parametrize("kind", TIMED)
def test_what_ends_by_the_clock_says_when(kind: WaitKind) -> None:
    reason = KINDS[kind][0]()

    assert reason.until is not None
    assert reason.until > MORNING


@pytest.mark.parametrize("kind", [WaitKind.RUNNING, WaitKind.LOCKED, WaitKind.SYNC, WaitKind.ALONE])
def test_what_waits_for_another_run_says_for_whose(kind: WaitKind) -> None:
    assert KINDS[kind][0]().blocker in {PEOPLE, CORP}


def test_a_hold_is_named_so_that_somebody_can_decide_it() -> None:
    assert held().blocker == "hold H-1"


def test_of_many_reasons_the_weightiest_comes_first_and_all_are_told() -> None:
    """What a person must do first is said first."""
    always = Weekly(weekdays=frozenset(range(7)), begins=time(0), until=time(23))
    case = Case(settings=of_people(breaker=BreakerPolicy(failures=1)))
    case.pend(PEOPLE, Counts(deletes=10_000))
    case.look_again()
    case.ask(PEOPLE, EXPORT)
    case.fire(PEOPLE)
    case.end(PEOPLE, status="gibberish")
    case.ask(PEOPLE, EXPORT)
    case.settle(no_export=True, exclusions=(Exclusion(name="freeze", window=always, zone="UTC"),))
    case.switch(PEOPLE, on=False)
    case.tell(EngineLost(engine=MIM, error="no route"))

    reasons = explain(case.state, case.now)[case.request(PEOPLE, EXPORT).id]

    assert [each.kind for each in reasons] == [
        WaitKind.DISCONNECTED,
        WaitKind.STOPPED,
        WaitKind.HELD,
        WaitKind.EXCLUDED,
        WaitKind.NO_EXPORT,
        WaitKind.BREAKER,
    ]


def test_every_waiting_request_has_an_explanation_at_every_moment() -> None:
    case = Case(agent(PEOPLE), agent(CORP), agent(AgentId("entra/x")))
    for of in case.agents:
        for name in (IMPORT, "full import", SYNC, "full sync", EXPORT):
            case.ask(of, name)
            assert set(explain(case.state, case.now)) == set(case.state.requests)
            assert all(explain(case.state, case.now).values())


def test_a_question_that_the_engine_could_not_answer_says_when_it_is_asked_again() -> None:
    case = Case()
    case.mute = True
    case.look_again()
    case.ask(PEOPLE, SYNC)

    case.tell(Inspected(agent=PEOPLE, pending=None, error="busy"))

    assert case.waits_for(PEOPLE, SYNC) is WaitKind.INSPECTING
    assert case.why(PEOPLE, SYNC).until == case.now + timedelta(seconds=15)


def test_estimates_of_the_past_do_not_change_the_reasons_of_the_law() -> None:
    case = Case()
    case.ask(CORP, SYNC)
    case.fire(PEOPLE)
    row = EstimateRow(agent=PEOPLE, profile=IMPORT, durations=((0.1, 1),) * 32)

    case.state = replace(case.state, estimates={(PEOPLE, IMPORT): row})

    assert case.waits_for(PEOPLE, IMPORT) is WaitKind.ALONE
