"""A trigger has read on only when the import that it caused has ended well."""

from autosync.model.counts import Counts
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, TriggerId
from autosync.model.requests import Wanted
from autosync.model.steps import Slot, StepKind
from autosync.model.stimuli import RequestDropAsked, TriggerFired
from tests.unit.core.world import AD, DI, FS, HR, World, agent, step

WATCH = TriggerId(f"{HR}#watch")
STOPPED = "stopped-user-termination-from-wmi-or-ui"


def stored(world: World) -> dict[TriggerId, str]:
    return {trigger: row.token for trigger, row in world.state.tokens.items()}


def left(world: World, of: AgentId = HR) -> dict[TriggerId, str]:
    return dict(world.state.agents[of].row.tokens)


def test_a_token_is_stored_when_its_import_has_ended_well_and_not_before() -> None:
    world = World().begin()
    world.fire(HR, token="7")
    assert stored(world) == {}

    world.end(HR, "completed-warnings")

    assert stored(world) == {WATCH: "7"}
    assert [fact.trigger for fact in world.said(FactKind.TOKEN_STORED)] == [WATCH]


def test_a_token_of_an_import_that_failed_rides_on_its_retry() -> None:
    world = World().begin()
    world.fire(HR, token="7")
    world.end(HR, "stopped-deadlocked")
    assert stored(world) == {}
    world.sleep()

    world.end(HR)

    assert stored(world) == {WATCH: "7"}


def test_an_import_whose_step_did_not_end_well_stores_nothing() -> None:
    world = World().begin()
    world.fire(HR, token="7")

    world.end(HR, "completed-warnings", step(StepKind.DELTA_IMPORT, staged=Counts(), status="stopped-ma"))

    assert stored(world) == {}


def test_a_token_of_an_import_that_was_stopped_is_stored_by_the_next_good_one() -> None:
    world = World().begin()
    world.fire(HR, token="7")
    world.end(HR, STOPPED)
    assert left(world) == {WATCH: "7"}

    world.ask(HR, DI)
    world.end(HR)

    assert stored(world) == {WATCH: "7"}
    assert left(world) == {}


def test_a_run_that_began_before_a_token_was_left_does_not_store_it() -> None:
    """It may have read past the change before that happened."""
    world = World().begin()
    world.ask(HR, DI)
    world.fire(HR, token="8")
    world.happens(RequestDropAsked(agent=HR, profile=DI, by="anna"))

    world.end(HR)

    assert stored(world) == {}
    assert left(world) == {WATCH: "8"}


def test_a_run_without_an_import_does_not_store_what_imports_left() -> None:
    world = World().begin()
    world.fire(HR, token="7")
    world.end(HR, STOPPED)

    world.ask(HR, FS)
    world.end(HR)

    assert stored(world) == {}


def both_partitions() -> World:
    world = World([agent(AD, partitions=("a", "b"))]).begin()
    world.happens(TriggerFired(trigger=TriggerId(f"{AD}#watch"), wanted=Wanted(agent=AD), token="7"))
    return world


def test_a_firing_for_several_partitions_is_over_when_the_last_of_them_is_imported() -> None:
    world = both_partitions()
    world.end(AD)
    assert stored(world) == {}

    world.end(AD)

    assert stored(world) == {f"{AD}#watch": "7"}


def test_an_import_of_one_partition_does_not_store_what_another_owes() -> None:
    world = both_partitions()
    world.end(AD, STOPPED)

    world.end(AD)

    assert stored(world) == {}
    assert left(world, AD) == {f"{AD}#watch": "7"}


def test_a_later_firing_makes_good_for_what_was_left() -> None:
    world = both_partitions()
    world.end(AD, STOPPED)
    world.end(AD)

    world.happens(TriggerFired(trigger=TriggerId(f"{AD}#watch"), wanted=Wanted(agent=AD), token="8"))
    world.end(AD)
    world.end(AD)

    assert stored(world) == {f"{AD}#watch": "8"}
    assert left(world, AD) == {}


def test_a_trigger_that_wants_something_else_than_an_import_reads_on_when_that_has_ended_well() -> None:
    world = World().begin()
    world.happens(TriggerFired(trigger=WATCH, wanted=Wanted(agent=HR, slot=Slot.FULL_SYNC), token="9"))

    world.end(HR)

    assert stored(world) == {WATCH: "9"}
