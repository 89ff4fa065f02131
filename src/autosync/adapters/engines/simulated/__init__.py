"""An engine that only exists in memory: small connector spaces, seeded durations, seeded faults, an independent referee.

For tests, for ``autosync simulate`` and for trying a configuration without an engine. It knows no task: what happens
in it is worked out when somebody looks, so it lives on while the service around it dies and comes back.
"""

from autosync.adapters.engines.simulated.engine import SimulatedEngine
from autosync.adapters.engines.simulated.faults import Ending, Faults, Rates
from autosync.adapters.engines.simulated.plans import AgentPlan, EnginePlan, Flow
from autosync.adapters.engines.simulated.referee import Referee
from autosync.adapters.engines.simulated.spaces import Change

__all__ = [
    "AgentPlan",
    "Change",
    "Ending",
    "EnginePlan",
    "Faults",
    "Flow",
    "Rates",
    "Referee",
    "SimulatedEngine",
]
