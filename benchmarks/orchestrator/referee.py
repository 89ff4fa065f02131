"""The referee: looks at the runs of a replication alone, and knows nothing of how they were decided."""

from collections.abc import Sequence

from benchmarks.orchestrator.world import Run, World


def violations(runs: Sequence[Run], mode: str = "supported") -> int:
    """Return how many pairs of runs overlapped that may not."""
    found = 0
    going: list[Run] = []
    for run in sorted(runs, key=lambda each: (each.begin, each.end)):
        going = [other for other in going if other.end > run.begin + 1e-9]
        found += sum(1 for other in going if _may_not(run, other, mode))
        going.append(run)
    return found


def _may_not(run: Run, other: Run, mode: str) -> bool:
    if run.agent == other.agent or mode == "exclusive":
        return True
    syncs = (run.kind == "DS") + (other.kind == "DS")
    return syncs > 0 if mode == "supported" else syncs > 1


def lost_wake_ups(world: World, probe: float = 5.0) -> int:
    """Return how many changes lay in a source beside an idle system for longer than two probes."""
    busy = _busy_spans(world.runs)
    lost = 0
    for moment, source in world.workload.changes:
        began = [run.begin for run in world.runs if run.agent == source and run.kind in {"DI", "FI"}]
        picked_up = min((begin for begin in began if begin >= moment), default=float("inf"))
        lost += _longest_rest(busy, moment, picked_up) > 2 * probe
    return lost


def _busy_spans(runs: Sequence[Run]) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for run in sorted(runs, key=lambda each: each.begin):
        if spans and run.begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], run.end))
        else:
            spans.append((run.begin, run.end))
    return spans


def _longest_rest(busy: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    longest = 0.0
    for first, last in busy:
        if last <= begin:
            continue
        if first >= end:
            break
        longest = max(longest, first - begin)
        begin = max(begin, last)
    return max(longest, end - begin)
