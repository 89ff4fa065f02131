"""``python -m benchmarks.orchestrator``: AutoSync's scheduling beside its predecessor, a fixed cycle and the bound."""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks.orchestrator.experiment import OURS, Played, Task, percentile, replicate
from benchmarks.orchestrator.goals import Results, Verdict, latencies, verdicts
from benchmarks.orchestrator.workload import REPLICATIONS, WORKLOADS

QUICK = {"single": 10, "gap": 10, "burst": 3, "steady": 1, "steady+FI": 1, "busy": 1, "overload": 0}


def main(arguments: Sequence[str]) -> int:
    """Play, print, and return 1 where a goal was missed."""
    options = _options(arguments)
    begin = time.perf_counter()
    tasks = _tasks(options)
    with ProcessPoolExecutor(options.processes) as pool:
        outcomes = list(pool.map(replicate, tasks))
    grouped: dict[tuple[str, str, str], list[Played]] = defaultdict(list)
    for task, played in zip(tasks, outcomes, strict=True):
        for each in played:
            grouped[Path(task.topology).stem, task.workload, each.policy].append(each)
    found = list(verdicts(grouped))
    if options.json:
        print(json.dumps({"results": _summary(grouped), "goals": [_row(each) for each in found]}, indent=1))
    else:
        _print_table(grouped)
        _print_goals(found)
        print(f"\n{len(tasks)} replications, seed {options.seed}, {time.perf_counter() - begin:.0f} s")
    return 0 if all(each.is_met for each in found) else 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orchestrator", description=__doc__)
    parser.add_argument("--topology", default="T1,T2,T3", help="T1, T2, T3, a JSON or YAML file; several by commas")
    parser.add_argument("--workload", default="all", help=f"all, or some of {', '.join(WORKLOADS)} by commas")
    parser.add_argument("--reps", type=int, help="replications of each workload; default as in the reference")
    parser.add_argument("--seed", type=int, default=1000, help="default 1000; 0 to 9 are for development")
    parser.add_argument("--quick", action="store_true", help="fewer replications, no overload")
    parser.add_argument("--noise", type=float, default=0.0, help="log-normal sigma on each of our actual durations")
    parser.add_argument("--cold", action="store_true", help="nothing learned before the measured time")
    parser.add_argument("--mode", default="supported", choices=["supported", "unsupported", "exclusive"])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def _tasks(options: argparse.Namespace) -> list[Task]:
    workloads = list(WORKLOADS) if options.workload == "all" else options.workload.split(",")
    plan = QUICK if options.quick else REPLICATIONS
    return [
        Task(topology, workload, rep, options.seed, options.noise, options.cold, options.mode)
        for topology in options.topology.split(",")
        for workload in workloads
        for rep in range(options.reps or plan[workload])
    ]


def _summary(results: Results) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for (topology, workload, policy), played in results.items():
        late = latencies(played)
        rows.append({
            "topology": topology,
            "workload": workload,
            "policy": policy,
            "median_s": round(median(late), 1),
            "p95_s": round(percentile(late, 0.95), 1),
            "max_s": round(max(late), 1),
            "makespan_s": round(sum(each.makespan for each in played) / len(played), 1),
            "runs": round(sum(each.runs for each in played) / len(played), 1),
            "no_op_runs": sum(each.idle for each in played),
            "violations": sum(each.violations for each in played),
            "lost_wake_ups": sum(each.lost for each in played),
            "exact": all(each.exact for each in played),
        })  # fmt: skip
    return rows


def _row(verdict: Verdict) -> dict[str, object]:
    return {**asdict(verdict), "met": verdict.is_met}


def _print_table(results: Results) -> None:
    print(f"{'':<10}{'workload':<11}{'policy':<9}{'median':>8}{'p95':>8}{'max':>8}{'makespan':>10}", end="")
    print(f"{'runs':>8}{'no-op':>7}{'lost':>6}{'violations':>12}")
    for row in _summary(results):
        mark = ">" if row["policy"] == OURS else " "
        print(f"{mark:<2}{row['topology']:<8}{row['workload']:<11}{row['policy']:<9}", end="")
        print(f"{row['median_s']:>8.0f}{row['p95_s']:>8.0f}{row['max_s']:>8.0f}{row['makespan_s']:>10.0f}", end="")
        print(f"{row['runs']:>8}{row['no_op_runs']:>7}{row['lost_wake_ups']:>6}{row['violations']:>12}")


def _print_goals(found: Sequence[Verdict]) -> None:
    print(f"\n{'':<10}{'goal':<50}{'measured':>10}{'limit':>9}")
    for each in found:
        sign = ">=" if each.at_least else "<="
        met = "met" if each.is_met else "MISSED"
        print(f"{each.topology:<10}{each.goal:<50}{each.measured:>10.3f}{sign:>4} {each.limit:<6g} {met}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
