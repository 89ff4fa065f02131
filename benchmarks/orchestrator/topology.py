"""Who is connected to whom: the three topologies of the reference, and any other from a file."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

NEW = "new"
RUN_KINDS = ("DI", "DS", "EX", "FI")
DURATIONS: Mapping[str, tuple[float, float]] = {"DI": (20, 60), "DS": (10, 120), "EX": (10, 60), "FI": (180, 600)}
PER_CHANGE = (0.02, 0.05)


@dataclass(frozen=True)
class Detection:
    """How a change on an agent is noticed: by push, or by a probe each ``every`` seconds.

    ``predecessor`` is the interval of the predecessor's own trigger for such an agent.
    """

    push: bool = False
    every: float = 5.0
    predecessor: float = 5.0
    echoes: bool = False
    """Whether the predecessor's probe also sees what was exported there."""


@dataclass(frozen=True)
class Topology:
    """Agents, the flows between them, and what a target generates by itself.

    A packet is one change at one place, of one kind. ``flows`` tells where a synchronization of an agent sends a kind;
    ``generated`` which kind an export of a kind makes appear there, and after how many seconds.
    """

    name: str
    agents: tuple[str, ...]
    sources: Mapping[str, float]
    """Source agents and their share of single changes and bursts."""
    flows: Mapping[tuple[str, str], tuple[str, ...]]
    generated: Mapping[tuple[str, str], tuple[str, float]] = field(default_factory=dict)
    detection: Mapping[str, Detection] = field(default_factory=dict)
    durations: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)

    def targets(self, agent: str, kind: str) -> tuple[str, ...]:
        """Return where a synchronization of ``agent`` sends packets of ``kind``."""
        return self.flows.get((agent, kind), ())

    def detects(self, agent: str) -> Detection:
        """Return how changes on the agent are noticed."""
        return self.detection.get(agent, Detection())

    def span(self, agent: str, run: str) -> tuple[float, float]:
        """Return the range of durations of a kind of run."""
        return self.durations.get(agent, {}).get(run, DURATIONS[run])


@dataclass(frozen=True)
class Durations:
    """How long runs take in one replication: the same for all policies."""

    fixed: Mapping[tuple[str, str], float]
    per_change: Mapping[tuple[str, str], float]

    def seconds(self, agent: str, run: str, changes: int) -> float:
        """Return the nominal duration of a run that carries so many changes."""
        return self.fixed[agent, run] + self.per_change[agent, run] * changes


def draw_durations(topology: Topology, rng: random.Random) -> Durations:
    """Draw one replication's durations."""
    keys = [(agent, run) for agent in topology.agents for run in RUN_KINDS]
    return Durations(
        fixed={(agent, run): rng.uniform(*topology.span(agent, run)) for agent, run in keys},
        per_change={key: rng.uniform(*PER_CHANGE) for key in keys},
    )


PUSH = Detection(push=True)


def t1(_: random.Random) -> Topology:
    """HR to AD, LDAP and SQL; AD generates SID and mail, written back to HR; 15 % of changes begin in AD."""
    return Topology(
        name="T1",
        agents=("HR", "AD", "LDAP", "SQL"),
        sources={"HR": 0.85, "AD": 0.15},
        flows={("HR", NEW): ("AD", "LDAP", "SQL"), ("AD", NEW): ("HR", "LDAP", "SQL"), ("AD", "sid"): ("HR",)},
        generated={("AD", NEW): ("sid", 0.0)},
        detection={"AD": PUSH},
    )


def t2(rng: random.Random) -> Topology:
    """Five sources, ten targets, four to ten of them per source; two generate attributes that flow nowhere."""
    sources = [f"S{number}" for number in range(1, 6)]
    targets = [f"T{number:02}" for number in range(1, 11)]
    flows = {(source, NEW): tuple(sorted(rng.sample(targets, rng.randint(4, 10)))) for source in sources}
    return Topology(
        name="T2",
        agents=(*sources, *targets),
        sources=dict.fromkeys(sources, 0.2),
        flows=flows,
        generated={("T01", NEW): ("guid", 0.0), ("T02", NEW): ("guid", 0.0)},
        detection={"S5": PUSH, "T01": PUSH, "T02": PUSH},
    )


def t3(_: random.Random) -> Topology:
    """HR to the MIM Service, whose workflow lets changes pass after 30 s to AD; the SID flows back. Also portal changes."""
    return Topology(
        name="T3",
        agents=("HR", "MIM", "AD"),
        sources={"HR": 0.85, "MIM": 0.15},
        flows={
            ("HR", NEW): ("MIM",),
            ("MIM", NEW): ("AD",),
            ("MIM", "approved"): ("AD",),
            ("AD", "sid"): ("MIM",),
        },
        generated={("MIM", NEW): ("approved", 30.0), ("AD", NEW): ("sid", 0.0), ("AD", "approved"): ("sid", 0.0)},
        detection={"MIM": Detection(predecessor=60.0, echoes=True), "AD": PUSH},
    )


BUILTIN = {"T1": t1, "T2": t2, "T3": t3}


def topology_for(name: str, rng: random.Random) -> Topology:
    """Return a built-in topology, or the one in a JSON or YAML file; see ``docs/benchmarks/orchestrator.md``."""
    if name in BUILTIN:
        return BUILTIN[name](rng)
    text = Path(name).read_text(encoding="utf-8")
    return parse(json.loads(text) if name.endswith(".json") else yaml.safe_load(text), Path(name).stem)


def parse(data: Mapping[str, Any], name: str) -> Topology:
    """Return a topology from its description: agents, sources, flows, generated, detection, durations."""
    flows = {(flow["from"], flow.get("kind", NEW)): tuple(flow["to"]) for flow in data["flows"]}
    generated = {
        (rule["at"], rule.get("when", NEW)): (rule["kind"], float(rule.get("after", 0)))
        for rule in data.get("generated", ())
    }
    named = {agent for (origin, _), targets in flows.items() for agent in (origin, *targets)}
    sources = data["sources"]
    return Topology(
        name=str(data.get("name", name)),
        agents=tuple(data.get("agents", sorted(named))),
        sources=sources if isinstance(sources, dict) else dict.fromkeys(sources, 1 / len(sources)),
        flows=flows,
        generated=generated,
        detection={agent: Detection(**options) for agent, options in data.get("detection", {}).items()},
        durations={
            agent: {run: (float(low), float(high)) for run, (low, high) in ranges.items()}
            for agent, ranges in data.get("durations", {}).items()
        },
    )
