"""Triggers under the suite that every trigger must pass: the file trigger for real, the scripted one in simulated time."""

import asyncio
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random

import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.scripts.hosts import script_of
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.file import FileOptions, FileTrigger
from autosync.adapters.triggers.script.options import ScriptTriggerOptions
from autosync.adapters.triggers.script.watching import ScriptTrigger
from autosync.options.script import Language, ScriptOptions
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


WATCH = """\
import asyncio
from pathlib import Path

async def watch(token=None):
    path = Path(__file__).with_name("version")
    while True:
        version = path.read_text() if path.exists() else ""
        if version not in ("", token):
            token = version
            yield {"type": "delta-import", "token": version}
        await asyncio.sleep(0.02)
"""
POLL = """\
from pathlib import Path

def run_profile_to_execute(token, state):
    version = Path(__file__).with_name("version").read_text()
    return {"profile": "DI", "token": version} if version != token else None
"""


@pytest.mark.parametrize("text", [WATCH, POLL], ids=["watch", "poll"])
@pytest.mark.parametrize("case", CASES)
def test_a_trigger_in_python_keeps_its_promises(case: str, text: str, tmp_path: Path) -> None:
    numbers = count(1)
    script = tmp_path / "trigger.py"
    script.write_text(text, encoding="utf-8")

    def change() -> None:
        new = tmp_path / "version.new"
        new.write_text(str(next(numbers)), encoding="utf-8")
        new.replace(tmp_path / "version")

    change()
    options = ScriptTriggerOptions(script=ScriptOptions(language=Language.PYTHON, path=script), every=EVERY)
    stage = TriggerStage(
        make=lambda: ScriptTrigger(options, script_of(options.script, Secrets({})), SystemClock(), "HR"),
        change=change,
        patience_s=5,
        quiet_s=0.6,
    )
    asyncio.run(getattr(TriggerContract(stage), case)())
