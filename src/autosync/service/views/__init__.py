"""What people and programs see of AutoSync: plain values that become JSON as they are.

Every moment is aware and in UTC; every duration is in seconds and says so in its name; ids are as in the journal, except
holds, which people name ``H-7``. Console, API and command line show nothing that is not here.
"""

from autosync.service.views.configuration import ChangeView, MistakeView, PlanView, RevisionView
from autosync.service.views.engines import (
    AgentView,
    BreachView,
    EngineView,
    HoldView,
    ProfileView,
    SetbackView,
    StatusView,
    TriggerView,
)
from autosync.service.views.reasons import CascadeView, EventView, LinkView, Recorded, WhyView
from autosync.service.views.runs import (
    CauseView,
    CountsView,
    ErrorView,
    RequestView,
    RunBrief,
    RunView,
    ShareView,
    StepView,
    WaitView,
)
from autosync.service.views.shadow import ShadowAgentView, ShadowView

__all__ = [
    "AgentView",
    "BreachView",
    "CascadeView",
    "CauseView",
    "ChangeView",
    "CountsView",
    "EngineView",
    "ErrorView",
    "EventView",
    "HoldView",
    "LinkView",
    "MistakeView",
    "PlanView",
    "ProfileView",
    "Recorded",
    "RequestView",
    "RevisionView",
    "RunBrief",
    "RunView",
    "SetbackView",
    "ShadowAgentView",
    "ShadowView",
    "ShareView",
    "StatusView",
    "StepView",
    "TriggerView",
    "WaitView",
    "WhyView",
]
