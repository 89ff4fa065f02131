"""The fixed cycle of Entra Connect Sync: every 30 minutes import all, synchronize all, export all, one after the other."""

from benchmarks.orchestrator.topology import RUN_KINDS
from benchmarks.orchestrator.world import Run, World

CYCLE = 1800.0


class FixedCycle:
    """Exports are confirmed by the imports of the next cycle. A cycle that takes longer delays the next."""

    fixed_probe = True

    def __init__(self) -> None:
        self._left: list[tuple[str, str]] = []
        self._going = False
        self._full: set[str] = set()

    def attach(self, world: World) -> None:
        self._world = world
        world.at(0.0, self._begin)

    def _begin(self) -> None:
        if self._going or self._left:
            self._world.at(self._world.now + 1.0, self._begin)
            return
        agents = self._world.topology.agents
        self._left = [(agent, kind) for kind in ("DI", "DS", "EX") for agent in agents]
        self._world.at(self._world.now + CYCLE, self._begin)

    def fired(self, agent: str, changed: float) -> None:
        """Nothing: it does not listen."""

    def full_import_due(self, agent: str) -> None:
        self._full.add(agent)

    def ended(self, run: Run) -> None:
        assert run.kind in RUN_KINDS
        self._going = False

    def settle(self) -> None:
        if self._left and not self._going:
            agent, kind = self._left.pop(0)
            if kind == "DI" and agent in self._full:
                self._full.discard(agent)
                kind = "FI"
            self._going = True
            self._world.start(agent, kind)

    def is_idle(self) -> bool:
        return not self._going and not self._left
