"""A tiny engine, a shell that fails, people who interfere, and the promises that hold whatever they do."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from autosync.core.orchestrator import decide
from autosync.core.recovery import restore
from autosync.core.state import State
from autosync.core.waiting import explain
from autosync.model.agents import MIM_SERVICE, Agent, Sighting
from autosync.model.commands import (
    AskScript,
    Command,
    Describe,
    FollowRun,
    InquireRun,
    Inspect,
    StartRun,
    StopRun,
    TellScript,
)
from autosync.model.counts import ChangeKind
from autosync.model.holds import HoldState
from autosync.model.ids import AgentId, EngineName, ProfileName, RunId, TriggerId
from autosync.model.requests import Wanted
from autosync.model.rows import AgentRow
from autosync.model.runs import Run
from autosync.model.schedules import Every
from autosync.model.scripts import UnexpectedChange
from autosync.model.settings import (
    AgentSettings,
    BreakerPolicy,
    EngineSettings,
    Guards,
    Limit,
    RunMode,
    ScheduleSettings,
    ScriptPolicy,
    Settings,
    Thresholds,
)
from autosync.model.steps import Profile, Slot, Step, StepKind
from autosync.model.stimuli import (
    AgentsDescribed,
    AgentSwitched,
    EngineConnected,
    EngineLost,
    HoldDecided,
    Inspected,
    RunAccepted,
    RunAsked,
    RunEnded,
    RunLost,
    RunNeverBegan,
    RunRefused,
    ScriptAnswered,
    ScriptHeard,
    ServiceStarted,
    SettingsApplied,
    Sighted,
    Stimulus,
    StopAsked,
    TimePassed,
    TriggerFired,
)
from tests.properties.core.dict_store import DictStore
from tests.properties.core.referee import Playing, Rules, fouls
from tests.properties.core.tiny_engine import ONE, Going, TinyEngine

SIM = EngineName("sim")
HR, AD, DB = AgentId("sim/hr"), AgentId("sim/ad"), AgentId("sim/db")
AGENTS = (HR, AD, DB)
FLOWS = {HR: (AD, DB), AD: (HR,)}
KINDS = {
    "DI": (StepKind.DELTA_IMPORT,),
    "FI": (StepKind.FULL_IMPORT,),
    "DS": (StepKind.DELTA_SYNC,),
    "EX": (StepKind.EXPORT,),
    "EXDI": (StepKind.EXPORT, StepKind.DELTA_IMPORT),
    "DIDS": (StepKind.DELTA_IMPORT_DELTA_SYNC,),
}
BEGINNING = datetime(2026, 3, 2, 12, tzinfo=UTC)
GOOD = ("success", "completed-sync-errors")
BAD = ("stopped-deadlocked", "stopped-extension-dll-exception", "stopped-connectivity", "no such status")
REFUSALS = ("no-start-connection", "no-start-ma-already-running", "no-start-bad-ma-configuration", "access-denied")


def described(agent: AgentId, category: str) -> Agent:
    profiles = [
        Profile(name=ProfileName(name), steps=tuple(Step(kind=kind, partition=ONE) for kind in kinds))
        for name, kinds in KINDS.items()
    ]
    return Agent(id=agent, category=category, partitions=(ONE,), profiles={each.name: each for each in profiles})


class Life(RuleBasedStateMachine):
    """The core, a store that keeps its rows, an engine that it drives, and a shell that carries its commands out."""

    def __init__(self, walked: Counter[str]) -> None:
        super().__init__()
        self.walked = walked
        self.now = BEGINNING
        self.store = DictStore()
        self.changes = 0

    @initialize(
        mode=st.sampled_from(RunMode),
        most=st.sampled_from([None, None, 2]),
        together=st.booleans(),
        service=st.booleans(),
        script=st.booleans(),
    )
    def begin(self, mode: RunMode, most: int | None, together: bool, service: bool, script: bool) -> None:
        category = {HR: "csv", AD: MIM_SERVICE if service else "ad", DB: "sql"}
        self.engine = TinyEngine({each: described(each, category[each]) for each in AGENTS}, dict(FLOWS))
        self.engine.spaces[AD].generates = True
        few = Thresholds(kinds={ChangeKind.ADDS: Limit(absolute=3)})
        weak = BreakerPolicy(failures=1)
        agents = {
            HR: AgentSettings(id=HR, lock_with=frozenset({DB}) if together else frozenset(), breaker=weak),
            AD: AgentSettings(id=AD, guards=Guards(exports=few), breaker=weak),
            DB: AgentSettings(
                id=DB,
                script=ScriptPolicy() if script else None,
                import_if_none_for=timedelta(hours=2),
                breaker=weak,
            ),
        }
        nightly = ScheduleSettings(
            id=TriggerId("sim/db#often"), agent=DB, when=Every(interval=timedelta(minutes=50)), run=Slot.DELTA_IMPORT
        )
        self.settings = Settings(
            engines={SIM: EngineSettings(name=SIM, run_mode=mode, max_parallel=most)},
            agents=agents,
            schedules={nightly.id: nightly},
        )
        named = {HR: frozenset({str(DB)}) if together else frozenset()}
        self.rules = Rules(mode=mode, most=most, named_together=named)
        self._be_born(State(settings=self.settings))
        self.the_engine_is_found()

    # The shell

    def _be_born(self, state: State) -> None:
        self.state = state
        self.to_start: list[StartRun] = []
        self.to_inspect: list[Inspect] = []
        self.to_inquire: list[InquireRun] = []
        self.to_ask: list[AskScript] = []
        self.to_tell: list[TellScript] = []
        self.followed: dict[tuple[AgentId, str], RunId] = {}
        self.unseen: set[AgentId] = {each for each in self.engine.newest if self.engine.newest[each].run is None}
        self.connected = False
        self.forgiven: set[AgentId] = getattr(self, "forgiven", set())
        self._tell(ServiceStarted())

    def _tell(self, *stimuli: Stimulus) -> None:
        before = self.state
        kept = (dict(before.requests), dict(before.runs), dict(before.agents), dict(before.cascades))
        decision = decide(self.state, stimuli, self.now, 0.5)
        assert kept == (before.requests, before.runs, before.agents, before.cascades), "the old state was changed"
        self.state = decision.state
        self.store.apply(decision.rows)
        for fact in decision.facts:
            self.walked[f"fact {fact.kind.value}"] += 1
        for command in decision.commands:
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        self.walked[f"command {type(command).__name__}"] += 1
        match command:
            case StartRun():
                self._judge(command)
                self.to_start.append(command)
            case Inspect():
                self.to_inspect.append(command)
            case InquireRun():
                self.to_inquire.append(command)
            case AskScript() | TellScript():
                self._remember_for_script(command)
            case FollowRun():
                self._follow(command)
            case Describe():
                pass
            case StopRun():
                self.forgiven.add(command.agent)

    def _remember_for_script(self, command: AskScript | TellScript) -> None:
        if isinstance(command, AskScript):
            self.to_ask.append(command)
        elif command not in self.to_tell:
            self.to_tell.append(command)

    def _judge(self, start: StartRun) -> None:
        """Nothing that was started may break a rule together with what goes on."""
        new = self.state.runs[start.run]
        others = [self._playing(each) for each in self.state.runs.values() if each.id != new.id]
        committed = [*others, self._playing(new)]
        assert set(fouls(committed, self.rules)) <= set(fouls(others, self.rules)), fouls(committed, self.rules)

    def _playing(self, run: Run) -> Playing:
        agent = self.engine.agents[run.agent]
        kinds = tuple(kind.value for kind in KINDS[run.profile])
        return Playing(agent=run.agent, kinds=kinds, category=agent.category, exclusive=run.exclusive)

    def _follow(self, command: FollowRun) -> None:
        key = (command.agent, command.handle)
        if key in self.engine.ended:
            self._tell(RunEnded(run=command.run, result=self.engine.ended[key]))
        else:
            self.followed[key] = command.run

    # What happens outside

    @rule(agent=st.sampled_from(AGENTS), count=st.integers(1, 5))
    def something_changes(self, agent: AgentId, count: int) -> None:
        self.changes += 1
        self.engine.spaces[agent].unread += count
        self.forgiven.discard(agent)
        firing = TriggerFired(
            trigger=TriggerId(f"{agent}#watch"),
            wanted=Wanted(agent=agent, slot=Slot.DELTA_IMPORT),
            token=str(self.changes),
        )
        self._tell(firing)

    @rule(
        agent=st.sampled_from(AGENTS), name=st.sampled_from(sorted(KINDS)), exclusive=st.booleans(), front=st.booleans()
    )
    def a_person_asks(self, agent: AgentId, name: str, exclusive: bool, front: bool) -> None:
        wanted = Wanted(agent=agent, profile=ProfileName(name), exclusive=exclusive, front=front)
        self._tell(RunAsked(wanted=wanted, by="anna"))

    @precondition(lambda self: self.to_start)
    @rule(data=st.data())
    def the_engine_starts_a_run(self, data: st.DataObject) -> None:
        start = self.to_start.pop(data.draw(st.integers(0, len(self.to_start) - 1), label="which"))
        self._see_before(start.agent)
        fate = data.draw(st.sampled_from(["begins", "refused", "answer lost", "never heard", "begins"]), label="fate")
        if start.agent in self.engine.going:
            fate = "busy"
        self.walked[f"start {fate}"] += 1
        match fate:
            case "begins":
                self._begin_run(start)
            case "busy":
                self._tell(RunRefused(run=start.run, status="no-start-ma-already-running"))
            case "refused":
                self._tell(RunRefused(run=start.run, status=data.draw(st.sampled_from(REFUSALS))))
            case "answer lost":
                self.engine.start(start.agent, start.profile, start.run)
                self._tell(RunLost(run=start.run, error="time-out"))
            case _:
                self._tell(RunLost(run=start.run, error="time-out"))

    def _see_before(self, agent: AgentId) -> None:
        """An engine shows its newest run: somebody else's is seen before ours takes its place."""
        if agent in self.unseen and self.connected:
            self._see(agent)

    def _begin_run(self, start: StartRun) -> None:
        going = self.engine.start(start.agent, start.profile, start.run)
        self.followed[start.agent, going.handle] = start.run
        self._tell(RunAccepted(run=start.run, handle=going.handle))

    @precondition(lambda self: self.engine.going)
    @rule(data=st.data())
    def a_run_ends(self, data: st.DataObject) -> None:
        agent = data.draw(st.sampled_from(sorted(self.engine.going)), label="agent")
        status = data.draw(st.sampled_from(GOOD * 3 + BAD), label="status")
        self.now += timedelta(seconds=data.draw(st.integers(1, 90), label="seconds"))
        self._end_run(agent, status)

    def _end_run(self, agent: AgentId, status: str) -> None:
        going = self.engine.going[agent]
        result = self.engine.finish(agent, status)
        if (agent, going.handle) in self.followed:
            run = self.followed.pop((agent, going.handle))
            self._tell(RunEnded(run=run, result=result))

    @precondition(lambda self: self.to_inspect)
    @rule(data=st.data(), fails=st.sampled_from([False] * 7 + [True]))
    def the_engine_counts(self, data: st.DataObject, fails: bool) -> None:
        asked = self.to_inspect.pop(data.draw(st.integers(0, len(self.to_inspect) - 1), label="which"))
        self.walked["inspection fails" if fails else "inspection"] += 1
        if fails:
            self._tell(Inspected(agent=asked.agent, pending=None, error="time-out"))
        else:
            self._tell(Inspected(agent=asked.agent, pending=self.engine.look(asked)))

    @precondition(lambda self: self.to_ask)
    @rule(allowed=st.booleans())
    def the_script_answers(self, allowed: bool) -> None:
        asked = self.to_ask.pop(0)
        self.walked[f"script {allowed}"] += 1
        self._tell(ScriptAnswered(agent=asked.agent, profile=asked.profile, allowed=allowed))

    @precondition(lambda self: self.to_tell)
    @rule(said=st.sampled_from(["error", "", "stop one", "", "stop all", ""]))  # what is rare comes first
    def the_script_hears(self, said: str) -> None:
        told = self.to_tell.pop(0)
        self.walked[f"script hears: {said}"] += 1
        unexpected = UnexpectedChange(message="?", stop_all=said == "stop all") if said.startswith("stop") else None
        error = "broken" if said == "error" else ""
        self._tell(ScriptHeard(agent=told.agent, run=told.run, error=error, unexpected=unexpected))

    @precondition(lambda self: self.to_inquire and self.connected)
    @rule()
    def the_engine_is_asked_about_a_run(self) -> None:
        inquiry = self.to_inquire.pop(0)
        ours = [each for each in self._all_goings() if each.run == inquiry.run]
        if not ours:
            self.to_start = [each for each in self.to_start if each.run != inquiry.run]
            self.walked["inquiry: never began"] += 1
            self._tell(RunNeverBegan(run=inquiry.run))
        elif (inquiry.agent, ours[0].handle) in self.engine.ended:
            self.walked["inquiry: ended"] += 1
            self._tell(RunEnded(run=inquiry.run, result=self.engine.ended[inquiry.agent, ours[0].handle]))
        else:
            self.walked["inquiry: goes on"] += 1
            self.followed[inquiry.agent, ours[0].handle] = inquiry.run
            self._tell(RunAccepted(run=inquiry.run, handle=ours[0].handle))

    def _all_goings(self) -> list[Going]:
        return [*self.engine.newest.values(), *self.engine.going.values()]

    @precondition(lambda self: len(self.engine.going) < len(AGENTS))
    @rule(data=st.data(), name=st.sampled_from(sorted(KINDS)))
    def somebody_else_starts_a_run(self, data: st.DataObject, name: str) -> None:
        agent = data.draw(st.sampled_from([each for each in AGENTS if each not in self.engine.going]), label="agent")
        self.engine.start(agent, ProfileName(name), None)
        self.unseen.add(agent)

    @precondition(lambda self: self.unseen and self.connected)
    @rule()
    def somebody_elses_run_is_seen(self) -> None:
        self._see(min(self.unseen))

    def _see(self, agent: AgentId) -> None:
        self.unseen.discard(agent)
        going = self.engine.newest[agent]
        self.walked["seen running" if agent in self.engine.going else "seen ended"] += 1
        sighting = Sighting(
            agent=agent,
            handle=going.handle,
            profile=going.profile,
            running=agent in self.engine.going,
            label=str(going.run) if going.run is not None else "others",
        )
        self._tell(Sighted(sighting=sighting))

    @rule(seconds=st.integers(0, 4000))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self._tell(TimePassed())

    def a_person_switches_an_agent(self, agent: AgentId, started: bool) -> None:
        self._tell(AgentSwitched(agent=agent, started=started, by="anna"))

    def a_person_stops_a_run(self, agent: AgentId) -> None:
        self._tell(StopAsked(agent=agent, by="anna"))
        if agent in self.engine.going:
            self._end_run(agent, "stopped-user-termination-from-wmi-or-ui")

    @precondition(lambda self: self.state.holds)
    @rule(data=st.data(), decision=st.sampled_from(["approve", "reject", "lift"]))
    def a_person_decides_a_hold(self, data: st.DataObject, decision: str) -> None:
        hold = self.state.holds[data.draw(st.sampled_from(sorted(self.state.holds)), label="hold")]
        self._tell(HoldDecided(hold=hold.id, decision=decision, by="anna", fingerprint=hold.fingerprint))

    def the_engine_is_lost(self) -> None:
        self.connected = False
        self.to_inspect.clear()
        self._tell(EngineLost(engine=SIM, error="no route"))

    @precondition(lambda self: not self.connected)
    @rule()
    def the_engine_is_found(self) -> None:
        self.connected = True
        self._tell(EngineConnected(engine=SIM))
        self._tell(AgentsDescribed(engine=SIM, agents=tuple(self.engine.agents.values())))

    def exports_are_switched(self) -> None:
        no_export = not self.settings.no_export
        self.settings = replace(self.settings, no_export=no_export, revision=self.settings.revision + 1)
        self._tell(SettingsApplied(settings=self.settings))

    @rule(what=st.sampled_from(["crash", "lost", "exports", "stop", "start", "run"]), agent=st.sampled_from(AGENTS))
    def something_is_disturbed(self, what: str, agent: AgentId) -> None:
        match what:
            case "crash":
                self.the_service_crashes()
            case "lost" if self.connected:
                self.the_engine_is_lost()
            case "run":
                self.a_person_stops_a_run(agent)
            case "exports":
                self.exports_are_switched()
            case "stop" | "start":
                self.a_person_switches_an_agent(agent, started=what == "start")
            case _:
                self.the_engine_is_found()

    @rule(count=st.integers(1, 12))
    def the_shell_goes_on(self, count: int) -> None:
        """Carry out what is to be done, without any trouble."""
        if not self.connected:
            self.the_engine_is_found()
        for _ in range(count):
            self._carries_on()

    def the_service_crashes(self) -> None:
        """Whatever was committed is there; whatever was not carried out is forgotten; the engine goes on."""
        self._be_born(restore(self.store.snapshot(), self.settings))

    # What always holds

    @invariant()
    def the_store_can_bring_the_state_back(self) -> None:
        if not hasattr(self, "state"):
            return
        again = restore(self.store.snapshot(), self.settings)

        assert self._durable(again) == self._durable(self.state)

    def _durable(self, state: State) -> tuple[object, ...]:
        rows = {known.row.id: known.row for known in state.agents.values() if known.row != AgentRow(id=known.row.id)}
        numbers = (state.last_request, state.last_run, state.last_hold, state.last_cascade)
        work = (state.requests, state.runs, state.holds, state.cascades)
        return (rows, numbers, work, state.schedules, state.tokens, state.estimates)

    @invariant()
    def every_waiting_request_says_why(self) -> None:
        if hasattr(self, "state"):
            reasons = explain(self.state, self.now)

            assert set(reasons) == set(self.state.requests)
            assert all(reasons.values())

    @invariant()
    def what_is_served_is_not_quiet(self) -> None:
        if hasattr(self, "state"):
            served = {each for request in self.state.requests.values() for each in request.cascades}
            served |= {each for run in self.state.runs.values() for each in run.cascades}
            looks = [known.look for known in self.state.agents.values() if known.look is not None]
            served |= {each for look in looks for each in look.cascades}

            assert served <= set(self.state.cascades)

    @invariant()
    def nothing_is_lost(self) -> None:
        """What waits in the engine has a request, a look or a run that is about to take it."""
        if not hasattr(self, "state") or not self.connected or self._is_unsure():
            return
        self.walked["nothing lost was checked"] += 1
        for agent in AGENTS:
            if agent in self.forgiven:
                continue
            if self.engine.needs_import(agent):
                assert self._is_wanted(agent, "imports"), f"the changes of {agent} are forgotten"
            if self.engine.needs_sync(agent):
                assert self._is_wanted(agent, "syncs"), f"what is staged on {agent} is forgotten"
            if self.engine.needs_export(agent):
                assert self._is_wanted(agent, "exports"), f"what is pending on {agent} is forgotten"

    def _is_unsure(self) -> bool:
        """Return whether the core cannot know yet: runs unseen or unasked about, or stopped on purpose."""
        known = {(each.agent, each.handle) for each in self.state.runs.values()}
        outstanding = any((each.agent, each.handle) not in known for each in self.engine.going.values())
        unheard = any((each.agent, each.handle) not in self.followed for each in self.state.runs.values())
        deferred = any(known.sighted is not None for known in self.state.agents.values())
        foreign = any(not run.managed for run in self.state.runs.values())  # others may hide behind it until it ends
        return bool(self.unseen or self.forgiven or self.to_start or outstanding or unheard or deferred or foreign)

    def _is_wanted(self, agent: AgentId, does: str) -> bool:
        look = self.state.agents[agent].look
        if look is not None and (does == "exports" or look.imports):
            return True
        profiles = [each.profile for each in self.state.requests.values() if each.agent == agent]
        return any(getattr(kind, does) for profile in profiles for kind in KINDS[profile])

    def teardown(self) -> None:
        """Without new causes everything comes to rest: nothing waits for ever."""
        if not hasattr(self, "state"):
            return
        self.settings = replace(self.settings, no_export=False, schedules={}, agents=self._without_nets())
        self._tell(SettingsApplied(settings=self.settings))
        for agent in AGENTS:
            self._tell(AgentSwitched(agent=agent, started=True, by="anna"))
        self._make_good()
        for _ in range(600):
            if not self._goes_on_quietly():
                break
        assert self.engine.is_idle(), (self.engine.spaces, self.engine.going, self.state.requests, self.state.holds)
        assert not self.state.requests
        assert not self.state.runs
        assert not self.state.cascades

    def _without_nets(self) -> dict[AgentId, AgentSettings]:
        return {key: replace(each, import_if_none_for=None) for key, each in self.settings.agents.items()}

    def _make_good(self) -> None:
        """People who stopped runs ask for what they stopped."""
        if not self.connected:
            self.the_engine_is_found()
        for agent in sorted(self.forgiven):
            for name in ("DI", "DS", "EX"):
                self._tell(RunAsked(wanted=Wanted(agent=agent, profile=ProfileName(name)), by="anna"))

    def _goes_on_quietly(self) -> bool:
        """Decide a hold or carry on; return False when there is nothing left to do."""
        for hold in self.state.holds.values():
            if hold.state is not HoldState.APPROVED:
                decision = "approve" if hold.state is HoldState.OPEN else "lift"
                self._tell(HoldDecided(hold=hold.id, decision=decision, by="anna", fingerprint=hold.fingerprint))
                return True
        if self._carries_on():
            return True
        if not self.state.requests and not self.state.runs:
            return False
        assert self.state.timer is not None, f"waits for ever: {explain(self.state, self.now)}"
        self.now = max(self.now, self.state.timer)
        self._tell(TimePassed())
        return True

    def _carries_on(self) -> bool:
        """Do one thing that the shell or the engine has to do; return False when there is none."""
        if self.unseen:
            self.somebody_elses_run_is_seen()
        elif self.to_inquire:
            self.the_engine_is_asked_about_a_run()
        elif self.to_inspect:
            asked = self.to_inspect.pop(0)
            self._tell(Inspected(agent=asked.agent, pending=self.engine.look(asked)))
        elif self.to_ask:
            question = self.to_ask.pop(0)
            self._tell(ScriptAnswered(agent=question.agent, profile=question.profile, allowed=True))
        elif self.to_tell:
            told = self.to_tell.pop(0)
            self._tell(ScriptHeard(agent=told.agent, run=told.run))
        elif self.to_start:
            self._start_quietly(self.to_start.pop(0))
        elif self.engine.going:
            self.now += timedelta(seconds=10)
            self._end_run(min(self.engine.going), "success")
        else:
            return False
        return True

    def _start_quietly(self, start: StartRun) -> None:
        self._see_before(start.agent)
        if start.agent in self.engine.going:
            self._tell(RunRefused(run=start.run, status="no-start-ma-already-running"))
        else:
            self._begin_run(start)


EXPECTED = {
    "start begins",
    "start busy",
    "start refused",
    "start answer lost",
    "start never heard",
    "inspection",
    "inspection fails",
    "script True",
    "script False",
    "script hears: error",
    "inquiry: never began",
    "inquiry: ended",
    "inquiry: goes on",
    "seen running",
    "seen ended",
    "nothing lost was checked",
    *(f"command {kind.__name__}" for kind in (StartRun, Inspect, InquireRun, FollowRun, StopRun, Describe)),
    *(f"command {kind.__name__}" for kind in (AskScript, TellScript)),
    *(
        f"fact {kind}"
        for kind in (
            "request-queued", "request-merged", "run-started", "run-ended", "run-refused", "run-abandoned", "run-lost",
            "run-adopted", "run-seen", "run-stop-asked", "retry-planned", "hold-opened", "hold-decided", "hold-settled",
            "cascade-opened", "cascade-quiet", "token-stored", "pending-found", "unknown-status", "schedule-fired",
            "agent-stopped", "agent-started", "engine-lost", "engine-connected", "breaker-opened", "breaker-closed",
            "script-failed", "unexpected-change",
        )
    ),
}  # fmt: skip


def test_nothing_is_lost_and_nothing_overlaps_whatever_happens() -> None:
    walked: Counter[str] = Counter()
    for examples in (60, 240):  # more only where the first ones left a rare path out
        few = settings(
            max_examples=examples,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        )
        run_state_machine_as_test(partial(Life, walked), settings=few)
        if set(walked) >= EXPECTED:
            break

    assert set(walked) >= EXPECTED, f"never walked: {sorted(EXPECTED - set(walked))}"
