"""What a storm of firings costs: 500 agents, 10,000 firings a second, runs of realistic length."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from autosync.adapters.engines.simulated import AgentPlan, EnginePlan
from autosync.model.ids import AgentId, TriggerId
from autosync.model.requests import Wanted
from autosync.model.steps import Slot
from autosync.model.stimuli import TriggerFired
from benchmarks.runtime.setting import SIM, Watched, running

AGENTS, PER_SECOND = 500, 10_000


@dataclass(frozen=True, kw_only=True)
class Load:
    """What was measured."""

    share_of_a_core: float
    fired: int
    refused: int
    started: int
    peak_mb: float
    longest_turn_s: float


async def measure(seconds: float) -> Load:
    """Fire evenly over all agents for a while."""
    plans = tuple(AgentPlan(name=f"agent{number}") for number in range(AGENTS))
    engine = Watched(EnginePlan(name=SIM, agents=plans))
    engine.execution.referee = None  # it costs more than what it watches
    firings = [
        TriggerFired(
            trigger=TriggerId(f"sim/agent{number}#file"),
            wanted=Wanted(agent=AgentId(f"sim/agent{number}"), slot=Slot.DELTA_IMPORT),
        )
        for number in range(AGENTS)
    ]
    with tempfile.TemporaryDirectory() as folder:
        async with running(engine, plans, Path(folder)) as supervisor:
            await asyncio.sleep(20.0)  # what is pending on each agent was looked at
            begin, cpu = time.monotonic(), time.process_time()
            fired = refused = 0
            longest = 0.0
            while (elapsed := time.monotonic() - begin) < seconds:
                while fired < elapsed * PER_SECOND:
                    refused += not supervisor.dispatcher.submit(firings[fired % AGENTS])
                    fired += 1
                before = time.monotonic()
                await asyncio.sleep(0.01)
                longest = max(longest, time.monotonic() - before - 0.01)
            return Load(
                share_of_a_core=(time.process_time() - cpu) / (time.monotonic() - begin),
                fired=fired,
                refused=refused,
                started=len(engine.begun),
                peak_mb=peak_mb(),
                longest_turn_s=longest,
            )


def peak_mb() -> float:
    """Return the most memory that this process ever had, in MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell a process's peak memory in /proc")
