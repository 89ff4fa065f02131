"""Runs that import and synchronize in one go, where limits stand in between (W41)."""

import pytest

from autosync.core import combined
from autosync.core.waiting import explain
from autosync.model.counts import ChangeKind, Counts
from autosync.model.facts import FactKind, Severity
from autosync.model.requests import WaitKind
from autosync.model.settings import AgentSettings, Guards, Limit, Thresholds
from autosync.model.steps import StepKind
from tests.unit.core.world import AD, DI, HR, World, agent, profile, step

FEW = Thresholds(kinds={ChangeKind.DELETES: Limit(absolute=2)})
COMBINED = profile("DIDS", (StepKind.DELTA_IMPORT_DELTA_SYNC, "default"))
FULL = profile("FIFS", (StepKind.FULL_IMPORT_FULL_SYNC, "default"))
IN_A_ROW = profile(
    "EX DI DS", *((kind, "default") for kind in (StepKind.EXPORT, StepKind.DELTA_IMPORT, StepKind.DELTA_SYNC))
)


CAREFUL = Guards(staged=FEW)


def world(*extra: object, plain: bool = True, guards: Guards = CAREFUL) -> World:
    described = [agent(HR, *extra, plain=plain), agent(AD)]
    return World(described, settings=[AgentSettings(id=HR, guards=guards)]).begin()


@pytest.mark.parametrize(
    ("steps", "partitions"),
    [
        (((StepKind.DELTA_IMPORT_DELTA_SYNC, "a"),), {"a"}),
        (((StepKind.DELTA_IMPORT, "a"), (StepKind.DELTA_SYNC, "a")), {"a"}),
        (((StepKind.DELTA_IMPORT, "a"), (StepKind.DELTA_SYNC, "b")), set()),
        (((StepKind.DELTA_SYNC, "a"), (StepKind.DELTA_IMPORT, "a")), set()),
        (((StepKind.EXPORT, "a"), (StepKind.DELTA_IMPORT, "a")), set()),
        (((StepKind.UNKNOWN, "a"),), {"a"}),
    ],
)
def test_what_a_run_stages_and_synchronizes_itself_is_unseen(
    steps: tuple[tuple[StepKind, str], ...], partitions: set[str]
) -> None:
    assert combined.unseen(profile("P", *steps).steps) == partitions


def test_with_limits_a_combined_run_is_taken_apart() -> None:
    it = world(COMBINED)

    it.ask(HR, "DIDS")
    first = it.running()
    it.pend(HR, imports=1)
    it.imported(HR)

    assert first == ["sim/hr DI"]
    assert it.running() == ["sim/hr DS"]


def test_a_full_synchronization_that_was_meant_comes_behind_its_import() -> None:
    it = world(FULL)

    it.ask(HR, "FIFS")

    assert (it.running(), it.waiting()) == (["sim/hr FI"], ["sim/hr FS"])


def test_an_export_that_confirms_and_synchronizes_is_taken_apart_too() -> None:
    it = world(IN_A_ROW)
    it.pend(HR, exports=1)

    it.ask(HR, "EX DI DS")

    assert sorted([*it.running(), *it.waiting()]) == ["sim/hr DI", "sim/hr EX"]


def test_without_separate_profiles_it_waits_visibly_and_is_told_once() -> None:
    it = world(COMBINED, plain=False)

    it.ask(HR, "DIDS")
    it.ask(HR, "DIDS")

    (reason, *_) = explain(it.state, it.now)[it.request(HR, "DIDS").id]
    assert it.running() == []
    assert reason.kind is WaitKind.COMBINED
    assert "allow-combined: true" in reason.text
    assert len(it.said(FactKind.PROFILE_HELD)) == 1


@pytest.mark.parametrize("guards", [Guards(), Guards(staged=FEW, allow_combined=True), Guards(staged=Thresholds())])
def test_it_runs_with_the_usual_limits_with_leave_or_without_limits(guards: Guards) -> None:
    it = world(COMBINED, guards=guards)

    it.ask(HR, "DIDS")

    assert it.running() == ["sim/hr DIDS"]


def test_what_passed_a_limit_unseen_is_told() -> None:
    it = world(COMBINED, guards=Guards())
    it.ask(HR, "DIDS")

    it.end(HR, "success", step(StepKind.DELTA_IMPORT_DELTA_SYNC, staged=Counts(deletes=501), outbound={}))

    (told,) = it.said(FactKind.LIMIT_PASSED)
    assert told.severity is Severity.ERROR
    assert told.text.endswith("staged and synchronized in one go: 501 deletes, limit 500")


def test_separate_runs_pass_no_limit_unseen() -> None:
    it = world(guards=Guards())
    it.ask(HR, DI)

    it.end(HR, "success", step(StepKind.DELTA_IMPORT, staged=Counts(deletes=501)))

    assert it.said(FactKind.LIMIT_PASSED) == []
