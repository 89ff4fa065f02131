"""What the guards hold, and what a person's decision does to it (W38 to W42)."""

from dataclasses import replace

import pytest

from autosync.core.guards import breaches
from autosync.model.agents import PendingSet
from autosync.model.counts import ChangeKind, Counts
from autosync.model.facts import FactKind
from autosync.model.holds import HoldKind, HoldState
from autosync.model.ids import HoldId
from autosync.model.requests import WaitKind
from autosync.model.settings import AgentSettings, EngineSettings, Guards, Limit, RunMode, Settings, Thresholds
from autosync.model.steps import StepKind
from autosync.model.stimuli import HoldDecided, Inspected, SettingsApplied
from tests.unit.decisions.building import APP, CORP, MIM, PART, PEOPLE, Case, agent, profile, result

FIELDS = {kind: kind.name.lower() for kind in ChangeKind}


def told(counts: Counts | None, limits: Thresholds, population: int | None = 1000) -> list[str]:
    return [
        f"{each.count} {each.what} {each.limit}" for each in breaches(PendingSet(counts=counts), population, limits)
    ]


@pytest.mark.parametrize("kind", ChangeKind)
def test_each_kind_of_change_has_a_limit_of_its_own(kind: ChangeKind) -> None:
    limits = Thresholds(kinds={kind: Limit(absolute=5)})
    others = Counts(**{field: 99 for each, field in FIELDS.items() if each is not kind})

    assert told(Counts(**{FIELDS[kind]: 5}), limits) == []
    assert told(Counts(**{FIELDS[kind]: 6}), limits) == [f"6 {kind.value} 5"]
    assert told(others, limits) == []


@pytest.mark.parametrize(
    ("deletes", "population", "holds"),
    [
        (100, 1000, False),  # exactly ten percent
        (101, 1000, True),
        (50, 99, False),  # below the minimum population of a hundred
        (11, 100, True),
        (10, 100, False),
        (900, None, False),  # the engine cannot say how many there are
    ],
)
def test_w38_a_percentage_is_of_the_connector_space_and_counts_from_its_minimum(
    deletes: int, population: int | None, holds: bool
) -> None:
    limits = Thresholds(kinds={ChangeKind.DELETES: Limit(percent=10, minimum=100)})

    assert told(Counts(deletes=deletes), limits, population) == ([f"{deletes} deletes 10%"] if holds else [])


def test_the_total_is_of_all_kinds() -> None:
    limits = Thresholds(total=Limit(absolute=9))

    assert told(Counts(adds=2, updates=2, renames=2, deletes=2, delete_adds=1), limits) == []
    assert told(Counts(adds=2, updates=2, renames=2, deletes=2, delete_adds=2), limits) == ["10 changes 9"]


@pytest.mark.parametrize(
    ("deletes", "population", "holds"), [(2, 2, False), (2, 3, True), (1, 3, False), (4, 10, False), (5, 10, True)]
)
def test_deleting_half_or_more_is_an_emptied_connector_space(deletes: int, population: int, holds: bool) -> None:
    assert bool(told(Counts(deletes=deletes), Thresholds(emptied=True), population)) == holds


def test_w42_what_cannot_be_counted_passes_only_where_nothing_is_limited() -> None:
    assert told(None, Thresholds()) == []
    assert told(None, Thresholds(total=Limit(absolute=1000))) != []


# In decisions

CAREFUL = Guards(
    staged=Thresholds(kinds={ChangeKind.DELETES: Limit(absolute=3)}),
    exports=Thresholds(kinds={ChangeKind.DELETES: Limit(absolute=3)}),
)


def careful(**engine: object) -> Settings:
    return Settings(
        engines={MIM: EngineSettings(name=MIM, **engine)},
        agents={each: AgentSettings(id=each, guards=CAREFUL) for each in (PEOPLE, CORP)},
    )


def allowing() -> Settings:
    settings = careful()
    guards = replace(CAREFUL, allow_combined=True)
    return replace(settings, agents={each: AgentSettings(id=each, guards=guards) for each in settings.agents})


def exporting(deletes: int = 7, fingerprint: str = "seven") -> Case:
    """A case in which a synchronization left deletes to export."""
    case = Case(settings=careful())
    case.ask(PEOPLE, "delta sync")
    case.pend(CORP, Counts(deletes=deletes), fingerprint)
    case.end(PEOPLE, result(StepKind.DELTA_SYNC, outbound={CORP: deletes}))
    return case


def staging(deletes: int = 7) -> Case:
    """A case in which an import staged deletes."""
    case = Case(settings=careful())
    case.fire(PEOPLE)
    case.stage(PEOPLE, Counts(deletes=deletes))
    case.end(PEOPLE, result(StepKind.DELTA_IMPORT, staged=Counts(deletes=deletes)))
    return case


def test_w40_what_a_synchronization_wants_to_delete_elsewhere_is_held_before_its_export() -> None:
    case = exporting()

    hold = case.hold()
    assert (hold.kind, hold.agent, hold.partition, hold.counts) == (HoldKind.EXPORTS, CORP, PART, Counts(deletes=7))
    assert (hold.fingerprint, hold.state) == ("seven", HoldState.OPEN)
    assert case.going == set()
    assert case.waits_for(CORP, "export") is WaitKind.HELD


def test_w38_staged_deletes_are_held_before_their_sync() -> None:
    case = staging()

    assert case.hold().kind is HoldKind.STAGED
    assert case.waits_for(PEOPLE, "delta sync") is WaitKind.HELD


def test_within_the_limits_nothing_is_held() -> None:
    assert staging(3).going == {"mim/people: delta sync"}
    assert exporting(3).going == {"mim/corp: export"}


@pytest.mark.parametrize("name", ["delta sync", "full sync"])
def test_a_manual_run_is_held_like_any_other(name: str) -> None:
    case = Case(settings=careful())
    case.stage(PEOPLE, Counts(deletes=4))
    case.look_again()

    case.ask(PEOPLE, name, front=True)

    assert case.going == set()
    assert case.waits_for(PEOPLE, name) is WaitKind.HELD


def test_one_hold_a_place_however_many_runs_want_through() -> None:
    case = staging()
    case.ask(PEOPLE, "full sync")
    case.ask(PEOPLE, "delta sync")

    assert len(case.state.holds) == 1
    assert len(case.facts_of(FactKind.HOLD_OPENED)) == 1


def test_staged_imports_and_pending_exports_of_one_agent_are_two_holds() -> None:
    case = staging()
    case.pend(PEOPLE, Counts(deletes=9))
    case.look_again()

    case.ask(PEOPLE, "export")

    assert {each.kind for each in case.state.holds.values()} == {HoldKind.STAGED, HoldKind.EXPORTS}


def test_w41_a_run_that_imports_and_synchronizes_is_held_by_what_it_would_synchronize() -> None:
    both = profile("import and sync", StepKind.DELTA_IMPORT, StepKind.DELTA_SYNC)
    case = Case(agent(PEOPLE, both), settings=allowing())
    case.stage(PEOPLE, Counts(deletes=9))
    case.look_again()

    case.ask(PEOPLE, "import and sync")

    assert case.going == set()
    assert case.waits_for(PEOPLE, "import and sync") is WaitKind.HELD


def test_other_agents_and_other_parts_of_the_agent_go_on() -> None:
    case = exporting()

    case.fire(CORP)
    case.fire(PEOPLE)
    case.ask(APP, "export")

    assert case.going == {"mim/corp: delta import", "mim/people: delta import", "mim/app: export"}


def test_a_held_export_does_not_hold_the_agents_syncs() -> None:
    case = exporting()

    case.ask(CORP, "delta sync")

    assert case.going == {"mim/corp: delta sync"}


def test_approving_exactly_what_is_held_lets_it_pass() -> None:
    case = exporting()

    case.verdict("approve")

    assert case.going == {"mim/corp: export"}
    decided = case.facts_of(FactKind.HOLD_DECIDED)[0]
    assert (decided.person, decided.hold) == ("maria", 1)


@pytest.mark.parametrize("shown", ["", "six", "SEVEN"])
def test_approving_another_set_than_the_one_that_is_held_is_refused(shown: str) -> None:
    case = exporting()

    case.verdict("approve", fingerprint=shown)

    assert case.going == set()
    assert case.hold().state is HoldState.OPEN
    assert len(case.facts_of(FactKind.REFUSED)) == 1


def test_equal_counts_with_another_fingerprint_are_another_set() -> None:
    case = exporting()
    case.pend(CORP, Counts(deletes=7), "seven others")
    case.look_again()

    case.verdict("approve", fingerprint="seven")

    assert case.going == set()
    assert case.hold().fingerprint == "seven others"


def test_an_approval_does_not_cover_what_came_after_it() -> None:
    case = exporting()
    case.settle(no_export=True)
    case.verdict("approve")
    case.pend(CORP, Counts(deletes=8), "eight")
    case.settle(no_export=False)

    case.look_again()

    assert case.going == set()
    assert (case.hold().state, case.hold().fingerprint) == (HoldState.OPEN, "eight")
    assert case.hold().id == 2
    assert [each.hold for each in case.facts_of(FactKind.HOLD_SETTLED)] == [1]


@pytest.mark.parametrize("left", [Counts(), Counts(deletes=3)])
def test_a_hold_settles_when_what_is_pending_passes(left: Counts) -> None:
    case = exporting()
    case.pend(CORP, left, "less")

    case.look_again()

    assert case.state.holds == {}
    assert case.going == {"mim/corp: export"}
    assert len(case.facts_of(FactKind.HOLD_SETTLED)) == 1


def test_a_hold_settles_when_the_limits_are_raised() -> None:
    case = exporting()

    case.tell(SettingsApplied(settings=Settings()))

    assert case.state.holds == {}
    assert case.going == {"mim/corp: export"}


def test_w39_a_rejection_outlives_a_restart_and_new_pending_work() -> None:
    case = exporting()
    case.verdict("reject")
    case.restart()
    case.pend(CORP, Counts(adds=1), "harmless")

    case.begin()
    case.ask(CORP, "export")

    assert case.going == set()
    assert case.hold().state is HoldState.REJECTED
    assert case.waits_for(CORP, "export") is WaitKind.HELD


def test_w39_an_open_hold_outlives_a_restart_and_is_not_told_again() -> None:
    case = staging()
    case.restart()

    case.begin()
    case.ask(PEOPLE, "delta sync")

    assert case.going == set()
    assert case.hold().id == 1
    assert case.facts_of(FactKind.HOLD_OPENED) == []


def test_an_approval_outlives_a_restart() -> None:
    case = exporting()
    case.settle(no_export=True)
    case.verdict("approve")
    case.restart()
    case.settle(no_export=False)

    case.begin()

    assert case.going == {"mim/corp: export"}


def test_lifting_a_rejection_has_the_guards_look_again() -> None:
    case = exporting()
    case.verdict("reject")

    case.verdict("lift")

    assert case.going == set()
    assert case.hold().state is HoldState.OPEN
    assert case.hold().id == 2


@pytest.mark.parametrize("name", ["export", "delta sync"])
def test_rejecting_pending_exports_keeps_back_exports_only(name: str) -> None:
    case = exporting()
    case.verdict("reject")

    case.ask(CORP, name)

    assert (case.going == {f"mim/corp: {name}"}) == (name == "delta sync")


def test_a_rejection_keeps_every_partition_of_the_agent_back() -> None:
    parts = ("DC=a", "DC=b")
    case = Case(agent(CORP, partitions=parts), settings=careful())
    case.pend(CORP, Counts(deletes=9), partition="DC=a")
    case.look_again()
    case.ask(CORP, "export DC=a")
    case.ask(CORP, "export DC=b")
    assert case.going == {"mim/corp: export DC=b"}
    case.end(CORP)

    case.verdict("reject")
    case.ask(CORP, "export DC=b")

    assert case.going == set()


def test_w31_pending_deletes_are_seen_whatever_the_case_of_their_partition() -> None:
    case = Case(agent(CORP, partitions=("DC=corp",)), settings=careful())
    case.pend(CORP, Counts(deletes=9), partition="dc=Corp")
    case.look_again()

    case.ask(CORP, "export")

    assert case.going == set()
    assert case.hold().counts == Counts(deletes=9)


@pytest.mark.parametrize(
    ("state", "word", "refused"),
    [
        ("open", "lift", True),
        ("open", "approve", False),
        ("open", "reject", False),
        ("open", "nonsense", True),
        ("open", "", True),
        ("approved", "approve", True),
        ("approved", "reject", False),
        ("approved", "lift", False),
        ("rejected", "reject", True),
        ("rejected", "lift", False),
        ("rejected", "approve", False),
    ],
)
def test_every_decision_in_every_state(state: str, word: str, refused: bool) -> None:
    case = exporting()
    case.settle(no_export=True)
    if state != "open":
        case.verdict({"approved": "approve", "rejected": "reject"}[state])

    case.verdict(word)

    assert bool(case.facts_of(FactKind.REFUSED)) == refused


def test_a_decision_about_a_hold_that_is_over_is_refused_with_a_reason() -> None:
    case = exporting()
    hold = case.hold()
    case.pend(CORP, Counts())
    case.look_again()

    case.tell(HoldDecided(hold=hold.id, decision="approve", by="maria", fingerprint=hold.fingerprint))
    case.tell(HoldDecided(hold=HoldId(77), decision="lift", by="maria"))

    assert [each.hold for each in case.facts_of(FactKind.REFUSED)] == [hold.id, 77]


def test_an_engine_that_cannot_say_what_is_pending_is_held_only_where_something_is_limited() -> None:
    """The defaults limit deletes; an agent without any limit is let pass."""
    bold = AgentSettings(id=APP, guards=Guards(staged=Thresholds(), exports=Thresholds()))
    settings = replace(careful(run_mode=RunMode.UNSUPPORTED), agents={**careful().agents, APP: bold})
    case = Case(settings=settings)
    case.mute = True
    for of in (CORP, APP):
        case.look_again()
        case.ask(of, "export")
        case.tell(Inspected(agent=of, pending=None))

    assert "mim/app: export" in case.going
    assert case.waits_for(CORP, "export") is WaitKind.HELD
    assert case.hold().counts is None
    assert "cannot count" in case.hold().text


def test_a_question_that_failed_is_asked_again_and_lets_nothing_pass_meanwhile() -> None:
    case = Case(settings=careful())
    case.mute = True
    case.look_again()
    case.ask(CORP, "export")

    case.tell(Inspected(agent=CORP, pending=None, error="RPC server unavailable"))
    assert case.going == set()
    assert case.state.holds == {}
    assert case.waits_for(CORP, "export") is WaitKind.INSPECTING
    case.ring()
    case.tell(case.answer(CORP))

    assert case.going == {"mim/corp: export"}
