"""Which runs may overlap, every pair written down by hand: the table of ARCHITECTURE.md 5.2 is the oracle."""

from itertools import permutations

import pytest

from autosync.core.admission import LockSet, blockers, locks_of
from autosync.model.agents import MIM_SERVICE, Agent
from autosync.model.ids import AgentId, EngineName
from autosync.model.requests import WaitKind, Wanted
from autosync.model.settings import AgentSettings, EngineSettings, RunMode, Settings
from autosync.model.steps import Profile, Slot, StepKind
from autosync.model.stimuli import RunAsked
from tests.unit.decisions.building import APP, CORP, MIM, PEOPLE, Case, agent, profile

RUNS: dict[str, Profile | None] = {
    "import": profile("i", StepKind.DELTA_IMPORT),
    "full import": profile("fi", StepKind.FULL_IMPORT),
    "export": profile("e", StepKind.EXPORT),
    "sync": profile("s", StepKind.DELTA_SYNC),
    "full sync": profile("fs", StepKind.FULL_SYNC),
    "combined": profile("c", StepKind.DELTA_IMPORT_DELTA_SYNC),
    "several steps": profile("m", StepKind.EXPORT, StepKind.DELTA_IMPORT, StepKind.DELTA_SYNC),
    "unknown step": profile("u", StepKind.UNKNOWN),
    "unknown profile": None,
}
QUIET = {"import", "full import", "export"}
"""Runs without a sync part. Every pair of the others is refused in every mode."""


def engine(mode: RunMode, **more: object) -> EngineSettings:
    return EngineSettings(name=MIM, run_mode=mode, **more)


def locks(
    of: AgentId, run: str, found: EngineSettings, *, exclusive: bool = False, beside: frozenset[AgentId] = frozenset()
) -> LockSet:
    settings = AgentSettings(id=of, lock_with=beside)
    return locks_of(RUNS[run], Agent(id=of, category="ad"), settings, found, exclusive=exclusive)


def service(run: str, found: EngineSettings) -> LockSet:
    """The same run on a MIM Service agent."""
    described = Agent(id=PEOPLE, category=MIM_SERVICE)
    return locks_of(RUNS[run], described, AgentSettings(id=PEOPLE), found, exclusive=False)


def may(candidate: LockSet, running: LockSet, found: EngineSettings) -> bool:
    return blockers(candidate, [running], found) == ()


@pytest.mark.parametrize("running", RUNS)
@pytest.mark.parametrize("candidate", RUNS)
def test_supported_mode_lets_only_imports_and_exports_overlap(candidate: str, running: str) -> None:
    found = engine(RunMode.SUPPORTED)

    allowed = may(locks(PEOPLE, candidate, found), locks(CORP, running, found), found)

    assert allowed == (candidate in QUIET and running in QUIET)


@pytest.mark.parametrize("running", RUNS)
@pytest.mark.parametrize("candidate", RUNS)
def test_unsupported_mode_refuses_only_two_syncs(candidate: str, running: str) -> None:
    found = engine(RunMode.UNSUPPORTED)

    allowed = may(locks(PEOPLE, candidate, found), locks(CORP, running, found), found)

    assert allowed == (candidate in QUIET or running in QUIET)


@pytest.mark.parametrize("running", RUNS)
@pytest.mark.parametrize("candidate", RUNS)
def test_exclusive_mode_refuses_every_pair(candidate: str, running: str) -> None:
    found = engine(RunMode.EXCLUSIVE)

    assert not may(locks(PEOPLE, candidate, found), locks(CORP, running, found), found)


@pytest.mark.parametrize("mode", RunMode)
@pytest.mark.parametrize("candidate", RUNS)
def test_w30_a_profile_that_the_engine_does_not_know_takes_the_sync_lock(candidate: str, mode: RunMode) -> None:
    """Whoever cannot say what a run does must assume everything."""
    found = engine(mode)

    assert locks(PEOPLE, "unknown profile", found).sync
    assert locks(PEOPLE, candidate, found).sync == (candidate not in QUIET)


@pytest.mark.parametrize("mode", RunMode)
@pytest.mark.parametrize("run", RUNS)
def test_an_agent_runs_one_thing_at_a_time_in_every_mode(run: str, mode: RunMode) -> None:
    found = engine(mode)

    assert next(each.kind for each in blockers(locks(PEOPLE, "import", found), [locks(PEOPLE, run, found)], found)) is (
        WaitKind.RUNNING
    )


SERVICE_RULE = [
    # run of the MIM Service, rule for exports on, takes the sync lock
    ("import", True, True),
    ("import", False, True),
    ("full import", True, False),
    ("full import", False, False),
    ("export", True, True),
    ("export", False, False),
    ("sync", True, True),
    ("sync", False, True),
    ("combined", False, True),
    ("several steps", False, True),
]


@pytest.mark.parametrize(("run", "rule", "counts"), SERVICE_RULE)
def test_on_a_mim_service_agent_a_delta_import_counts_as_a_sync_and_an_export_by_option(
    run: str, rule: bool, counts: bool
) -> None:
    found = engine(RunMode.UNSUPPORTED, mim_service_export_is_sync=rule)

    assert may(service(run, found), locks(CORP, "sync", found), found) == (not counts)
    assert may(locks(CORP, "sync", found), service(run, found), found) == (not counts)
    assert may(service(run, found), locks(CORP, "import", found), found)


def test_the_mim_service_rule_is_on_unless_somebody_switches_it_off() -> None:
    assert EngineSettings(name=MIM).mim_service_export_is_sync


@pytest.mark.parametrize("mode", [RunMode.SUPPORTED, RunMode.UNSUPPORTED])
@pytest.mark.parametrize(("candidate", "running"), list(permutations(sorted(QUIET), 2)))
def test_lock_with_on_one_side_keeps_two_agents_apart(candidate: str, running: str, mode: RunMode) -> None:
    found = engine(mode)
    named = locks(PEOPLE, candidate, found, beside=frozenset({CORP}))

    assert not may(named, locks(CORP, running, found), found)
    assert not may(locks(CORP, running, found), named, found)
    assert may(named, locks(APP, running, found), found)


@pytest.mark.parametrize("mode", RunMode)
@pytest.mark.parametrize("run", RUNS)
def test_an_exclusive_request_runs_alone_whatever_it_is(run: str, mode: RunMode) -> None:
    found = engine(mode)
    alone = locks(PEOPLE, run, found, exclusive=True)

    assert not may(alone, locks(CORP, "import", found), found)
    assert not may(locks(CORP, "import", found), alone, found)
    assert blockers(alone, [], found) == ()


@pytest.mark.parametrize("most", [1, 2, 5])
def test_no_more_runs_in_parallel_than_the_option_says(most: int) -> None:
    found = engine(RunMode.UNSUPPORTED, max_parallel=most)
    running = [locks(AgentId(f"mim/{each}"), "import", found) for each in range(most)]

    assert blockers(locks(PEOPLE, "import", found), running[1:], found) == ()
    assert [each.kind for each in blockers(locks(PEOPLE, "import", found), running, found)] == [WaitKind.PARALLEL]


@pytest.mark.parametrize("run", RUNS)
def test_runs_of_another_engine_are_never_in_the_way(run: str) -> None:
    here = engine(RunMode.EXCLUSIVE, max_parallel=1)
    there = EngineSettings(name=EngineName("entra"), run_mode=RunMode.EXCLUSIVE)
    elsewhere = locks(AgentId("entra/people"), run, there, exclusive=True)

    assert may(locks(PEOPLE, run, here, exclusive=True), elsewhere, here)


def test_w19_seventy_agents_can_all_be_locked_at_once() -> None:
    """The predecessor waited on one handle per agent, and Windows knows 64."""
    found = engine(RunMode.SUPPORTED)
    others = [AgentId(f"mim/a{each}") for each in range(70)]
    alone = locks(PEOPLE, "sync", found, beside=frozenset(others))

    assert len(blockers(alone, [locks(each, "import", found) for each in others], found)) == 70
    assert not any(may(locks(each, "import", found), alone, found) for each in others)
    assert blockers(alone, [], found) == ()


def test_w19_an_exclusive_run_waits_for_seventy_imports_and_then_runs_alone() -> None:
    many = [agent(f"mim/a{each}", profile("import", StepKind.DELTA_IMPORT)) for each in range(70)]
    case = Case(*many, agent(PEOPLE))
    for each in many:
        case.ask(each.id, "import")
    case.ask(PEOPLE, "full sync", exclusive=True)
    assert len(case.going) == 70

    for each in many:
        case.end(each.id)

    assert case.going == {"mim/people: full sync"}


def test_w14_an_exclusive_run_and_an_import_of_one_moment_never_both_start() -> None:
    case = Case()
    case.ask(PEOPLE, "delta import", exclusive=True)
    case.ask(CORP, "delta import")

    assert len(case.going) == 1


def test_w14_runs_of_one_batch_see_each_others_locks() -> None:
    """Neither has been accepted by the engine when the other is decided upon."""
    settings = Settings(agents={PEOPLE: AgentSettings(id=PEOPLE, lock_with=frozenset({CORP}))})
    case = Case(settings=settings)
    wanted = [Wanted(agent=each, slot=Slot.DELTA_IMPORT) for each in (CORP, PEOPLE, APP)]

    case.tell(*(RunAsked(wanted=each, by="maria") for each in wanted))

    assert len(case.going) == 2
    assert "mim/app: delta import" in case.going


def test_w16_crossed_lock_with_of_three_agents_takes_turns() -> None:
    ring = {PEOPLE: CORP, CORP: APP, APP: PEOPLE}
    named = {each: AgentSettings(id=each, lock_with=frozenset({other})) for each, other in ring.items()}
    case = Case(settings=Settings(agents=named))
    for each in ring:
        case.fire(each)

    done = []
    while case.state.runs:
        assert len(case.going) == 1
        [run] = case.state.runs.values()
        done.append(run.agent)
        case.end(run.agent)

    assert sorted(done) == sorted(ring)
    assert case.waiting == set()


def test_w15_somebody_elses_sync_and_an_exclusive_request_take_turns() -> None:
    case = Case()
    case.see(PEOPLE, "delta sync", handle="7")
    case.ask(PEOPLE, "delta import", exclusive=True)
    case.ask(CORP, "delta import")
    assert case.going == {"mim/people: delta sync"}

    case.end(PEOPLE)
    case.end(PEOPLE if "mim/people: delta import" in case.going else CORP)

    assert len(case.going) <= 1
    assert len(case.started) == 2


def test_w22_an_unmanaged_sync_of_an_idle_agent_holds_its_locks() -> None:
    case = Case()
    case.see(APP, "full sync", handle="3")

    case.ask(PEOPLE, "delta sync")
    case.fire(CORP)

    assert case.going == {"mim/app: full sync"}
    assert case.waits_for(PEOPLE, "delta sync") is WaitKind.ALONE


def test_w22_an_unmanaged_run_of_an_unknown_profile_locks_as_if_it_did_everything() -> None:
    case = Case()
    case.see(APP, "a profile that nobody described", handle="3")

    case.fire(CORP)

    assert case.started == []
    assert case.waits_for(CORP, "delta import") is WaitKind.ALONE


def test_an_unmanaged_import_leaves_room_for_other_imports() -> None:
    case = Case()
    case.see(APP, "delta import", handle="3")

    case.fire(CORP)
    case.fire(APP)

    assert case.going == {"mim/app: delta import", "mim/corp: delta import"}
    assert case.waits_for(APP, "delta import") is WaitKind.RUNNING


def test_partitions_do_not_split_the_lock_of_an_agent() -> None:
    """One run per agent, not per partition."""
    case = Case(agent(CORP, partitions=("DC=a", "DC=b")))

    case.fire(CORP)

    assert len(case.going) == 1
    assert len(case.waiting) == 1
