"""An engine as small as it can be: changes that are unread, staged, pending and confirmed, moved on by runs.

A run takes what is there when it starts; what comes later needs the next run.
"""

from dataclasses import dataclass, field

from autosync.model.agents import Agent, Pending, PendingSet, PendingSide
from autosync.model.commands import Inspect
from autosync.model.counts import Counts, RunResult, StepResult
from autosync.model.ids import AgentId, PartitionName, ProfileName, RunId
from autosync.model.steps import StepKind

ONE = PartitionName("default")


@dataclass
class Space:
    """One agent: what its connected system and its connector space hold."""

    unread: int = 0
    staged: int = 0
    pending: int = 0
    generates: bool = False
    """Whether each export makes the connected system generate a value that the confirming import reads."""


@dataclass
class Going:
    """A run in the engine. ``run`` is None for somebody else's."""

    handle: str
    agent: AgentId
    profile: ProfileName
    kinds: tuple[StepKind, ...]
    run: RunId | None
    taken: dict[str, int] = field(default_factory=dict)


class TinyEngine:
    def __init__(self, agents: dict[AgentId, Agent], flows: dict[AgentId, tuple[AgentId, ...]]) -> None:
        self.agents = agents
        self.flows = flows
        self.spaces = {each: Space() for each in agents}
        self.going: dict[AgentId, Going] = {}
        self.ended: dict[tuple[AgentId, str], RunResult] = {}
        self.newest: dict[AgentId, Going] = {}
        self.numbers = dict.fromkeys(agents, 0)

    def start(self, agent: AgentId, profile: ProfileName, run: RunId | None) -> Going:
        assert agent not in self.going, f"{agent} is running already"
        self.numbers[agent] += 1
        kinds = tuple(step.kind for step in self.agents[agent].profiles[profile].steps)
        going = Going(handle=str(self.numbers[agent]), agent=agent, profile=profile, kinds=kinds, run=run)
        space = self.spaces[agent]
        going.taken = {"unread": space.unread, "staged": space.staged, "pending": space.pending}
        self.going[agent] = self.newest[agent] = going
        return going

    def finish(self, agent: AgentId, status: str = "success") -> RunResult:
        """End the agent's run; one that does not end well has done nothing."""
        going = self.going.pop(agent)
        well = status == "success" or status.startswith("completed-")
        steps = tuple(self._step(going, kind, status, well=well) for kind in going.kinds)
        result = RunResult(handle=going.handle, status=status, steps=steps)
        self.ended[agent, going.handle] = result
        return result

    def _step(self, going: Going, kind: StepKind, status: str, *, well: bool) -> StepResult:
        space, taken = self.spaces[going.agent], going.taken
        staged = exported = 0
        outbound: dict[AgentId, int] = {}
        if well and kind.imports:
            # A later step reads what the export before it made the connected system generate.
            staged = taken["unread"] if kind is going.kinds[0] else space.unread
            space.unread -= staged
            space.staged += staged
        if well and kind.syncs:
            done = taken["staged"] + (staged if kind.imports else 0)
            space.staged -= done
            outbound = {target: done for target in self.flows.get(going.agent, ()) if done}
            for target, count in outbound.items():
                self.spaces[target].pending += count
        if well and kind.exports:
            exported = taken["pending"]
            space.pending -= exported
            space.unread += exported if space.generates else 0
        return StepResult(
            kind=kind,
            partition=ONE,
            status=status,
            staged=Counts(adds=staged),
            exported=Counts(adds=exported),
            outbound=outbound,
        )

    def look(self, asked: Inspect) -> Pending:
        """Return what was asked for, and no more."""

        def side(side: PendingSide, count: int) -> dict[PartitionName, PendingSet] | None:
            if side not in asked.sides:
                return None
            return {ONE: PendingSet(counts=Counts(adds=count))} if count else {}

        space = self.spaces[asked.agent]
        return Pending(
            agent=asked.agent,
            imports=side(PendingSide.IMPORTS, space.staged),
            exports=side(PendingSide.EXPORTS, space.pending),
        )

    def needs_import(self, agent: AgentId) -> bool:
        """Return whether something is unread that no running import has taken."""
        return self.spaces[agent].unread > self._taken(agent, "unread", "imports")

    def needs_sync(self, agent: AgentId) -> bool:
        return self.spaces[agent].staged > self._taken(agent, "staged", "syncs")

    def needs_export(self, agent: AgentId) -> bool:
        return self.spaces[agent].pending > self._taken(agent, "pending", "exports")

    def is_idle(self) -> bool:
        nothing = all(not (space.unread or space.staged or space.pending) for space in self.spaces.values())
        return nothing and not self.going

    def _taken(self, agent: AgentId, what: str, does: str) -> int:
        going = self.going.get(agent)
        if going is None or not any(getattr(kind, does) for kind in going.kinds):
            return 0
        return going.taken[what]
