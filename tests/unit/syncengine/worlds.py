"""Small worlds for the tests: an engine over connected systems in memory, and words to make it run."""

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from autosync.syncengine.connectors.port import Connector
from autosync.syncengine.engine import SyncEngine
from autosync.syncengine.results import RunResult, StepResult
from autosync.syncengine.spec.parse import parse_spec

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that moves a second with each look, and by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def open_engine(
    folder: Path,
    rules: Mapping[str, Any],
    systems: Mapping[str, Connector],
    clock: Callable[[], datetime] | None = None,
    *,
    for_running: bool = True,
) -> SyncEngine:
    """Open an engine in ``folder``; Python functions of the rules are in ``folder``, too."""
    return SyncEngine.open(
        parse_spec(rules), folder / "engine.db", systems, clock=clock or Clock(), rules_folder=folder,
        for_running=for_running,
    )  # fmt: skip


def run(engine: SyncEngine, agent: str, profile: str) -> StepResult:
    """Run a profile that must end well, and return its only step."""
    result = engine.run(agent, profile)
    assert result.status == "success", result
    return result.steps[-1]


def counted(counters: Any) -> dict[str, int]:
    """Return the counters that are not zero."""
    return {name: value for name in counters.__slots__ if (value := getattr(counters, name))}


def settle(engine: SyncEngine, *, limit: int = 30) -> int:
    """Import, synchronize, export and confirm until nothing waits; return the rounds, fail when there is no end."""
    agents = [agent.name for agent in engine.describe()]
    for number in itertools.count(1):
        assert number <= limit, f"never quiet: {[engine.pending(agent) for agent in agents]}"
        busy = False
        for agent in agents:
            done(engine.run(agent, "full import"))
        for agent in agents:
            busy |= any(each.imports.total for each in engine.pending(agent).values())
            done(engine.run(agent, "delta sync"))
        for agent in agents:
            if any(each.exports.total for each in engine.pending(agent).values()):
                busy = True
                done(engine.run(agent, "export"))
        if not busy:
            return number
    raise AssertionError


def done(result: RunResult) -> None:
    """Fail where a run did not come to its end."""
    assert result.status.split("-")[0] in {"success", "completed"}, result
