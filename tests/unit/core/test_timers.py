"""Schedules, the safety net, long runs, exclusion ends, and a clock that steps back."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from autosync.core.recovery import restore
from autosync.model.commands import SetTimer, StopRun
from autosync.model.facts import FactKind
from autosync.model.ids import PartitionName, TriggerId
from autosync.model.rows import AgentRow, ScheduleRow, Snapshot
from autosync.model.schedules import Cron, Dates, Every, Exclusion, Misfire, Part, Weekly
from autosync.model.settings import AgentSettings, BreakerPolicy, ImportCounts, ScheduleSettings, Settings
from autosync.model.steps import Slot
from autosync.model.stimuli import AgentSwitched, RequestDropAsked, SettingsApplied, TimePassed
from tests.unit.core.world import AD, DI, EX, FI, HR, NOON, World

HOURLY = TriggerId(f"{HR}#hourly")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def scheduled(**fields: object) -> World:
    given: dict[str, object] = {"when": Every(interval=HOUR), "run": Slot.FULL_IMPORT, **fields}
    schedule = ScheduleSettings(id=HOURLY, agent=HR, **given)
    return World(schedules={HOURLY: schedule}).begin()


def netted(**fields: object) -> World:
    return World(settings=[AgentSettings(id=HR, import_if_none_for=HOUR, **fields)]).begin()


def again(world: World, **changes: object) -> None:
    """Apply the settings again with another schedule."""
    old = world.state.settings
    given: dict[str, object] = {"when": Every(interval=HOUR), "run": Slot.FULL_IMPORT, **changes}
    schedule = ScheduleSettings(id=HOURLY, agent=HR, **given)
    applied = Settings(engines=old.engines, agents=old.agents, schedules={HOURLY: schedule})
    world.happens(SettingsApplied(settings=applied))


def row(world: World) -> ScheduleRow:
    return world.state.schedules[HOURLY]


def test_an_interval_fires_after_one_interval_and_says_when_next() -> None:
    world = scheduled()
    assert world.state.timer == NOON + HOUR

    world.sleep()

    assert world.running() == ["sim/hr FI"]
    assert row(world).next == NOON + 2 * HOUR
    assert len(world.said(FactKind.SCHEDULE_FIRED)) == 1


def test_a_schedule_may_name_a_profile_and_run_it_exclusively_in_front() -> None:
    world = scheduled(run=EX, exclusive=True, front=True, when=Cron(expression="0 13 * * *", zone="UTC"))
    world.fire(HR)

    world.sleep()

    request = world.request(HR, "EX")
    assert (request.exclusive, request.front) == (True, True)


@pytest.mark.parametrize(("misfire", "runs"), [(Misfire.ONCE, ["sim/hr FI"]), (Misfire.SKIP, [])])
def test_w11_missed_fire_times_are_said_and_caught_up_as_the_policy_says(misfire: Misfire, runs: list[str]) -> None:
    world = scheduled(misfire=misfire)
    world.now += timedelta(hours=5, minutes=30)

    world.tick()

    assert world.running() == runs
    assert world.said(FactKind.SCHEDULE_MISSED)[0].data == {"count": 5}
    assert row(world).next == NOON + 6 * HOUR


def test_the_fire_time_that_is_on_time_fires_whatever_was_missed_before() -> None:
    world = scheduled(misfire=Misfire.SKIP)
    world.now += timedelta(hours=3, seconds=20)

    world.tick()

    assert world.running() == ["sim/hr FI"]
    assert world.said(FactKind.SCHEDULE_MISSED)[0].data == {"count": 2}


def test_w11_a_fire_time_that_passed_while_the_service_was_down_is_caught_up() -> None:
    world = scheduled()
    snapshot = Snapshot(schedules=tuple(world.state.schedules.values()))
    world.state = restore(snapshot, world.state.settings)
    world.now += timedelta(hours=2, minutes=10)

    world.begin()

    assert world.running() == ["sim/hr FI"]


def test_a_schedule_of_a_disabled_agent_or_a_disabled_schedule_does_not_fire() -> None:
    world = scheduled(enabled=False)
    world.tick(7200)

    assert world.state.schedules == {}
    assert world.waiting() == world.running() == []


def test_a_schedule_that_resolves_to_nothing_is_said() -> None:
    world = scheduled(run=Slot.FULL_SYNC)
    world.set(HR, slots={PartitionName("default"): {Slot.FULL_SYNC: None}})

    world.sleep()

    assert world.running() == []
    assert len(world.said(FactKind.REQUEST_UNRESOLVED)) == 1


def test_a_changed_schedule_counts_from_the_change() -> None:
    world = scheduled()
    world.now += 10 * MINUTE

    again(world, when=Every(interval=2 * HOUR))

    assert row(world).next == NOON + 10 * MINUTE + 2 * HOUR


def test_an_unchanged_schedule_keeps_its_time() -> None:
    world = scheduled()
    world.now += 10 * MINUTE

    again(world)

    assert row(world).next == NOON + HOUR


def test_a_schedule_that_was_switched_on_again_counts_from_then() -> None:
    world = scheduled()
    again(world, enabled=False)
    world.now += timedelta(hours=5, minutes=30)

    again(world, enabled=True)

    assert world.running() == []
    assert row(world).next == NOON + timedelta(hours=6, minutes=30)


def test_a_schedule_that_changed_while_the_service_was_down_counts_from_the_start() -> None:
    world = scheduled()
    old = ScheduleRow(id=HOURLY, anchor=NOON - HOUR, next=NOON - MINUTE)
    world.state = restore(Snapshot(schedules=(old,)), world.state.settings)

    world.begin()

    assert world.running() == []
    assert row(world).next == NOON + HOUR


def test_f10_a_schedule_fires_once_per_fire_time_whatever_restarts() -> None:
    world = scheduled()
    for _ in range(10):
        snapshot = Snapshot(schedules=tuple(world.state.schedules.values()), last_run=world.state.last_run)
        world.state = restore(snapshot, world.state.settings)
        world.begin()
    fired: list[datetime] = []
    for _ in range(3):
        world.sleep()
        fired.append(world.now)
        world.end(HR)

    assert fired == [NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]


# The safety net


def test_an_agent_that_never_imported_imports() -> None:
    world = netted()

    assert world.running() == ["sim/hr DI"]


def test_the_net_is_due_one_interval_after_the_last_import() -> None:
    world = netted()
    world.end(HR)
    assert world.state.timer == NOON + HOUR

    world.sleep()

    assert world.running() == ["sim/hr DI"]
    run = world.run(HR)
    assert run is not None
    assert [cause.kind.value for cause in run.causes] == ["safety-net"]


def test_the_net_waits_while_an_import_waits_or_runs() -> None:
    world = netted()
    world.tick(7200)
    assert world.waiting() == []
    world.end(HR, "stopped-deadlocked")

    assert world.waiting() == ["sim/hr DI"]


@pytest.mark.parametrize(
    ("counts", "last", "net_runs"),
    [
        (ImportCounts.ANY, "delta", False),
        (ImportCounts.ANY, "full", False),
        (ImportCounts.FULL, "delta", True),
        (ImportCounts.FULL, "full", False),
        (ImportCounts.DELTA, "delta", False),
        (ImportCounts.DELTA, "full", True),
    ],
)
def test_w51_it_can_be_chosen_which_imports_count(counts: ImportCounts, last: str, net_runs: bool) -> None:
    when = {PartitionName("default"): NOON - MINUTE}
    row = AgentRow(id=HR, last_import=when) if last == "delta" else AgentRow(id=HR, last_full_import=when)
    settings = AgentSettings(id=HR, import_if_none_for=HOUR, import_counts=counts)
    world = World(settings=[settings])
    world.state = restore(Snapshot(agents=(row,)), world.state.settings)

    world.begin()

    assert bool(world.running()) == net_runs


def test_an_import_that_a_person_stopped_restarts_the_net() -> None:
    world = netted()

    world.end(HR, "stopped-user-termination-from-wmi-or-ui")

    assert world.running() == []
    assert world.state.timer == NOON + HOUR


def test_the_net_of_a_stopped_agent_waits_until_it_starts() -> None:
    world = World(settings=[AgentSettings(id=HR, import_if_none_for=HOUR)])
    world.state = restore(Snapshot(agents=(AgentRow(id=HR, stopped_by="anna"),)), world.state.settings)
    world.begin()
    assert world.waiting() == []

    world.happens(AgentSwitched(agent=HR, started=True, by="anna"))

    assert world.running() == ["sim/hr DI"]


def test_a_net_without_a_profile_is_said_once() -> None:
    slots = {PartitionName("default"): {Slot.SCHEDULED_IMPORT: None}}
    world = netted(slots=slots)
    world.tick(7200)

    assert world.running() == []
    assert world.state.timer is None


def test_a_net_whose_import_was_taken_back_is_due_at_once_again() -> None:
    world = World(settings=[AgentSettings(id=HR, import_if_none_for=HOUR)]).begin()
    world.end(HR)
    world.ask(HR, EX)
    world.tick(7200)
    assert world.waiting() == ["sim/hr DI"]

    world.happens(RequestDropAsked(agent=HR, profile=DI, by="anna"))

    assert world.waiting() == ["sim/hr DI"]


# Long runs


def test_w21_a_run_that_takes_too_long_is_said_once() -> None:
    world = World(settings=[AgentSettings(id=HR, run_limit=HOUR)]).begin()
    world.fire(HR)
    assert world.state.timer == NOON + HOUR

    world.sleep()
    world.tick(60)

    assert len(world.said(FactKind.RUN_LATE)) == 1
    assert world.running() == ["sim/hr DI"]


def test_a_run_that_takes_too_long_is_stopped_where_that_is_wanted() -> None:
    world = World(settings=[AgentSettings(id=HR, run_limit=HOUR, stop_long_runs=True)]).begin()
    world.fire(HR)

    world.sleep()
    world.tick(60)

    assert [each for each in world.commands if isinstance(each, StopRun)] == [
        StopRun(run=next(iter(world.state.runs)), agent=HR)
    ]
    world.end(HR, "stopped-user-termination-from-wmi-or-ui")
    assert world.waiting() == []


# Exclusion periods


def excluded(exclusion: Exclusion) -> World:
    return World(exclusions=(exclusion,)).begin()


def test_w49_work_is_held_not_dropped_during_an_exclusion() -> None:
    freeze = Exclusion(name="freeze", window=Dates(first=NOON, until=NOON + HOUR), zone="UTC")
    world = excluded(freeze)
    world.fire(HR)
    assert world.running() == []
    assert world.state.timer == NOON + HOUR

    world.sleep()

    assert world.running() == ["sim/hr DI"]


@pytest.mark.parametrize(
    ("agents", "only", "runs"),
    [
        (frozenset({"sim/hr"}), None, ["sim/ad DI", "sim/ad EX"]),
        (frozenset({"sim"}), None, []),
        (frozenset({"other"}), None, ["sim/hr DI", "sim/ad DI"]),
        (None, frozenset({Part.EXPORTS}), ["sim/hr DI", "sim/ad DI"]),
        (None, frozenset({Part.IMPORTS}), ["sim/ad EX"]),
    ],
)
def test_an_exclusion_may_be_for_some_agents_and_some_parts(
    agents: frozenset[str] | None, only: frozenset[Part] | None, runs: list[str]
) -> None:
    window = Weekly(weekdays=frozenset({0}), begins=time(11), until=time(13))
    world = excluded(Exclusion(name="window", window=window, zone="UTC", agents=agents, only=only))

    world.fire(HR)
    world.fire(AD)
    world.ask(AD, EX)

    assert set(world.running()) <= set(runs)
    assert bool(world.running()) == bool(runs)


# The clock


def test_a_timer_that_rang_is_asked_for_again() -> None:
    world = scheduled()

    world.tick(60)

    assert world.last.commands == (SetTimer(at=NOON + HOUR),)


def test_a_clock_that_steps_back_makes_nothing_wait_for_days() -> None:
    world = scheduled()
    world.set(AD, breaker=BreakerPolicy(failures=1, rest=5 * MINUTE))
    world.now += timedelta(days=30)
    world.tick()
    world.end(HR)
    world.ask(AD, FI)
    world.end(AD, "stopped-ma")

    world.now -= timedelta(days=31)
    world.happens(TimePassed())

    back = world.now
    assert row(world).next == back + HOUR
    assert world.state.agents[AD].row.breaker_until == back + 5 * MINUTE
    assert world.request(AD, FI).not_before == back + 5 * MINUTE
    assert world.state.timer is not None
    assert world.state.timer <= back + HOUR


def test_a_clock_that_steps_back_a_little_changes_nothing() -> None:
    world = scheduled()
    before = row(world)
    world.now -= timedelta(seconds=5)

    world.tick()

    assert row(world) == before


def test_a_clock_that_steps_back_leaves_what_is_near_alone() -> None:
    world = scheduled()
    other = ScheduleSettings(id=TriggerId(f"{AD}#never"), agent=AD, when=Every(interval=HOUR), run=DI, enabled=False)
    settings = world.state.settings
    world.happens(SettingsApplied(settings=replace(settings, schedules={**settings.schedules, other.id: other})))
    world.ask(AD, FI)
    world.ask(AD, EX)
    world.now += 30 * MINUTE
    world.end(AD, "stopped-deadlocked")
    again_at = world.request(AD, FI).not_before
    before = row(world)

    world.now -= 5 * MINUTE
    world.happens(TimePassed())

    assert row(world) == before
    assert world.request(AD, FI).not_before == again_at


def test_an_exclusion_that_is_not_in_force_needs_no_timer() -> None:
    freeze = Exclusion(name="freeze", window=Dates(first=NOON + 5 * HOUR, until=NOON + 6 * HOUR), zone="UTC")
    world = excluded(freeze)
    world.ask(HR, EX)

    world.fire(HR)

    assert world.state.timer is None
