"""Runs inside a simulated engine, from their begin to the end of what is remembered of them."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from autosync.adapters.engines.simulated.faults import Ending
from autosync.adapters.engines.simulated.spaces import Seen
from autosync.model.agents import Sighting
from autosync.model.counts import RunResult, StepResult
from autosync.model.ids import AgentId, RunId
from autosync.model.steps import Profile


@dataclass(slots=True, kw_only=True)
class EngineRun:
    """One run. ``label`` is the truth about who started it, whatever the engine shows."""

    agent: str
    handle: str
    profile: Profile
    ending: Ending
    asked: float
    began: float
    started: datetime
    label: RunId | None
    steps: list[StepResult] = field(default_factory=list)
    place: int = 0
    """The step that runs."""
    seen: Seen = field(default_factory=Seen)
    status: str = "in-progress"
    due: float = 0.0
    """When the next thing happens in it."""
    ended: float | None = None
    ended_at: datetime | None = None
    noticed: float | None = None
    stop_asked: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ours(self) -> bool:
        """Return whether AutoSync started it."""
        return self.label is not None

    def tell(self) -> None:
        """Wake whoever waits for this run."""
        news, self.news = self.news, asyncio.Event()
        news.set()

    def result(self) -> RunResult:
        """Return what the run did."""
        return RunResult(
            handle=self.handle,
            status=self.status,
            steps=tuple(self.steps),
            started=self.started,
            ended=self.ended_at,
        )

    def sighting(self, agent: AgentId, *, labels: bool) -> Sighting:
        """Return the run as the engine shows it to those who look."""
        return Sighting(
            agent=agent,
            handle=self.handle,
            profile=self.profile.name,
            running=self.ended is None,
            started=self.started,
            label=str(self.label) if labels and self.label is not None else "",
        )
