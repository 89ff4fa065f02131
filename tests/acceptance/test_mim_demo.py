"""The demonstration of the MIM engine works on any machine, without a terminal, and ends by itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_demo_drives_the_stand_in_through_a_bad_day_and_ends(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "autosync", "demo", "mim", "--no-stay"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=110,
        check=False,
    )

    assert told.returncode == 0, told.stdout + told.stderr
    assert "none twice" in told.stdout
    assert "200 changed" in told.stdout
    assert "contact with" in told.stdout
    assert told.stdout.count("everywhere after") >= 5
    log = (tmp_path / "demo" / "mim" / "state.log").read_text(encoding="utf-8")
    assert "adapter-failed" not in log
