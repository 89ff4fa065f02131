"""How soon each kind of trigger fires after a change, and how soon its request is in the queue of a running AutoSync.

    python -m benchmarks.triggers [--changes 50] [--quick]

Time counts from the moment at which the change is asked for, so that the connected system's own commit is in it. Directories
and databases come from scripts/services; where one is not installed its row says so.
"""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Sequence
from random import Random

from benchmarks.triggers.clockwork import WAYS, late
from benchmarks.triggers.local import subjects
from benchmarks.triggers.measuring import Subject, measure
from benchmarks.triggers.servers import SERVERS
from scripts.services.processes import ServiceFailed, free_port

GOAL_S = 1.0


def main() -> int:
    """Measure and print; return 1 when a trigger that is told misses the goal."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.triggers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--changes", type=int, default=50, help="changes a trigger")
    parser.add_argument("--quick", action="store_true", help="five changes a trigger")
    parser.add_argument("--only", default="", help="kinds to measure, with commas between")
    asked = parser.parse_args()
    changes = 5 if asked.quick else asked.changes
    print(f"{changes} changes each; goal for what is told: {GOAL_S:g} s to the queue, each time\n", flush=True)
    print("| trigger | way | asks every | to fire: median | p95 | slowest | to the queue: median | p95 | slowest |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    return int(run(changes, frozenset(filter(None, asked.only.split(",")))))


def run(changes: int, only: frozenset[str]) -> bool:
    """Measure everything; return whether a goal was missed."""
    missed = False
    for subject in subjects(free_port()):
        missed |= shown(subject, changes, only)
    for name, when in WAYS:
        if not only or name in only:
            row(name, "by the clock", "", asyncio.run(late(when, changes, Random(7))), missed=False)
    for name, running, found in SERVERS:
        with contextlib.ExitStack() as stack:
            try:
                server = stack.enter_context(running())
            except ServiceFailed as error:
                print(f"| {name} | {str(error).splitlines()[0]} | | | | | | | |", flush=True)
                continue
            for subject in found(server):
                missed |= shown(subject, changes, only)
    return missed


def shown(subject: Subject, changes: int, only: frozenset[str]) -> bool:
    """Measure one trigger and print its row; return whether it missed the goal."""
    if only and subject.kind not in only:
        return False
    times = asyncio.run(measure(subject, changes, Random(7)))
    late_ones = subject.pushes and max(times.queued) > GOAL_S
    asks = "" if subject.every_s is None else f"{subject.every_s:g} s"
    row(subject.kind, subject.way, asks, (times.fired, times.queued), missed=late_ones)
    return late_ones


def row(kind: str, way: str, asks: str, times: tuple[Sequence[float], Sequence[float]], *, missed: bool) -> None:
    """Print one row."""
    cells = " | ".join(cell for each in times for cell in _spread(each))
    print(f"| {kind} | {way} | {asks} | {cells}{' **missed**' if missed else ''} |", flush=True)


def _spread(seconds: Sequence[float]) -> tuple[str, str, str]:
    """Return median, p95 and the slowest in milliseconds."""
    ordered = sorted(seconds)
    picks = (ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], ordered[-1])
    median, p95, slowest = (f"{1000 * each:,.1f} ms" for each in picks)
    return median, p95, slowest


if __name__ == "__main__":
    sys.exit(main())
