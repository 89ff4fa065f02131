"""What each kind of step makes necessary."""

import pytest

from autosync.core.followups import Exported, Followup, Needed, Outbound, followups, steps_of
from autosync.model.counts import Counts, ObjectError, RunResult, StepResult
from autosync.model.steps import Slot, StepKind
from tests.unit.core.world import AD, DB, profile, step

IMPORTS = (StepKind.DELTA_IMPORT, StepKind.FULL_IMPORT)
SYNCS = (StepKind.DELTA_SYNC, StepKind.FULL_SYNC)
COMBINED = (
    StepKind.DELTA_IMPORT_DELTA_SYNC,
    StepKind.FULL_IMPORT_DELTA_SYNC,
    StepKind.FULL_IMPORT_FULL_SYNC,
    StepKind.UNKNOWN,
)
ONE = Counts(updates=1)
NOTHING = Counts()
EVERY_KIND = [Counts(**{kind: 1}) for kind in ("adds", "updates", "renames", "deletes", "delete_adds")]


def after(*steps: StepResult, full_sync: bool = False) -> list[Followup]:
    return list(followups(steps, full_sync=full_sync))


def slots(*steps: StepResult, full_sync: bool = False) -> list[tuple[Slot, str]]:
    return [(each.slot, each.partition) for each in after(*steps, full_sync=full_sync) if isinstance(each, Needed)]


@pytest.mark.parametrize("kind", IMPORTS)
@pytest.mark.parametrize("staged", EVERY_KIND)
def test_an_import_that_staged_anything_needs_a_delta_sync(kind: StepKind, staged: Counts) -> None:
    assert slots(step(kind, staged=staged)) == [(Slot.DELTA_SYNC, "default")]


@pytest.mark.parametrize("kind", IMPORTS)
def test_an_import_that_staged_nothing_needs_nothing(kind: StepKind) -> None:
    assert after(step(kind, staged=NOTHING)) == []


def test_w28_counters_that_the_engine_cannot_give_count_as_changes_for_imports_and_exports_alike() -> None:
    assert slots(step(StepKind.DELTA_IMPORT)) == [(Slot.DELTA_SYNC, "default")]
    assert slots(step(StepKind.EXPORT)) == [(Slot.CONFIRMING_IMPORT, "default")]
    assert after(step(StepKind.DELTA_SYNC)) == [Outbound(targets=None)]


@pytest.mark.parametrize("kind", [StepKind.DELTA_IMPORT, StepKind.DELTA_SYNC, StepKind.EXPORT])
def test_a_step_that_did_not_end_well_and_counts_nothing_leads_to_nothing(kind: StepKind) -> None:
    assert after(step(kind, status="stopped-deadlocked")) == []


def test_what_a_stopped_step_counted_is_followed_up() -> None:
    assert slots(step(StepKind.DELTA_IMPORT, status="stopped-deadlocked", staged=ONE)) == [(Slot.DELTA_SYNC, "default")]


def test_a_full_import_may_ask_for_a_full_sync() -> None:
    full, delta = step(StepKind.FULL_IMPORT, staged=ONE), step(StepKind.DELTA_IMPORT, staged=ONE)

    assert slots(full, full_sync=True) == [(Slot.FULL_SYNC, "default")]
    assert slots(delta, full_sync=True) == [(Slot.DELTA_SYNC, "default")]


@pytest.mark.parametrize("later", [*SYNCS, *COMBINED])
def test_a_later_step_that_synchronizes_the_partition_makes_the_sync_unnecessary(later: StepKind) -> None:
    synced = step(later, staged=NOTHING, outbound={}, exported=NOTHING)

    assert slots(step(StepKind.DELTA_IMPORT, staged=ONE), synced) == []


def test_a_sync_of_another_partition_or_before_the_import_does_not_count() -> None:
    staged = step(StepKind.DELTA_IMPORT, "b", staged=ONE)

    assert slots(staged, step(StepKind.DELTA_SYNC, "a", outbound={})) == [(Slot.DELTA_SYNC, "b")]
    assert slots(step(StepKind.DELTA_SYNC, "b", outbound={}), staged) == [(Slot.DELTA_SYNC, "b")]


@pytest.mark.parametrize("kind", [*SYNCS, *COMBINED])
def test_every_step_that_synchronizes_points_at_its_targets(kind: StepKind) -> None:
    done = step(kind, staged=ONE, outbound={DB: 1, AD: 2}, exported=NOTHING)

    assert Outbound(targets=(AD, DB)) in after(done)


def test_a_sync_without_outbound_changes_needs_nothing() -> None:
    assert after(step(StepKind.DELTA_SYNC, outbound={AD: 0})) == []


@pytest.mark.parametrize("exported", EVERY_KIND)
def test_an_export_of_anything_needs_a_confirming_import(exported: Counts) -> None:
    assert after(step(StepKind.EXPORT, exported=exported))[0] == Exported(partition="default")
    assert slots(step(StepKind.EXPORT, exported=exported)) == [(Slot.CONFIRMING_IMPORT, "default")]


def test_w29_failed_exports_alone_need_nothing() -> None:
    assert after(step(StepKind.EXPORT, status="completed-export-errors", exported=NOTHING, export_failures=9)) == []


@pytest.mark.parametrize("error_type", ["cd-existing-object", "cd-missing-object"])
def test_an_export_that_finds_other_objects_than_the_engine_knows_needs_an_import(error_type: str) -> None:
    errors = (ObjectError(stage="export", error_type=error_type),)
    failed = step(StepKind.EXPORT, status="completed-export-errors", exported=NOTHING, errors=errors)

    (needed,) = after(failed)

    assert isinstance(needed, Needed), "nobody is woken: nothing was exported"
    assert needed.slot is Slot.CONFIRMING_IMPORT


@pytest.mark.parametrize(
    ("error", "needed"),
    [("cd-existing-object", True), ("cd-missing-object", True), ("permission-issue", False)],
)
def test_failures_that_tell_of_an_old_picture_need_an_import(error: str, needed: bool) -> None:
    failed = step(StepKind.EXPORT, exported=NOTHING, errors=(ObjectError(stage="export", error_type=error),))

    assert slots(failed) == ([(Slot.CONFIRMING_IMPORT, "default")] if needed else [])


@pytest.mark.parametrize("later", [*IMPORTS, *COMBINED])
def test_a_later_import_of_the_partition_confirms(later: StepKind) -> None:
    confirmed = step(later, staged=NOTHING, outbound={}, exported=NOTHING)

    assert slots(step(StepKind.EXPORT, exported=ONE), confirmed) == []


def test_several_partitions_each_have_their_follow_up() -> None:
    exports = (step(StepKind.EXPORT, "a", exported=ONE), step(StepKind.EXPORT, "b", exported=ONE))

    assert slots(*exports, step(StepKind.DELTA_IMPORT, "a", staged=NOTHING)) == [(Slot.CONFIRMING_IMPORT, "b")]


def test_a_long_profile_leaves_only_what_it_did_not_do_itself() -> None:
    whole = (
        step(StepKind.EXPORT, exported=ONE),
        step(StepKind.DELTA_IMPORT, staged=ONE),
        step(StepKind.DELTA_SYNC, outbound={AD: 1}),
    )

    assert after(*whole) == [Exported(partition="default"), Outbound(targets=(AD,))]


def test_expected_changes_are_those_that_were_counted() -> None:
    counted = [each for each in after(step(StepKind.DELTA_IMPORT, staged=Counts(adds=3))) if isinstance(each, Needed)]
    unknown = [each for each in after(step(StepKind.DELTA_IMPORT)) if isinstance(each, Needed)]

    assert [each.expected for each in (*counted, *unknown)] == [3, None]


def test_a_good_run_without_steps_did_what_its_profile_says() -> None:
    known = profile("P", (StepKind.EXPORT, "a"))

    assert [each.kind for each in steps_of(RunResult(handle="1", status="success"), known)] == [StepKind.EXPORT]
    assert steps_of(RunResult(handle="1", status="stopped-server"), known) == ()
    assert steps_of(RunResult(handle="1", status="success"), None) == ()
