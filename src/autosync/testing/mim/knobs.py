"""What goes wrong in a stand-in server, exactly as a test says: set at any time, also while it runs."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from autosync.adapters.engines.simulated.faults import Ending
from autosync.model.counts import ObjectError

_NOTHING: Final[Mapping[str, str]] = {}


class Rights(StrEnum):
    """Which of the engine's groups the account is in."""

    OPERATORS = "operators"
    BROWSE = "browse"
    """It may ask agents, but neither run them nor read the run history."""
    NONE = "none"


class TimedOut(StrEnum):
    """What becomes of a run whose ``Execute`` ran into the time limit of the transport: nobody has told which is true."""

    GOES_ON = "goes-on"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScript:
    """How one run is to go."""

    ending: Ending = field(default_factory=Ending)
    leaves_row: bool = False
    """Whether a start that is refused has a row in the run history all the same."""
    errors: tuple[ObjectError, ...] = ()
    """In its first step. Objects that could not be exported stay pending; the status follows unless the ending has one."""
    incidents: tuple[str, ...] = ()
    """Results in the connection log of its first step, such as ``failed-search``."""
    counters: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """More counters of its steps, as ``stage-frobnicate`` or ``export-frobnicate``, whatever their value."""


@dataclass(slots=True, kw_only=True)
class Knobs:
    """The switches. Each instance of ``MimProvider`` has its own."""

    rights: Rights = Rights.OPERATORS
    service_runs: bool = True
    reachable: bool = True
    """Whether anybody can connect at all."""
    tools: bool = True
    """Whether ``maexport`` and ``csexport`` are there."""
    timed_out: TimedOut = TimedOut.GOES_ON
    time_limit_s: float = 60.0
    """The longest that one call may take (``MaxTimeoutms``), whatever the caller asks for."""
    history_lag_s: float = 0.0
    """How long the run history hides what happened."""
    answer_s: float = 0.0
    """How long any answer takes."""
    skew_s: float = 0.0
    """How far the server's clock is ahead of the right time."""
    busy: set[str] = field(default_factory=set)
    """Agents that are being changed: ``no-start-ma-update-in-progress``."""
    says: dict[str, deque[str]] = field(default_factory=dict)
    """What the next calls of a method answer instead of doing anything."""
    loses: dict[str, int] = field(default_factory=dict)
    """How many of the next answers of a method get lost after it was carried out."""
    tells_partitions: bool = True
    """Whether ``csexport`` writes each object's partition."""
    details: str | None = None
    """What ``RunDetails`` gives instead of the truth."""
    agent_file: bytes | None = None
    """What ``maexport`` gives instead of the truth."""
    pending_file: bytes | None = None
    """What ``csexport`` gives instead of the truth."""
    runs: dict[tuple[str, str], deque[RunScript]] = field(default_factory=dict)

    def say(self, method: str, *answers: str) -> None:
        """Let the next calls of a method answer this, in order, and do nothing."""
        self.says.setdefault(method, deque()).extend(answers)

    def lose(self, method: str, times: int = 1) -> None:
        """Let the next answers of a method get lost after it was carried out."""
        self.loses[method] = self.loses.get(method, 0) + times

    def script(self, agent: str, profile: str, *scripts: RunScript) -> None:
        """Let the next runs of a profile go like this, in order."""
        self.runs.setdefault((agent, profile), deque()).extend(scripts)

    def said(self, method: str) -> str | None:
        """Take what the method is to answer now; None: the truth."""
        answers = self.says.get(method)
        return answers.popleft() if answers else None

    def is_lost(self, method: str) -> bool:
        """Take whether the method's answer gets lost now."""
        left = self.loses.get(method, 0)
        self.loses[method] = max(0, left - 1)
        return left > 0

    def run_script(self, agent: str, profile: str) -> RunScript:
        """Take how the next run of the profile goes."""
        scripts = self.runs.get((agent, profile))
        return scripts.popleft() if scripts else RunScript()
