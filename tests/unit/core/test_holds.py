"""What the guards keep back, and what a person's decision does."""

from dataclasses import replace

import pytest

from autosync.core import obstacles
from autosync.core.recovery import restore
from autosync.core.state import AgentState, Inspection
from autosync.model.agents import Pending, PendingSet, PendingSide, Sighting
from autosync.model.commands import Inspect
from autosync.model.counts import ChangeKind, Counts
from autosync.model.facts import FactKind
from autosync.model.holds import Hold, HoldKind, HoldState
from autosync.model.ids import AgentId, HoldId
from autosync.model.settings import AgentSettings, EngineSettings, Guards, Limit, RunMode, Thresholds
from autosync.model.steps import StepKind
from autosync.model.stimuli import AgentsDescribed, EngineConnected, HoldDecided, Inspected, ServiceStarted, Sighted
from tests.properties.core.dict_store import DictStore
from tests.unit.core.world import AD, DB, DI, DS, EX, HR, ONE, SIM, World, agent, profile, started_run

FEW = Thresholds(kinds={ChangeKind.ADDS: Limit(absolute=2)})
CAREFUL = [AgentSettings(id=HR, guards=Guards(staged=FEW)), AgentSettings(id=AD, guards=Guards(exports=FEW))]


def held(exports: int = 5) -> World:
    """A world in which the export of AD is held: a person asked for it, for manual runs take the same path."""
    world = World(settings=CAREFUL).begin()
    world.pend(AD, exports=exports)
    world.state = replace(world.state, agents=_unknown(world))
    world.ask(AD, EX)
    return world


def _unknown(world: World) -> dict[AgentId, AgentState]:
    return {key: replace(each, inspection=Inspection.UNKNOWN) for key, each in world.state.agents.items()}


def hold_of(world: World) -> Hold:
    [hold] = world.state.holds.values()
    return hold


def decide(world: World, decision: str, fingerprint: str | None = None) -> None:
    hold = hold_of(world)
    shown = hold.fingerprint if fingerprint is None else fingerprint
    world.happens(HoldDecided(hold=hold.id, decision=decision, by="anna", reason="CHG1", fingerprint=shown))


def look_again(world: World) -> None:
    """Have somebody else's synchronization change what is pending, so that the engine is asked anew."""
    known = world.state.engines[SIM]
    world.state = replace(world.state, engines={SIM: replace(known, syncs=known.syncs + 1)})
    world.tick()


def test_too_many_pending_exports_are_held_with_counts_and_limits() -> None:
    world = held()

    hold = hold_of(world)
    assert world.running() == []
    assert (hold.kind, hold.partition, hold.counts) == (HoldKind.EXPORTS, ONE, Counts(adds=5))
    assert [(breach.what, breach.count, breach.limit) for breach in hold.breaches] == [("adds", 5, "2")]
    assert world.request(AD, EX).hold == hold.id
    assert len(world.said(FactKind.HOLD_OPENED)) == 1


def test_w38_exports_within_the_limits_pass() -> None:
    world = held(exports=2)

    assert world.running() == ["sim/ad EX"]


def test_too_many_staged_imports_are_held_before_their_sync() -> None:
    world = World(settings=CAREFUL).begin()
    world.fire(HR)
    world.pend(HR, imports=3)

    world.imported(HR, adds=3)

    assert hold_of(world).kind is HoldKind.STAGED
    assert world.waiting() == ["sim/hr DS"]


def test_other_agents_go_on_while_one_is_held() -> None:
    world = held()

    world.fire(HR)
    world.ask(DB, EX)

    assert world.running() == ["sim/db EX", "sim/hr DI"]


def test_imports_of_a_held_agent_go_on() -> None:
    world = held()

    world.ask(AD, DI)

    assert world.running() == ["sim/ad DI"]


def test_approving_lets_exactly_that_set_pass() -> None:
    world = held()

    decide(world, "approve")

    assert world.running() == ["sim/ad EX"]
    assert hold_of(world).state is HoldState.APPROVED
    assert world.said(FactKind.HOLD_DECIDED)[0].person == "anna"


def test_an_approval_ends_with_its_set() -> None:
    world = held()
    decide(world, "approve")
    world.pend(AD)

    world.exported(AD, adds=5)
    world.end(AD)

    assert world.state.holds == {}
    assert len(world.said(FactKind.HOLD_SETTLED)) == 1


def test_an_approval_survives_a_start_that_came_to_nothing() -> None:
    world = held()
    decide(world, "approve")

    world.end(AD, "no-start-connection")
    world.sleep()

    assert world.running() == ["sim/ad EX"]
    assert len(world.said(FactKind.HOLD_OPENED)) == 1


@pytest.mark.parametrize("now_pending", [6, 4])
def test_a_set_that_changed_after_the_approval_holds_again(now_pending: int) -> None:
    world = held()
    world.ask(HR, DI)
    world.state = replace(world.state, settings=replace(world.state.settings, no_export=True))
    decide(world, "approve")
    world.pend(AD, exports=now_pending)

    look_again(world)

    assert [hold.state for hold in world.state.holds.values()] == [HoldState.OPEN]
    assert hold_of(world).counts == Counts(adds=now_pending)
    assert (hold_of(world).id, len(world.said(FactKind.HOLD_SETTLED))) == (2, 1)
    assert len(world.said(FactKind.HOLD_OPENED)) == 2


def test_approving_what_has_grown_since_the_person_looked_is_refused() -> None:
    world = held()
    looked_at = hold_of(world).fingerprint
    world.pend(AD, exports=9)
    look_again(world)

    decide(world, "approve", looked_at)

    assert world.running() == []
    assert hold_of(world).counts == Counts(adds=9)
    assert "changed since you looked" in world.said(FactKind.REFUSED)[-1].text


def test_a_hold_whose_set_shrank_below_the_limits_settles_by_itself() -> None:
    world = held()
    world.pend(AD, exports=1)

    look_again(world)

    assert world.state.holds == {}
    assert world.running() == ["sim/ad EX"]


def test_rejecting_keeps_the_agents_exports_back_until_someone_lifts_it() -> None:
    world = held()
    decide(world, "reject")
    world.pend(AD, exports=1)
    look_again(world)
    assert world.running() == []

    decide(world, "lift")

    assert world.running() == ["sim/ad EX"]
    assert world.state.holds == {}


def test_an_open_hold_keeps_its_partition_back_and_a_rejection_the_whole_agent() -> None:
    world = World([agent(AD, partitions=("a", "b"))], settings=CAREFUL).begin()
    world.exports[AD] = {
        "a": PendingSet(counts=Counts(adds=5)),
        "b": PendingSet(counts=Counts(adds=1)),
    }
    world.state = replace(world.state, agents=_unknown(world))
    world.ask(AD, "EX a")
    world.ask(AD, "EX b")
    assert world.running() == ["sim/ad EX b"]
    decide(world, "reject")
    world.end(AD)

    world.ask(AD, "EX b")

    assert world.running() == []


def test_after_lifting_the_guards_look_again() -> None:
    world = held()
    decide(world, "reject")

    decide(world, "lift")

    assert hold_of(world).state is HoldState.OPEN
    assert world.running() == []


def test_a_rejection_can_be_approved_later() -> None:
    world = held()
    decide(world, "reject")

    decide(world, "approve")

    assert world.running() == ["sim/ad EX"]


@pytest.mark.parametrize(
    ("before", "decision"), [((), "lift"), (("approve",), "approve"), (("reject",), "reject"), ((), "shrug")]
)
def test_decisions_that_make_no_sense_are_refused(before: tuple[str, ...], decision: str) -> None:
    world = held()
    for each in before:
        decide(world, each)

    decide(world, decision)

    assert len(world.said(FactKind.REFUSED)) == 1


def test_a_decision_on_an_unknown_hold_is_refused() -> None:
    world = held()

    world.happens(HoldDecided(hold=HoldId(99), decision="approve", by="anna"))

    assert world.said(FactKind.REFUSED)[0].hold == 99


def test_w39_w40_a_hold_outlives_a_restart_and_cannot_be_got_around() -> None:
    world = held()
    store = DictStore()
    store.apply((*world.state.holds.values(), *world.state.requests.values()))
    world.state = restore(store.snapshot(), world.state.settings)

    world.begin()

    assert world.running() == []
    assert [hold.state for hold in world.state.holds.values()] == [HoldState.OPEN]


def test_w41_a_combined_profile_is_judged_by_what_is_staged_before_it_starts() -> None:
    both = profile("DIDS", (StepKind.DELTA_IMPORT_DELTA_SYNC, "default"))
    settings = [replace(each, guards=replace(each.guards, allow_combined=True)) for each in CAREFUL]
    world = World([agent(HR, both)], settings=settings)
    world.pend(HR, imports=3)
    world.begin()

    world.ask(HR, "DIDS")

    assert world.running() == []
    assert hold_of(world).kind is HoldKind.STAGED


def test_pending_exports_are_counted_again_after_every_sync_of_the_engine() -> None:
    """A set that was within the limits may have grown by a synchronization that ran in between."""
    world = World(settings=CAREFUL, engine=EngineSettings(name=SIM, run_mode=RunMode.UNSUPPORTED)).begin()
    world.state = replace(world.state, settings=replace(world.state.settings, no_export=True))
    world.pend(AD, exports=1)
    world.ask(AD, EX)
    world.ask(HR, DS)
    world.state = replace(world.state, settings=replace(world.state.settings, no_export=False))
    world.pend(AD, exports=7)

    world.end(HR)

    assert world.running() == []
    assert hold_of(world).counts == Counts(adds=7)


def test_an_engine_that_cannot_count_is_held_visibly_and_approved_once() -> None:
    world = World(settings=CAREFUL)
    world.answers = False
    world.happens(ServiceStarted())
    world.happens(EngineConnected(engine=SIM))
    world.happens(AgentsDescribed(engine=SIM, agents=(world.agents[AD],)))
    world.happens(Inspected(agent=AD, pending=None))
    assert world.waiting() == ["sim/ad DS", "sim/ad EX"]
    assert {hold.counts for hold in world.state.holds.values()} == {None}

    for hold in world.state.holds.values():
        world.happens(HoldDecided(hold=hold.id, decision="approve", by="anna", fingerprint=hold.fingerprint))

    assert len(world.running()) == 1


def test_a_stale_answer_lets_nothing_pass() -> None:
    """Asked, then overtaken by a run: the answer is about a set that is gone."""
    world = World(settings=CAREFUL).begin()
    world.state = replace(world.state, agents=_unknown(world))
    world.answers = False
    world.ask(AD, EX)
    world.ask(AD, DI, front=True)
    assert world.running() == ["sim/ad DI"]

    world.happens(Inspected(agent=AD, pending=Pending(agent=AD)))
    world.end(AD)

    assert not world.knows(AD)
    assert world.running() == []
    assert world.commands[-1] == Inspect(agent=AD, sides=frozenset({PendingSide.EXPORTS}))


def test_a_script_hold_keeps_everything_of_the_agent_back() -> None:
    world = World().begin()
    script = Hold(
        id=HoldId(1),
        kind=HoldKind.SCRIPT,
        agent=AD,
        partition=None,
        opened=world.now,
        breaches=(),
        counts=None,
        fingerprint="x",
    )
    world.state = replace(world.state, holds={script.id: script}, last_hold=1)

    world.ask(AD, DI)
    look_again(world)

    assert world.running() == []
    assert hold_of(world) == script


def test_an_approved_hold_that_does_not_matter_to_imports_lets_them_pass() -> None:
    world = held()
    decide(world, "approve")

    assert obstacles.keeps_back(hold_of(world), world.agents[AD].profiles[EX]) is False


def test_a_rejection_is_not_looked_at_again() -> None:
    world = held()
    decide(world, "reject")
    seen = hold_of(world)
    world.pend(AD, exports=9)
    world.ask(HR, DS)

    world.synced(HR, {AD: 9})

    assert hold_of(world) == seen


def test_foreign_exports_that_flap_are_stopped_once() -> None:
    """Somebody else exports although ours are kept back: the hold is there already."""
    never_twice = AgentSettings(id=AD, guards=Guards(flapping_after=1))
    world = World(settings=[never_twice]).begin()
    world.pend(AD, exports=1)
    for handle in ("100", "200"):
        sighting = Sighting(agent=AD, handle=handle, profile=EX, running=True)
        world.happens(Sighted(sighting=sighting))
        world.exported(AD)
        world.end(AD)

    assert len(world.said(FactKind.FLAPPING_FOUND)) == 1


def test_an_approved_hold_remembers_the_run_that_used_it() -> None:
    world = held()
    hold = hold_of(world)
    world.happens(HoldDecided(hold=hold.id, decision="approve", by="anna", fingerprint=hold.fingerprint))
    run = started_run(world, AD)
    assert world.state.holds[hold.id].used_by == run

    world.pend(AD)
    world.end(AD)

    (settled,) = world.said(FactKind.HOLD_SETTLED)
    assert f"approved by anna and used by run {run}, is settled" in settled.text
