"""Cascades: what belongs together, when it is quiet, and how long it took."""

from datetime import timedelta

from autosync.model.causes import CauseKind
from autosync.model.facts import FactKind
from autosync.model.ids import TriggerId
from autosync.model.requests import Wanted
from autosync.model.steps import Slot
from autosync.model.stimuli import RequestDropAsked, TriggerFired
from tests.unit.core.world import AD, DI, DS, EX, HR, NOON, World


def test_each_outside_cause_opens_a_cascade() -> None:
    world = World().begin()

    world.fire(HR)
    world.ask(AD, DI)

    assert [each.cause.kind for each in world.state.cascades.values()] == [CauseKind.TRIGGER, CauseKind.PERSON]


def test_a_trigger_that_fires_again_before_its_request_starts_adds_to_its_cascade() -> None:
    world = World().begin()
    world.ask(HR, EX)
    world.fire(HR)

    world.fire(HR)

    watched = [each for each in world.state.cascades.values() if each.cause.trigger]
    assert [each.cause.count for each in watched] == [2]


def test_a_merged_request_serves_the_cascades_of_both() -> None:
    world = World().begin()
    world.ask(HR, EX)
    world.fire(HR)

    world.fire(HR, name="other")

    assert len(world.request(HR, DI).cascades) == 2


def test_a_trigger_that_fires_during_its_run_opens_another_cascade() -> None:
    world = World().begin()
    world.fire(HR)

    world.fire(HR)

    assert len(world.state.cascades) == 2


def test_follow_ups_carry_the_cascades_of_their_run() -> None:
    world = World().begin()
    world.fire(HR)

    world.imported(HR)

    run = world.run(HR)
    assert run is not None
    assert run.cascades == frozenset(world.state.cascades)
    assert [cause.kind for cause in run.causes] == [CauseKind.RUN]


def test_a_cascade_is_not_quiet_while_somebody_still_has_to_look() -> None:
    world = World().begin()
    world.answers = False
    world.fire(HR)
    world.state = world.state
    world.imported(HR)
    world.happens(world.answer(HR))

    world.synced(HR, {AD: 1})

    assert world.waiting() == world.running() == []
    assert len(world.state.cascades) == 1
    world.happens(world.answer(AD))
    assert world.state.cascades == {}


def test_latency_runs_from_the_change_where_it_is_known() -> None:
    world = World().begin()
    firing = TriggerFired(
        trigger=TriggerId(f"{HR}#watch"),
        wanted=Wanted(agent=HR, slot=Slot.DELTA_IMPORT),
        changed=NOON - timedelta(seconds=30),
    )
    world.happens(firing)

    world.end(HR)

    assert world.said(FactKind.CASCADE_QUIET)[0].data["latency_s"] == 40.0


def test_a_change_in_the_future_is_a_change_now() -> None:
    world = World().begin()
    firing = TriggerFired(
        trigger=TriggerId(f"{HR}#watch"),
        wanted=Wanted(agent=HR, slot=Slot.DELTA_IMPORT),
        changed=NOON + timedelta(hours=1),
    )

    world.happens(firing)

    assert [each.changed for each in world.state.cascades.values()] == [NOON]


def test_a_confirming_import_that_also_brought_changes_in_passes_only_those_on() -> None:
    world = World().begin()
    world.pend(AD, exports=1)
    world.ask(AD, EX)
    world.exported(AD)
    world.end(AD)
    world.ask(AD, EX)
    arrived = frozenset(world.state.cascades)
    world.fire(AD)
    world.exported(AD)
    assert world.run(AD) is not None

    world.imported(AD)

    run = world.run(AD)
    assert run is not None
    assert run.profile == DS
    assert run.cascades
    assert not run.cascades & arrived


def test_a_confirming_import_that_staged_generated_attributes_goes_on_in_its_cascade() -> None:
    world = World().begin()
    world.pend(AD, exports=1)
    world.ask(AD, EX)
    cascades = frozenset(world.state.cascades)
    world.exported(AD)

    world.imported(AD)

    run = world.run(AD)
    assert run is not None
    assert (run.profile, run.cascades) == (DS, cascades)


def test_a_request_that_is_taken_back_leaves_its_cascade_quiet() -> None:
    world = World().begin()
    world.ask(HR, EX)
    world.ask(HR, DI)

    world.happens(RequestDropAsked(agent=HR, profile=DI, by="anna"))

    assert len(world.said(FactKind.CASCADE_QUIET)) == 1


def test_runs_and_exports_are_counted() -> None:
    world = World().begin()
    world.ask(AD, EX)
    world.exported(AD, adds=4)

    world.end(AD)

    assert world.said(FactKind.CASCADE_QUIET)[0].data == {"latency_s": 20.0, "runs": 2, "exported": 4}
