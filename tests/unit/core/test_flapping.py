"""An agent that exports the same again and again without an outside cause is stopped, named and told once."""

import pytest

from autosync.core.flapping import is_flapping, lengthened
from autosync.model.counts import Counts
from autosync.model.facts import FactKind
from autosync.model.holds import HoldKind, HoldState
from autosync.model.requests import Trail
from autosync.model.settings import AgentSettings, Guards
from autosync.model.stimuli import AgentSwitched, HoldDecided
from tests.unit.core.world import AD, EX, HR, World

TWICE = {AD: Trail(counts=Counts(adds=1), repeats=2)}


def turn_the_wheel(world: World, adds: int = 1) -> None:
    """One round: AD exports, its confirming import stages something, the sync leaves the same export again."""
    world.exported(AD, adds=adds)
    world.imported(AD)
    world.synced(AD, {AD: 1})


def flapping(rounds: int, after: int | None = 3) -> World:
    world = World(settings=[AgentSettings(id=AD, guards=Guards(flapping_after=after))]).begin()
    world.pend(AD, exports=1)
    world.ask(AD, EX)
    for _ in range(rounds):
        turn_the_wheel(world)
    return world


def test_equal_exports_in_a_row_stop_the_agent() -> None:
    world = flapping(3)

    [hold] = world.state.holds.values()
    assert (hold.kind, hold.agent) == (HoldKind.FLAPPING, AD)
    assert world.running() == []
    assert world.waiting() == ["sim/ad EX"]
    assert len(world.said(FactKind.FLAPPING_FOUND)) == 1


@pytest.mark.parametrize(("rounds", "after"), [(2, 3), (9, None)])
def test_fewer_rounds_or_no_limit_stop_nobody(rounds: int, after: int | None) -> None:
    world = flapping(rounds, after)

    assert world.running() == ["sim/ad EX"]


def test_other_counts_are_progress() -> None:
    world = flapping(2)

    turn_the_wheel(world, adds=2)

    assert world.running() == ["sim/ad EX"]


def test_an_outside_cause_explains_why_an_agent_exports_again() -> None:
    world = World(settings=[AgentSettings(id=AD, guards=Guards(flapping_after=3))]).begin()
    world.pend(AD, exports=1)
    world.ask(AD, EX)
    for _ in range(6):
        world.fire(AD)
        turn_the_wheel(world)

    assert world.state.holds == {}


def test_approving_lets_the_agent_go_on_for_a_while() -> None:
    world = flapping(3)
    world.happens(AgentSwitched(agent=HR, started=False, by="anna"))
    world.ask(HR, EX)
    [hold] = world.state.holds.values()

    world.happens(HoldDecided(hold=hold.id, decision="approve", by="anna", fingerprint=hold.fingerprint))

    assert world.running() == ["sim/ad EX"]
    assert world.state.holds == {}
    for _ in range(2):
        turn_the_wheel(world)
    assert world.running() == ["sim/ad EX"]
    turn_the_wheel(world)
    assert len(world.state.holds) == 1


def test_rejecting_keeps_the_exports_back() -> None:
    world = flapping(3)
    [hold] = world.state.holds.values()

    world.happens(HoldDecided(hold=hold.id, decision="reject", by="anna"))

    assert world.running() == []
    assert [each.state for each in world.state.holds.values()] == [HoldState.REJECTED]


def test_the_hold_settles_when_nothing_is_left_to_export() -> None:
    world = flapping(3)
    world.pend(AD)

    world.fire(AD)
    world.end(AD)

    assert world.state.holds == {}


def test_a_hold_that_is_open_is_not_opened_again() -> None:
    world = flapping(3)
    [hold] = world.state.holds.values()
    world.happens(HoldDecided(hold=hold.id, decision="approve", by="anna", fingerprint=hold.fingerprint))

    for _ in range(3):
        turn_the_wheel(world)

    assert len(world.said(FactKind.FLAPPING_FOUND)) == 2
    assert len(world.state.holds) == 1


@pytest.mark.parametrize("exported", [None, Counts()])
def test_an_export_of_nothing_leaves_the_trail_alone(exported: Counts | None) -> None:
    assert lengthened(TWICE, AD, exported) == TWICE


def test_the_trail_counts_equal_exports_of_one_agent() -> None:
    assert lengthened(TWICE, AD, Counts(adds=1))[AD].repeats == 3
    assert lengthened(TWICE, AD, Counts(adds=2))[AD].repeats == 1
    assert lengthened(TWICE, HR, Counts(adds=1))[HR].repeats == 1
    assert is_flapping(TWICE, AD, 2)
    assert not is_flapping(TWICE, AD, 3)
    assert not is_flapping(TWICE, HR, 1)
