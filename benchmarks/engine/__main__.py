"""Measure the embedded engine: ``python -m benchmarks.engine --objects 100000 [--seed N] [--workload TEXT] [--json]``.

Every run profile runs in a fresh process. The reference figures at the top belong to the same minute on the same machine:
quote results as ratios to them, or to the targets. ``units`` are processor time at the pace that the processor had during
the run (``benchmarks.engine.pace``): compare runs of different lengths or hours by them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.engine.group import measure_group
from benchmarks.engine.reference import csv_rows_per_second, sqlite_inserts_per_second
from benchmarks.engine.workloads import WORKLOADS, Scene, Workload, prepare_source


def measure(scene: Scene, workload: Workload) -> dict[str, Any]:
    """Run a workload in a process of its own and return what it took."""
    workload.prepare(scene)
    command = [sys.executable, "-m", "benchmarks.engine.worker", str(scene.folder), *workload.runs]
    answer = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if answer.returncode:
        raise SystemExit(answer.stderr)
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    objects = workload.fixed or scene.objects
    return {
        "workload": workload.name,
        "objects": objects,
        "rate": objects / found["seconds"],
        "must": workload.target(scene.objects, workload.must),
        "aim": workload.target(scene.objects, workload.aim),
        **found,
    }


def line(found: dict[str, Any]) -> str:
    """Return one line of the table."""
    verdict = "aim" if found["seconds"] <= found["aim"] else "must" if found["seconds"] <= found["must"] else "MISSED"
    failed = [run for run in found["runs"] if run["status"] != "success"]
    return (
        f"{found['workload']:40} {found['seconds']:9.3f} s {found['cpu']:8.3f} s {found['units']:8.3f} {found['rate']:10,.0f}/s"
        f" {found['memory']:5d} MB"
        f"  {found['must']:7.2f} / {found['aim']:6.2f}  {found['seconds'] / found['must']:5.2f}  {verdict}"
        + "".join(f"  {run['status']}: {run['message']}" for run in failed)
    )


def main() -> None:
    """Generate, measure, print."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    options.add_argument("--objects", type=int, default=100_000, help="people in the source (default 100000)")
    options.add_argument("--seed", type=int, default=1, help="of the made-up data (default 1)")
    options.add_argument("--workload", default="", help="show only workloads whose name has this text; all still run")
    options.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="autosync-benchmark-") as folder:
        scene = Scene(Path(folder), chosen.objects, chosen.seed)
        prepare_source(scene)
        reference = {
            "csv.reader rows per CPU second": csv_rows_per_second(scene.folder / "hr.csv"),
            "SQLite inserts per CPU second": sqlite_inserts_per_second(scene.folder),
        }
        if not chosen.json:
            print(", ".join(f"{name} {value:,.0f}" for name, value in reference.items()))
            print(
                f"{'run profile':40} {'time':>11} {'cpu':>10} {'units':>8} {'objects':>12} {'memory':>8}"
                f"  {'must / aim, s':>16}  ratio"
            )
        found = []
        for workload in WORKLOADS:
            one = measure(scene, workload)
            if chosen.workload not in workload.name:
                continue
            found.append(one)
            if not chosen.json:
                print(line(one), flush=True)
        if chosen.workload in "group":
            found.append(measure_group(scene))
            if not chosen.json:
                print(line(found[-1]))
        if chosen.json:
            print(json.dumps({"objects": chosen.objects, "reference": reference, "workloads": found}, indent=2))
        else:
            size = (scene.folder / "engine.db").stat().st_size
            print(f"store {size / 1e6:,.0f} MB, {size / (4 * chosen.objects):,.0f} bytes an object")


if __name__ == "__main__":
    main()
