"""The working copy of one decision: the only mutable thing in the core, private to ``decide`` and gone when it returns."""

from dataclasses import replace
from datetime import datetime
from typing import TypedDict, Unpack

from autosync.core.decision import Decision
from autosync.core.state import AgentState, EngineState, State
from autosync.core.tables import Table
from autosync.model.causes import Cascade
from autosync.model.commands import Command, SetTimer
from autosync.model.facts import Fact, FactKind, Severity
from autosync.model.holds import Hold, HoldState
from autosync.model.ids import (
    AgentId,
    CascadeId,
    EngineName,
    HoldId,
    ProfileName,
    RequestId,
    RunId,
    TriggerId,
    engine_of,
)
from autosync.model.requests import Request
from autosync.model.rows import AgentRow, EstimateRow, RequestGone, Row, ScheduleRow, TokenRow
from autosync.model.runs import Run, RunState
from autosync.model.settings import AgentSettings, EngineSettings
from autosync.model.steps import Profile


class About(TypedDict, total=False):
    """What a fact is about, beside its kind and its text."""

    severity: Severity
    engine: EngineName | None
    agent: AgentId | None
    run: RunId | None
    request: RequestId | None
    hold: HoldId | None
    cascade: CascadeId | None
    trigger: TriggerId | None
    person: str | None
    data: dict[str, object]


_KEPT_HOLDS = frozenset({HoldState.OPEN, HoldState.APPROVED, HoldState.REJECTED})


class Turn:
    """Collects what one decision changes: tables, rows, facts and commands."""

    def __init__(self, state: State, now: datetime, chance: float) -> None:
        self.now = now
        self.chance = chance
        self.settings = state.settings
        self.engines = Table(state.engines)
        self.agents = Table(state.agents)
        self.requests = Table(state.requests)
        self.runs = Table(state.runs)
        self.holds = Table(state.holds)
        self.cascades = Table(state.cascades)
        self.schedules = Table(state.schedules)
        self.tokens = Table(state.tokens)
        self.estimates = Table(state.estimates)
        self.waits = Table(state.waits)
        self.inquiries = Table(state.inquiries)
        self.last_request = state.last_request
        self.last_run = state.last_run
        self.last_hold = state.last_hold
        self.last_cascade = state.last_cascade
        self.timer = state.timer
        self.clock = state.clock
        self.released: set[CascadeId] = set()
        """Cascades that something stopped serving in this decision: they may be quiet now."""
        self.touched = False
        self._lock_sets = state.lock_sets
        self._facts: list[Fact] = []
        self._commands: list[Command] = []
        self._rows: dict[tuple[type[Row], object], Row] = {}
        self._waiting: dict[tuple[AgentId, ProfileName], RequestId] | None = None
        self._running: dict[AgentId, RunId] | None = None
        self._held: dict[AgentId, tuple[Hold, ...]] | None = None

    # What is known

    def agent(self, agent: AgentId) -> AgentState:
        """Return the agent as it is known; a fresh one where nothing is."""
        return self.agents.now.get(agent) or AgentState(row=AgentRow(id=agent))

    def engine(self, engine: EngineName) -> EngineState:
        """Return the engine as it is known."""
        return self.engines.now.get(engine) or EngineState()

    def agent_settings(self, agent: AgentId) -> AgentSettings:
        """Return the operator's decisions about an agent, or the defaults."""
        return self.settings.agent(agent)

    def engine_settings(self, engine: EngineName) -> EngineSettings:
        """Return the operator's decisions about an engine, or the defaults."""
        return self.settings.engines.get(engine) or EngineSettings(name=engine)

    def profile(self, agent: AgentId, profile: ProfileName) -> Profile | None:
        """Return a profile as the engine described it; None when it does not know it."""
        known = self.agents.now.get(agent)
        return known.agent.profiles.get(profile) if known and known.agent else None

    def waiting(self, agent: AgentId, profile: ProfileName) -> Request | None:
        """Return the request that waits for this profile."""
        if self._waiting is None:
            self._waiting = {(each.agent, each.profile): each.id for each in self.requests.now.values()}
        found = self._waiting.get((agent, profile))
        return None if found is None else self.requests.now[found]

    def running(self, agent: AgentId) -> Run | None:
        """Return the agent's run that has not ended."""
        if self._running is None:
            self._running = {each.agent: each.id for each in self.runs.now.values()}
        found = self._running.get(agent)
        return None if found is None else self.runs.now[found]

    def holds_of(self, agent: AgentId) -> tuple[Hold, ...]:
        """Return the agent's holds that are open, approved or rejected."""
        if self._held is None:
            self._held = {}
            for hold in self.holds.now.values():
                self._held[hold.agent] = (*self._held.get(hold.agent, ()), hold)
        return self._held.get(agent, ())

    @property
    def spoke(self) -> bool:
        """Return whether anything must leave the decision although nothing changed."""
        return bool(self._facts or self._commands or self._rows)

    # What changes

    def put_agent(self, agent: AgentState) -> None:
        """Put what is known about an agent; its row is stored when that changed."""
        before = self.agents.now.get(agent.row.id)
        if before is None or before.row != agent.row:
            self._store((AgentRow, agent.row.id), agent.row)
        self.agents.put(agent.row.id, agent)
        self.touched = True

    def report(self, agent: AgentId, key: str) -> None:
        """Remember that something was said about an agent and need not be said again."""
        known = self.agent(agent)
        self.put_agent(replace(known, reported=known.reported | {key}))

    def put_engine(self, engine: EngineName, known: EngineState) -> None:
        """Put what is known about an engine."""
        self.engines.put(engine, known)
        self.touched = True

    def put_request(self, request: Request) -> None:
        """Put a waiting request."""
        if request.id not in self.requests.now and self._waiting is not None:
            self._waiting[request.agent, request.profile] = request.id
        self.requests.put(request.id, request)
        self._store((Request, request.id), request)
        self.touched = True

    def remove_request(self, request: Request) -> None:
        """Remove a request that waits no longer."""
        self.requests.remove(request.id)
        self.waits.remove(request.id)
        if self._waiting is not None:
            self._waiting.pop((request.agent, request.profile), None)
        self._store((RequestGone, request.id), RequestGone(id=request.id))
        self.release(request.cascades)
        self.touched = True

    def put_run(self, run: Run) -> None:
        """Put a run; an ended one leaves the state and stays in the store."""
        if run.state is RunState.ENDED:
            self.runs.remove(run.id)
            self.inquiries.remove(run.id)
            self.release(run.cascades)
            self._running = None
        else:
            self.runs.put(run.id, run)
            if self._running is not None:
                self._running[run.agent] = run.id
        self._store((Run, run.id), run)
        self.touched = True

    def put_hold(self, hold: Hold) -> None:
        """Put a hold; one that is over leaves the state and stays in the store."""
        if hold.state in _KEPT_HOLDS:
            self.holds.put(hold.id, hold)
        else:
            self.holds.remove(hold.id)
        self._held = None
        self._store((Hold, hold.id), hold)
        self.touched = True

    def put_cascade(self, cascade: Cascade) -> None:
        """Put a cascade; a quiet one leaves the state and stays in the store."""
        if cascade.quiet is None:
            self.cascades.put(cascade.id, cascade)
        else:
            self.cascades.remove(cascade.id)
        self._store((Cascade, cascade.id), cascade)
        self.touched = True

    def put_schedule(self, row: ScheduleRow) -> None:
        """Put when a schedule fired and fires."""
        self.schedules.put(row.id, row)
        self._store((ScheduleRow, row.id), row)
        self.touched = True

    def put_token(self, row: TokenRow) -> None:
        """Put how far a trigger's changes are imported."""
        self.tokens.put(row.trigger, row)
        self._store((TokenRow, row.trigger), row)
        self.touched = True

    def put_estimate(self, row: EstimateRow) -> None:
        """Put what was learned about a profile's durations."""
        self.estimates.put((row.agent, row.profile), row)
        self._store((EstimateRow, (row.agent, row.profile)), row)

    def release(self, cascades: frozenset[CascadeId]) -> None:
        """Remember that something no longer serves these cascades."""
        self.released.update(cascades)

    def record(self, kind: FactKind, text: str, **about: Unpack[About]) -> None:
        """Record a fact."""
        if about.get("engine") is None and (agent := about.get("agent")):
            about["engine"] = engine_of(agent)
        self._facts.append(Fact(kind=kind, at=self.now, text=text, **about))

    def command(self, command: Command) -> None:
        """Have the shell do something after the commit."""
        self._commands.append(command)

    # Numbers

    def next_request(self) -> RequestId:
        """Return a number for a new request."""
        self.last_request += 1
        return RequestId(self.last_request)

    def next_run(self) -> RunId:
        """Return a number for a new run."""
        self.last_run += 1
        return RunId(self.last_run)

    def next_hold(self) -> HoldId:
        """Return a number for a new hold."""
        self.last_hold += 1
        return HoldId(self.last_hold)

    def next_cascade(self) -> CascadeId:
        """Return a number for a new cascade."""
        self.last_cascade += 1
        return CascadeId(self.last_cascade)

    # The end

    def view(self) -> State:
        """Return the state as it is in the middle of the decision, for rules that only read."""
        return State(
            settings=self.settings,
            engines=self.engines.now,
            agents=self.agents.now,
            requests=self.requests.now,
            runs=self.runs.now,
            holds=self.holds.now,
            cascades=self.cascades.now,
            schedules=self.schedules.now,
            tokens=self.tokens.now,
            estimates=self.estimates.now,
            waits=self.waits.now,
            inquiries=self.inquiries.now,
            last_request=self.last_request,
            last_run=self.last_run,
            last_hold=self.last_hold,
            last_cascade=self.last_cascade,
            timer=self.timer,
            clock=self.clock,
            lock_sets=self._lock_sets,
        )

    def set_timer(self, at: datetime | None, *, again: bool) -> None:
        """Ask to be woken at ``at``; said only when that is news, or ``again`` because the last timer has run out."""
        if again or at != self.timer:
            self.timer = at
            self.command(SetTimer(at=at))

    def decision(self) -> Decision:
        """Return what was decided."""
        return Decision(
            state=self.view(),
            facts=tuple(self._facts),
            rows=tuple(self._rows.values()),
            commands=tuple(self._commands),
        )

    def _store(self, key: tuple[type[Row], object], row: Row) -> None:
        """Keep the last version of each row, at the place of its last change: a key is freed before it is taken again."""
        self._rows.pop(key, None)
        self._rows[key] = row
