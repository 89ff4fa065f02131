"""A controller script that is played: it answers, says no, hangs and fails by chance or as told, in any kind of time."""

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TypeAlias

from autosync.model.errors import ScriptFailed
from autosync.model.ids import AgentId, ProfileName
from autosync.model.scripts import UnexpectedChange
from autosync.ports.clock import Clock
from autosync.ports.scripts import EndedRun, Verdict

Said: TypeAlias = Verdict | ScriptFailed | timedelta
"""An answer, a failure, or how long it hangs before it agrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whims:
    """How often it is difficult, each a share of its answers."""

    no: float = 0.0
    failure: float = 0.0
    hang: float = 0.0
    stop_one: float = 0.0
    stop_all: float = 0.0


@dataclass(slots=True, kw_only=True)
class PlayedScript:
    """Implements ``ControllerScript``. What is in ``said`` comes first; then it answers by its whims."""

    agent: AgentId
    clock: Clock
    random: Random = field(default_factory=lambda: Random(0))
    whims: Whims = Whims()
    takes_s: float = 0.05
    said: deque[Said] = field(default_factory=deque)
    asked: list[ProfileName] = field(default_factory=list)
    told: list[EndedRun] = field(default_factory=list)
    opened: int = 0
    is_open: bool = False

    async def open(self) -> None:
        """Load."""
        self.opened += 1
        self.is_open = True

    async def close(self) -> None:
        """Unload."""
        self.is_open = False

    async def should_execute(self, profile: ProfileName) -> Verdict:
        """Answer, after a while."""
        self.asked.append(profile)
        return await self._say(may_refuse=True)

    async def execution_complete(self, run: EndedRun) -> Verdict:
        """Hear, after a while."""
        self.told.append(run)
        return await self._say(may_refuse=False)

    async def _say(self, *, may_refuse: bool) -> Verdict:
        if not self.is_open:
            raise ScriptFailed("it is not loaded")
        said = self.said.popleft() if self.said else self._by_whim(may_refuse=may_refuse)
        if isinstance(said, timedelta):
            await self.clock.sleep(said.total_seconds())
            return Verdict()
        await self.clock.sleep(self.takes_s)
        if isinstance(said, ScriptFailed):
            raise said
        return said

    def _by_whim(self, *, may_refuse: bool) -> Said:
        whims, roll = self.whims, self.random.random()
        choices: tuple[tuple[float, Said], ...] = (
            (whims.failure, ScriptFailed("script.ps1:3: it has an error")),
            (whims.hang, timedelta(hours=3)),
            (whims.stop_one, _unexpected(stop_all=False)),
            (whims.stop_all, _unexpected(stop_all=True)),
            (whims.no if may_refuse else 0.0, Verdict(allowed=False, text="not now")),
        )
        for share, said in choices:
            if roll < share:
                return said
            roll -= share
        return Verdict()


def _unexpected(*, stop_all: bool) -> Verdict:
    return Verdict(unexpected=UnexpectedChange(message="too many people left", stop_all=stop_all))
