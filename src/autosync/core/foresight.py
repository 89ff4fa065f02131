"""From requests, runs and estimates to what the look ahead plays with: bits, seconds and likely follow-ups."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from autosync.core.admission import LockSet
from autosync.core.estimates import ECHO_SPREAD_S, OTHER_S, SYNC_S, echo_after, feeders, seconds_of
from autosync.core.lookahead import Part, Prospect, Reach, Rules, Work, key_of
from autosync.model.causes import Cascade, CauseKind
from autosync.model.ids import AgentId, CascadeId, ProfileName, RequestId, engine_of
from autosync.model.requests import Request
from autosync.model.rows import EstimateRow
from autosync.model.runs import Run
from autosync.model.settings import EngineSettings, RunMode
from autosync.model.steps import Profile, StepKind

LIKELY = 0.5
"""A follow-up that fewer of the runs before had is not foreseen."""
RARE = 0.05
"""A target that fewer of an agent's synchronizations reach does not make the next one useful."""
KNOWN_RUNS = 3
"""So many synchronizations without any export say that there will be none."""
OVERDUE = 0.1
"""A run that takes longer than foreseen is expected to take this share of its time longer."""
UNLIMITED = 1_000_000
EXTRA = 1_000_000
"""Keys from here on are for a second request of the same agent and part."""

Rows = Mapping[tuple[AgentId, ProfileName], EstimateRow]


@dataclass(slots=True)
class Foresight:
    """Translates one engine's requests and runs; asked once per choice."""

    engine: EngineSettings
    rows: Rows
    cascades: Mapping[CascadeId, Cascade]
    now: datetime
    to_the_end: bool = True
    """Whether plays will be played; a plain policy that chooses now asks nothing about cascades and what follows."""
    _numbers: dict[AgentId, int] = field(default_factory=dict)
    _agents: list[AgentId] = field(default_factory=list)
    _bits: dict[CascadeId, int] = field(default_factory=dict)
    _weights: list[float] = field(default_factory=list)
    _ages: list[float] = field(default_factory=list)
    _by_part: dict[AgentId, dict[Part, EstimateRow]] | None = None
    _locks: dict[int, int] = field(default_factory=dict)
    _keys: set[int] = field(default_factory=set)

    def waiting(self, request: Request, profile: Profile | None, locks: LockSet) -> Work:
        """Return a waiting request as a piece of work."""
        part = part_of(profile)
        key = key_of(self._number(request.agent), part)
        if key in self._keys:
            key = EXTRA + len(self._keys)
        self._keys.add(key)
        seconds = seconds_of(self.rows.get((request.agent, request.profile)), profile, request.expected)
        work = self._work(request, locks, part, seconds)
        work.key, work.request, work.urgent = key, request.id, is_urgent(request)
        return work

    def going(self, run: Run, profile: Profile | None, locks: LockSet) -> tuple[float, Work]:
        """Return a run that goes on as (seconds until it should end, work); one that is late should end soon."""
        row = self.rows.get((run.agent, run.profile))
        request = run.request_as_started or _nobodys(run)
        part = part_of(profile) if profile is not None else _part_of_row(row) if row is not None else None
        if part is None:
            part = Part.SYNC if locks.sync else Part.IMPORT
        seconds = seconds_of(row, profile, request.expected)
        gone = (self.now - run.started).total_seconds()
        left = seconds - gone if gone < seconds else max(1.0, OVERDUE * gone)
        return left, self._work(request, locks, part, seconds)

    def _work(self, request: Request, locks: LockSet, part: Part, seconds: float) -> Work:
        agent = self._number(request.agent)
        work = Work(
            agent=agent,
            part=part,
            seconds=seconds,
            locks=self._lock_bits(agent, locks),
            cascades=0,
            changes=_changes(request),
            since=(request.wished - self.now).total_seconds(),
            born=(self._born(request) - self.now).total_seconds(),
            alone=locks.alone,
            sync=locks.sync,
            confirms=request.confirms,
        )
        if self.to_the_end:
            work.fed_by = sum(1 << self._number(each) for each in feeders(request)) if part is Part.EXPORT else 0
            work.cascades = self._cascade_bits(request.cascades, request.wished, work.changes)
            work.stages = self._stages(request, self.rows.get((request.agent, request.profile)))
        return work

    def _born(self, request: Request) -> datetime:
        """Return when the oldest change that the request carries was made, as far as that is known."""
        born = request.wished
        for each in request.cascades:
            cascade = self.cascades.get(each)
            if cascade is not None and cascade.changed < born:
                born = cascade.changed
        return born

    def prospect(self, going: Sequence[tuple[float, Work]], waiting: Sequence[Work]) -> Prospect:
        """Return everything that a play to the end needs, or a plain policy now."""
        if not self.to_the_end:
            return Prospect(reaches=(), rules=self._rules(), going=going, waiting=waiting)
        echoes = tuple(self._echoes())
        reaches: list[Reach] = []
        while len(reaches) < len(self._agents):  # numbering targets makes the list longer
            reaches.append(self._reach(self._agents[len(reaches)]))
        merged = self._merge(going, waiting)
        return Prospect(
            reaches=reaches, rules=self._rules(), going=going, waiting=waiting, cascades=merged, echoes=echoes
        )

    def _echoes(self) -> Iterator[tuple[float, int]]:
        """Yield in how many seconds which target will change, because of an export that has ended already."""
        for agent, known in self._parts().items():
            row = known.get(Part.EXPORT)
            if row is not None and row.exported is not None:
                gone = (self.now - row.exported).total_seconds()
                left = [after - gone for each in row.fed_by if (after := echo_after(row, each)) is not None]
                if left and min(left) > -ECHO_SPREAD_S:
                    yield max(1.0, min(left)), self._number(agent)

    def _rules(self) -> Rules:
        return Rules(
            syncs_alone=self.engine.run_mode is not RunMode.UNSUPPORTED,
            all_alone=self.engine.run_mode is RunMode.EXCLUSIVE,
            most=self.engine.max_parallel or UNLIMITED,
        )

    def _merge(self, going: Sequence[tuple[float, Work]], waiting: Sequence[Work]) -> tuple[tuple[float, float], ...]:
        """Make one of all cascades that are served by the same work: they will arrive together."""
        works = [*(work for _, work in going), *waiting]
        served: dict[int, int] = {}
        for place, work in enumerate(works):
            for bit in bits_of(work.cascades):
                served[bit] = served.get(bit, 0) | 1 << place
        together: dict[int, list[int]] = {}
        for bit, places in served.items():
            together.setdefault(places, []).append(bit)
        merged = []
        for work in works:
            work.cascades = 0
        for number, (places, bits) in enumerate(together.items()):
            for place in bits_of(places):
                works[place].cascades |= 1 << number
            weight = sum(self._weights[bit] for bit in bits)
            merged.append((sum(self._ages[bit] * self._weights[bit] for bit in bits) / weight, weight))
        return tuple(merged)

    def reaches_nobody(self, agent: AgentId) -> bool:
        """Return whether experience says that a synchronization of ``agent`` will leave no exports."""
        shares = self._outbound(agent)
        return shares is not None and all(share < RARE for share in shares.values())

    def _outbound(self, agent: AgentId) -> Mapping[AgentId, float] | None:
        """Return the share of the agent's synchronizations that reached each target; None: too few to say."""
        row = self._of(agent).get(Part.SYNC)
        if row is None or (not row.outbound and len(row.durations) < KNOWN_RUNS):
            return None
        return row.outbound

    def _of(self, agent: AgentId) -> Mapping[Part, EstimateRow]:
        """Return which row tells about which part of the agent's work."""
        return self._parts().get(agent, {})

    def _parts(self) -> Mapping[AgentId, Mapping[Part, EstimateRow]]:
        if self._by_part is None:
            self._by_part = {}
            for row in self.rows.values():
                part = _part_of_row(row) if engine_of(row.agent) == self.engine.name else None
                if part is not None:
                    known = self._by_part.setdefault(row.agent, {})
                    if part not in known or len(row.durations) > len(known[part].durations):
                        known[part] = row
        return self._by_part

    def _targets(self, agent: AgentId) -> tuple[int, ...] | None:
        shares = self._outbound(agent)
        if shares is None:
            return None
        return tuple(self._number(target) for target, share in shares.items() if share >= LIKELY)

    def _reach(self, agent: AgentId) -> Reach:
        number = self._number(agent)
        known = self._of(agent)
        confirming = known[Part.IMPORT].confirming if Part.IMPORT in known else None
        return Reach(
            locks=self._locks.get(number, 1 << number),
            targets=self._targets(agent),
            confirming_stages=confirming is not None and confirming >= LIKELY,
            echoes=self._echo_of(known.get(Part.EXPORT)),
            seconds=_seconds(known),
        )

    def _echo_of(self, row: EstimateRow | None) -> Mapping[int, float]:
        """Return after how many seconds an export's target changes again, per agent whose synchronization led to it."""
        if row is None or not row.echoes:
            return {}
        found = ((self._number(each), echo_after(row, each)) for each in row.echoes)
        return {number: after for number, after in found if after is not None}

    def _number(self, agent: AgentId) -> int:
        if agent not in self._numbers:
            self._numbers[agent] = len(self._agents)
            self._agents.append(agent)
        return self._numbers[agent]

    def _lock_bits(self, number: int, locks: LockSet) -> int:
        bits = 0
        for agent in locks.agents:
            bits |= 1 << self._number(agent)
        self._locks[number] = self._locks.get(number, 0) | bits
        return bits

    def _cascade_bits(self, cascades: frozenset[CascadeId], wished: datetime, changes: int) -> int:
        bits = 0
        for cascade in cascades:
            if cascade not in self._bits:
                known = self.cascades.get(cascade)
                self._bits[cascade] = len(self._ages)
                self._ages.append((self.now - (known.changed if known is not None else wished)).total_seconds())
                self._weights.append(1.0)
            bit = self._bits[cascade]
            self._weights[bit] = max(self._weights[bit], changes / len(cascades))
            bits |= 1 << bit
        return bits

    def _stages(self, request: Request, row: EstimateRow | None) -> bool:
        """Return whether an import will leave something to synchronize."""
        outside = any(cause.kind in {CauseKind.TRIGGER, CauseKind.WAKE} for cause in request.causes)
        if row is None or outside:
            return True
        if request.confirms:
            return row.confirming is None or row.confirming >= LIKELY
        return any(changes for _, changes in row.durations)


def bits_of(mask: int) -> Iterator[int]:
    """Yield the places of the bits that are set."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def is_urgent(request: Request) -> bool:
    """Return whether a person or a schedule put the request to the front; follow-ups are at the front anyway."""
    return request.front and any(cause.kind in {CauseKind.PERSON, CauseKind.SCHEDULE} for cause in request.causes)


def _changes(request: Request) -> int:
    """Return how many changes a request stands for: what is known to wait, else as many as were noticed."""
    if request.expected is not None:
        return max(1, request.expected)
    return max(1, sum(cause.count for cause in request.causes if cause.kind is CauseKind.TRIGGER))


def _nobodys(run: Run) -> Request:
    """Return a request for a run that somebody else started."""
    return Request(id=RequestId(0), agent=run.agent, profile=run.profile, wished=run.started, causes=())


def part_of(profile: Profile | None) -> Part:
    """Return what a profile comes down to: the last that it does decides what follows."""
    if profile is None or profile.syncs:
        return Part.SYNC
    return Part.EXPORT if profile.exports else Part.IMPORT


def _part_of_row(row: EstimateRow) -> Part | None:
    if any(kind.syncs for kind in row.steps):
        return Part.SYNC
    if any(kind.exports for kind in row.steps):
        return Part.EXPORT
    return Part.IMPORT if StepKind.DELTA_IMPORT in row.steps else None


def _seconds(known: Mapping[Part, EstimateRow]) -> Callable[[Part, int], float]:
    memory: dict[tuple[Part, int], float] = {}

    def seconds(part: Part, changes: int) -> float:
        key = (part, changes.bit_length())
        if key not in memory:
            row = known.get(part)
            default = SYNC_S if part is Part.SYNC else OTHER_S
            memory[key] = seconds_of(row, None, changes) if row is not None and row.durations else default
        return memory[key]

    return seconds
