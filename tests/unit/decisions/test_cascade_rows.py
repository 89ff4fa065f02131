"""Cascades: what one outside cause led to, until nothing of it is left; and agents that flap."""

from datetime import timedelta

import pytest

from autosync.model.causes import CauseKind
from autosync.model.counts import Counts
from autosync.model.facts import FactKind
from autosync.model.holds import HoldKind
from autosync.model.ids import AgentId, CascadeId, ProfileName
from autosync.model.requests import WaitKind
from autosync.model.settings import AgentSettings, Guards, Settings
from autosync.model.steps import StepKind
from autosync.model.stimuli import RequestDropAsked
from tests.unit.decisions.building import APP, CORP, MORNING, PEOPLE, Case, result, trigger


def imported(case: Case, of: AgentId, adds: int = 1) -> None:
    case.end(of, result(StepKind.DELTA_IMPORT, staged=Counts(adds=adds)))


def synced(case: Case, of: AgentId, *targets: AgentId, changes: int = 1) -> None:
    for each in targets:
        case.pend(each, Counts(updates=changes))
    case.end(of, result(StepKind.DELTA_SYNC, outbound=dict.fromkeys(targets, changes)))


def exported(case: Case, of: AgentId, changes: int = 1) -> None:
    case.pending.pop(of, None)
    case.end(of, result(StepKind.EXPORT, exported=Counts(updates=changes)))


def quiet(case: Case) -> list[int | None]:
    return [each.cascade for each in case.facts_of(FactKind.CASCADE_QUIET)]


def test_each_outside_cause_opens_a_cascade_of_its_own() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.fire(CORP)
    case.ask(APP, "full import")

    assert len(case.state.cascades) == 3
    assert {each.cause.kind for each in case.state.cascades.values()} == {CauseKind.TRIGGER, CauseKind.PERSON}


def test_a_second_firing_joins_while_its_request_waits_and_opens_anew_once_it_runs() -> None:
    case = Case()
    case.switch(PEOPLE, on=False)
    case.fire(PEOPLE)
    case.fire(PEOPLE)
    assert [each.cause.count for each in case.state.cascades.values()] == [2]
    case.switch(PEOPLE, on=True)

    case.fire(PEOPLE)

    assert set(case.state.cascades) == {1, 2}


def test_another_trigger_and_a_person_open_theirs_although_the_request_waits() -> None:
    case = Case()
    case.switch(PEOPLE, on=False)
    case.fire(PEOPLE)
    case.fire(PEOPLE, "other")
    case.ask(PEOPLE, "delta import")

    assert case.request(PEOPLE, "delta import").cascades == {1, 2, 3}


def test_a_cascade_goes_from_the_change_to_the_confirming_import_and_tells_its_latency() -> None:
    case = Case()
    case.fire(PEOPLE, changed=MORNING - timedelta(seconds=20))
    imported(case, PEOPLE)
    synced(case, PEOPLE, CORP, APP)
    exported(case, CORP)
    exported(case, APP)
    assert quiet(case) == []

    while case.state.runs:
        [run, *_] = case.state.runs.values()
        assert run.cascades == {1}
        case.end(run.agent)

    assert quiet(case) == [1]
    seconds = (case.now - MORNING).total_seconds() + 20
    assert case.facts_of(FactKind.CASCADE_QUIET)[0].data == {"latency_s": seconds, "runs": 6, "exported": 2}
    assert case.state.cascades == {}


def test_a_cascade_that_led_to_nothing_is_quiet_with_its_import() -> None:
    case = Case()
    case.fire(PEOPLE)

    case.end(PEOPLE)

    assert quiet(case) == [1]


def test_a_held_request_keeps_its_cascade_open() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.stage(PEOPLE, Counts(deletes=5000))
    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts(deletes=5000)))

    assert case.waits_for(PEOPLE, "delta sync") is WaitKind.HELD
    assert quiet(case) == []


def test_a_withdrawn_wish_leaves_its_cascade_quiet() -> None:
    case = Case()
    case.switch(PEOPLE, on=False)
    case.fire(PEOPLE)

    case.tell(RequestDropAsked(agent=PEOPLE, profile=ProfileName("delta import"), by="maria"))

    assert quiet(case) == [1]


def test_a_wish_that_resolves_to_nothing_leaves_no_cascade_open() -> None:
    case = Case()

    case.ask(PEOPLE, "no such profile")

    assert case.state.cascades == {}


def test_a_retry_keeps_its_cascade_and_opens_none() -> None:
    case = Case()
    case.fire(PEOPLE)

    case.end(PEOPLE, status="stopped-deadlocked")
    case.ring()

    assert case.run(PEOPLE).cascades == {1}
    assert case.state.last_cascade == 1


def confirming(case: Case) -> None:
    """Bring a change of PEOPLE to CORP, up to the confirming import that now waits on the stopped agent."""
    case.fire(PEOPLE)
    imported(case, PEOPLE)
    synced(case, PEOPLE, CORP)
    case.switch(CORP, on=False)
    exported(case, CORP)


def test_what_a_confirming_import_brought_in_of_its_own_goes_on_and_the_rest_has_arrived() -> None:
    case = Case()
    confirming(case)
    case.fire(CORP)
    case.switch(CORP, on=True)
    assert case.run(CORP).cascades == {1, 2}

    imported(case, CORP)

    assert quiet(case) == [1]
    assert case.run(CORP).cascades == {2}


def test_a_confirming_import_without_an_outside_cause_goes_on_in_its_cascade() -> None:
    case = Case()
    confirming(case)
    case.switch(CORP, on=True)

    imported(case, CORP)

    assert quiet(case) == []
    assert case.run(CORP).cascades == {CascadeId(1)}


# Flapping


def flapping(rounds: int, *, changes: tuple[int, ...] = (3,), outside: bool = False, after: int | None = 4) -> Case:
    """Have CORP export, confirm and be synchronized into the next export, again and again."""
    case = Case(settings=Settings(agents={CORP: AgentSettings(id=CORP, guards=Guards(flapping_after=after))}))
    case.ask(CORP, "export")
    for each in range(rounds):
        exported(case, CORP, changes[each % len(changes)])
        if outside:
            case.fire(CORP)
        imported(case, CORP)
        if outside and "mim/corp: delta import" in case.going:
            case.end(CORP)
        synced(case, CORP, CORP, changes=1)
    return case


def test_w29_an_agent_that_exports_the_same_again_and_again_is_stopped_named_and_told_once() -> None:
    case = flapping(4)

    [hold] = case.state.holds.values()
    assert (hold.kind, hold.agent) == (HoldKind.FLAPPING, CORP)
    assert case.waits_for(CORP, "export") is WaitKind.HELD
    assert len(case.facts_of(FactKind.FLAPPING_FOUND)) == 1
    assert str(CORP) in case.facts_of(FactKind.FLAPPING_FOUND)[0].text


@pytest.mark.parametrize(("rounds", "after"), [(3, 4), (9, None), (9, 10)])
def test_fewer_rounds_than_the_limit_are_no_flapping(rounds: int, after: int | None) -> None:
    assert flapping(rounds, after=after).facts_of(FactKind.FLAPPING_FOUND) == []


def test_different_numbers_are_progress_and_no_flapping() -> None:
    assert flapping(8, changes=(3, 4)).facts_of(FactKind.FLAPPING_FOUND) == []


def test_an_outside_cause_in_each_round_explains_the_equal_exports() -> None:
    assert flapping(8, outside=True).facts_of(FactKind.FLAPPING_FOUND) == []


def test_other_agents_go_on_while_one_flaps() -> None:
    case = flapping(4)

    case.ask(APP, "export")
    case.fire(PEOPLE)

    assert case.going == {"mim/app: export", "mim/people: delta import"}


def test_an_approved_flapping_agent_exports_once_more_and_begins_to_be_counted_anew() -> None:
    case = flapping(4)

    case.verdict("approve")

    assert case.going == {"mim/corp: export"}
    begun = case.run(CORP).request_as_started
    assert begun is not None
    assert begun.trail == {}
    assert case.state.holds == {}


def test_the_trigger_of_a_cascade_is_named() -> None:
    case = Case()

    case.fire(PEOPLE)

    assert case.facts_of(FactKind.CASCADE_OPENED)[0].trigger == trigger(PEOPLE)


def test_a_flapping_agent_is_free_again_when_its_last_round_left_nothing() -> None:
    case = flapping(3)
    exported(case, CORP, 3)
    assert case.hold().kind is HoldKind.FLAPPING

    imported(case, CORP)
    case.end(CORP)

    assert case.state.holds == {}
    assert case.going | case.waiting == set()


def test_a_rejected_flapping_agent_exports_nothing_until_somebody_lifts_that() -> None:
    case = flapping(4)
    case.verdict("reject")
    case.pending.clear()
    case.switch(CORP, on=False)
    case.switch(CORP, on=True)  # which has the agent looked at
    assert case.waits_for(CORP, "export") is WaitKind.HELD

    case.verdict("lift")

    assert case.going == {"mim/corp: export"}
