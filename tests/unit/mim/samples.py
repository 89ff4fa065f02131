"""Where the synthetic files are, and files of real servers where somebody has put them."""

import os
from pathlib import Path

import pytest

from autosync.adapters.engines.mim.reading.ma_export import ManagementAgent, read_agent
from autosync.model.ids import EngineName

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data" / "mim"
MIM = EngineName("mim")


def real(pattern: str) -> list[Path]:
    """Return the real files whose names match; skip the test where there are none."""
    folder = Path(os.environ.get("AUTOSYNC_SAMPLES") or ROOT.parent / "shared" / "samples")
    found = sorted(folder.glob(pattern)) if folder.is_dir() else []
    if not found:
        pytest.skip(f"no files of real servers ({pattern}); name their folder in AUTOSYNC_SAMPLES")
    return found


def demo_agent() -> ManagementAgent:
    return read_agent((DATA / "management-agent.xml").read_bytes())
