"""Run profiles in a process of their own, and say in one line of JSON how long they took and how much memory."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autosync.syncengine.engine import SyncEngine
from autosync.syncengine.results import StepResult
from benchmarks.engine.pace import Pace
from benchmarks.engine.rules import connectors, rules


def peak_memory() -> int:
    """Return the process's peak resident memory in MB; 0 where the system does not tell.

    Not ``ru_maxrss``: that survives exec, so that a child shows its parent's peak.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def counters(step: StepResult) -> dict[str, int]:
    """Return the counters that are not zero."""
    blocks: list[tuple[str, Any]] = [("", step.staging), ("", step.inbound), ("", step.export)]
    blocks += [(f"{name}: ", block) for name, block in step.outbound.items()]
    return {
        prefix + name: value for prefix, block in blocks for name in block.__slots__ if (value := getattr(block, name))
    }


def main() -> None:
    """Run ``folder agent:profile …``; the time is that of the runs alone, without the process's start and the pace."""
    folder = Path(sys.argv[1])
    data, spec = rules(folder)
    engine = SyncEngine.open(spec, folder / "engine.db", connectors(data, folder), clock=lambda: datetime.now(UTC))
    pace = Pace()
    started, worked, answers = time.perf_counter(), time.process_time(), []
    for each in sys.argv[2:]:
        agent, _, profile = each.partition(":")
        result = engine.run(agent, profile, on_progress=pace)
        answers.append({"status": result.status, "message": result.message, "counters": counters(result.steps[-1])})
    cpu = time.process_time() - worked - pace.seconds
    seconds = time.perf_counter() - started - pace.elapsed
    engine.close()
    units = pace.units(cpu)
    print(json.dumps({"seconds": seconds, "cpu": cpu, "units": units, "memory": peak_memory(), "runs": answers}))


if __name__ == "__main__":
    main()
