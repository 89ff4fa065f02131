"""The runtime in real time: ``python -m benchmarks.runtime [latency|storm|simulation] [--quick]``."""

import argparse
import asyncio
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from autosync.testing.play import play_seed
from benchmarks.runtime import latency, storm


def main() -> None:
    """Measure and print, each figure with its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["latency", "storm", "simulation"])
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    for what in asked.what:
        {"latency": _latency, "storm": _storm, "simulation": _simulation}[what](quick=asked.quick)


def _latency(*, quick: bool) -> None:
    gaps = asyncio.run(latency.measure(20 if quick else 200))
    print("from ended to the next start, durable commit between (goal: at most 20 ms)")
    for profile in sorted({profile for profile, _ in gaps}):
        times = sorted(seconds * 1000 for each, seconds in gaps if each == profile)
        p95 = times[int(len(times) * 0.95) - 1]
        print(f"  {profile:<4} n={len(times):<4} median {statistics.median(times):6.2f} ms   p95 {p95:6.2f} ms")


def _storm(*, quick: bool) -> None:
    load = asyncio.run(storm.measure(10 if quick else 60))
    print(
        f"{storm.AGENTS} agents, {storm.PER_SECOND:,} firings a second ({load.fired:,} fired, {load.refused} refused)"
    )
    print(f"  {load.share_of_a_core:.0%} of a core (goal: at most 30 %), {load.started} runs started")
    print(
        f"  peak memory {load.peak_mb:.0f} MB (goal: at most 120 MB), longest turn {load.longest_turn_s * 1000:.0f} ms"
    )


def _simulation(*, quick: bool) -> None:
    print("simulated days a minute of processor time (of real time)")
    for changes_a_day in (1, 10):
        days = 30.0 if quick else 200.0
        busy, begin = time.process_time(), time.monotonic()
        report = play_seed(20_000, hours=24 * days, changes=round(days * changes_a_day))
        busy, taken = time.process_time() - busy, time.monotonic() - begin
        played = report.hours / 24 * 60
        print(f"  {changes_a_day:>3} changes a day: {played / busy:,.0f} ({played / taken:,.0f}), {report.starts} runs")
        print(*report.wrong, sep="\n", end="")


if __name__ == "__main__":
    main()
