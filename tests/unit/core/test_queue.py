"""How wishes become requests, merge, and are never lost."""

from datetime import timedelta

from autosync.core import queue
from autosync.core.orchestrator import drawn_together
from autosync.core.turn import Turn
from autosync.model.agents import Agent
from autosync.model.causes import Cause, CauseKind
from autosync.model.commands import Describe
from autosync.model.counts import Counts
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, PartitionName, ProfileName, RunId, TriggerId
from autosync.model.requests import Trail, Wanted
from autosync.model.settings import AgentSettings
from autosync.model.steps import Slot
from autosync.model.stimuli import (
    AgentsDescribed,
    EngineLost,
    RequestDropAsked,
    RunAsked,
    RunRefused,
    ServiceStarted,
    TriggerFired,
)
from tests.unit.core.world import AD, DI, DS, EX, FI, HR, NOON, SIM, World, agent, started_run


def busy() -> World:
    """A world in which the import of HR runs, so that further wishes wait."""
    world = World().begin()
    world.fire(HR)
    return world


def firing(token: str | None = None, *, seconds: float = 0.0, text: str = "", full: bool = False) -> TriggerFired:
    return TriggerFired(
        trigger=TriggerId(f"{HR}#watch"),
        wanted=Wanted(agent=HR, slot=Slot.DELTA_IMPORT),
        token=token,
        changed=NOON - timedelta(seconds=seconds),
        text=text,
        full=full,
    )


def test_a_wish_during_a_run_is_kept() -> None:
    world = busy()

    world.fire(HR)

    assert world.running() == ["sim/hr DI"]
    assert world.waiting() == ["sim/hr DI"]


def test_equal_waiting_wishes_merge_and_the_earliest_wish_time_stays() -> None:
    world = busy()
    world.fire(HR)
    first = world.request(HR, DI)

    world.fire(HR, after=5)

    merged = world.request(HR, DI)
    assert (merged.id, merged.wished) == (first.id, first.wished)
    assert [(cause.kind, cause.count) for cause in merged.causes] == [(CauseKind.TRIGGER, 2)]


def test_w35_merging_takes_the_stronger_of_exclusive_and_front() -> None:
    world = busy()
    world.fire(HR)

    world.ask(HR, DI, exclusive=True)
    world.ask(HR, DI, front=True)

    request = world.request(HR, DI)
    assert world.waiting() == ["sim/hr DI"]
    assert (request.exclusive, request.front) == (True, True)


def test_tokens_are_the_newest_of_each_trigger() -> None:
    world = busy()
    world.fire(HR, token="1")
    world.fire(HR, token="2")
    world.fire(HR, token="7", name="other")

    assert world.request(HR, DI).tokens == {"sim/hr#watch": "2", "sim/hr#other": "7"}


def test_f12_fifty_intervals_during_a_long_run_make_one_request() -> None:
    world = busy()
    for _ in range(50):
        world.fire(HR, after=30)

    assert world.waiting() == ["sim/hr DI"]
    assert world.request(HR, DI).causes[0].count == 50


def test_a_storm_of_equal_firings_is_one_fact_with_a_count() -> None:
    world = busy()

    world.happens(firing("1", seconds=1, text="a"), firing(None, seconds=9), firing("3", seconds=4))

    assert [fact.data for fact in world.said(FactKind.TRIGGER_FIRED)[1:]] == [{"count": 3}]
    assert world.request(HR, DI).tokens == {"sim/hr#watch": "3"}
    assert len(world.last.rows) == 2


def test_firings_are_drawn_together_with_the_earliest_change_and_the_newest_word() -> None:
    [both] = drawn_together([firing("1", seconds=9, text="a"), firing(None, seconds=4)])

    assert isinstance(both, TriggerFired)
    assert (both.token, both.text, both.count, both.changed) == ("1", "a", 2, NOON - timedelta(seconds=9))


def test_different_wishes_of_one_trigger_stay_apart() -> None:
    assert len(drawn_together([firing("1"), firing("1", full=True), ServiceStarted()])) == 3


def test_a_firing_that_lost_its_place_asks_for_a_full_import() -> None:
    world = World().begin()

    world.happens(firing(full=True))

    assert world.running() == ["sim/hr FI"]


def test_without_a_full_import_a_lost_place_is_said_and_the_delta_runs() -> None:
    settings = AgentSettings(id=HR, slots={PartitionName("default"): {Slot.FULL_IMPORT: None}})
    world = World(settings=[settings]).begin()

    world.happens(firing(full=True))

    assert world.running() == ["sim/hr DI"]
    assert len(world.said(FactKind.REQUEST_UNRESOLVED)) == 1


def test_a_wish_without_a_partition_means_every_partition_in_one_cascade() -> None:
    world = World([agent(AD, partitions=("a", "b"))]).begin()

    world.fire(AD)

    assert world.running() + world.waiting() == ["sim/ad DI a", "sim/ad DI b"]
    assert len(world.state.cascades) == 1


def test_a_wish_for_an_unknown_profile_is_refused_with_a_reason() -> None:
    world = World().begin()

    world.ask(HR, "Nightly")

    assert world.waiting() == world.running() == []
    assert [fact.person for fact in world.said(FactKind.REFUSED)] == ["anna"]
    assert "Nightly" in world.said(FactKind.REQUEST_UNRESOLVED)[0].text


def test_a_wish_for_an_unknown_agent_is_a_fact() -> None:
    world = World().begin()

    world.fire(AgentId("sim/nobody"))

    assert len(world.said(FactKind.REQUEST_UNRESOLVED)) == 1
    assert world.waiting() == []


def test_an_empty_slot_is_said_once() -> None:
    settings = AgentSettings(id=HR, slots={PartitionName("default"): {Slot.DELTA_IMPORT: None}})
    world = World(settings=[settings]).begin()

    world.fire(HR)
    world.fire(HR)

    assert len(world.said(FactKind.REQUEST_UNRESOLVED)) == 1


def test_a_wish_before_the_engine_has_told_its_profiles_waits_and_then_runs() -> None:
    world = World(settings=[AgentSettings(id=HR)])
    world.fire(HR)
    world.happens(RunAsked(wanted=Wanted(agent=HR, profile=FI), by="anna"))
    assert world.waiting() == ["sim/hr FI", "sim/hr delta-import"]

    world.begin()

    assert sorted(world.waiting() + world.running()) == ["sim/hr DI", "sim/hr FI"]


def test_a_wish_for_a_partition_waits_for_the_description_of_that_partition() -> None:
    world = World([agent(AD, partitions=("a", "b"))], settings=[AgentSettings(id=AD)])
    wanted = Wanted(agent=AD, slot=Slot.DELTA_IMPORT, partition=PartitionName("b"))
    world.happens(RunAsked(wanted=wanted, by="anna"))

    world.begin()

    assert world.running() == ["sim/ad DI b"]


def test_a_wish_that_nothing_can_serve_after_the_description_stays_visible() -> None:
    world = World([agent(HR, plain=False)], settings=[AgentSettings(id=HR)])
    world.fire(HR)

    world.begin()

    assert world.waiting() == ["sim/hr delta-import"]


def test_one_provisional_wish_becomes_one_for_each_partition() -> None:
    world = World([agent(AD, partitions=("a", "b"))], settings=[AgentSettings(id=AD)])
    world.fire(AD)

    world.begin()

    assert sorted(world.waiting() + world.running()) == ["sim/ad DI a", "sim/ad DI b"]


def test_w30_requests_follow_a_renamed_profile() -> None:
    world = busy()
    world.ask(HR, EX)
    known = world.agents[HR].profiles
    new = {name: each for name, each in known.items() if name != EX}
    new[ProfileName("Push")] = type(known[EX])(name=ProfileName("Push"), steps=known[EX].steps)

    described = Agent(id=HR, category="csv", profiles=new)
    world.happens(AgentsDescribed(engine=SIM, agents=(described, world.agents[AD])))

    assert world.waiting() == ["sim/hr Push"]


def test_w30_a_start_that_was_refused_under_the_old_name_is_tried_at_once_under_the_new_one() -> None:
    world = World().begin()
    world.ask(HR, EX)
    run = started_run(world, HR)
    world.commands.clear()

    world.happens(RunRefused(run=run, status="no-start-unknown-profile-name", message="renamed"))
    assert Describe(engine=SIM) in world.commands
    assert world.running() == []
    known = world.agents[HR].profiles
    new = {name: each for name, each in known.items() if name != EX}
    new[ProfileName("Push")] = type(known[EX])(name=ProfileName("Push"), steps=known[EX].steps)
    world.happens(AgentsDescribed(engine=SIM, agents=(Agent(id=HR, category="csv", profiles=new), world.agents[AD])))

    assert world.running() == ["sim/hr Push"]


def test_a_start_that_was_refused_for_another_reason_reads_no_agents() -> None:
    world = World().begin()
    world.ask(HR, EX)
    world.commands.clear()

    world.happens(RunRefused(run=started_run(world, HR), status="no-start-ma-already-running", message="busy"))

    assert Describe(engine=SIM) not in world.commands


def test_f8_requests_for_a_deleted_profile_stay_visible_and_harm_nobody() -> None:
    world = busy()
    world.ask(HR, EX)
    left = {name: each for name, each in world.agents[HR].profiles.items() if name != EX}

    world.happens(AgentsDescribed(engine=SIM, agents=(Agent(id=HR, category="csv", profiles=left),)))
    world.end(HR)

    assert world.waiting() == ["sim/hr EX"]
    assert any("EX" in fact.text for fact in world.said(FactKind.REQUEST_UNRESOLVED))


def test_a_person_may_take_a_request_back() -> None:
    world = busy()
    world.fire(HR, token="5")

    world.happens(RequestDropAsked(agent=HR, profile=DI, by="anna", reason="not today"))

    assert world.waiting() == []
    assert world.said(FactKind.REQUEST_DROPPED)[0].person == "anna"
    assert world.state.agents[HR].row.tokens == {"sim/hr#watch": "5"}


def test_taking_back_what_does_not_wait_is_refused() -> None:
    world = busy()

    world.happens(RequestDropAsked(agent=HR, profile=DS, by="anna"))

    assert len(world.said(FactKind.REFUSED)) == 1


def test_of_many_causes_twenty_are_kept_and_the_rest_is_counted() -> None:
    causes = tuple(Cause(kind=CauseKind.RUN, text=f"run {n}", at=NOON, run=RunId(n)) for n in range(30))

    united = queue.united(causes[:19], causes[19:])

    assert len(united) == 21
    assert (united[-1].text, united[-1].count) == ("and 10 more", 10)


def test_the_same_run_is_one_cause_however_often_it_is_named() -> None:
    cause = Cause(kind=CauseKind.RUN, text="run 1", at=NOON, run=RunId(1))

    assert queue.united((cause,), (cause,)) == (cause,)


def test_two_people_are_two_causes_and_one_person_who_repeats_it_is_counted() -> None:
    anna, ben = (Cause(kind=CauseKind.PERSON, text="please", at=NOON, person=name) for name in ("anna", "ben"))

    assert [cause.count for cause in queue.united((anna,), (anna, ben))] == [2, 1]


def test_a_request_that_comes_back_meets_the_one_that_was_queued_meanwhile() -> None:
    world = busy()
    world.fire(HR, name="other")

    world.end(HR, "stopped-deadlocked")

    request = world.request(HR, DI)
    assert world.waiting() == ["sim/hr DI"]
    assert request.attempt == 2
    assert {cause.trigger for cause in request.causes} == {"sim/hr#watch", "sim/hr#other"}
    assert len(request.cascades) == 2


def test_tokens_of_the_later_wish_win_when_a_request_comes_back() -> None:
    world = World().begin()
    world.fire(HR, token="1")
    world.happens(EngineLost(engine=SIM, error="gone"))
    world.fire(HR, token="2")

    world.end(HR, "stopped-deadlocked")

    assert world.request(HR, DI).tokens == {"sim/hr#watch": "2"}


def test_a_person_who_asked_meanwhile_does_not_wait_for_the_back_off() -> None:
    world = busy()
    world.ask(HR, DI)

    world.end(HR, "stopped-deadlocked")

    assert world.running() == ["sim/hr DI"]


def test_a_front_wish_ends_a_back_off() -> None:
    world = busy()
    world.end(HR, "stopped-deadlocked")
    assert world.running() == []

    world.ask(HR, DI, front=True)

    assert world.running() == ["sim/hr DI"]


def test_a_trigger_that_fires_again_and_again_never_shortens_a_back_off() -> None:
    world = World().begin()
    world.fire(HR, token="1")
    world.end(HR, "stopped-deadlocked")
    due = world.request(HR, DI).not_before

    world.fire(HR, token="2", after=1)
    world.fire(HR, token="3", after=1)

    assert world.request(HR, DI).not_before == due
    assert world.running() == []


def test_what_another_run_leaves_behind_never_shortens_a_back_off() -> None:
    world = World().begin()
    world.ask(HR, DS)
    for _ in range(2):  # the second pause is longer than the import
        world.end(HR, "stopped-deadlocked")
        due = world.request(HR, DS).not_before
        world.sleep()
    world.end(HR, "stopped-deadlocked")
    due = world.request(HR, DS).not_before
    world.ask(HR, DI)

    world.imported(HR)

    assert world.request(HR, DS).not_before == due


def test_a_trigger_without_a_token_does_not_end_a_back_off() -> None:
    world = busy()
    world.end(HR, "stopped-deadlocked")

    world.fire(HR)

    assert world.running() == []
    assert world.request(HR, DI).not_before is not None


def test_the_same_wish_of_the_same_run_changes_nothing() -> None:
    world = busy()
    cause = Cause(kind=CauseKind.RUN, text="run 1", at=NOON, run=RunId(1))
    turn = Turn(world.state, NOON, 0.5)
    wish = queue.Wish(agent=HR, profile=EX, causes=(cause,))
    first = queue.add(turn, wish)

    assert queue.add(turn, wish) is first


def test_trails_unite_to_the_longer_of_equal_exports_and_the_newer_of_others() -> None:
    world = busy()
    cause = Cause(kind=CauseKind.RUN, text="run 1", at=NOON, run=RunId(1))
    turn = Turn(world.state, NOON, 0.5)

    def merged(*trails: Trail) -> Trail:
        wishes = [queue.Wish(agent=HR, profile=EX, causes=(cause,), trail={AD: trail}) for trail in trails]
        return [queue.add(turn, wish) for wish in wishes][-1].trail[AD]

    one, other = Counts(adds=1), Counts(adds=2)
    long, short, newer = Trail(counts=one, repeats=3), Trail(counts=one, repeats=2), Trail(counts=other, repeats=1)

    assert merged(short, long, short) == long
    assert merged(newer) == newer


def test_an_outside_cause_ends_the_trail_of_what_waits() -> None:
    world = busy()
    run = Cause(kind=CauseKind.RUN, text="run 1", at=NOON, run=RunId(1))
    person = Cause(kind=CauseKind.PERSON, text="please", at=NOON, person="anna")
    turn = Turn(world.state, NOON, 0.5)
    trail = {AD: Trail(counts=Counts(adds=1), repeats=2)}
    queue.add(turn, queue.Wish(agent=HR, profile=EX, causes=(run,), trail=trail))

    assert queue.add(turn, queue.Wish(agent=HR, profile=EX, causes=(person,))).trail == {}
    assert queue.add(turn, queue.Wish(agent=HR, profile=EX, causes=(run,), trail=trail)).trail == {}
