"""An export that ended without telling what it did: an import finds out before anything is decided on a guess."""

import pytest

from autosync.model.causes import CauseKind
from autosync.model.counts import Counts, RunResult
from autosync.model.facts import FactKind
from autosync.model.steps import StepKind
from autosync.model.stimuli import RunEnded
from tests.unit.core.world import AD, EX, World, agent, profile, started_run, step

SHUTDOWN = "stopped-service-shutdown"


def exporting(world: World) -> World:
    world.begin().pend(AD, exports=3)
    world.ask(AD, EX)
    assert world.running() == ["sim/ad EX"]
    return world


def ended_silently(world: World, status: str) -> None:
    """The engine knows how the run ended, and nothing of its steps."""
    world.handles += 1
    result = RunResult(handle=str(world.handles), status=status)
    world.happens(RunEnded(run=started_run(world, AD), result=result), after=5)


def test_an_import_finds_out_before_the_export_comes_again() -> None:
    world = exporting(World())
    ended_silently(world, SHUTDOWN)
    run = world.run(AD)

    assert run is not None
    assert (run.profile, [cause.kind for cause in run.causes]) == ("DI", [CauseKind.BROKEN_OFF])
    assert "broke off, and nobody knows what it exported" in run.causes[0].text
    assert "sim/ad EX" in world.waiting()


def test_what_waited_to_know_goes_on_after_the_import() -> None:
    """Also where nobody would try the export again: a person had stopped it."""
    world = exporting(World())
    ended_silently(world, "stopped-user-termination-from-wmi-or-ui")
    assert world.waiting() == []
    world.pend(AD, exports=1)
    world.end(AD, after=5)

    assert world.running() + world.waiting() == ["sim/ad EX", "sim/ad DS"]
    assert "showed what an export had done that broke off" in world.said(FactKind.RUN_STARTED)[-1].text


def test_the_change_has_not_arrived_before_the_export_is_through() -> None:
    world = World().begin()
    world.fire(AD)
    (cascade,) = world.state.cascades
    world.imported(AD)
    world.pend(AD, exports=3)
    world.synced(AD, {AD: 3})
    ended_silently(world, SHUTDOWN)
    world.end(AD, after=5)

    assert cascade in world.state.cascades
    assert sorted(world.running() + world.waiting()) == ["sim/ad DS", "sim/ad EX"]


@pytest.mark.parametrize("status", ["no-start-connection", "no-start-ma-already-running", "access-denied"])
def test_an_export_that_never_began_leaves_no_doubt(status: str) -> None:
    world = exporting(World())
    ended_silently(world, status)

    assert "sim/ad DI" not in world.running() + world.waiting()


def test_an_export_that_told_what_it_did_leaves_no_doubt() -> None:
    world = exporting(World())
    world.end(AD, SHUTDOWN, step(StepKind.EXPORT, status=SHUTDOWN, exported=Counts()))

    assert "sim/ad DI" not in world.running() + world.waiting()


@pytest.mark.parametrize(("failed", "doubtful"), [("import", False), ("export", True)])
def test_of_several_steps_the_one_that_broke_off_counts(failed: str, doubtful: bool) -> None:
    both = profile("DI EX", (StepKind.DELTA_IMPORT, "default"), (StepKind.EXPORT, "default"))
    world = World([agent(AD, both)]).begin()
    world.ask(AD, "DI EX")
    steps = [step(StepKind.DELTA_IMPORT, status=SHUTDOWN, staged=Counts())]
    if failed == "export":
        steps = [step(StepKind.DELTA_IMPORT, staged=Counts()), step(StepKind.EXPORT, status=SHUTDOWN)]
    world.end(AD, SHUTDOWN, *steps)

    assert ("sim/ad DI" in world.running() + world.waiting()) is doubtful


def test_an_import_that_was_interrupted_makes_nobody_doubt() -> None:
    world = World().begin()
    world.fire(AD)
    ended_silently(world, SHUTDOWN)

    assert world.waiting() == ["sim/ad DI"]
    assert [cause.kind for cause in world.request(AD, "DI").causes] == [CauseKind.TRIGGER]
