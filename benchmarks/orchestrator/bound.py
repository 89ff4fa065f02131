"""The least time in which a set of changes can arrive everywhere: exact by best-first search, or a bound.

The search knows the whole future and all durations. Where the state space is too large (many agents), the bound stands: in
supported mode the runs of one change's chain overlap no synchronization and synchronizations do not overlap, so
makespan >= the synchronizations that are needed + the longest chain without them.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from benchmarks.orchestrator.topology import NEW, Durations, Topology

Group = tuple[str, str, int]
"""Where a packet is (or goes), its kind, how many changes."""
MOST_STATES = 400_000
MOST_AGENTS = 6


@dataclass(frozen=True)
class Least:
    """The least makespan in seconds, and whether it can be reached."""

    seconds: float
    exact: bool


@dataclass(frozen=True)
class _Going:
    agent: str
    kind: str
    left: float
    carried: frozenset[Group]


@dataclass(frozen=True)
class _State:
    """Everything in relative time. ``log`` says in how many seconds each packet appears."""

    log: frozenset[tuple[Group, float]] = frozenset()
    staged: frozenset[Group] = frozenset()
    pending: frozenset[Group] = frozenset()
    sent: frozenset[Group] = frozenset()
    going: frozenset[_Going] = frozenset()

    @property
    def is_done(self) -> bool:
        return not (self.log or self.staged or self.pending or self.sent or self.going)


def least_makespan(topology: Topology, durations: Durations, changes: Mapping[str, int], mode: str) -> Least:
    """Return the least time for ``changes`` (how many in which source, all at time 0) to be confirmed everywhere."""
    search = _Search(topology, durations, mode)
    start = _State(log=frozenset(((source, NEW, count), 0.0) for source, count in changes.items()))
    if len(topology.agents) <= MOST_AGENTS:
        found = search.solve(start)
        if found is not None:
            return Least(found, exact=True)
    return Least(search.at_least(start), exact=len(changes) == 1 and not topology_loops(topology))


def topology_loops(topology: Topology) -> bool:
    """Return whether something that a target generates flows on: then the bound of one change is no optimum."""
    return any(topology.targets(agent, new) for (agent, _), (new, _) in topology.generated.items())


class _Search:
    def __init__(self, topology: Topology, durations: Durations, mode: str) -> None:
        self._topology = topology
        self._durations = durations
        self._alone = mode == "supported"
        self._chains: dict[tuple[str, Group], tuple[float, float, frozenset[str]]] = {}

    def solve(self, start: _State) -> float | None:
        """Return the shortest way from ``start`` to quiet, or None when there are too many states."""
        best = {start: 0.0}
        serial = 0
        queue = [(self.at_least(start), 0, start)]
        while queue and len(best) < MOST_STATES:
            _, _, state = heapq.heappop(queue)
            done = best[state]
            if state.is_done:
                return done
            for wait, following in self._moves(state):
                cost = done + wait
                if cost < best.get(following, float("inf")) - 1e-9:
                    best[following] = cost
                    serial += 1
                    heapq.heappush(queue, (cost + self.at_least(following), -serial, following))
        return None

    def at_least(self, state: _State) -> float:
        """Return a lower bound of the time that is left."""
        longest = without_syncs = 0.0
        syncs: set[str] = set()
        syncing = 0.0
        for place, group, ahead in self._places(state):
            total, plain, needed = self._chain(place, group)
            longest = max(longest, ahead + total)
            without_syncs = max(without_syncs, plain)
            syncs |= needed
        for run in state.going:
            after = [self._chain("after " + run.kind, group) for group in run.carried]
            longest = max(longest, run.left + max((total for total, _, _ in after), default=0.0))
            plain = max((plain for _, plain, _ in after), default=0.0)
            without_syncs = max(without_syncs, plain + (0.0 if run.kind == "DS" else run.left))
            syncing += run.left if run.kind == "DS" else 0.0
            syncs.update(*(needed for _, _, needed in after))
        if not self._alone:
            return longest
        return max(longest, without_syncs + syncing + sum(self._durations.fixed[agent, "DS"] for agent in syncs))

    def _places(self, state: _State) -> Iterator[tuple[str, Group, float]]:
        yield from (("log", group, ahead) for group, ahead in state.log)
        yield from (("staged", group, 0.0) for group in state.staged)
        yield from (("pending", group, 0.0) for group in state.pending)
        yield from (("sent", group, 0.0) for group in state.sent)

    def _chain(self, place: str, group: Group) -> tuple[float, float, frozenset[str]]:
        """Return what lies ahead of a group: all seconds, those outside synchronizations, and who synchronizes."""
        key = (place, group)
        if key not in self._chains:
            self._chains[key] = self._measure(place, group)
        return self._chains[key]

    def _measure(self, place: str, group: Group) -> tuple[float, float, frozenset[str]]:
        agent, kind, count = group
        fixed = self._durations.fixed
        match place:
            case "log":
                total, plain, syncs = self._chain("staged", group)
                return total + fixed[agent, "DI"], plain + fixed[agent, "DI"], syncs
            case "staged":
                total, plain, syncs = self._chain("after DS", group)
                return total + fixed[agent, "DS"], plain, syncs | {agent}
            case "after DI" | "staged or nothing":
                return self._chain("staged", group) if self._topology.targets(agent, kind) else (0.0, 0.0, frozenset())
            case "after DS":
                ways = [self._chain("pending", (to, kind, count)) for to in self._topology.targets(agent, kind)]
                syncs = frozenset().union(*(needed for _, _, needed in ways))
                return max(total for total, _, _ in ways), max(plain for _, plain, _ in ways), syncs
            case "pending":
                total, plain, syncs = self._chain("after EX", group)
                return total + fixed[agent, "EX"], plain + fixed[agent, "EX"], syncs
            case "sent":
                return fixed[agent, "DI"], fixed[agent, "DI"], frozenset()
            case _:  # after EX
                confirm = fixed[agent, "DI"]
                made = self._topology.generated.get((agent, kind))
                if made is None or not self._topology.targets(agent, made[0]):
                    return confirm, confirm, frozenset()
                total, plain, syncs = self._chain("log", (agent, made[0], count))
                return max(confirm, made[1] + total), max(confirm, plain), syncs

    def _moves(self, state: _State) -> Iterator[tuple[float, _State]]:
        """Yield every sensible set of starts, carried to the next moment at which something happens."""
        busy = {run.agent for run in state.going}
        syncing = any(run.kind == "DS" for run in state.going)
        syncs = [] if syncing else sorted({group[0] for group in state.staged} - busy)
        others = [] if syncing and self._alone else self._startable(state, busy)
        if not (self._alone and state.going):
            for agent in syncs:
                for extra in [()] if self._alone else self._subsets([o for o in others if o[0] != agent]):
                    yield self._advance(state, ((agent, "DS"), *extra))
        for chosen in self._subsets(others):
            if chosen or state.going or any(ahead > 0 for _, ahead in state.log):
                yield self._advance(state, chosen)

    def _subsets(self, others: list[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], ...]]:
        for size in range(len(others), -1, -1):
            for chosen in combinations(others, size):
                if len({agent for agent, _ in chosen}) == size:
                    yield chosen

    def _startable(self, state: _State, busy: set[str]) -> list[tuple[str, str]]:
        imports = {group[0] for group, ahead in state.log if ahead <= 0} | {group[0] for group in state.sent}
        exports = {group[0] for group in state.pending}
        return sorted([(agent, "DI") for agent in imports - busy] + [(agent, "EX") for agent in exports - busy])

    def _advance(self, state: _State, starts: tuple[tuple[str, str], ...]) -> tuple[float, _State]:
        log, staged, pending, sent = set(state.log), set(state.staged), set(state.pending), set(state.sent)
        going = set(state.going)
        for agent, kind in starts:
            if kind == "DI":
                read = {entry for entry in log if entry[0][0] == agent and entry[1] <= 0}
                confirmed = {group for group in sent if group[0] == agent}
                log -= read
                sent -= confirmed
                carried = frozenset(group for group, _ in read)
                changes = sum(group[2] for group in carried) + sum(group[2] for group in confirmed)
            else:
                waiting = staged if kind == "DS" else pending
                carried = frozenset(group for group in waiting if group[0] == agent)
                waiting -= carried
                changes = sum(group[2] for group in carried)
            going.add(_Going(agent, kind, self._durations.seconds(agent, kind, changes), carried))
        step = min([run.left for run in going] + [ahead for _, ahead in log if ahead > 0])
        log = {(group, max(0.0, round(ahead - step, 6))) for group, ahead in log}
        left = set()
        for run in going:
            if run.left - step > 1e-7:
                left.add(_Going(run.agent, run.kind, round(run.left - step, 6), run.carried))
            else:
                self._end(run, log, staged, pending, sent)
        return step, _State(
            log=frozenset(log),
            staged=frozenset(staged),
            pending=frozenset(pending),
            sent=frozenset(sent),
            going=frozenset(left),
        )

    def _end(
        self,
        run: _Going,
        log: set[tuple[Group, float]],
        staged: set[Group],
        pending: set[Group],
        sent: set[Group],
    ) -> None:
        for agent, kind, count in run.carried:
            if run.kind == "DI":
                staged.add((agent, kind, count))
            elif run.kind == "DS":
                pending.update((target, kind, count) for target in self._topology.targets(agent, kind))
            else:
                sent.add((agent, kind, count))
                made = self._topology.generated.get((agent, kind))
                if made is not None and self._topology.targets(agent, made[0]):
                    log.add(((agent, made[0], count), made[1]))
