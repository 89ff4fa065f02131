"""The queue: equal wishes merge, a run absorbs none, and nothing leaves it unseen."""

import pytest

from autosync.model.causes import CauseKind
from autosync.model.counts import Counts
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, PartitionName, ProfileName
from autosync.model.requests import WaitKind, Wanted
from autosync.model.settings import AgentSettings, Settings
from autosync.model.steps import Slot, StepKind
from autosync.model.stimuli import AgentsDescribed, RequestDropAsked, RunAsked, TriggerFired
from tests.unit.decisions.building import CORP, MIM, MORNING, PART, PEOPLE, Case, agent, profile, result, trigger

IMPORT = "delta import"


def resting() -> Case:
    """A case whose agent is stopped, so that its wishes stay in the queue."""
    case = Case()
    case.switch(PEOPLE, on=False)
    return case


def firing(name: str = "watch", *, token: str | None = None, slot: Slot = Slot.DELTA_IMPORT) -> TriggerFired:
    return TriggerFired(trigger=trigger(PEOPLE, name), wanted=Wanted(agent=PEOPLE, slot=slot), token=token)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
@pytest.mark.parametrize("flag", ["front", "exclusive"])
def test_w35_the_stronger_of_two_equal_wishes_wins(flag: str, first: bool, second: bool) -> None:
    case = resting()

    case.ask(PEOPLE, IMPORT, **{flag: first})
    case.ask(PEOPLE, IMPORT, **{flag: second})

    [request] = case.state.requests.values()
    assert getattr(request, flag) == (first or second)


def test_the_earliest_wish_time_stays_and_the_causes_unite() -> None:
    case = resting()
    case.fire(PEOPLE)
    case.pass_time(90)
    case.fire(PEOPLE, "other")
    case.ask(PEOPLE, IMPORT)

    request = case.request(PEOPLE, IMPORT)
    assert request.wished == MORNING
    assert [(each.kind, each.count) for each in request.causes] == [
        (CauseKind.TRIGGER, 1),
        (CauseKind.TRIGGER, 1),
        (CauseKind.PERSON, 1),
    ]


def test_of_each_trigger_the_newest_token_stays_and_each_has_its_own() -> None:
    case = resting()
    for name, token in (("a", "1"), ("b", "7"), ("a", "2"), ("b", "8"), ("a", "3")):
        case.tell(firing(name, token=token))

    assert case.request(PEOPLE, IMPORT).tokens == {trigger(PEOPLE, "a"): "3", trigger(PEOPLE, "b"): "8"}


def test_a_firing_without_a_token_leaves_the_token_that_waits() -> None:
    case = resting()
    case.tell(firing(token="1"))
    case.tell(firing())

    assert case.request(PEOPLE, IMPORT).tokens == {trigger(PEOPLE): "1"}


def test_wishes_for_different_profiles_do_not_merge() -> None:
    case = resting()

    case.tell(firing(), firing(slot=Slot.FULL_IMPORT))

    assert case.waiting == {"mim/people: delta import", "mim/people: full import"}


def test_of_a_hundred_causes_twenty_are_kept_and_all_are_counted() -> None:
    case = resting()
    case.tell(*(firing(f"t{each}") for each in range(100)))

    causes = case.request(PEOPLE, IMPORT).causes
    assert len(causes) == 21
    assert sum(each.count for each in causes) == 100
    assert causes[-1].text == "and 80 more"


def test_merging_is_told_and_a_storm_in_one_batch_is_told_once() -> None:
    case = resting()
    case.fire(PEOPLE)

    case.tell(*[firing()] * 500)

    assert len(case.facts_of(FactKind.REQUEST_MERGED)) == 1
    assert [each.data["count"] for each in case.facts_of(FactKind.TRIGGER_FIRED)] == [1, 500]
    assert case.request(PEOPLE, IMPORT).causes[0].count == 501


def test_w2_a_change_during_an_import_needs_the_next_import() -> None:
    """The predecessor dropped what fell into its quiet time."""
    case = Case()
    case.fire(PEOPLE, token="1")
    case.tell(firing(token="2"), after=3)
    assert case.waits_for(PEOPLE, IMPORT) is WaitKind.RUNNING

    case.end(PEOPLE)

    assert case.started == ["mim/people: delta import"] * 2
    assert case.run(PEOPLE).tokens == {trigger(PEOPLE): "2"}
    assert case.state.tokens[trigger(PEOPLE)].token == "1"


@pytest.mark.parametrize("name", ["delta import", "delta sync", "export"])
def test_a_wish_during_the_same_run_is_kept_whatever_it_is(name: str) -> None:
    case = Case()
    case.ask(PEOPLE, name)
    case.ask(PEOPLE, name)

    case.end(PEOPLE)

    assert case.started == [f"mim/people: {name}"] * 2
    assert case.waiting == set()


def test_a_person_may_take_a_wish_back_and_its_tokens_stay_with_the_agent() -> None:
    case = resting()
    case.fire(PEOPLE, token="1")

    case.tell(RequestDropAsked(agent=PEOPLE, profile=ProfileName(IMPORT), by="maria", reason="not today"))
    assert case.waiting == set()
    assert "not today" in case.facts_of(FactKind.REQUEST_DROPPED)[0].text
    case.switch(PEOPLE, on=True)
    case.ask(PEOPLE, IMPORT)
    case.end(PEOPLE)

    assert case.state.tokens[trigger(PEOPLE)].token == "1"


def test_a_change_that_comes_after_the_withdrawal_is_a_new_wish_even_in_one_batch() -> None:
    case = resting()

    case.tell(firing(), RequestDropAsked(agent=PEOPLE, profile=ProfileName(IMPORT), by="maria"), firing(token="later"))

    assert case.request(PEOPLE, IMPORT).tokens == {trigger(PEOPLE): "later"}


def test_taking_back_what_runs_already_is_refused() -> None:
    case = Case()
    case.fire(PEOPLE)

    case.tell(RequestDropAsked(agent=PEOPLE, profile=ProfileName(IMPORT), by="maria"))

    assert len(case.facts_of(FactKind.REFUSED)) == 1
    assert case.going == {"mim/people: delta import"}


UNRESOLVED = [
    # what is wanted, a word of the reason
    (Wanted(agent=PEOPLE, profile=ProfileName("no such profile")), "no such profile"),
    (Wanted(agent=AgentId("mim/nobody"), slot=Slot.DELTA_IMPORT), "mim/nobody"),
    (Wanted(agent=AgentId("elsewhere/people"), slot=Slot.DELTA_IMPORT), "elsewhere/people"),
    (Wanted(agent=PEOPLE, slot=Slot.EXPORT, partition=PartitionName("DC=nowhere")), "DC=nowhere"),
]


@pytest.mark.parametrize(("wanted", "word"), UNRESOLVED)
def test_a_wish_that_resolves_to_nothing_is_a_fact_with_a_reason(wanted: Wanted, word: str) -> None:
    case = Case()

    case.tell(RunAsked(wanted=wanted, by="maria"))

    assert case.waiting | case.going == set()
    assert word in case.facts_of(FactKind.REQUEST_UNRESOLVED)[0].text
    assert case.facts_of(FactKind.REFUSED)[0].person == "maria"


def test_an_empty_slot_is_named_once_until_the_settings_change() -> None:
    never = Settings(agents={PEOPLE: AgentSettings(id=PEOPLE, slots={PART: {Slot.DELTA_IMPORT: None}})})
    case = Case(settings=never)

    for _ in range(4):
        case.fire(PEOPLE)

    assert case.waiting | case.going == set()
    assert len(case.facts_of(FactKind.REQUEST_UNRESOLVED)) == 1


def test_names_of_profiles_are_found_whatever_their_case() -> None:
    case = Case()

    case.ask(PEOPLE, "DELTA Import")

    assert case.going == {"mim/people: delta import"}


def test_a_persons_wish_ends_a_back_off_and_the_attempt_is_not_forgotten() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.end(PEOPLE, status="stopped-deadlocked")
    assert case.waits_for(PEOPLE, IMPORT) is WaitKind.BACK_OFF

    case.ask(PEOPLE, IMPORT)

    assert case.going == {"mim/people: delta import"}
    assert case.run(PEOPLE).attempt == 2


def test_an_ordinary_firing_does_not_end_a_back_off() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.end(PEOPLE, status="stopped-deadlocked")

    case.fire(PEOPLE)

    assert case.waits_for(PEOPLE, IMPORT) is WaitKind.BACK_OFF


def test_w1_nothing_of_a_request_is_lost_by_a_restart() -> None:
    case = resting()
    case.tell(firing("a", token="5"), firing("b", token="6"))
    case.ask(PEOPLE, IMPORT, exclusive=True, front=True)
    before = case.state.requests

    case.restart()

    assert case.state.requests == before


def test_w30_a_renamed_profile_takes_its_request_along() -> None:
    case = resting()
    case.fire(PEOPLE, token="1")
    renamed = profile("DI", StepKind.DELTA_IMPORT)
    others = [each for name, each in case.agents[PEOPLE].profiles.items() if name != IMPORT]

    case.tell(AgentsDescribed(engine=MIM, agents=(agent(PEOPLE, renamed, *others), agent(CORP))))

    assert case.waiting == {"mim/people: DI"}
    assert case.request(PEOPLE, "DI").tokens == {trigger(PEOPLE): "1"}


def test_w30_a_deleted_profile_keeps_its_request_where_everybody_sees_it() -> None:
    case = resting()
    case.fire(PEOPLE)
    others = [each for name, each in case.agents[PEOPLE].profiles.items() if name != IMPORT]

    case.tell(AgentsDescribed(engine=MIM, agents=(agent(PEOPLE, *others), agent(CORP))))
    case.switch(PEOPLE, on=True)
    case.fire(CORP)

    assert case.waits_for(PEOPLE, IMPORT) is WaitKind.UNKNOWN_PROFILE
    assert case.going == {"mim/corp: delta import"}


def test_confirming_and_front_are_kept_when_an_ordinary_wish_merges() -> None:
    case = Case()
    case.ask(PEOPLE, "export")
    case.switch(PEOPLE, on=False)
    case.end(PEOPLE, result(StepKind.EXPORT, exported=Counts(adds=1)))

    case.fire(PEOPLE)

    request = case.request(PEOPLE, IMPORT)
    assert request.confirms
    assert request.front
    assert len(request.cascades) == 2
