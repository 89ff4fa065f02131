"""A small world for the faces: the agents of the manual's examples, on the memory store, behind a scripted writer."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from autosync.adapters.stores.memory import MemoryStore
from autosync.core.state import AgentState, EngineState, Inspection, State
from autosync.model.agents import Agent, Pending, PendingSet
from autosync.model.causes import Cascade, Cause, CauseKind
from autosync.model.counts import Counts, ObjectError, RunResult, StepResult
from autosync.model.facts import Fact, FactKind, Severity
from autosync.model.holds import Breach, Hold, HoldKind
from autosync.model.ids import (
    AgentId,
    CascadeId,
    EngineName,
    HoldId,
    PartitionName,
    ProfileName,
    RequestId,
    RunId,
    TriggerId,
)
from autosync.model.requests import Request, Waiting, WaitKind
from autosync.model.rows import AgentRow, EstimateRow, RequestGone, Row, ScheduleRow
from autosync.model.runs import Outcome, OutcomeKind, Run, RunState
from autosync.model.schedules import Cron
from autosync.model.settings import EngineSettings, ScheduleSettings, Settings
from autosync.model.steps import Profile, Slot, Step, StepKind
from autosync.model.stimuli import (
    AgentSwitched,
    HoldDecided,
    PendingAsked,
    RequestDropAsked,
    RunAsked,
    Stimulus,
    StopAsked,
)
from autosync.ports.store import Commit, Revision, StoredFact
from autosync.runtime.trigger_watch import WatchHealth
from autosync.service import views
from autosync.service.service import Service, Sources
from autosync.testing.clock import FixedClock

NOW = datetime(2026, 1, 5, 10, 3, 50, tzinfo=UTC)
MIM = EngineName("mim")
HR = AgentId("mim/HR")
AD = AgentId("mim/Corp AD")
PORTAL = AgentId("mim/MIM Service")
SAP = AgentId("mim/SAP")
PARTITION = PartitionName("default")
KINDS = {
    "FI": StepKind.FULL_IMPORT,
    "DI": StepKind.DELTA_IMPORT,
    "DS": StepKind.DELTA_SYNC,
    "EX": StepKind.EXPORT,
}
CASCADE = CascadeId(1290)


def at(clock: str) -> datetime:
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return NOW.replace(hour=hours, minute=minutes, second=seconds)


def described(agent: AgentId) -> Agent:
    profiles = {
        ProfileName(name): Profile(name=ProfileName(name), steps=(Step(kind=kind, partition=PARTITION),))
        for name, kind in KINDS.items()
    }
    return Agent(id=agent, category="ad" if agent == AD else "sql", profiles=profiles)


TRIGGERED = Cause(
    kind=CauseKind.TRIGGER,
    text="trigger sql on mim/HR fired (version 88123 → 88137)",
    at=at("10:01:55"),
    trigger=TriggerId("mim/HR#sql"),
)


def caused_by(run: int, when: str) -> Cause:
    return Cause(kind=CauseKind.RUN, text=f"run {run} left work behind", at=at(when), run=RunId(run))


def ended_run(number: int, agent: AgentId, profile: str, began: str, ended: str, cause: Cause, **result: object) -> Run:
    confirms = bool(result.pop("confirms", False))
    waits = result.pop("waits", ())
    wished = result.pop("wished", began)
    request = Request(
        id=RequestId(number + 1000),
        agent=agent,
        profile=ProfileName(profile),
        wished=at(str(wished)),
        causes=(cause,),
        confirms=confirms,
    )
    step = StepResult(kind=KINDS[profile], partition=PARTITION, status="success", **result)  # type: ignore[arg-type]
    return Run(
        id=RunId(number),
        agent=agent,
        profile=ProfileName(profile),
        state=RunState.ENDED,
        started=at(began),
        request=request.id,
        request_as_started=request,
        causes=(cause,),
        cascades=frozenset({CASCADE}),
        wished=at(str(wished)),
        ended=at(ended),
        outcome=Outcome(kind=OutcomeKind.SUCCESS, status="success"),
        result=RunResult(handle=str(number), status="success", steps=(step,)),
        waits=waits,  # type: ignore[arg-type]
    )


ENDED = (
    ended_run(4708, HR, "DI", "10:01:56", "10:02:05", TRIGGERED, staged=Counts(updates=14)),
    ended_run(
        4710, HR, "DS", "10:02:05", "10:02:20", caused_by(4708, "10:02:05"), outbound={AD: 3},
        counters={"flow": 14, "unused": 0}, error_count=1,
        errors=(ObjectError(stage="sync", error_type="flow-error", dn="CN=Ünal", message="no manager"),),
    ),
    ended_run(
        4711, AD, "EX", "10:02:40", "10:02:58", caused_by(4710, "10:02:20"),
        exported=Counts(updates=3), wished="10:01:55",
        waits=(("the export of SAP (lock-with)", 14.0), ("the sync of HR (runs alone)", 31.0)),
    ),
    ended_run(
        4712, AD, "DI", "10:02:58", "10:02:59", caused_by(4711, "10:02:58"), staged=Counts(), confirms=True
    ),
)  # fmt: skip

RUNNING = Run(
    id=RunId(4713),
    agent=HR,
    profile=ProfileName("DS"),
    state=RunState.RUNNING,
    started=at("10:03:38"),
    causes=(TRIGGERED,),
    cascades=frozenset({CascadeId(1291)}),
    request=RequestId(12),
)

WAITING = Request(
    id=RequestId(13),
    agent=AD,
    profile=ProfileName("EX"),
    wished=at("10:03:00"),
    causes=(caused_by(4710, "10:02:20"),),
    cascades=frozenset({CascadeId(1291)}),
    front=True,
)
HELD = Request(
    id=RequestId(14),
    agent=PORTAL,
    profile=ProfileName("EX"),
    wished=at("10:00:00"),
    causes=(Cause(kind=CauseKind.PERSON, text="asked by grace", at=at("10:00:00"), person="grace"),),
    hold=HoldId(7),
)
HOLD = Hold(
    id=HoldId(7),
    kind=HoldKind.EXPORTS,
    agent=PORTAL,
    partition=PARTITION,
    opened=at("10:00:05"),
    breaches=(Breach(what="deletes", count=212, limit="10"),),
    counts=Counts(deletes=212),
    fingerprint="set-of-212",
    sample=("delete CN=Ada Lovelace",),
    text="212 deletes, limit 10",
)
REASONS: Mapping[RequestId, tuple[Waiting, ...]] = {
    WAITING.id: (Waiting(kind=WaitKind.ALONE, text="the sync of HR runs alone", blocker="4713"),),
    HELD.id: (Waiting(kind=WaitKind.HELD, text="212 deletes, limit 10", blocker="H-7"),),
}


def exports_pending(fingerprint: str, deletes: int) -> Pending:
    counts = Counts(deletes=deletes)
    return Pending(agent=PORTAL, exports={PARTITION: PendingSet(counts=counts, fingerprint=fingerprint)})


def state_of(portal: Pending | None = None) -> State:
    agents = {agent: AgentState(row=AgentRow(id=agent), agent=described(agent)) for agent in (HR, AD, PORTAL, SAP)}
    pending = portal or exports_pending("set-of-212", 212)
    agents[PORTAL] = AgentState(
        row=AgentRow(id=PORTAL), agent=described(PORTAL), pending=pending, inspection=Inspection.KNOWN
    )
    agents[SAP] = AgentState(row=AgentRow(id=SAP, stopped_by="ada", stopped_reason="moving"), agent=described(SAP))
    nightly = TriggerId("mim/HR#nightly")
    schedule = ScheduleSettings(
        id=nightly, agent=HR, when=Cron(expression="0 2 * * *", zone="UTC"), run=Slot.FULL_IMPORT
    )
    return State(
        settings=Settings(revision=17, engines={MIM: EngineSettings(name=MIM)}, schedules={nightly: schedule}),
        engines={MIM: EngineState(connected=True)},
        agents=agents,
        requests={WAITING.id: WAITING, HELD.id: HELD},
        runs={RUNNING.id: RUNNING},
        holds={HOLD.id: HOLD},
        cascades={CascadeId(1291): cascade(1291, quiet=None)},
        schedules={nightly: ScheduleRow(id=nightly, anchor=NOW, next=NOW + timedelta(hours=16))},
        estimates={(HR, ProfileName("DS")): EstimateRow(agent=HR, profile=ProfileName("DS"), durations=((30.0, 3),))},
        last_run=4713,
    )


def cascade(number: int, *, quiet: datetime | None) -> Cascade:
    return Cascade(
        id=CascadeId(number),
        cause=TRIGGERED,
        changed=at("10:01:55"),
        opened=at("10:01:55"),
        quiet=quiet,
        runs=4,
        exported=3,
    )


FACTS = (
    Fact(kind=FactKind.SERVICE_STARTED, at=at("10:00:00"), text="AutoSync started"),
    Fact(kind=FactKind.RUN_ENDED, at=at("10:02:58"), text="run 4711 ended: 3 updates", agent=AD, run=RunId(4711)),
    Fact(
        kind=FactKind.HOLD_OPENED, at=at("10:00:05"), text="212 deletes, limit 10", agent=PORTAL, hold=HoldId(7),
        severity=Severity.WARNING,
    ),
)  # fmt: skip


class ScriptedWriter:
    """Keeps what it is given, and records of it what it is told to; the store learns of it as in real life."""

    def __init__(self, store: MemoryStore, state: State, publish: Callable[[Sequence[StoredFact]], None]) -> None:
        self.state = state
        self.store_trouble: tuple[datetime, str] | None = None
        self.given: list[Stimulus] = []
        self.refuses = ""
        self.queued = WAITING.id
        self.counts: Pending | None = None
        """What the engine says is pending when it is asked; None: it never answers."""
        self._store = store
        self._publish = publish

    async def submit_and_wait(self, stimulus: Stimulus) -> Sequence[StoredFact]:
        self.given.append(stimulus)
        if isinstance(stimulus, PendingAsked):
            if self.counts is not None:
                known = replace(self.state.agents[stimulus.agent], inspection=Inspection.KNOWN, pending=self.counts)
                self.state = replace(self.state, agents={**self.state.agents, stimulus.agent: known})
            return ()
        stored = await self._store.commit(Commit(at=NOW, facts=(self._fact(stimulus),)))
        self._publish(stored)
        return stored

    def _fact(self, stimulus: Stimulus) -> Fact:
        if self.refuses:
            return Fact(kind=FactKind.REFUSED, at=NOW, text=self.refuses)
        match stimulus:
            case RunAsked():
                return Fact(
                    kind=FactKind.REQUEST_QUEUED,
                    at=NOW,
                    text=f"{stimulus.by} asked for {stimulus.wanted.profile or stimulus.wanted.slot}",
                    agent=stimulus.wanted.agent,
                    request=self.queued,
                )
            case StopAsked():
                return Fact(kind=FactKind.RUN_STOP_ASKED, at=NOW, text="stop asked", agent=stimulus.agent)
            case RequestDropAsked():
                return Fact(kind=FactKind.REQUEST_DROPPED, at=NOW, text="dropped", agent=stimulus.agent)
            case AgentSwitched():
                word = "started" if stimulus.started else "stopped"
                return Fact(
                    kind=FactKind.AGENT_STARTED if stimulus.started else FactKind.AGENT_STOPPED,
                    at=NOW,
                    text=f"{stimulus.agent} {word} by {stimulus.by}",
                    agent=stimulus.agent,
                )
            case HoldDecided():
                return Fact(
                    kind=FactKind.HOLD_DECIDED, at=NOW, text=f"H-{stimulus.hold}: {stimulus.decision} by {stimulus.by}"
                )
            case _:
                raise AssertionError(stimulus)


class Feed:
    """The journal's live side, ended by the test."""

    def __init__(self, stored: Sequence[StoredFact]) -> None:
        self.stored = list(stored)

    @property
    def newest(self) -> int:
        return self.stored[-1].number if self.stored else 0

    def publish(self, stored: Sequence[StoredFact]) -> None:
        self.stored.extend(stored)

    async def subscribe(self, after: int | None = None) -> AsyncIterator[StoredFact]:
        for one in list(self.stored):
            if after is not None and one.number > after:
                yield one


class Texts:
    """Configurations of one word each; ``bad`` has a mistake."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def plan(self, text: str) -> views.PlanView:
        mistake = views.MistakeView(file="autosync.yaml", line=31, column=18, path="agents › mim/HR", message="bad")
        change = views.ChangeView(change="change", path="agents › mim/HR › enabled", before="true", after="false")
        return views.PlanView(
            revision=17, mistakes=(mistake,) if "bad" in text else (), changes=() if "bad" in text else (change,)
        )

    async def apply(self, text: str, by: str, reason: str) -> Revision:
        return await self._store.add_revision(text, NOW, by, reason)

    async def reload(self, by: str, reason: str) -> Revision:
        return await self._store.add_revision("from the file", NOW, by, reason)


class World:
    """A service, and everything behind it that a test may look at or change."""

    def __init__(self, store: MemoryStore, state: State, stored: Sequence[StoredFact]) -> None:
        self.store = store
        self.clock = FixedClock(NOW)
        self.feed = Feed(stored)
        self.writer = ScriptedWriter(store, state, self.feed.publish)
        self.service = Service(
            Sources(
                writer=self.writer,
                feed=self.feed,
                store=store,
                clock=self.clock,
                explain=lambda _state, _now: REASONS,
                triggers=lambda: {
                    TriggerId("mim/HR#sql"): WatchHealth(
                        id=TriggerId("mim/HR#sql"), agent=HR, alive=True, last_fire=NOW - timedelta(seconds=2), fires=3
                    ),
                    TriggerId("mim/Corp AD#ad"): WatchHealth(
                        id=TriggerId("mim/Corp AD#ad"), agent=AD, error="dc1 does not answer"
                    ),
                },
                configurations=Texts(store),
                version="1.2.3",
                places={MIM: "sync01.corp.example"},
            )
        )


async def build_world(portal: Pending | None = None) -> World:
    store = MemoryStore()
    await store.open()
    rows: list[Row] = [cascade(1290, quiet=at("10:02:59")), cascade(1291, quiet=None)]
    for run in ENDED:
        request = run.request_as_started
        assert request is not None
        rows += [request, RequestGone(id=request.id), run]
    rows += [RUNNING, WAITING, HELD, HOLD]
    stored = await store.commit(Commit(at=NOW, rows=tuple(rows), facts=FACTS))
    await store.add_revision("engines: {}", NOW, "start")
    return World(store, state_of(portal), stored)
