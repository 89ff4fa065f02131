"""How numbers and names read."""

from datetime import timedelta

import pytest

from autosync.core.narration import by_whom, counts_text, duration, slot_text
from autosync.model.counts import Counts
from autosync.model.ids import PartitionName
from autosync.model.steps import Slot
from autosync.model.wording import number


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (0.137, "0.14 s"),
        (2.5, "2.5 s"),
        (45, "45 s"),
        (60, "1 min"),
        (64, "1 min 4 s"),
        (7500, "2 h 5 min"),
        (86400 * 3 + 7200, "3 d 2 h"),
    ],
)
def test_durations_read_like_speech(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def test_counts_are_numbers() -> None:
    assert counts_text(Counts(adds=1, deletes=1200)) == "1 add, 1,200 deletes"
    assert counts_text(Counts()) == "no changes"
    assert counts_text(None) == "an unknown number of changes"
    assert number(2, "entry", "entries") == "2 entries"


def test_names_read_like_speech() -> None:
    assert slot_text(Slot.DELTA_IMPORT, None) == "delta import"
    assert slot_text(Slot.EXPORT, PartitionName("DC=a")) == "export of DC=a"
    assert (by_whom("anna", ""), by_whom("anna", "CHG1")) == ("by anna", "by anna: CHG1")
