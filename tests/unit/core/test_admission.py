"""Which runs may overlap: three run modes, every kind of run, the MIM Service rule, lock-with, exclusive requests."""

from itertools import product

import pytest

from autosync.core.admission import LockSet, Occupied, blockers, conflicts, locks_of
from autosync.model.agents import MIM_SERVICE, Agent
from autosync.model.ids import AgentId
from autosync.model.requests import WaitKind
from autosync.model.settings import AgentSettings, EngineSettings, RunMode
from autosync.model.steps import Profile, StepKind
from tests.properties.core.referee import Playing, Rules, fouls
from tests.unit.core.world import AD, DB, HR, SIM, profile

ELSEWHERE = AgentId("other/hr")
CATEGORIES = ("csv", MIM_SERVICE)


def locks(
    agent: AgentId,
    kind: StepKind | None = StepKind.DELTA_IMPORT,
    *,
    mode: RunMode = RunMode.SUPPORTED,
    category: str = "csv",
    exclusive: bool = False,
    lock_with: frozenset[AgentId] = frozenset(),
    export_is_sync: bool = True,
) -> LockSet:
    run: Profile | None = profile("P", (kind, "default")) if kind is not None else None
    engine = EngineSettings(name=SIM, run_mode=mode, mim_service_export_is_sync=export_is_sync)
    settings = AgentSettings(id=agent, lock_with=lock_with)
    return locks_of(run, Agent(id=agent, category=category), settings, engine, exclusive=exclusive)


@pytest.mark.parametrize("mode", RunMode)
@pytest.mark.parametrize(
    "kinds", list(product(StepKind, StepKind)), ids=lambda kinds: f"{kinds[0].value} beside {kinds[1].value}"
)
def test_two_runs_overlap_only_where_the_table_of_the_design_says_so(
    mode: RunMode, kinds: tuple[StepKind, StepKind]
) -> None:
    """The whole matrix against a referee that was written from the table, categories and exclusive requests included."""
    rules = Rules(mode=mode, most=None, named_together={})
    for categories, exclusive in product(product(CATEGORIES, CATEGORIES), product((False, True), (False, True))):
        names = ("first", "second")
        sets = [
            locks(AgentId(f"sim/{name}"), kind, mode=mode, category=category, exclusive=alone)
            for name, kind, category, alone in zip(names, kinds, categories, exclusive, strict=True)
        ]
        playing = [
            Playing(agent=name, kinds=(kind.value,), category=category, exclusive=alone)
            for name, kind, category, alone in zip(names, kinds, categories, exclusive, strict=True)
        ]

        refused = conflicts(sets[0], sets[1]) is not None

        assert refused == bool(fouls(playing, rules)), (playing, sets)
        assert refused == (conflicts(sets[1], sets[0]) is not None)


def test_one_run_per_agent() -> None:
    refusal = conflicts(locks(HR, mode=RunMode.UNSUPPORTED), locks(HR, mode=RunMode.UNSUPPORTED))

    assert refusal is not None
    assert refusal.kind is WaitKind.RUNNING


@pytest.mark.parametrize(("first", "second"), [(HR, DB), (DB, HR)])
def test_naming_an_agent_on_one_side_of_lock_with_is_enough(first: AgentId, second: AgentId) -> None:
    together = {HR: frozenset({DB})}
    one = locks(first, lock_with=together.get(first, frozenset()))
    other = locks(second, lock_with=together.get(second, frozenset()))

    refusal = conflicts(one, other)

    assert refusal is not None
    assert refusal.kind is WaitKind.LOCKED
    assert conflicts(one, locks(AD)) is None


def test_two_agents_that_lock_a_third_never_run_together() -> None:
    assert conflicts(locks(HR, lock_with=frozenset({DB})), locks(AD, lock_with=frozenset({DB}))) is not None


def test_an_agent_that_names_itself_in_lock_with_can_still_run() -> None:
    assert locks(HR, lock_with=frozenset({HR})).also == frozenset()


def test_w16_agents_that_lock_each_other_cannot_deadlock() -> None:
    """All locks are taken at once: whoever asks first has them all."""
    crossed = [locks(HR, lock_with=frozenset({AD})), locks(AD, lock_with=frozenset({HR}))]

    assert blockers(crossed[0], [], EngineSettings(name=SIM)) == ()
    assert blockers(crossed[1], [crossed[0]], EngineSettings(name=SIM)) != ()


def test_engines_do_not_disturb_each_other() -> None:
    assert conflicts(locks(HR, StepKind.FULL_SYNC), locks(ELSEWHERE, StepKind.FULL_SYNC, exclusive=True)) is None


def test_lock_with_reaches_across_engines() -> None:
    assert conflicts(locks(HR, lock_with=frozenset({ELSEWHERE})), locks(ELSEWHERE)) is not None


def test_a_mim_service_export_counts_as_a_sync_unless_that_is_switched_off() -> None:
    sync = locks(AD, StepKind.DELTA_SYNC, mode=RunMode.UNSUPPORTED)
    for export_is_sync in (True, False):
        export = locks(
            HR, StepKind.EXPORT, mode=RunMode.UNSUPPORTED, category=MIM_SERVICE, export_is_sync=export_is_sync
        )

        assert (conflicts(export, sync) is not None) == export_is_sync


def test_a_mim_service_delta_import_overlaps_other_imports() -> None:
    assert conflicts(locks(HR, category=MIM_SERVICE), locks(AD)) is None


def test_an_unknown_profile_locks_everything() -> None:
    assert conflicts(locks(HR, None), locks(AD)) is not None
    assert locks(HR, None).sync


def test_at_most_so_many_runs_in_parallel() -> None:
    engine = EngineSettings(name=SIM, max_parallel=2)
    running = [locks(HR), locks(AD)]

    assert [each.kind for each in blockers(locks(DB), running, engine)] == [WaitKind.PARALLEL]
    assert blockers(locks(DB), running[:1], engine) == ()


def test_every_blocker_is_named_once() -> None:
    alone = locks(DB, StepKind.DELTA_SYNC, lock_with=frozenset({HR}))

    reasons = blockers(alone, [locks(HR), locks(AD)], EngineSettings(name=SIM))

    assert [(each.kind, each.blocker) for each in reasons] == [(WaitKind.LOCKED, HR), (WaitKind.ALONE, AD)]


def test_the_index_of_taken_locks_grows_with_each_run() -> None:
    occupied = Occupied()
    sync = locks(HR, StepKind.DELTA_SYNC, mode=RunMode.UNSUPPORTED)
    assert blockers(sync, occupied, EngineSettings(name=SIM)) == ()

    occupied.take(locks(AD, StepKind.FULL_SYNC, mode=RunMode.UNSUPPORTED))

    assert [each.kind for each in blockers(sync, occupied, EngineSettings(name=SIM))] == [WaitKind.SYNC]
