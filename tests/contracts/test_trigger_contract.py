"""Triggers under the suite that every trigger must pass: the file trigger for real, the scripted one in simulated time."""

import asyncio
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random

import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.triggers.file import FileOptions, FileTrigger
from autosync.testing.clock import SimulatedClock
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage
from autosync.testing.simulation import run_simulated
from autosync.testing.triggers import ScriptedTrigger

SETTLE, EVERY = timedelta(milliseconds=20), timedelta(milliseconds=100)


@pytest.mark.parametrize("case", CASES)
def test_a_scripted_trigger_keeps_its_promises(case: str) -> None:
    async def main(_clock: SimulatedClock, _random: Random) -> None:
        trigger = ScriptedTrigger()
        await getattr(TriggerContract(TriggerStage(make=lambda: trigger, change=trigger.change)), case)()

    run_simulated(main)


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("case", CASES)
def test_a_file_trigger_keeps_its_promises(case: str, kind: str, tmp_path: Path) -> None:
    numbers = count()
    path = tmp_path / "hr.csv" if kind == "file" else tmp_path
    options = FileOptions(path=path, patterns=("*.csv",), settle=SETTLE, every=EVERY)

    def change() -> None:
        (tmp_path / "hr.csv").write_text(f"id,name\n1,{next(numbers)}\n", encoding="utf-8")

    stage = TriggerStage(make=lambda: FileTrigger(options, SystemClock()), change=change, patience_s=5, quiet_s=0.3)
    asyncio.run(getattr(TriggerContract(stage), case)())
