"""Each agent's newest ended run, for displays that ask again and again."""

from dataclasses import dataclass

from autosync.core.state import State
from autosync.model.ids import AgentId, RunId
from autosync.model.runs import OutcomeKind, Run
from autosync.ports.store import RunFilter, Store

_PAGE = 200
_ENDED = frozenset(OutcomeKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    last_run: int
    """The newest run id of all agents when the agent was looked at."""
    running: frozenset[RunId]
    run: Run | None


class LatestRuns:
    """Answers from one page of the newest runs, and from the store only for agents that did nothing for long."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[AgentId, _Seen] = {}

    async def of(self, agents: list[AgentId], state: State) -> dict[AgentId, Run]:
        """Return the newest ended run of each of ``agents`` that ever had one."""
        page = await self._store.runs(RunFilter(limit=_PAGE, outcomes=_ENDED))
        newest: dict[AgentId, Run] = {}
        for run in page:
            newest.setdefault(run.agent, run)
        for agent in agents:
            if agent in newest:
                continue
            quiet = await self._quiet(agent, state)
            if quiet is not None:
                newest[agent] = quiet
        return newest

    async def _quiet(self, agent: AgentId, state: State) -> Run | None:
        running = frozenset(run.id for run in state.runs.values() if run.agent == agent)
        seen = self._seen.get(agent)
        # A run that began and ended since would be on the page, unless a whole page of runs began meanwhile.
        if seen is not None and seen.running == running and state.last_run - seen.last_run < _PAGE // 2:
            return seen.run
        found = await self._store.runs(RunFilter(agent=agent, outcomes=_ENDED, limit=1))
        run = found[0] if found else None
        self._seen[agent] = _Seen(last_run=state.last_run, running=running, run=run)
        return run
