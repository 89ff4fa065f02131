"""What changes when: the five workloads of the reference, overload, and one change per source."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.orchestrator.topology import Topology

HOUR = 3600.0


@dataclass(frozen=True)
class Workload:
    """Changes as (time, source), in order of time, and full imports as (time, agent)."""

    name: str
    changes: tuple[tuple[float, str], ...]
    full_imports: tuple[tuple[float, str], ...] = ()


def _any_source(topology: Topology, rng: random.Random) -> str:
    return rng.choices(list(topology.sources), list(topology.sources.values()))[0]


def _single(topology: Topology, rng: random.Random) -> Workload:
    return Workload("single", ((rng.uniform(0, HOUR / 2), _any_source(topology, rng)),))


def _burst(topology: Topology, rng: random.Random) -> Workload:
    times = sorted(rng.uniform(0, 60) for _ in range(500))
    return Workload("burst", tuple((moment, _any_source(topology, rng)) for moment in times))


def _stream(topology: Topology, rng: random.Random, interval: float, length: float) -> tuple[tuple[float, str], ...]:
    """Return changes that come by chance, on average one per source and interval."""
    moments: list[tuple[float, str]] = []
    for source in topology.sources:
        moment = rng.expovariate(1 / interval)
        while moment < length:
            moments.append((moment, source))
            moment += rng.expovariate(1 / interval)
    return tuple(sorted(moments))


def _steady(topology: Topology, rng: random.Random) -> Workload:
    return Workload("steady", _stream(topology, rng, 600, 4 * HOUR))


def _steady_with_full_imports(topology: Topology, rng: random.Random) -> Workload:
    changes = _stream(topology, rng, 600, 4 * HOUR)
    full = sorted((rng.uniform(0, 4 * HOUR), agent) for agent in topology.agents for _ in range(2))
    return Workload("steady+FI", changes, tuple(full))


def _busy(topology: Topology, rng: random.Random) -> Workload:
    return Workload("busy", _stream(topology, rng, 60, 2 * HOUR))


def _overload(topology: Topology, rng: random.Random) -> Workload:
    return Workload("overload", _stream(topology, rng, 6, 2 * HOUR))


def _one_each(topology: Topology, _: random.Random) -> Workload:
    return Workload("gap", tuple((0.0, source) for source in topology.sources))


WORKLOADS: Mapping[str, Callable[[Topology, random.Random], Workload]] = {
    "single": _single,
    "burst": _burst,
    "steady": _steady,
    "steady+FI": _steady_with_full_imports,
    "busy": _busy,
    "overload": _overload,
    "gap": _one_each,
}
REPLICATIONS = {"single": 40, "burst": 20, "steady": 12, "steady+FI": 8, "busy": 8, "overload": 1, "gap": 30}


def warm_up(topology: Topology, rounds: int = 3, apart: float = 2 * HOUR) -> Workload:
    """Return quiet single changes, one source after the other: what a service has seen before the measured time."""
    sources = [source for _ in range(rounds) for source in topology.sources]
    return Workload("warm-up", tuple((turn * apart, source) for turn, source in enumerate(sources)))
