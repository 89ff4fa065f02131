"""A look ahead: play what is known to its end with learned durations, and tell what a set of starts would cost.

The play knows nothing of the future but the follow-ups that history makes likely: an import leads to a synchronization, a
synchronization to exports on the targets that it usually reaches, an export to its confirming import. The cost of a play is
the sum over the cascades of how long each will have taken when its last export is confirmed, late ones weighing more, and
the time until everything is done: the first alone would put off what serves few, the second what serves many.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from heapq import heappop, heappush
from typing import TypeAlias

from autosync.model.ids import RequestId

LATE = 1.5
"""Power of an age in the cost: late changes weigh more than their share."""
EFFORT = 100.0
"""What a run costs: a run saved is worth about four seconds of a change that is five minutes old."""
MOST_RUNS = 200
"""A play longer than this is cut off: it only has to compare."""

MOST_ROUNDS = 3
"""So often a change may come back from a target and flow on, or history has mixed two things up."""


_FORESEEN = RequestId(0)


class Part(IntEnum):
    """What a piece of work does, reduced to what leads to what."""

    IMPORT = 0
    SYNC = 1
    EXPORT = 2


@dataclass(slots=True)
class Work:
    """One run, going or to come. Agents and cascades are bits, so that overlap is one operation."""

    agent: int
    part: Part
    seconds: float
    locks: int
    """Bits of the agents that it locks, its own included."""
    cascades: int
    changes: int = 1
    since: float = 0.0
    """Since when it waits, in seconds before (negative) or after now."""
    born: float = 0.0
    """When the oldest change that it carries was made, likewise: what a change waits for is the end of its last hop."""
    alone: bool = False
    sync: bool = False
    confirms: bool = False
    stages: bool = True
    """Whether an import is expected to leave something to synchronize."""
    urgent: bool = False
    """A person or a schedule wants it before everything else."""
    rounds: int = 0
    """How often a confirmation has staged changes again on the way here."""
    fed_by: int = 0
    """Bits of the agents whose synchronizations led to an export."""
    key: int = 0
    """``key_of`` its agent and part; something else where several of the same wait."""
    request: RequestId = _FORESEEN
    """The request that it stands for, where one waits already."""


def key_of(agent: int, part: Part) -> int:
    """Return the place of an agent's waiting work of a kind; new work for the same place merges."""
    return agent * 4 + part


@dataclass(frozen=True, slots=True)
class Reach:
    """What history says about an agent: how long its runs take, and where they lead."""

    locks: int
    targets: tuple[int, ...] | None
    """Agents that its synchronizations usually leave exports for; None where nothing is known."""
    confirming_stages: bool
    seconds: Callable[[Part, int], float]
    echoes: Mapping[int, float] = field(default_factory=dict)
    """After how many seconds an export sets off a change on the agent, by the agent whose synchronization led to it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The engine's rules, as the play needs them."""

    syncs_alone: bool
    all_alone: bool
    most: int


@dataclass(frozen=True, slots=True)
class Prospect:
    """Everything that a play starts from."""

    reaches: Sequence[Reach]
    rules: Rules
    going: Sequence[tuple[float, Work]]
    """Runs that go on, with the seconds until their expected end."""
    waiting: Sequence[Work]
    cascades: Sequence[tuple[float, float]] = ()
    """Per cascade its age in seconds and its weight."""
    echoes: Sequence[tuple[float, int]] = ()
    """In how many seconds which agent will change, because of an export that has ended."""

    @property
    def weight(self) -> float:
        """Return the weight of all cascades."""
        return sum(weight for _, weight in self.cascades)


Order: TypeAlias = Callable[["Play"], list[Work]]
"""A plain policy: starts in the play what it would start at this moment, and returns it."""


class Play:
    """One possible future. Times are seconds from now."""

    __slots__ = (
        "alone",
        "arrivals",
        "busy",
        "echoes",
        "ends",
        "going",
        "now",
        "prospect",
        "serial",
        "sync",
        "told",
        "waiting",
    )

    def __init__(self, prospect: Prospect) -> None:
        self.prospect = prospect
        self.now = 0.0
        self.busy = 0
        self.alone = 0
        self.sync = 0
        self.serial = 0
        self.told = 0
        self.going: list[tuple[float, int, Work]] = []
        self.ends: float = 0.0
        """When the last of the going runs is expected to end."""
        self.waiting: dict[int, Work] = {work.key: work for work in prospect.waiting}
        self.arrivals: list[tuple[float, int]] = []
        self.echoes: list[tuple[float, int, Work]] = []
        """Changes that exports will have set off: when, and the export."""
        for left, agent in prospect.echoes:
            work = Work(agent=agent, part=Part.EXPORT, seconds=0.0, locks=0, cascades=0)
            self._expect(work, left)
        for left, work in prospect.going:
            self._go(work, max(left, 1.0))

    def run(self, starts: Iterable[Work], order: Order) -> float:
        """Play to the end after ``starts``; return the cost."""
        for work in starts:
            self.start(work)
        for _ in range(MOST_RUNS):
            if self.echoes and not (self.going and self.going[0][0] < self.echoes[0][0]):
                self.now, _, export = heappop(self.echoes)
                self._wish(export.agent, Part.IMPORT, export, is_echo=True)
            elif self.going:
                self._end_next()
            else:
                break
            if self.waiting:
                order(self)
        return self._cost()

    def start(self, work: Work) -> None:
        """Start a piece of waiting work now."""
        del self.waiting[work.key]
        self._go(work, work.seconds)

    def admits(self, work: Work) -> bool:
        """Return whether the work may start beside what goes on."""
        if work.locks & self.busy or self.alone or (work.alone and self.going):
            return False
        return not (work.sync and self.sync) and len(self.going) < self.prospect.rules.most

    def _go(self, work: Work, seconds: float) -> None:
        self.serial += 1
        end = self.now + seconds
        heappush(self.going, (end, self.serial, work))
        self.busy |= work.locks
        self.alone += work.alone
        self.sync += work.sync
        self.ends = max(self.ends, end)

    def _end_next(self) -> None:
        self.now, _, work = heappop(self.going)
        self.busy &= ~work.locks
        self.alone -= work.alone
        self.sync -= work.sync
        if work.part is Part.IMPORT:
            self._imported(work)
        elif work.part is Part.SYNC:
            self._synchronized(work)
        else:
            self._exported(work)

    def _imported(self, work: Work) -> None:
        reach = self.prospect.reaches[work.agent]
        if work.confirms:
            self.arrivals.append((self.now, work.cascades))
        if work.stages and work.rounds < MOST_ROUNDS and (reach.targets is None or reach.targets):
            self._wish(work.agent, Part.SYNC, work)

    def _synchronized(self, work: Work) -> None:
        targets = self.prospect.reaches[work.agent].targets
        if targets is None:
            self.arrivals.append((self.now, work.cascades))
            return
        for target in targets:
            self._wish(target, Part.EXPORT, work)

    def _exported(self, work: Work) -> None:
        self._wish(work.agent, Part.IMPORT, work)
        if work.rounds < MOST_ROUNDS:
            echoes = self.prospect.reaches[work.agent].echoes
            after = min((seconds for feeder, seconds in echoes.items() if work.fed_by >> feeder & 1), default=None)
            if after is not None:
                self._expect(work, after)

    def _expect(self, export: Work, seconds: float) -> None:
        self.told += 1
        heappush(self.echoes, (self.now + seconds, self.told, export))

    def _wish(self, agent: int, part: Part, because: Work, *, is_echo: bool = False) -> None:
        """Add foreseen work, or let what already waits carry it along."""
        key = key_of(agent, part)
        confirms = because.part is Part.EXPORT and not is_echo
        fed_by = 1 << because.agent if part is Part.EXPORT else 0
        old = self.waiting.get(key)
        if old is not None:
            if old.request:  # shared by all plays; what a play foresees is its own
                self.waiting[key] = old = replace(old)
                old.request = _FORESEEN
            old.cascades |= because.cascades
            old.changes += because.changes
            old.confirms = old.confirms or confirms
            old.rounds = max(old.rounds, because.rounds)
            old.born = min(old.born, because.born)
            old.fed_by |= fed_by
            old.stages = old.stages or is_echo
            return
        reach = self.prospect.reaches[agent]
        rules = self.prospect.rules
        self.waiting[key] = Work(
            agent=agent,
            part=part,
            seconds=reach.seconds(part, because.changes),
            locks=reach.locks,
            cascades=because.cascades,
            changes=because.changes,
            since=self.now,
            born=because.born,
            alone=rules.all_alone or (rules.syncs_alone and part is Part.SYNC),
            sync=part is Part.SYNC,
            confirms=confirms,
            stages=reach.confirming_stages if confirms else True,
            rounds=because.rounds + (because.confirms or is_echo),
            fed_by=fed_by,
            key=key,
        )

    def _cost(self) -> float:
        """Return what the play costs: each cascade's age at its last arrival, and for all the end of the play."""
        done = self.arrivals[-1][0] if self.arrivals else 0.0
        cost: float = self.prospect.weight * (done**LATE + EFFORT * self.serial)
        left = -1
        for moment, cascades in reversed(self.arrivals):
            fresh = cascades & left
            left &= ~cascades
            while fresh:
                low = fresh & -fresh
                age, weight = self.prospect.cascades[low.bit_length() - 1]
                cost += weight * max(0.0, age + moment) ** LATE
                fresh ^= low
        return cost
