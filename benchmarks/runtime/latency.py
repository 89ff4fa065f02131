"""How long the orchestrator itself takes from "ended" to the next start, with the durable commit between."""

import asyncio
import tempfile
from pathlib import Path

from autosync.adapters.engines.simulated import AgentPlan, EnginePlan, Flow
from autosync.adapters.engines.simulated.plans import DEFAULT
from autosync.model.ids import AgentId, TriggerId
from autosync.model.steps import StepKind
from autosync.runtime.trigger_watch import TriggerPart
from autosync.testing.triggers import ScriptedTrigger
from benchmarks.runtime.setting import SIM, Watched, running

QUICK = dict.fromkeys(StepKind, (0.002, 0.0))
PLANS = (
    AgentPlan(name="hr", flows=(Flow(agent="ad"),), seconds=QUICK),
    AgentPlan(name="ad", seconds=QUICK),
    *(AgentPlan(name=f"other{number}", seconds=QUICK) for number in range(13)),
)


async def measure(changes: int) -> list[tuple[str, float]]:
    """Return (profile, seconds) for each start that followed an end, over a number of changes one after the other."""
    engine = Watched(EnginePlan(name=SIM, agents=PLANS, latency=(0.0, 0.0), spread=0.0))
    trigger = ScriptedTrigger()
    part = TriggerPart(id=TriggerId("sim/hr#file"), agent=AgentId("sim/hr"), trigger=trigger)
    with tempfile.TemporaryDirectory() as folder:
        async with running(engine, PLANS, Path(folder), (part,)) as supervisor:
            for _ in range(changes):
                engine.ended = 0.0
                engine.change("hr")
                trigger.change()
                while len(engine.spaces.of("ad", DEFAULT).confirmed) < engine.spaces.of("hr", DEFAULT).population:
                    await asyncio.sleep(0.01)
                    state = supervisor.dispatcher.state
                    if not state.requests and not state.runs and not engine.spaces.of("ad", DEFAULT).unconfirmed:
                        break
                await asyncio.sleep(0.02)
    return engine.gaps
