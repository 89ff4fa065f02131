"""``python -m benchmarks.decision``: how long one decision of the core takes, with 15 and with 500 agents.

A third of the agents are sources with ten targets each; every source changes once a minute for half an hour. The engine is
simulated, the decisions are real: processor time of ``decide`` from the stimuli to the commands, look ahead included.
"""

import argparse
import json
import random
import sys
from collections.abc import Sequence

from benchmarks.orchestrator.experiment import percentile
from benchmarks.orchestrator.ours import Ours
from benchmarks.orchestrator.topology import NEW, Topology, draw_durations
from benchmarks.orchestrator.workload import Workload
from benchmarks.orchestrator.world import World

LIMITS_MS = {15: 50.0, 500: 200.0}
MINUTES = 30


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return 1 where a limit was passed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decision", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=1000)
    options = parser.parse_args(arguments)
    rows = [measure(agents, options.seed) | {"limit_ms": limit} for agents, limit in LIMITS_MS.items()]
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            print("  ".join(f"{name} {value:g}" for name, value in row.items()))
    return 0 if all(row["max_ms"] <= row["limit_ms"] for row in rows) else 1


def measure(agents: int, seed: int) -> dict[str, float]:
    """Return the percentiles of the time of a decision, in milliseconds."""
    rng = random.Random(f"{seed}/{agents}")
    topology = _topology(agents, rng)
    changes = [(60.0 * minute + rng.uniform(0, 60), source) for minute in range(MINUTES) for source in topology.sources]
    policy = Ours()
    workload = Workload("decisions", tuple(sorted(changes)))
    World(topology, draw_durations(topology, rng), workload, rng=rng).play(policy)
    taken = [1000 * seconds for seconds in policy.decisions]
    figures = {f"p{share:g}_ms": round(percentile(taken, share / 100), 2) for share in (50, 95, 99)}
    return {"agents": agents, "decisions": len(taken)} | figures | {"max_ms": round(max(taken), 2)}


def _topology(agents: int, rng: random.Random) -> Topology:
    names = [f"A{number:03}" for number in range(agents)]
    sources, targets = names[: agents // 3], names[agents // 3 :]
    return Topology(
        name=f"{agents} agents",
        agents=tuple(names),
        sources=dict.fromkeys(sources, 1 / len(sources)),
        flows={(source, NEW): tuple(rng.sample(targets, min(10, len(targets)))) for source in sources},
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
