"""The goals of the reference, each with what was measured: a line per topology and goal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.orchestrator.experiment import BOUND, CYCLE, OURS, PREDECESSOR, Played, percentile

Results = Mapping[tuple[str, str, str], Sequence[Played]]
"""By topology, workload and policy, the replications in their order."""


@dataclass(frozen=True)
class Verdict:
    """One goal on one topology."""

    topology: str
    goal: str
    measured: float
    limit: float
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def latencies(played: Sequence[Played]) -> list[float]:
    """Return the latencies of all replications."""
    return [latency for each in played for latency in each.latencies]


def p95(played: Sequence[Played]) -> float:
    """Return the 95th percentile over all changes of all replications."""
    return percentile(latencies(played), 0.95)


def verdicts(results: Results) -> Iterator[Verdict]:
    """Yield a verdict for every goal whose workload was played."""
    for topology in dict.fromkeys(topology for topology, _, _ in results):
        own = {(workload, policy): played for (name, workload, policy), played in results.items() if name == topology}
        yield from _against_bounds(topology, own)
        yield from _against_predecessor(topology, own)
        yield from _against_cycle(topology, own)
        yield from _promises(topology, own)


Own = Mapping[tuple[str, str], Sequence[Played]]


def _against_bounds(topology: str, own: Own) -> Iterator[Verdict]:
    if ("single", OURS) in own:
        ratio = p95(own["single", OURS]) / p95(own["single", BOUND])
        yield Verdict(topology, "idle change p95 / lower bound (no detection)", ratio, 1.05)
    if ("gap", OURS) in own:
        ratios = [
            ours.makespan / least.makespan for ours, least in zip(own["gap", OURS], own["gap", BOUND], strict=True)
        ]
        yield Verdict(topology, "a change per source: makespan / optimum, median", median(ratios), 1.25)
        yield Verdict(topology, "a change per source: makespan / optimum, p95", percentile(ratios, 0.95), 1.35)
    if ("burst", OURS) in own:
        mine, least = (sum(each.makespan for each in own["burst", policy]) for policy in (OURS, BOUND))
        yield Verdict(topology, "burst of 500: makespan / bound", mine / least, 2.2)


def _against_predecessor(topology: str, own: Own) -> Iterator[Verdict]:
    for workload, limit in (("steady", 0.75), ("busy", 0.70)):
        if (workload, OURS) in own:
            ratio = p95(own[workload, OURS]) / p95(own[workload, PREDECESSOR])
            yield Verdict(topology, f"{workload} p95 / predecessor's", ratio, limit)
    for workload in ("single", "burst", "steady", "busy"):
        if (workload, OURS) in own:
            mine, theirs = (sum(each.runs for each in own[workload, policy]) for policy in (OURS, PREDECESSOR))
            yield Verdict(topology, f"{workload} runs / predecessor's", mine / theirs, 1.30)


def _against_cycle(topology: str, own: Own) -> Iterator[Verdict]:
    for workload in ("single", "burst", "steady", "steady+FI", "busy"):
        if (workload, OURS) in own:
            ratio = p95(own[workload, CYCLE]) / p95(own[workload, OURS])
            limit = 10.0 if workload == "single" else 4.0
            yield Verdict(topology, f"{workload}: 30-minute cycle p95 / ours", ratio, limit, at_least=True)


def _promises(topology: str, own: Own) -> Iterator[Verdict]:
    if ("steady", OURS) in own and ("steady+FI", OURS) in own:
        ratio = p95(own["steady+FI", OURS]) / p95(own["steady", OURS])
        yield Verdict(topology, "full imports: p95 with / without", ratio, 1.25)
    if ("overload", OURS) in own:
        ratios = [max(each.latencies) / median(each.latencies) for each in own["overload", OURS]]
        yield Verdict(topology, "ten times busy: longest / median", max(ratios), 2.0)
    mine = [each for (_, policy), played in own.items() if policy == OURS for each in played]
    runs = sum(each.runs for each in mine)
    yield Verdict(topology, "no-op runs, share", sum(each.idle for each in mine) / runs, 0.01)
    yield Verdict(topology, "lost wake-ups", sum(each.lost for each in mine), 0)
    yield Verdict(topology, "exclusivity violations", sum(each.violations for each in mine), 0)
    yield Verdict(topology, "slowest decision, ms", 1000 * max(each.slowest_decision for each in mine), 50)
