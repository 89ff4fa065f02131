"""What a finished run makes necessary: each row of ARCHITECTURE.md 5.3, for every kind of step."""

import pytest

from autosync.core.followups import Exported, Needed, Outbound, followups
from autosync.model.causes import CauseKind
from autosync.model.counts import Counts, StepResult
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, ProfileName
from autosync.model.requests import WaitKind
from autosync.model.settings import AgentSettings, EngineSettings, RunMode, Settings
from autosync.model.steps import Profile, Slot, StepKind
from autosync.model.stimuli import StopAsked
from tests.unit.decisions.building import APP, CORP, MIM, NOTHING, PART, PEOPLE, Case, agent, profile, result

ONE_OF_EACH = [Counts(**{name: 1}) for name in ("adds", "updates", "renames", "deletes", "delete_adds")]
DI, FI, DS, FS, EX = (
    StepKind.DELTA_IMPORT,
    StepKind.FULL_IMPORT,
    StepKind.DELTA_SYNC,
    StepKind.FULL_SYNC,
    StepKind.EXPORT,
)
COMBINED = [StepKind.FULL_IMPORT_DELTA_SYNC, StepKind.FULL_IMPORT_FULL_SYNC, StepKind.DELTA_IMPORT_DELTA_SYNC]


def needed(*steps: StepResult, full_sync: bool = False) -> list[str]:
    """The follow-ups as words: ``delta-sync default``, ``look mim/corp``, ``exported default``."""
    words = []
    for each in followups(steps, full_sync=full_sync):
        match each:
            case Needed():
                words.append(f"{each.slot.value} {each.partition}")
            case Outbound():
                words.append("look " + ("everywhere" if each.targets is None else " ".join(each.targets)))
            case Exported():
                words.append(f"exported {each.partition}")
    return words


def did(kind: StepKind, partition: str = PART, status: str = "success", changes: int = 3) -> StepResult:
    """A step that found something to do."""
    counts = Counts(updates=changes)
    outbound = {CORP: changes} if kind.syncs else {}
    return result(kind, status, partition, staged=counts, exported=counts, outbound=outbound)


SINGLE = [
    (DI, ["delta-sync default"]),
    (FI, ["delta-sync default"]),
    (DS, ["look mim/corp"]),
    (FS, ["look mim/corp"]),
    (EX, ["exported default", "confirming-import default"]),
    *((kind, ["look mim/corp"]) for kind in COMBINED),
    (StepKind.UNKNOWN, ["look mim/corp", "exported default", "confirming-import default"]),
]


def test_the_table_of_single_steps_has_every_kind() -> None:
    assert {kind for kind, _ in SINGLE} == set(StepKind)


@pytest.mark.parametrize(("kind", "words"), SINGLE)
def test_a_single_step_that_found_work_leads_to(kind: StepKind, words: list[str]) -> None:
    assert needed(did(kind)) == words


@pytest.mark.parametrize("kind", StepKind)
def test_a_single_step_that_found_nothing_leads_to_nothing(kind: StepKind) -> None:
    assert needed(result(kind, staged=NOTHING, exported=NOTHING, outbound={CORP: 0})) == []


@pytest.mark.parametrize(("kind", "words"), SINGLE)
def test_w28_unknown_counters_of_a_step_that_ended_well_mean_work(kind: StepKind, words: list[str]) -> None:
    expected = [word.replace("mim/corp", "everywhere") for word in words]

    assert needed(result(kind)) == expected
    assert needed(result(kind, "completed-sync-errors")) == expected
    assert needed(result(kind, "stopped-connectivity")) == []


@pytest.mark.parametrize("counts", ONE_OF_EACH, ids=repr)
def test_one_change_of_any_kind_is_enough(counts: Counts) -> None:
    assert needed(result(DI, staged=counts)) == ["delta-sync default"]
    assert needed(result(EX, exported=counts)) == ["exported default", "confirming-import default"]


@pytest.mark.parametrize("failures", [1, 5000])
def test_w29_failures_alone_confirm_nothing(failures: int) -> None:
    step = result(EX, "completed-export-errors", exported=NOTHING, export_failures=failures, error_count=failures)

    assert needed(step) == []


def test_w29_failures_beside_a_success_are_confirmed() -> None:
    step = result(EX, "completed-export-errors", exported=Counts(adds=1), export_failures=7)

    assert needed(step) == ["exported default", "confirming-import default"]


PROFILES = [
    # what a profile does in order, what is left to do
    ((DI, DS), ["look mim/corp"]),
    ((FI, FS), ["look mim/corp"]),
    ((FI, DS), ["look mim/corp"]),
    ((DI, StepKind.DELTA_IMPORT_DELTA_SYNC), ["look mim/corp"]),
    ((DS, DI), ["look mim/corp", "delta-sync default"]),
    ((EX, DI), ["exported default", "delta-sync default"]),
    ((EX, FI), ["exported default", "delta-sync default"]),
    ((EX, DI, DS), ["exported default", "look mim/corp"]),
    ((EX, StepKind.DELTA_IMPORT_DELTA_SYNC), ["exported default", "look mim/corp"]),
    ((DI, EX), ["delta-sync default", "exported default", "confirming-import default"]),
    ((DI, DS, EX), ["look mim/corp", "exported default", "confirming-import default"]),
    ((DI, DS, EX, DI), ["look mim/corp", "exported default", "delta-sync default"]),
    ((DI, DI), ["delta-sync default", "delta-sync default"]),
    ((DI, EX, DS), ["exported default", "confirming-import default", "look mim/corp"]),
]


@pytest.mark.parametrize(("kinds", "left"), PROFILES, ids=lambda each: " ".join(map(str, each)))
def test_a_profile_of_several_steps_leaves_what_no_later_step_did(kinds: list[StepKind], left: list[str]) -> None:
    assert needed(*(did(kind) for kind in kinds)) == left


def test_a_later_step_of_another_partition_does_not_help() -> None:
    assert needed(did(DI, "DC=a"), did(DS, "DC=b")) == ["delta-sync DC=a", "look mim/corp"]
    assert needed(did(EX, "DC=a"), did(DI, "DC=b", changes=0)) == ["exported DC=a", "confirming-import DC=a"]


def test_each_partition_of_one_run_needs_its_own_sync() -> None:
    assert needed(did(DI, "DC=a"), did(DI, "DC=b")) == ["delta-sync DC=a", "delta-sync DC=b"]


@pytest.mark.parametrize(("kind", "slot"), [(FI, Slot.FULL_SYNC), (DI, Slot.DELTA_SYNC)])
def test_w34_a_full_import_is_followed_by_a_full_sync_where_that_was_chosen(kind: StepKind, slot: Slot) -> None:
    assert needed(did(kind), full_sync=True) == [f"{slot.value} default"]


# The same in decisions


def test_a_staging_import_puts_its_sync_in_front_with_the_run_as_the_cause() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.switch(PEOPLE, on=False)
    case.end(PEOPLE, did(DI, changes=4))

    request = case.request(PEOPLE, "delta sync")
    assert request.front
    assert [(each.kind, each.run) for each in request.causes] == [(CauseKind.RUN, 1)]
    assert request.expected == 4


def test_an_export_puts_its_confirming_import_in_front() -> None:
    case = Case()
    case.ask(CORP, "export")
    case.switch(CORP, on=False)

    case.end(CORP, did(EX))

    request = case.request(CORP, "delta import")
    assert request.front
    assert request.confirms


@pytest.mark.parametrize("kind", [*COMBINED, StepKind.UNKNOWN])
def test_a_combined_run_is_followed_by_exports_and_not_by_a_sync(kind: StepKind) -> None:
    case = Case(agent(PEOPLE, profile("all at once", kind), profile("delta sync", DS)), agent(CORP))
    case.ask(PEOPLE, "all at once")
    case.pend(CORP, Counts(adds=2))

    case.end(PEOPLE, result(kind, staged=Counts(adds=9), exported=NOTHING, outbound={CORP: 2}))

    assert case.going == {"mim/corp: export"}
    assert case.waiting == set()


def test_several_partitions_are_synchronized_after_the_last_of_their_imports() -> None:
    case = Case(agent(CORP, partitions=("DC=a", "DC=b", "DC=c")), settings=Settings())
    case.fire(CORP)
    order = []
    while case.state.runs:
        [run] = case.state.runs.values()
        order.append(run.profile)
        kind, partition = case.agents[CORP].profiles[run.profile].steps[0].kind, run.profile.rpartition(" ")[2]
        case.end(CORP, result(kind, partition=partition, staged=Counts(adds=1), outbound={}))

    assert [each.rpartition(" ")[0] for each in order] == ["delta import"] * 3 + ["delta sync"] * 3


def test_a_sync_profile_of_all_partitions_runs_once_for_a_group_of_imports() -> None:
    parts = ("DC=a", "DC=b")
    imports = [profile(f"delta import {each}", DI, partition=each) for each in parts]
    steps = tuple(step for each in parts for step in profile("", DS, partition=each).steps)
    both = Profile(name=ProfileName("delta sync"), steps=steps)
    case = Case(agent(CORP, *imports, both, partitions=parts))
    case.fire(CORP)

    for _ in parts:
        run = case.run(CORP)
        case.end(CORP, result(DI, partition=run.profile.rpartition(" ")[2], staged=Counts(adds=1)))
    case.end(CORP)

    assert case.started.count("mim/corp: delta sync") == 1
    assert case.going == set()


def test_w31_a_partition_that_the_result_writes_in_another_case_is_the_same() -> None:
    case = Case(agent(CORP, partitions=("DC=corp,DC=example",)))
    case.fire(CORP)

    case.end(CORP, result(DI, partition="dc=Corp,dc=Example", staged=Counts(adds=1)))

    assert case.going == {"mim/corp: delta sync"}
    assert case.facts_of(FactKind.REQUEST_UNRESOLVED) == []


@pytest.mark.parametrize("slot", [Slot.DELTA_SYNC, Slot.CONFIRMING_IMPORT])
def test_an_empty_slot_means_never_and_is_said_once(slot: Slot) -> None:
    settings = Settings(agents={CORP: AgentSettings(id=CORP, slots={PART: {slot: None}})})
    case = Case(settings=settings)
    name, kind = ("delta import", DI) if slot is Slot.DELTA_SYNC else ("export", EX)

    for _ in range(3):
        case.ask(CORP, name)
        case.end(CORP, did(kind))

    assert case.waiting == set()
    assert len(case.facts_of(FactKind.REQUEST_UNRESOLVED)) == 1
    assert "said once" in case.facts_of(FactKind.REQUEST_UNRESOLVED)[0].text


def test_an_export_of_one_engine_wakes_an_import_of_another() -> None:
    entra = AgentId("entra/directory")
    settings = Settings(agents={CORP: AgentSettings(id=CORP, wakes=frozenset({entra}))})
    case = Case(agent(CORP), agent(entra), settings=settings)
    case.ask(CORP, "export")

    case.end(CORP, did(EX))

    assert case.going == {"mim/corp: delta import", "entra/directory: delta import"}
    assert [each.kind for each in case.run(entra).causes] == [CauseKind.WAKE]
    assert case.run(entra).cascades == case.run(CORP).cascades


@pytest.mark.parametrize("exported", [NOTHING, None])
def test_an_export_wakes_nobody_unless_something_may_have_left(exported: Counts | None) -> None:
    entra = AgentId("entra/directory")
    settings = Settings(agents={CORP: AgentSettings(id=CORP, wakes=frozenset({entra}))})
    case = Case(agent(CORP), agent(entra), settings=settings)
    case.ask(CORP, "export")

    case.end(CORP, result(EX, exported=exported))

    assert ("entra/directory: delta import" in case.going) == (exported is None)


def test_every_target_of_a_sync_is_looked_at_and_only_what_is_pending_is_exported() -> None:
    case = Case(settings=Settings(engines={MIM: EngineSettings(name=MIM, run_mode=RunMode.UNSUPPORTED)}))
    case.ask(PEOPLE, "delta sync")
    case.pend(CORP, Counts(adds=1))

    case.end(PEOPLE, result(DS, outbound={CORP: 1, APP: 1}))

    assert case.going == {"mim/corp: export"}


def test_w40_w6_a_target_that_is_stopped_keeps_its_wish_until_it_is_not() -> None:
    case = Case()
    case.switch(CORP, on=False)
    case.ask(PEOPLE, "delta sync")
    case.pend(CORP, Counts(adds=1))

    case.end(PEOPLE, result(DS, outbound={CORP: 1}))
    assert case.waits_for(CORP, "export") is WaitKind.STOPPED
    case.switch(CORP, on=True)

    assert case.going == {"mim/corp: export"}


def test_w20_a_target_that_cannot_be_asked_does_not_keep_the_others_from_exporting() -> None:
    entra = AgentId("mim/gone")
    case = Case(agent(PEOPLE), agent(CORP))
    case.ask(PEOPLE, "delta sync")
    case.pend(CORP, Counts(adds=1))

    case.end(PEOPLE, result(DS, outbound={entra: 5, CORP: 1}))

    assert case.going == {"mim/corp: export"}


def test_w9_a_run_that_ended_well_after_somebody_asked_it_to_stop_has_its_follow_ups() -> None:
    case = Case()
    case.fire(PEOPLE)
    case.tell(StopAsked(agent=PEOPLE, by="maria"))

    case.end(PEOPLE, did(DI))

    assert case.going == {"mim/people: delta sync"}


def test_a_confirming_import_that_the_engine_did_not_count_teaches_nothing() -> None:
    case = Case()
    for staged in (Counts(adds=1), None):
        case.ask(CORP, "export")
        case.end(CORP, result(EX, exported=Counts(adds=1)))
        case.end(CORP, result(DI, staged=staged))
        while case.state.runs:
            case.end(next(iter(case.state.runs.values())).agent)

    assert case.state.estimates[CORP, ProfileName("delta import")].confirming == 1.0
