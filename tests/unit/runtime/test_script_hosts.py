"""The hosts of controller scripts: bounded, one thing after the other, and nobody else waits."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random

from autosync.model.agents import Agent
from autosync.model.commands import AskScript, TellScript
from autosync.model.counts import RunResult
from autosync.model.errors import ScriptFailed
from autosync.model.ids import AgentId, ProfileName, RunId
from autosync.model.runs import Run, RunState
from autosync.model.scripts import UnexpectedChange
from autosync.model.stimuli import ScriptAnswered, ScriptHeard, Stimulus
from autosync.ports.scripts import Verdict
from autosync.runtime.script_hosts import Around, ScriptHosts, ScriptPart
from autosync.testing.clock import EPOCH, SimulatedClock
from autosync.testing.controller_scripts import PlayedScript
from autosync.testing.simulation import run_simulated

HR, AD = AgentId("sim/hr"), AgentId("sim/ad")
DI, DS = ProfileName("DI"), ProfileName("DS")
LIMIT = timedelta(seconds=10)


class Stage:
    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.scripts = {agent: PlayedScript(agent=agent, clock=clock) for agent in (HR, AD)}
        self.heard: list[tuple[float, Stimulus]] = []
        self.runs: dict[RunId, Run] = {}
        self.hosts = ScriptHosts(Around(submit=self._submit, find_ended=self._find, describe=lambda one: Agent(id=one)))

    def _submit(self, stimulus: Stimulus) -> None:
        self.heard.append((self.clock.elapsed(), stimulus))

    async def _find(self, run: RunId) -> Run | None:
        return self.runs.get(run)

    def said(self) -> list[Stimulus]:
        return [stimulus for _, stimulus in self.heard]


def play(body: Callable[[Stage], Awaitable[None]]) -> Stage:
    stages: list[Stage] = []

    async def main(clock: SimulatedClock, _random: Random) -> None:
        stage = Stage(clock)
        stages.append(stage)
        parts = {agent: ScriptPart(script=script, time_limit=LIMIT) for agent, script in stage.scripts.items()}
        await stage.hosts.replace(parts)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(stage.hosts.run(), name="scripts")
            await asyncio.sleep(0)
            await body(stage)
            running.cancel()

    run_simulated(main)
    return stages[0]


def ask(agent: AgentId = HR, profile: ProfileName = DI) -> AskScript:
    return AskScript(agent=agent, profile=profile)


def test_what_a_script_says_is_reported() -> None:
    async def body(stage: Stage) -> None:
        change = UnexpectedChange(message="?", stop_all=True)
        stage.scripts[HR].said.extend([Verdict(), Verdict(allowed=False, text="no"), Verdict(unexpected=change)])
        for profile in ("A", "B", "C"):
            stage.hosts.carry_out(ask(profile=ProfileName(profile)))
        await stage.clock.sleep(1)

    first, second, third = play(body).said()
    assert first == ScriptAnswered(agent=HR, profile=ProfileName("A"), allowed=True)
    assert second == ScriptAnswered(agent=HR, profile=ProfileName("B"), allowed=False, text="no")
    assert isinstance(third, ScriptAnswered)
    assert third.unexpected == UnexpectedChange(message="?", stop_all=True)


def test_a_script_that_hangs_is_given_up_after_its_limit_and_keeps_nobody_else_waiting() -> None:
    async def body(stage: Stage) -> None:
        stage.scripts[HR].said.append(timedelta(hours=1))
        stage.hosts.carry_out(ask(HR))
        stage.hosts.carry_out(ask(AD))
        await stage.clock.sleep(60)

    stage = play(body)
    (soon, other), (late, hung) = stage.heard
    assert isinstance(other, ScriptAnswered)
    assert (other.agent, soon < 1) == (AD, True)
    assert isinstance(hung, ScriptAnswered)
    assert (hung.agent, hung.error, 10 <= late < 11) == (HR, "no answer within 10 s", True)


def test_after_a_failure_the_script_is_loaded_anew() -> None:
    async def body(stage: Stage) -> None:
        stage.scripts[HR].said.append(ScriptFailed("hr.ps1:3: no such function"))
        stage.hosts.carry_out(ask())
        await stage.clock.sleep(1)
        stage.hosts.carry_out(ask())
        await stage.clock.sleep(1)

    stage = play(body)
    failed, well = stage.said()
    assert failed == ScriptAnswered(agent=HR, profile=DI, allowed=True, error="hr.ps1:3: no such function")
    assert well == ScriptAnswered(agent=HR, profile=DI, allowed=True)
    assert stage.scripts[HR].opened == 2


def test_what_is_asked_already_is_not_asked_twice() -> None:
    async def body(stage: Stage) -> None:
        for _ in range(3):
            stage.hosts.carry_out(ask())
        await stage.clock.sleep(1)

    assert play(body).scripts[HR].asked == [DI]


def test_a_script_is_told_how_a_run_ended_with_its_result() -> None:
    result = RunResult(handle="7", status="success")

    async def body(stage: Stage) -> None:
        stage.runs[RunId(3)] = Run(
            id=RunId(3), agent=HR, profile=DS, state=RunState.ENDED, started=EPOCH, result=result, managed=False
        )
        stage.hosts.carry_out(TellScript(agent=HR, run=RunId(3)))
        await stage.clock.sleep(1)

    stage = play(body)
    (told,) = stage.scripts[HR].told
    assert (told.agent.id, told.profile, told.result, told.managed) == (HR, DS, result, False)
    assert stage.said() == [ScriptHeard(agent=HR, run=RunId(3))]


def test_a_run_that_is_no_longer_known_needs_no_verdict() -> None:
    async def body(stage: Stage) -> None:
        stage.hosts.carry_out(TellScript(agent=HR, run=RunId(3)))
        await stage.clock.sleep(1)

    assert play(body).said() == [ScriptHeard(agent=HR, run=RunId(3))]


def test_an_agent_without_a_script_has_one_that_failed() -> None:
    async def body(stage: Stage) -> None:
        await stage.hosts.replace({})
        stage.hosts.carry_out(ask())
        stage.hosts.carry_out(TellScript(agent=HR, run=RunId(1)))

    stage = play(body)
    error = "no controller script is loaded"
    assert stage.said() == [
        ScriptAnswered(agent=HR, profile=DI, allowed=False, error=error),
        ScriptHeard(agent=HR, run=RunId(1), error=error),
    ]
    assert not stage.scripts[HR].is_open


def test_equal_parts_go_on_undisturbed_and_changed_ones_are_loaded_anew() -> None:
    async def body(stage: Stage) -> None:
        part = ScriptPart(script=stage.scripts[HR], time_limit=LIMIT, fingerprint="one")
        await stage.hosts.replace({HR: part})
        stage.hosts.carry_out(ask())
        await stage.clock.sleep(1)
        await stage.hosts.replace({HR: ScriptPart(script=stage.scripts[AD], time_limit=LIMIT, fingerprint="one")})
        stage.hosts.carry_out(ask())
        await stage.clock.sleep(1)
        await stage.hosts.replace({HR: ScriptPart(script=stage.scripts[AD], time_limit=LIMIT, fingerprint="two")})
        stage.hosts.carry_out(ask())
        await stage.clock.sleep(1)

    stage = play(body)
    assert (stage.scripts[HR].opened, len(stage.scripts[HR].asked)) == (1, 2)
    assert len(stage.scripts[AD].asked) == 1
