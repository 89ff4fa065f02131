"""Which profile serves which purpose."""

import pytest

from autosync.core.discovery import meant_by, partitions_of, profile_for, profile_named, provisional, renamed
from autosync.model.agents import Agent
from autosync.model.ids import PartitionName, ProfileName
from autosync.model.settings import AgentSettings
from autosync.model.steps import Profile, Slot, StepKind
from tests.unit.core.world import AD, DI, DS, EX, FI, FS, HR, ONE, agent, profile

CORP, LAB = PartitionName("DC=corp,DC=example"), PartitionName("DC=lab,DC=corp,DC=example")
PLAIN = AgentSettings(id=HR)


def found(
    known: Agent, slot: Slot, partition: PartitionName = ONE, settings: AgentSettings = PLAIN
) -> ProfileName | None:
    return profile_for(known, settings, slot, partition)


def only(*profiles: Profile) -> Agent:
    return agent(HR, *profiles, plain=False)


@pytest.mark.parametrize(
    ("slot", "name"),
    [
        (Slot.DELTA_IMPORT, DI),
        (Slot.FULL_IMPORT, FI),
        (Slot.SCHEDULED_IMPORT, DI),
        (Slot.CONFIRMING_IMPORT, DI),
        (Slot.DELTA_SYNC, DS),
        (Slot.FULL_SYNC, FS),
        (Slot.EXPORT, EX),
    ],
)
def test_a_plain_step_decides_the_slot(slot: Slot, name: ProfileName) -> None:
    assert found(agent(HR), slot) == name


def test_without_a_delta_import_the_full_import_serves() -> None:
    full = only(profile("Load", (StepKind.FULL_IMPORT, "default")))

    slots = (Slot.DELTA_IMPORT, Slot.SCHEDULED_IMPORT, Slot.CONFIRMING_IMPORT, Slot.FULL_IMPORT)

    assert {found(full, slot) for slot in slots} == {"Load"}


def test_nothing_stands_in_for_a_missing_sync_or_export() -> None:
    imports = only(profile("Load", (StepKind.FULL_IMPORT, "default")))

    assert [found(imports, slot) for slot in (Slot.DELTA_SYNC, Slot.FULL_SYNC, Slot.EXPORT)] == [None, None, None]


def test_of_equally_good_profiles_the_last_serves() -> None:
    two = only(profile("A", (StepKind.EXPORT, "default")), profile("B", (StepKind.EXPORT, "default")))

    assert found(two, Slot.EXPORT) == "B"


def test_w34_combined_and_multi_step_profiles_serve_where_there_is_no_plain_one() -> None:
    combined = profile("DIDS", (StepKind.DELTA_IMPORT_DELTA_SYNC, "default"))
    steps = profile("EX+DI", (StepKind.EXPORT, "default"), (StepKind.DELTA_IMPORT, "default"))
    known = only(combined, steps)

    assert found(known, Slot.DELTA_IMPORT) == "DIDS"
    assert found(known, Slot.EXPORT) == "EX+DI"
    assert found(agent(HR, combined, steps), Slot.DELTA_IMPORT) == DI


def test_a_profile_that_does_more_than_would_come_next_serves_nothing() -> None:
    everything = profile(
        "All", *((kind, "default") for kind in (StepKind.DELTA_IMPORT, StepKind.DELTA_SYNC, StepKind.EXPORT))
    )

    assert {found(only(everything), slot) for slot in Slot} == {None}


def test_a_profile_without_steps_serves_nothing() -> None:
    assert found(only(profile("Empty")), Slot.EXPORT) is None


def test_one_profile_may_serve_several_partitions() -> None:
    both = profile("DI all", (StepKind.DELTA_IMPORT, CORP), (StepKind.DELTA_IMPORT, LAB))
    known = agent(AD, both, partitions=(CORP, LAB), plain=False)

    assert found(known, Slot.DELTA_IMPORT, CORP) == "DI all"
    assert found(known, Slot.DELTA_IMPORT, LAB) == "DI all"
    assert found(known, Slot.DELTA_IMPORT, PartitionName("DC=elsewhere")) is None


def test_the_operators_choice_wins_and_an_empty_slot_means_never() -> None:
    chosen = AgentSettings(
        id=HR, slots={PartitionName("Default"): {Slot.EXPORT: ProfileName("Mine"), Slot.CONFIRMING_IMPORT: None}}
    )

    assert found(agent(HR), Slot.EXPORT, settings=chosen) == "Mine"
    assert found(agent(HR), Slot.CONFIRMING_IMPORT, settings=chosen) is None
    assert found(agent(HR), Slot.DELTA_SYNC, settings=chosen) == DS


def test_an_override_is_found_by_the_exact_partition_first() -> None:
    chosen = AgentSettings(id=HR, slots={ONE: {Slot.EXPORT: ProfileName("Mine")}})

    assert found(agent(HR), Slot.EXPORT, settings=chosen) == "Mine"


def test_w5_a_place_inside_a_partition_means_that_partition() -> None:
    known = agent(AD, partitions=(CORP, LAB))

    assert partitions_of(known, PartitionName("OU=people,DC=lab,DC=corp,DC=example")) == (LAB,)
    assert partitions_of(known, PartitionName("OU=people,DC=corp,DC=example")) == (CORP,)


def test_w31_partitions_are_found_whatever_their_case() -> None:
    known = agent(AD, partitions=(CORP, LAB))

    assert partitions_of(known, PartitionName("dc=CORP,dc=Example")) == (CORP,)
    assert partitions_of(known, CORP) == (CORP,)
    assert partitions_of(known, PartitionName("DC=elsewhere")) == ()


def test_no_partition_means_all_of_them() -> None:
    assert partitions_of(agent(AD, partitions=(CORP, LAB)), None) == (CORP, LAB)


def test_profiles_are_found_whatever_their_case() -> None:
    assert [profile_named(agent(HR), ProfileName(name)) for name in ("EX", "ex", "EXX")] == [EX, EX, None]


def test_w30_a_renamed_profile_is_the_only_one_that_does_the_same() -> None:
    before = profile("Old", (StepKind.EXPORT, "default"))
    same = profile("New", (StepKind.EXPORT, "default"))

    assert renamed(before, only(same)) == "New"
    assert renamed(before, only(same, profile("Newer", (StepKind.EXPORT, "default")))) is None
    assert renamed(before, only()) is None


@pytest.mark.parametrize("slot", Slot)
@pytest.mark.parametrize("partition", [None, CORP])
def test_a_provisional_name_says_what_it_means(slot: Slot, partition: PartitionName | None) -> None:
    assert meant_by(provisional(slot, partition)) == (slot, partition)


def test_an_ordinary_name_is_not_provisional() -> None:
    assert meant_by(ProfileName("Export of the month")) is None
