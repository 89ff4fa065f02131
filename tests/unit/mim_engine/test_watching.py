"""Looks at the run history are shared, few, and at the right moment."""

import asyncio
from random import Random

import pytest

from autosync.adapters.engines.mim.known_runs import KnownRuns
from autosync.adapters.engines.mim.pace import BURST
from autosync.model.errors import EngineUnavailable
from autosync.model.ids import AgentId, ProfileName, RunId
from autosync.model.steps import StepKind
from autosync.testing.clock import EPOCH, SimulatedClock
from autosync.testing.mim.direct import DirectService
from autosync.testing.mim.plan import MimAgent, MimServer
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated
from tests.unit.mim_engine.counting import Counting
from tests.unit.mim_engine.stage import made

DI = ProfileName("DI")


def server(agents: int, seconds: float, spread: float = 0.0) -> MimServer:
    takes = dict.fromkeys(StepKind, (seconds, 0.0))
    return MimServer(
        agents=tuple(MimAgent(name=f"agent {number}", seconds=takes) for number in range(agents)), spread=spread
    )


class Watched:
    """Lets agents run again and again, and notes how long after each end the engine told of it."""

    def __init__(self, agents: int, seconds: float, *, rounds: int, answer_limit_s: float = 5.0) -> None:
        self.late: list[float] = []
        self.took = 0.0
        self._agents = agents
        self._rounds = rounds
        self._limit = answer_limit_s
        self._server = server(agents, seconds, spread=0.3)
        self.service: Counting = run_simulated(self._main)

    async def _main(self, clock: SimulatedClock, random: Random) -> Counting:
        provider = MimProvider(self._server, clock, random)
        service = Counting(DirectService(provider, time_limit_s=self._limit), clock)
        engine = made(provider, clock, service=service)
        await engine.open()
        await engine.agents()
        service.asked.clear()
        begun = clock.elapsed()

        async def run_again(agent: AgentId) -> None:
            for number in range(self._rounds):
                handle = await engine.start(agent, DI, RunId(number))
                await engine.wait(agent, handle)
                ended = next(run.ended for run in reversed(provider.executed) if run.key == handle)
                assert ended is not None
                self.late.append(clock.elapsed() - ended)

        async with asyncio.TaskGroup() as group:
            for number in range(self._agents):
                group.create_task(run_again(AgentId(f"mim/agent {number}")), name=f"agent {number}")
        self.took = clock.elapsed() - begun
        await engine.close()
        return service

    @property
    def looks(self) -> list[float]:
        """Return when the run history was polled; each start and each check of the count is not polling."""
        return self.service.times("runs")

    def late_for(self, share: float) -> float:
        return sorted(self.late)[int(len(self.late) * share)]


def most(times: list[float], within_s: float) -> int:
    """Return the most calls within any stretch of that length."""
    return max(sum(1 for other in times if at <= other < at + within_s) for at in times)


@pytest.mark.parametrize(
    ("seconds", "rounds"),
    [(2.0, 3), pytest.param(40.0, 3, marks=pytest.mark.slow), pytest.param(400.0, 3, marks=pytest.mark.slow)],
)
def test_a_hundred_agents_cost_one_small_question_a_second_and_their_ends_are_noticed_within_one(seconds, rounds):
    seen = Watched(100, seconds, rounds=rounds)
    busiest = most(seen.looks, 60.0)
    shares = ", ".join(f"{seen.late_for(share):.2f} s" for share in (0.5, 0.95, 0.999))
    looks = f"{len(seen.looks) / seen.took:.1f} looks a second, at most {busiest} a minute, {seen.service.rows} rows"
    print(f"\nruns of {seconds:.0f} s: {looks}; noticed after (median, p95, slowest) {shares}")  # noqa: T201 - the docs'

    assert len(seen.late) == 100 * rounds
    assert busiest <= 60 + BURST
    assert seen.service.rows <= 500
    assert seen.late_for(0.5) < 1.0
    assert seen.late_for(0.9) < 2.0


def test_the_end_of_a_run_whose_duration_is_known_is_noticed_at_once():
    """Without the hint that the answer of Execute is: its time limit is shorter than the run."""
    seen = Watched(1, 300.0, rounds=12)

    assert seen.late_for(0.5) < 0.6
    assert max(seen.late[1:]) <= 2.1
    assert most(seen.looks, 60.0) <= 60 + BURST


def test_the_answer_of_execute_makes_the_end_known_without_waiting_for_the_next_look():
    seen = Watched(1, 20.0, rounds=10, answer_limit_s=60.0)

    assert seen.late_for(0.9) < 0.05


def test_short_runs_follow_each_other_without_waiting_for_a_look():
    seen = Watched(1, 0.05, rounds=60)

    assert seen.late_for(0.9) < 0.02
    assert seen.took < 60 * 0.2
    assert most(seen.looks, 60.0) <= 60 + BURST


def test_an_idle_server_is_looked_at_every_two_seconds():
    async def main(clock: SimulatedClock, random: Random) -> Counting:
        provider = MimProvider(server(3, 1.0), clock, random)
        service = Counting(DirectService(provider), clock)
        engine = made(provider, clock, service=service)
        await engine.open()

        async def watch() -> None:
            async for _ in engine.sightings():
                raise AssertionError("nothing happened")

        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch(), name="watch")
            await clock.sleep(100)
            watching.cancel()
        return service

    assert 45 <= len(run_simulated(main).times("runs", "run")) <= 55


def test_one_lost_answer_is_asked_for_again_and_a_second_one_is_told_to_all():
    async def main(clock: SimulatedClock, random: Random) -> None:
        provider = MimProvider(server(3, 100.0), clock, random)
        engine = made(provider, clock, service=DirectService(provider, time_limit_s=5.0))
        await engine.open()
        handles = [await engine.start(AgentId(f"mim/agent {each}"), DI, RunId(each)) for each in range(3)]
        failed = []

        async def wait(number: int) -> None:
            try:
                await engine.wait(AgentId(f"mim/agent {number}"), handles[number])
            except EngineUnavailable as error:
                failed.append(str(error))

        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(wait(number), name=f"waits {number}")
            await clock.sleep(10)
            provider.knobs.reachable = False
            await clock.sleep(5)
            assert len(failed) == 3
            provider.knobs.reachable = True
        assert (await engine.wait(AgentId("mim/agent 0"), handles[0])).status == "success"
        await engine.close()

    run_simulated(main)


def test_a_look_reaches_back_as_far_as_a_small_answer_allows():
    known = KnownRuns()
    assert known.window() is None
    known.anchor_at(EPOCH)

    window = known.window()
    assert window is not None
    assert window.started_from < EPOCH
    assert window.alone == ()
