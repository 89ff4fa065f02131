"""What happens by the clock: schedules, what was missed, the safety net."""

from datetime import timedelta

import pytest

from autosync.model.counts import Counts
from autosync.model.facts import FactKind
from autosync.model.schedules import Cron, Every, Misfire, Period, When
from autosync.model.settings import AgentSettings, ImportCounts, ScheduleSettings, Settings
from autosync.model.steps import Slot, StepKind
from autosync.model.stimuli import ServiceStarted, SettingsApplied
from tests.unit.decisions.building import CORP, MORNING, PART, PEOPLE, Case, result, trigger

QUARTER = Every(interval=timedelta(minutes=15))
CLOCK = trigger(PEOPLE, "clock")


def scheduled(when: When = QUARTER, **fields: object) -> Settings:
    found = ScheduleSettings(**{"id": CLOCK, "agent": PEOPLE, "when": when, "run": Slot.DELTA_IMPORT, **fields})
    return Settings(schedules={CLOCK: found})


@pytest.mark.parametrize(
    ("when", "first", "second"),
    [
        (QUARTER, timedelta(minutes=15), timedelta(minutes=30)),
        (Cron(expression="30 8,20 * * *", zone="UTC"), timedelta(minutes=30), timedelta(hours=12, minutes=30)),
        (Cron(expression="0 12 * * *", zone="Europe/Berlin"), timedelta(hours=2), timedelta(hours=26)),
        (
            Period(start=MORNING.replace(tzinfo=None, hour=9), period=timedelta(days=1), zone="UTC"),
            timedelta(hours=1),
            timedelta(hours=25),
        ),
    ],
    ids=["interval", "cron", "cron in a time zone", "period"],
)
def test_a_schedule_fires_when_it_says(when: When, first: timedelta, second: timedelta) -> None:
    case = Case(settings=scheduled(when))
    case.pass_time()
    for due in (first, second):
        assert case.state.timer == MORNING + due
        case.ring()
        case.end(PEOPLE, after=0)

    assert case.started == ["mim/people: delta import"] * 2
    assert len(case.facts_of(FactKind.SCHEDULE_FIRED)) == 2


@pytest.mark.parametrize("missed", [2, 50])
def test_w11_what_was_missed_while_nobody_looked_is_one_catch_up_and_one_fact(missed: int) -> None:
    case = Case(settings=scheduled())
    case.restart()
    case.now += missed * timedelta(minutes=15) + timedelta(minutes=5)

    case.tell(ServiceStarted())
    assert [each.data["count"] for each in case.facts_of(FactKind.SCHEDULE_MISSED)] == [missed]
    case.begin()

    assert case.going == {"mim/people: delta import"}
    assert case.state.schedules[CLOCK].next == MORNING + (missed + 1) * timedelta(minutes=15)


@pytest.mark.parametrize(("misfire", "runs"), [(Misfire.ONCE, 1), (Misfire.SKIP, 0)])
def test_w11_the_policy_says_whether_there_is_a_catch_up(misfire: Misfire, runs: int) -> None:
    case = Case(settings=scheduled(misfire=misfire))

    case.pass_time(minutes=50)

    assert len(case.started) == runs
    missed = case.facts_of(FactKind.SCHEDULE_MISSED)
    assert [each.data["count"] for each in missed] == [3]


def test_issue_181_many_intervals_during_one_run_are_one_request() -> None:
    case = Case(settings=scheduled())
    case.ask(PEOPLE, "full import")
    for _ in range(20):
        case.ring()
    assert case.waiting == {"mim/people: delta import"}
    assert case.request(PEOPLE, "delta import").causes[0].count == 20

    case.end(PEOPLE, after=0)
    case.end(PEOPLE, after=0)

    assert case.started == ["mim/people: full import", "mim/people: delta import"]
    assert case.state.last_cascade == 2


def test_a_schedule_survives_a_change_of_other_settings() -> None:
    case = Case(settings=scheduled())
    case.pass_time(minutes=10)

    case.tell(SettingsApplied(settings=Settings(schedules=scheduled().schedules, no_export=True)))
    case.ring()

    assert case.now == MORNING + timedelta(minutes=15)
    assert case.going == {"mim/people: delta import"}


def test_a_schedule_of_a_stopped_agent_waits_as_one_wish() -> None:
    case = Case(settings=scheduled())
    case.switch(PEOPLE, on=False)
    for _ in range(3):
        case.ring()

    case.switch(PEOPLE, on=True)

    assert case.started == ["mim/people: delta import"]


def test_w48_a_very_long_interval_is_no_problem() -> None:
    case = Case(settings=scheduled(Every(interval=timedelta(days=400))))
    case.pass_time()
    assert case.state.timer == MORNING + timedelta(days=400)

    case.ring()

    assert case.going == {"mim/people: delta import"}


# The safety net


def netted(counts: ImportCounts = ImportCounts.ANY, **fields: object) -> Case:
    found = AgentSettings(id=PEOPLE, import_if_none_for=timedelta(hours=1), import_counts=counts, **fields)
    case = Case(settings=Settings(agents={PEOPLE: found}))
    for name in ("delta import", "full import"):
        if f"mim/people: {name}" not in case.going:
            case.ask(PEOPLE, name)
        case.end(PEOPLE, after=0)
    while case.state.runs:
        case.end(PEOPLE, after=0)
    case.commands.clear()
    return case


RESTARTS = [
    (ImportCounts.ANY, "delta import", True),
    (ImportCounts.ANY, "full import", True),
    (ImportCounts.DELTA, "delta import", True),
    (ImportCounts.DELTA, "full import", False),
    (ImportCounts.FULL, "delta import", False),
    (ImportCounts.FULL, "full import", True),
    (ImportCounts.ANY, "export", False),
    (ImportCounts.ANY, "delta sync", False),
]


@pytest.mark.parametrize(("counts", "name", "restarts"), RESTARTS)
def test_w51_which_runs_restart_the_safety_net(counts: ImportCounts, name: str, restarts: bool) -> None:
    case = netted(counts)
    case.pass_time(minutes=40)
    case.ask(PEOPLE, name)
    case.end(PEOPLE, after=0)
    case.commands.clear()

    case.pass_time(minutes=21)

    assert (case.started == []) == restarts


@pytest.mark.parametrize("status", ["stopped-deadlocked", "no-start-connection", "no-start-credentials"])
def test_an_import_that_failed_does_not_restart_the_safety_net(status: str) -> None:
    case = netted()
    case.pass_time(minutes=40)
    case.ask(PEOPLE, "delta import")
    case.end(PEOPLE, status=status, after=0)

    assert case.state.agents[PEOPLE].row.last_import[PART] == MORNING


def test_an_import_that_somebody_else_ran_restarts_the_safety_net() -> None:
    case = netted()
    case.pass_time(minutes=40)
    case.see(PEOPLE, "delta import", handle="900")
    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts()), after=0)
    while case.state.runs:
        case.end(next(iter(case.state.runs.values())).agent, after=0)
    case.commands.clear()

    case.pass_time(minutes=21)

    assert case.started == []


def test_the_safety_net_is_for_the_agents_that_have_one() -> None:
    case = netted()

    case.ring()

    assert case.started == ["mim/people: delta import"]
    assert str(CORP) not in "".join(case.started)
    assert "nothing was imported" in case.run(PEOPLE).causes[0].text


def test_the_safety_net_asks_once_while_its_import_waits() -> None:
    case = netted()
    case.switch(PEOPLE, on=False)
    case.fire(PEOPLE)
    for _ in range(5):
        case.pass_time(hours=1)

    assert len(case.request(PEOPLE, "delta import").causes) == 1
