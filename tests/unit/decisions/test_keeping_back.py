"""What keeps work back without losing it: no-export mode, exclusions, stopped agents, lost engines."""

from datetime import time, timedelta

import pytest

from autosync.model.commands import SetTimer
from autosync.model.counts import Counts
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId
from autosync.model.requests import WaitKind
from autosync.model.schedules import Exclusion, Part, Weekly
from autosync.model.settings import AgentSettings, Settings
from autosync.model.steps import StepKind
from autosync.model.stimuli import EngineConnected, EngineLost, SettingsApplied
from tests.unit.decisions.building import APP, CORP, MIM, MORNING, PEOPLE, Case, agent, profile, result

NIGHTLY = Weekly(weekdays=frozenset(range(7)), begins=time(7), until=time(9))
"""In force from seven to nine; a case begins at eight."""
NINE = MORNING + timedelta(hours=1)


def excluding(agents: frozenset[str] | None = None, only: frozenset[Part] | None = None) -> Settings:
    found = Exclusion(name="backup", window=NIGHTLY, zone="UTC", agents=agents, only=only)
    return Settings(exclusions=(found,))


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (StepKind.DELTA_IMPORT, False),
        (StepKind.FULL_IMPORT, False),
        (StepKind.DELTA_SYNC, False),
        (StepKind.FULL_SYNC, False),
        (StepKind.DELTA_IMPORT_DELTA_SYNC, False),
        (StepKind.EXPORT, True),
        (StepKind.UNKNOWN, True),
    ],
)
def test_no_export_keeps_back_whatever_may_export(kind: StepKind, kept: bool) -> None:
    case = Case(agent(PEOPLE, profile("p", kind)), settings=Settings(no_export=True))

    case.ask(PEOPLE, "p", front=True)

    assert (case.going == set()) == kept
    if kept:
        assert case.waits_for(PEOPLE, "p") is WaitKind.NO_EXPORT


def test_exports_that_gathered_go_out_when_no_export_ends() -> None:
    case = Case(settings=Settings(no_export=True))
    case.pend(CORP, Counts(adds=1))
    case.ask(PEOPLE, "delta sync")
    case.end(PEOPLE, result(StepKind.DELTA_SYNC, outbound={CORP: 1}))
    assert case.waiting == {"mim/corp: export"}

    case.tell(SettingsApplied(settings=Settings()))

    assert case.going == {"mim/corp: export"}


@pytest.mark.parametrize(
    ("agents", "kept"),
    [
        (None, {PEOPLE, CORP}),
        (frozenset({str(CORP)}), {CORP}),
        (frozenset({"mim"}), {PEOPLE, CORP}),
        (frozenset({"entra"}), set()),
        (frozenset(), set()),
    ],
)
def test_w49_an_exclusion_is_for_all_for_an_engine_or_for_agents(agents: frozenset[str], kept: set[AgentId]) -> None:
    case = Case(settings=excluding(agents))

    for each in (PEOPLE, CORP):
        case.fire(each)

    assert {each.agent for each in case.state.requests.values()} == kept


@pytest.mark.parametrize(
    "only",
    [None, *({part} for part in Part), {Part.SYNCS, Part.EXPORTS}],
    ids=lambda only: "all" if only is None else " ".join(sorted(only)),
)
@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        (StepKind.DELTA_IMPORT, {Part.IMPORTS}),
        (StepKind.DELTA_SYNC, {Part.SYNCS}),
        (StepKind.EXPORT, {Part.EXPORTS}),
        (StepKind.FULL_IMPORT_FULL_SYNC, {Part.IMPORTS, Part.SYNCS}),
        (StepKind.UNKNOWN, set(Part)),
    ],
)
def test_w49_an_exclusion_may_be_for_some_parts_of_runs(
    kind: StepKind, parts: set[Part], only: set[Part] | None
) -> None:
    found = frozenset(only) if only is not None else None
    case = Case(agent(PEOPLE, profile("p", kind)), settings=excluding(only=found))

    case.ask(PEOPLE, "p")

    assert (case.going == set()) == (only is None or bool(parts & only))


def test_w49_work_is_held_and_resumes_by_itself_at_the_end() -> None:
    case = Case(settings=excluding())
    made = case.fire(PEOPLE, token="t1")
    assert case.why(PEOPLE, "delta import").until == NINE
    assert SetTimer(at=NINE) in made.commands

    case.ring()

    assert case.now == NINE
    assert case.going == {"mim/people: delta import"}


def test_a_run_that_is_going_on_when_an_exclusion_begins_goes_on_and_its_follow_up_waits() -> None:
    late = Exclusion(
        name="late", zone="UTC", window=Weekly(weekdays=frozenset(range(7)), begins=time(10), until=time(11))
    )
    case = Case(settings=Settings(exclusions=(late,)))
    case.fire(PEOPLE)
    case.pass_time(hours=2, minutes=5)
    assert case.going == {"mim/people: delta import"}

    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts(adds=1)))
    assert case.waits_for(PEOPLE, "delta sync") is WaitKind.EXCLUDED
    case.ring()

    assert case.going == {"mim/people: delta sync"}


def test_a_front_request_of_a_person_waits_for_the_end_of_an_exclusion_too() -> None:
    case = Case(settings=excluding())

    case.ask(PEOPLE, "delta import", front=True, exclusive=True)

    assert case.waits_for(PEOPLE, "delta import") is WaitKind.EXCLUDED


def test_a_stopped_agent_keeps_its_wishes_over_a_restart() -> None:
    case = Case()
    case.switch(PEOPLE, on=False)
    case.fire(PEOPLE)
    case.restart()
    case.begin()
    assert case.waits_for(PEOPLE, "delta import") is WaitKind.STOPPED
    assert "migration" in case.why(PEOPLE, "delta import").text

    case.switch(PEOPLE, on=True)

    assert case.going == {"mim/people: delta import"}


def test_a_disabled_agent_keeps_its_wishes_until_the_configuration_enables_it() -> None:
    case = Case(settings=Settings(agents={PEOPLE: AgentSettings(id=PEOPLE, enabled=False)}))
    case.fire(PEOPLE)
    assert case.waits_for(PEOPLE, "delta import") is WaitKind.STOPPED

    case.tell(SettingsApplied(settings=Settings(agents={PEOPLE: AgentSettings(id=PEOPLE)})))

    assert case.going == {"mim/people: delta import"}


def test_stopping_an_agent_leaves_its_run_and_the_other_agents_alone() -> None:
    case = Case()
    case.fire(PEOPLE)

    case.switch(PEOPLE, on=False)
    case.fire(CORP)
    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts(adds=1)))

    assert case.waits_for(PEOPLE, "delta sync") is WaitKind.STOPPED
    assert "mim/corp: delta import" in case.going


def test_w6_issue_116_an_agent_that_starts_is_looked_at_although_no_run_number_changed() -> None:
    case = Case()
    case.switch(PEOPLE, on=False)
    case.stage(PEOPLE, Counts(adds=2))
    case.pend(PEOPLE, Counts(adds=2))

    case.switch(PEOPLE, on=True)

    assert len(case.going) == 1
    assert case.going | case.waiting == {"mim/people: delta sync", "mim/people: export"}


def test_a_lost_engine_keeps_its_requests_and_the_other_engine_goes_on() -> None:
    entra = AgentId("entra/directory")
    case = Case(agent(PEOPLE), agent(entra))
    case.tell(EngineLost(engine=MIM, error="no route"))

    case.fire(PEOPLE)
    case.fire(entra)

    assert case.going == {"entra/directory: delta import"}
    assert case.waits_for(PEOPLE, "delta import") is WaitKind.DISCONNECTED
    assert "no route" in case.why(PEOPLE, "delta import").text
    case.connect(MIM)
    assert "mim/people: delta import" in case.going


def test_w12_a_lost_engine_and_its_return_are_told_once_each() -> None:
    case = Case()
    for _ in range(3):
        case.tell(EngineLost(engine=MIM, error="no route"), after=5)
    for _ in range(3):
        case.tell(EngineConnected(engine=MIM), after=5)

    assert len(case.facts_of(FactKind.ENGINE_LOST)) == 1
    assert len(case.facts_of(FactKind.ENGINE_CONNECTED)) == 1


def test_what_a_sync_left_for_an_agent_that_its_engine_does_not_show_waits_for_it() -> None:
    case = Case(agent(PEOPLE))
    case.ask(PEOPLE, "delta sync")
    case.end(PEOPLE, result(StepKind.DELTA_SYNC, outbound={APP: 1}))
    case.agents[APP] = agent(APP)
    case.pend(APP, Counts(adds=1))

    case.tell(EngineLost(engine=MIM, error="restart"))
    case.connect(MIM)

    assert case.going == {"mim/app: export"}
