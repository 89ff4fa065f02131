"""Which waiting requests start now: what nothing else keeps back goes to the selection, and admission has the last word."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from collections.abc import Mapping

from autosync.core import admission, discovery, holds, inspection, looks, obstacles, selection
from autosync.core.admission import LockSet, Occupied
from autosync.core.state import AgentState, EngineState, ScriptWord, State, WaitLog
from autosync.core.turn import Turn
from autosync.model.agents import Agent
from autosync.model.commands import AskScript, StartRun
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, EngineName, RequestId, engine_of
from autosync.model.requests import Request, Waiting, WaitKind
from autosync.model.runs import Run, RunState
from autosync.model.settings import EngineSettings
from autosync.model.steps import Profile


@dataclass(slots=True)
class Scene:
    """Who could start, who runs, and why the others wait, at one moment."""

    candidates: dict[EngineName, list[selection.Candidate]] = field(default_factory=dict)
    going: dict[EngineName, list[selection.Going]] = field(default_factory=dict)
    occupied: Occupied = field(default_factory=Occupied)
    waiting: dict[RequestId, tuple[Waiting, ...]] = field(default_factory=dict)
