"""Deprovisioning that waits: who hears of its moment, and that it is dealt with once."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autosync.adapters.engines.embedded.options import EmbeddedKind, EmbeddedOptions
from autosync.adapters.engines.embedded.schedule import DeprovisioningTrigger, deprovisioning_triggers
from autosync.model.errors import TriggerFailed
from autosync.model.steps import Slot
from autosync.ports.trigger import Firing, Pulse
from autosync.syncengine.engine import SyncEngine
from autosync.syncengine.store.schedule import delayed_deprovisioning
from tests.unit.syncengine.memory import MemorySystem
from tests.unit.syncengine.worlds import START, Clock, open_engine, run, settle


def rules(then: Any = "delete") -> dict[str, Any]:
    return {
        "metaverse": {"person": {"attributes": {"id": {"key": True}, "here": {"type": "boolean"}}}},
        "agents": {
            "hr": {
                "connector": {"type": "memory"},
                "person": {"project": "always", "import": {"id": "id", "here": {"equals": ["status", "A"]}}},
            },
            "flat": {
                "connector": {"type": "memory"},
                "person": {
                    "provision": {"when": "here", "dn": "{id}"},
                    "export": {"id": "id", "locked": {"constant": "no"}},
                    "deprovision": {"after": "30d", "then": then},
                },
            },
        },
    }


def world(tmp_path: Path, then: Any = "delete") -> tuple[SyncEngine, Clock, MemorySystem, MemorySystem]:
    clock, hr, flat = Clock(), MemorySystem(), MemorySystem()
    hr.put("ann", id="ann", status="A")
    engine = open_engine(tmp_path, rules(then), {"hr": hr, "flat": flat}, clock)
    settle(engine)
    hr.put("ann", id="ann", status="L")
    settle(engine)
    return engine, clock, hr, flat


def options(tmp_path: Path) -> EmbeddedOptions:
    parsed = EmbeddedKind().parse(rules(), tmp_path)
    assert isinstance(parsed.options, EmbeddedOptions)
    return parsed.options


class WatchClock:
    """A wall clock that a watcher's own pauses move on."""

    def __init__(self, now: datetime) -> None:
        self.time = now
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return self.time

    def elapsed(self) -> float:
        return (self.time - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += timedelta(seconds=seconds)


async def first_firing(
    trigger: DeprovisioningTrigger, *, looks: int = 10
) -> tuple[Firing | None, list[Firing | Pulse]]:
    seen: list[Firing | Pulse] = []
    async for each in trigger.watch(None):
        seen.append(each)
        if isinstance(each, Firing) or len(seen) >= looks:
            return each if isinstance(each, Firing) else None, seen
    raise AssertionError


def test_the_trigger_fires_when_the_moment_comes_also_for_what_began_to_wait_before_a_restart(tmp_path: Path) -> None:
    engine, clock, _, _ = world(tmp_path)
    engine.close()
    found = delayed_deprovisioning(tmp_path / "engine.db", "flat", clock.now)
    assert (found.due, found.first is not None) == (0, True)
    assert found.first is not None
    watching = WatchClock(found.first - timedelta(seconds=90))
    (trigger,) = deprovisioning_triggers(options(tmp_path), watching).values()
    firing, seen = asyncio.run(first_firing(trigger))

    assert firing is not None
    assert (firing.slot, firing.text, firing.changed) == (
        Slot.DELTA_SYNC, "1 delayed deprovisioning is due", found.first
    )  # fmt: skip
    assert watching.time == found.first, "not later than it must"
    assert watching.pauses == [60, 30]
    assert seen[0] == Pulse(details={"next": found.first.isoformat(timespec="seconds")})
    late = deprovisioning_triggers(options(tmp_path), WatchClock(found.first + timedelta(days=400)))["flat"]
    assert isinstance(asyncio.run(first_firing(late))[1][0], Firing), "long over, after a start: at once"


def test_what_is_due_is_told_once_and_no_more_after_its_synchronization(tmp_path: Path) -> None:
    engine, clock, _, flat = world(tmp_path)
    clock.now += timedelta(days=31)
    watching = WatchClock(clock.now)
    trigger = deprovisioning_triggers(options(tmp_path), watching)["flat"]

    async def watch() -> list[str]:
        seen = []
        async for each in trigger.watch(None):
            seen.append("fired" if isinstance(each, Firing) else "quiet")
            if len(seen) == 3:
                run(engine, "flat", "delta sync")
            if len(seen) == 5:
                return seen
        raise AssertionError

    assert asyncio.run(watch()) == ["fired", "quiet", "quiet", "quiet", "quiet"]
    assert delayed_deprovisioning(tmp_path / "engine.db", "flat", watching.time).first is None
    settle(engine)
    assert flat.values() == {}


def test_a_store_that_is_not_there_yet_has_nothing_due_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    (trigger,) = deprovisioning_triggers(options(tmp_path), WatchClock(START)).values()
    assert asyncio.run(first_firing(trigger, looks=2)) == (None, [Pulse(), Pulse()])
    (tmp_path / "engine.db").write_bytes(b"no database" * 1000)

    with pytest.raises(TriggerFailed, match=r"engine\.db"):
        asyncio.run(first_firing(trigger))


def test_what_was_disabled_after_its_delay_is_not_looked_at_again_and_again(tmp_path: Path) -> None:
    engine, clock, hr, flat = world(tmp_path, {"disable": {"locked": "yes"}})
    assert flat.values() == {"ann": {"id": "ann", "locked": "no"}}
    clock.now += timedelta(days=31)
    settle(engine)
    assert flat.values() == {"ann": {"id": "ann", "locked": "yes"}}
    before = engine._store.connection.total_changes  # type: ignore[attr-defined]
    run(engine, "hr", "delta sync")
    assert engine._store.connection.total_changes - before == 4, "the run's own record alone"  # type: ignore[attr-defined]
    run(engine, "flat", "full sync")
    settle(engine)
    assert flat.values() == {"ann": {"id": "ann", "locked": "yes"}}, "the delay does not begin anew"
    hr.put("ann", id="ann", status="A")
    settle(engine)

    assert flat.values() == {"ann": {"id": "ann", "locked": "no"}}
