"""What goes wrong: by seeded chance, or exactly as a test says."""

from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Final

DEADLOCKED: Final = "stopped-deadlocked"

_REFUSALS: Final = ("no-start-connection", "no-start-server", "no-start-ma-update-in-progress")
_STOPS: Final = (DEADLOCKED, "stopped-connectivity", "stopped-database-connection-lost", "sql-deadlock")
_UNKNOWN: Final = ("stopped-brand-new", "flummoxed", "completed-in-a-new-way")
"""``completed-`` means that the work was done, whatever comes behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often each thing goes wrong, between 0 and 1."""

    refused: float = 0.0
    """A start is refused although nothing runs."""
    never_began: float = 0.0
    """The answer to a start is lost, and so was the question."""
    answer_lost: float = 0.0
    """The answer to a start is lost, but the run began."""
    began_late: float = 0.0
    """The answer to a start is lost, and the run begins some seconds later."""
    stopped: float = 0.0
    """A run is stopped by the world in the middle."""
    unknown: float = 0.0
    """A run ends with a status that nobody has heard of."""
    completing: float = 0.0
    """A run goes on for a while after its work is done (``completing-referential-updates``)."""
    hang: float = 0.0
    """A run takes an hour too long."""
    result_lost: float = 0.0
    """Contact is lost while a run's end is waited for."""
    question_lost: float = 0.0
    """Any other question gets no answer."""
    slow: float = 0.0
    """An answer takes ten seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one run is to end. ``refused``: it does not even start, with that status."""

    status: str = "success"
    refused: bool = False
    extra_s: float = 0.0
    """How much longer than usual it takes."""
    completing_s: float = 0.0
    """For how long it says ``completing-referential-updates`` after its work is done."""
    does_its_work: bool = True
    discovery_errors: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFault:
    """What becomes of one start besides the answer. ``begins_after`` None: it never begins."""

    answer_lost: bool = False
    begins_after: float | None = 0.0


class Faults:
    """Draws what goes wrong; what a test has scripted comes first."""

    def __init__(self, rates: Rates | None = None, random: Random | None = None) -> None:
        self.rates = rates or Rates()
        self._random = random or Random(0)
        self._endings: dict[tuple[str, str], deque[Ending]] = {}
        self._starts: deque[StartFault] = deque()

    def script(self, agent: str, profile: str, *endings: Ending) -> None:
        """Let the next runs of the profile end like this, in order."""
        self._endings.setdefault((agent, profile), deque()).extend(endings)

    def script_start(self, *faults: StartFault) -> None:
        """Let this become of the next starts, whatever they are."""
        self._starts.extend(faults)

    def happens(self, rate: float) -> bool:
        """Return whether something of that rate goes wrong now."""
        return rate > 0 and self._random.random() < rate

    def of_start(self) -> StartFault:
        """Return what becomes of a start."""
        if self._starts:
            return self._starts.popleft()
        if self.happens(self.rates.never_began):
            return StartFault(answer_lost=True, begins_after=None)
        if self.happens(self.rates.answer_lost):
            return StartFault(answer_lost=True)
        if self.happens(self.rates.began_late):
            return StartFault(answer_lost=True, begins_after=self._random.uniform(0.1, 4.0))
        return StartFault()

    def of_run(self, agent: str, profile: str) -> Ending:
        """Return how a run ends."""
        scripted = self._endings.get((agent, profile))
        if scripted:
            return scripted.popleft()
        if self.happens(self.rates.refused):
            return Ending(status=self._random.choice(_REFUSALS), refused=True)
        extra = self._random.uniform(1800, 5400) if self.happens(self.rates.hang) else 0.0
        if self.happens(self.rates.stopped):
            return Ending(status=self._random.choice(_STOPS), does_its_work=False, extra_s=extra)
        if self.happens(self.rates.unknown):
            status = self._random.choice(_UNKNOWN)
            return Ending(status=status, does_its_work=status.startswith("completed-"), extra_s=extra)
        completing = self._random.uniform(1, 90) if self.happens(self.rates.completing) else 0.0
        return Ending(extra_s=extra, completing_s=completing)
