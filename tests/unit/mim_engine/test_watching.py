"""Looks at the run history are shared, few, and at the right moment."""

import asyncio
from random import Random

import pytest

from autosync.model.ids import AgentId, ProfileName, RunId
from autosync.model.steps import StepKind
from autosync.testing.clock import SimulatedClock
from autosync.testing.mim.direct import DirectService
from autosync.testing.mim.plan import MimAgent, MimServer
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated
from tests.unit.mim_engine.counting import POLLING, Counting
from tests.unit.mim_engine.stage import made

DI = ProfileName("DI")


def server(agents: int, seconds: float, spread: float = 0.0) -> MimServer:
    takes = dict.fromkeys(StepKind, (seconds, 0.0))
    return MimServer(
        agents=tuple(MimAgent(name=f"agent {number}", seconds=takes) for number in range(agents)), spread=spread
    )


def most_in_a_second(times: list[float], over: float) -> float:
    """Return the highest rate over any stretch of that length."""
    ordered = sorted(times)
    most = max(sum(1 for other in ordered if at <= other < at + over) for at in ordered)
    return most / over


@pytest.mark.parametrize(("seconds", "limit"), [(2.0, 0.5), (40.0, 1.0), (400.0, 6.0)])
def test_a_hundred_agents_cost_one_small_question_a_second(seconds, limit):
    """Most runs are noticed within a second of their end; the first runs of a profile, of which nothing is learned, too."""
    late: list[float] = []

    async def main(clock: SimulatedClock, random: Random) -> tuple[Counting, float]:
        provider = MimProvider(server(100, seconds, spread=0.3), clock, random)
        service = Counting(DirectService(provider, time_limit_s=5.0), clock)
        engine = made(provider, clock, service=service)
        await engine.open()
        await engine.agents()
        service.asked.clear()
        begun = clock.elapsed()

        async def run_again(agent: AgentId) -> None:
            for number in range(6):
                handle = await engine.start(agent, DI, RunId(number))
                await engine.wait(agent, handle)
                ended = next(run.ended for run in reversed(provider.executed) if run.key == handle)
                assert ended is not None
                late.append(clock.elapsed() - ended)

        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(run_again(AgentId(f"mim/agent {number}")), name=f"agent {number}")
        took = clock.elapsed() - begun
        await engine.close()
        return service, took

    service, took = run_simulated(main)
    looks = service.times("runs")
    print(
        f"\n{seconds=} {len(late)} ends, looks/s={len(looks) / took:.2f} most10={most_in_a_second(looks, 10)} rows={service.rows} "
        f"median late={sorted(late)[len(late) // 2]:.3f} p95={sorted(late)[int(len(late) * 0.95)]:.3f} max={max(late):.2f}; other={len(service.asked) - len(looks)}"
    )
    assert len(late) == 600
