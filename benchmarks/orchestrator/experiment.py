"""One replication: the same draws for every policy, and what came of it."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.orchestrator.bound import Least, least_makespan
from benchmarks.orchestrator.cycle import FixedCycle
from benchmarks.orchestrator.ours import Estimates, Ours
from benchmarks.orchestrator.predecessor import Predecessor
from benchmarks.orchestrator.referee import lost_wake_ups, violations
from benchmarks.orchestrator.topology import Durations, Topology, draw_durations, topology_for
from benchmarks.orchestrator.workload import WORKLOADS, Workload, warm_up
from benchmarks.orchestrator.world import Policy, World

NEVER = float("inf")
OURS, PREDECESSOR, CYCLE, BOUND = "ours", "lithnet", "entra", "LB"
EVERYBODY = (OURS, PREDECESSOR, BOUND, CYCLE)
ABOUT: Mapping[str, tuple[str, ...]] = {"overload": (OURS,), "gap": (OURS, PREDECESSOR, BOUND)}
"""Who plays a workload, where not everybody does."""


@dataclass(frozen=True)
class Task:
    """Which replication of what."""

    topology: str
    workload: str
    rep: int
    seed: int
    noise: float = 0.0
    cold: bool = False
    mode: str = "supported"

    def rng(self, what: str) -> random.Random:
        """Return a generator of its own for each thing that is drawn; replications of all workloads draw the same."""
        return random.Random(f"{self.seed}/{self.topology}/{self.rep}/{what}")


@dataclass(frozen=True)
class Played:
    """What one policy made of one replication."""

    policy: str
    latencies: tuple[float, ...]
    makespan: float
    runs: int = 0
    idle: int = 0
    violations: int = 0
    lost: int = 0
    slowest_decision: float = 0.0
    exact: bool = True


def replicate(task: Task, only: frozenset[str] | None = None) -> list[Played]:
    """Play one replication under every policy that the workload is about, or only under some."""
    topology = topology_for(task.topology, task.rng("topology"))
    durations = draw_durations(topology, task.rng("durations"))
    workload = WORKLOADS[task.workload](topology, task.rng(task.workload.split("+")[0]))
    played: list[Played] = []
    for policy in ABOUT.get(task.workload, EVERYBODY):
        if only is not None and policy not in only:
            continue
        if policy == OURS:
            played.append(_ours(topology, durations, workload, task))
        elif policy == BOUND:
            played.append(_bound(topology, durations, workload, task.mode))
        else:
            rival = Predecessor() if policy == PREDECESSOR else FixedCycle()
            played.append(_play(policy, rival, _world(topology, durations, workload, task), task.mode))
    return played


def _ours(topology: Topology, durations: Durations, workload: Workload, task: Task) -> Played:
    policy = Ours({} if task.cold else _learned(topology, durations, task), task.mode)
    played = _play(OURS, policy, _world(topology, durations, workload, task, noise=task.noise), task.mode)
    return replace(played, slowest_decision=max(policy.decisions))


def _world(topology: Topology, durations: Durations, workload: Workload, task: Task, *, noise: float = 0.0) -> World:
    # Detection counts where a real day is played; against a bound of what comes after it, it does not.
    instant = task.workload in {"single", "gap"}
    return World(topology, durations, workload, rng=task.rng("world"), noise=noise, instant=instant)


def _learned(topology: Topology, durations: Durations, task: Task) -> Estimates:
    """Return what a service knows after some quiet changes: nothing of the measured time."""
    policy = Ours(mode=task.mode)
    World(topology, durations, warm_up(topology), rng=task.rng("warm-up")).play(policy)
    return policy.state.estimates


def _play(name: str, policy: Policy, world: World, mode: str) -> Played:
    world.play(policy)
    changes = world.workload.changes
    arrived = [world.confirmed.get(number, NEVER) for number in range(len(changes))]
    return Played(
        policy=name,
        latencies=tuple(end - begin for end, (begin, _) in zip(arrived, changes, strict=True)),
        makespan=max(arrived) - changes[0][0],
        runs=len(world.runs),
        idle=sum(run.idle for run in world.runs),
        violations=violations(world.runs, mode),
        lost=lost_wake_ups(world),
    )


def _bound(topology: Topology, durations: Durations, workload: Workload, mode: str) -> Played:
    """Return each change's least latency alone, and for all at once the least makespan."""
    sources = Counter(source for _, source in workload.changes)
    alone: Mapping[str, Least] = {source: least_makespan(topology, durations, {source: 1}, mode) for source in sources}
    together = least_makespan(topology, durations, sources, mode)
    return Played(
        policy=BOUND,
        latencies=tuple(alone[source].seconds for _, source in workload.changes),
        makespan=together.seconds,
        exact=together.exact,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
