"""The simulated engine and its connected systems, in simulated time. It knows nothing of any policy's rules.

A change waits in its source's log until an import that starts later stages it; a synchronization that starts after that
makes pending exports; an export sends them; an import that starts after the export confirms them. Exports may make new
attributes appear on the target, which flow on. The latency of a change runs to its last confirmed export.
"""

import heapq
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from benchmarks.orchestrator.topology import NEW, Durations, Topology
from benchmarks.orchestrator.workload import Workload

Packet = tuple[int, str]
"""A change by its number, and its kind at this place."""
HORIZON = 60 * 3600.0


@dataclass
class Run:
    """One run in the simulated engine, and after its end what it did."""

    agent: str
    kind: str
    begin: float
    end: float
    label: int = 0
    carried: list[Packet] = field(default_factory=list)
    confirming: list[Packet] = field(default_factory=list)
    outbound: dict[str, int] = field(default_factory=dict)
    idle: bool = False
    """Whether it was a delta run that found nothing to do."""


class Policy(Protocol):
    """Something that decides what runs when."""

    fixed_probe: bool
    """Whether its probes of a source are those of the predecessor."""

    def attach(self, world: "World") -> None:
        """Begin."""

    def fired(self, agent: str, changed: float) -> None:
        """Take note of a change on the agent, just noticed."""

    def ended(self, run: Run) -> None:
        """Take in the end of a run."""

    def full_import_due(self, agent: str) -> None:
        """Take note that a schedule wants a full import."""

    def settle(self) -> None:
        """Everything that happens at this moment has been told: start what should start."""

    def is_idle(self) -> bool:
        """Return whether nothing waits and nothing runs."""


class World:
    """One replication under one policy."""

    def __init__(
        self,
        topology: Topology,
        durations: Durations,
        workload: Workload,
        *,
        rng: random.Random,
        noise: float = 0.0,
        instant: bool = False,
    ) -> None:
        self.topology = topology
        self.durations = durations
        self.workload = workload
        self.now = 0.0
        self.runs: list[Run] = []
        self.confirmed: dict[int, float] = {}
        self.detected: dict[int, float] = {}
        self._rng = rng
        self._noise = noise
        self._instant = instant
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0
        self._log: dict[str, list[tuple[float, Packet]]] = defaultdict(list)
        self._staged: dict[str, list[Packet]] = defaultdict(list)
        self._pending: dict[str, list[Packet]] = defaultdict(list)
        self._sent: dict[str, list[Packet]] = defaultdict(list)
        self._going: list[Run] = []
        self._phase = {agent: rng.random() for agent in topology.agents}
        self._probing: set[tuple[str, float]] = set()
        self._open = 0
        """Packets that still lead to an export that must be confirmed."""
        self._to_come = 0

    # The clock

    def at(self, moment: float, what: Callable[[], None]) -> None:
        """Call ``what`` at the moment."""
        self._serial += 1
        heapq.heappush(self._events, (moment, self._serial, what))

    def play(self, policy: Policy) -> None:
        """Run until every change has arrived everywhere and the policy is at rest."""
        self._policy = policy
        self._to_come = len(self.workload.changes) + len(self.workload.full_imports)
        for number, (moment, source) in enumerate(self.workload.changes):
            self.at(moment, partial(self._change, number, source))
        for moment, agent in self.workload.full_imports:
            self.at(moment, partial(self._full_import, agent))
        policy.attach(self)
        policy.settle()
        while self._events and not self._is_over(policy):
            self.now = self._events[0][0]
            if self.now > HORIZON:
                break
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
            policy.settle()

    def _is_over(self, policy: Policy) -> bool:
        return self._open == 0 and self._to_come == 0 and not self._going and policy.is_idle()

    # Changes and how they are noticed

    def _change(self, number: int, source: str) -> None:
        self._to_come -= 1
        self._appear(source, (number, NEW), self.now)

    def _full_import(self, agent: str) -> None:
        self._to_come -= 1
        self._policy.full_import_due(agent)

    def _appear(self, agent: str, packet: Packet, moment: float, *, silent: bool = False) -> None:
        """Put a packet into the agent's system at the moment; it is noticed unless ``silent``."""
        self._log[agent].append((moment, packet))
        self._open += self._matters(agent, packet)
        if silent:
            return
        how = self.topology.detects(agent)
        seen = moment
        if not how.push and not self._instant:
            every = how.predecessor if self._policy.fixed_probe else how.every
            seen = self.next_probe(agent, every, moment)
        self.detected.setdefault(packet[0], seen)
        if (agent, seen) in self._probing and not how.push:
            return
        self._probing.add((agent, seen))
        self.at(seen, lambda: self._policy.fired(agent, moment))

    def next_probe(self, agent: str, every: float, moment: float) -> float:
        """Return when a probe at a fixed interval next looks."""
        offset = self._phase[agent] * every
        turns = -(-(moment - offset) // every)
        return offset + turns * every

    def _matters(self, agent: str, packet: Packet) -> int:
        return 1 if self.topology.targets(agent, packet[1]) else 0

    # Runs

    def staged(self, agent: str) -> int:
        """Return how many changes wait for a synchronization."""
        return len(self._staged[agent])

    def pending(self, agent: str) -> int:
        """Return how many changes wait for an export."""
        return len(self._pending[agent])

    def start(self, agent: str, kind: str, label: int = 0) -> Run:
        """Start a run; its end is told to the policy."""
        run = Run(agent, kind, self.now, self.now, label)
        if kind in {"DI", "FI"}:
            run.carried = [packet for moment, packet in self._log[agent] if moment <= self.now]
            self._log[agent] = [entry for entry in self._log[agent] if entry[0] > self.now]
            run.confirming, self._sent[agent] = self._sent[agent], []
        elif kind == "DS":
            run.carried, self._staged[agent] = self._staged[agent], []
        else:
            run.carried, self._pending[agent] = self._pending[agent], []
        run.idle = kind != "FI" and not run.carried and not run.confirming
        seconds = self.durations.seconds(agent, kind, len(run.carried) + len(run.confirming))
        run.end = self.now + seconds * (self._rng.lognormvariate(0.0, self._noise) if self._noise else 1.0)
        self.runs.append(run)
        self._going.append(run)
        self.at(run.end, lambda: self._end(run))
        return run

    def _end(self, run: Run) -> None:
        self._going.remove(run)
        if run.kind in {"DI", "FI"}:
            self._staged[run.agent].extend(run.carried)
            for number, _ in run.confirming:
                self.confirmed[number] = self.now
            self._open -= len(run.confirming)
        elif run.kind == "DS":
            self._synchronize(run)
        else:
            self._export(run)
        self._policy.ended(run)

    def _synchronize(self, run: Run) -> None:
        for packet in run.carried:
            targets = self.topology.targets(run.agent, packet[1])
            self._open += len(targets) - self._matters(run.agent, packet)
            for target in targets:
                self._pending[target].append(packet)
                run.outbound[target] = run.outbound.get(target, 0) + 1

    def _export(self, run: Run) -> None:
        self._sent[run.agent].extend(run.carried)
        how = self.topology.detects(run.agent)
        for number, kind in run.carried:
            made = self.topology.generated.get((run.agent, kind))
            if made is not None:
                new, delay = made
                self._appear(run.agent, (number, new), self.now + delay, silent=delay == 0)
        if not run.carried:
            return
        if how.push:
            self._policy.fired(run.agent, self.now)
        elif how.echoes and self._policy.fixed_probe:
            seen = self.next_probe(run.agent, how.predecessor, self.now)
            self.at(seen, lambda: self._policy.fired(run.agent, self.now))
