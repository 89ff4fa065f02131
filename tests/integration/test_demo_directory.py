"""The demo with a real directory."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.services.slapd import Slapd

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_demo_fills_a_real_directory_and_ends_by_itself(tmp_path: Path, slapd: Slapd) -> None:
    """``slapd`` is asked for so that the test skips where there is none."""
    assert slapd.url
    answer = subprocess.run(
        [sys.executable, ROOT / "scripts" / "demo_directory.py", "--folder", tmp_path],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", timeout=100, check=False,
    )  # fmt: skip

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "1,000 added" in answer.stdout
    assert "cn=Kathleen Lamarr (E10030),ou=people,dc=example" in answer.stdout
