"""An engine that is only watched, driven by a fixed-cycle scheduler beside: what the report then says."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from autosync.adapters.engines.simulated import AgentPlan, EnginePlan, Flow, SimulatedEngine
from autosync.adapters.stores.memory import MemoryStore
from autosync.core.waiting import explain
from autosync.model.counts import ChangeKind
from autosync.model.errors import Refused
from autosync.model.facts import Fact, FactKind
from autosync.model.ids import AgentId, EngineName, ProfileName, RunId, TriggerId
from autosync.model.settings import AgentSettings, EngineSettings, Guards, Limit, Settings, Thresholds
from autosync.ports.store import FactFilter
from autosync.runtime.engine_hosts import EnginePart
from autosync.runtime.supervisor import Options, Parts, Supervisor
from autosync.runtime.trigger_watch import TriggerPart
from autosync.service import views
from autosync.service.service import Service, Sources
from autosync.service.wishes import RunWish
from autosync.testing.clock import SimulatedClock
from autosync.testing.simulation import run_simulated
from autosync.testing.triggers import ScriptedTrigger

SIM = EngineName("sim")
AGENTS = ("hr", "ad", "db")
HR = AgentId("sim/hr")
CYCLE_S = 1800.0
PLAN = EnginePlan(
    name=SIM,
    agents=(
        AgentPlan(name="hr", flows=(Flow(agent="ad"), Flow(agent="db"))),
        AgentPlan(name="ad"),
        AgentPlan(name="db"),
    ),
)
NO_ADDS = Guards(staged=Thresholds(kinds={ChangeKind.UPDATES: Limit(absolute=0)}))


class Undriven(SimulatedEngine):
    """An engine that breaks the test when AutoSync does anything to it."""

    touched: list[str]

    async def start(self, agent: AgentId, profile: ProfileName, run: RunId) -> str:
        self.touched.append(f"start {profile} of {agent}")
        return await super().start(agent, profile, run)

    async def stop(self, agent: AgentId) -> None:
        self.touched.append(f"stop {agent}")
        await super().stop(agent)


@dataclass
class Stage:
    clock: SimulatedClock
    engine: Undriven
    trigger: ScriptedTrigger
    supervisor: Supervisor
    service: Service
    said: list[str] = field(default_factory=list)

    def change(self) -> None:
        self.engine.change("hr")
        self.trigger.change(changed=self.clock.now())

    async def cycle(self) -> None:
        """What a fixed-cycle scheduler does: everything, one after the other."""
        for profile in ("DI", "DS", "EX", "DI"):
            for agent in AGENTS:
                assert self.engine.start_foreign(agent, profile)
                while agent in self.engine.execution.running:
                    await self.clock.sleep(0.5)
                    self.engine.places()

    async def facts(self, *kinds: FactKind) -> list[Fact]:
        found = await self.supervisor.store.facts(FactFilter(after=0, kinds=frozenset(kinds), limit=10_000))
        return [stored.fact for stored in found]


def play(body, *, guards: Guards = Guards(), patience: timedelta = timedelta(hours=1)) -> Stage:  # noqa: B008
    stages: list[Stage] = []

    async def main(clock: SimulatedClock, random: Random) -> None:
        engine = Undriven(PLAN, clock, random)
        engine.touched = []
        trigger = ScriptedTrigger()
        settings = Settings(
            revision=1,
            engines={SIM: EngineSettings(name=SIM, shadow=True, shadow_patience=patience)},
            agents={HR: AgentSettings(id=HR, guards=guards)},
        )
        supervisor = Supervisor(
            Parts(
                store=MemoryStore(),
                settings=settings,
                clock=clock,
                random=random,
                engines={SIM: EnginePart(engine=engine, shadow=True)},
                triggers=(TriggerPart(id=TriggerId("sim/hr#file"), agent=HR, trigger=trigger),),
                options=Options(log_facts=False),
            )
        )
        service = Service(
            Sources(
                writer=supervisor.dispatcher,
                feed=supervisor.journal,
                store=supervisor.store,
                clock=clock,
                explain=explain,
            )
        )
        stage = Stage(clock, engine, trigger, supervisor, service)
        stages.append(stage)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(supervisor.run(), name="autosync")
            await clock.sleep(60)
            await body(stage)
            supervisor.stop()

    run_simulated(main)
    return stages[0]


def by_agent(report: views.ShadowView) -> dict[str, views.ShadowAgentView]:
    return {agent.agent.partition("/")[2]: agent for agent in report.agents}


def test_the_report_tells_how_much_later_a_fixed_cycle_is_and_what_it_runs_in_vain() -> None:
    reports: list[views.ShadowView] = []

    async def body(stage: Stage) -> None:
        stage.change()  # at one minute
        await stage.clock.sleep(CYCLE_S - 60)
        await stage.cycle()
        await stage.clock.sleep(CYCLE_S)
        await stage.cycle()
        await stage.clock.sleep(60)
        reports.append(await stage.service.shadow())

    stage = play(body)

    found = by_agent(reports[0])
    assert stage.engine.touched == []
    assert {name: (each.would_have_run, each.matched, each.missed) for name, each in found.items()} == {
        "hr": (2, 2, 0),  # its import and its synchronization
        "ad": (2, 2, 0),  # an export and its confirmation
        "db": (2, 2, 0),
    }
    # Two cycles of twelve runs; six of them were needed.
    assert sum(each.unneeded for each in found.values()) == 18
    assert sum(each.unasked_with_changes for each in found.values()) == 0
    assert all(each.unneeded_s > 0 for each in found.values())
    delays = [fact.data["delay_s"] for fact in asyncio.run(stage.facts(FactKind.SHADOW_MATCHED))]
    assert delays[0] == found["hr"].delay_p95_s == CYCLE_S - 60
    # Later on a fixed cycle waits for whatever stands before in its list.
    assert all(isinstance(delay, float) and 20 < delay < 120 for delay in delays[1:])


def test_what_the_other_scheduler_never_runs_is_recorded_and_closed() -> None:
    async def body(stage: Stage) -> None:
        stage.change()
        await stage.clock.sleep(3000)
        stage.said.extend(str(len(stage.supervisor.dispatcher.state.requests)))
        await stage.clock.sleep(1000)

    stage = play(body)

    (missed,) = asyncio.run(stage.facts(FactKind.SHADOW_MISSED))
    assert stage.said == ["1"]
    assert stage.supervisor.dispatcher.state.requests == {}
    assert "DI of sim/hr was never run by the other scheduler" in missed.text
    assert stage.supervisor.dispatcher.state.agents[HR].row.tokens == {"sim/hr#file": "1"}
    assert stage.engine.touched == []


def test_a_trigger_that_is_missing_shows_as_changes_that_nothing_asked_for() -> None:
    reports: list[views.ShadowView] = []

    async def body(stage: Stage) -> None:
        stage.engine.change("ad")
        await stage.cycle()
        await stage.clock.sleep(60)
        reports.append(await stage.service.shadow())

    play(body)

    assert by_agent(reports[0])["ad"].unasked_with_changes == 1


def test_requests_by_hand_are_refused_with_the_reason_and_nothing_starts() -> None:
    async def body(stage: Stage) -> None:
        try:
            await stage.service.wishes.ask_run(RunWish(agent="hr", what="DI"), by="anna")
        except Refused as no:
            stage.said.append(str(no))
        stage.engine.start_foreign("hr", "FI")
        await stage.clock.sleep(3)
        try:
            await stage.service.wishes.stop_run("hr", by="anna")
        except Refused as no:
            stage.said.append(str(no))
        await stage.clock.sleep(600)

    stage = play(body)

    assert len(stage.said) == 2
    assert all("sim is only watched (engines › sim › shadow: true)" in said for said in stage.said)
    assert stage.engine.touched == []
    assert stage.supervisor.dispatcher.state.requests == {}


def test_what_a_guard_would_have_held_is_recorded_once_and_holds_nothing() -> None:
    reports: list[views.ShadowView] = []

    async def body(stage: Stage) -> None:
        stage.change()
        await stage.clock.sleep(600)
        assert stage.engine.start_foreign("hr", "DI")
        await stage.clock.sleep(1200)
        reports.append(await stage.service.shadow())

    stage = play(body, guards=NO_ADDS)

    (held,) = asyncio.run(stage.facts(FactKind.WOULD_HAVE_HELD))
    assert "1 update, limit 0" in held.text
    assert stage.supervisor.dispatcher.state.holds == {}
    assert by_agent(reports[0])["hr"].would_have_held == 1


def test_cascades_go_on_through_somebody_elses_runs() -> None:
    async def body(stage: Stage) -> None:
        stage.change()
        await stage.clock.sleep(CYCLE_S)
        await stage.cycle()
        await stage.clock.sleep(60)

    stage = play(body)

    quiet = [fact for fact in asyncio.run(stage.facts(FactKind.CASCADE_QUIET)) if fact.data["exported"]]
    assert [(fact.data["runs"], fact.data["exported"]) for fact in quiet] == [(6, 2)]
    assert stage.supervisor.dispatcher.state.tokens[TriggerId("sim/hr#file")].token == "1"
