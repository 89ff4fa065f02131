"""Rows of the run history as the engine adapter reads them: text becomes numbers and moments, a row goes on or has ended."""

from dataclasses import dataclass
from datetime import datetime

from autosync.adapters.engines.mim.access.port import ListedRun
from autosync.adapters.engines.mim.reading import statuses
from autosync.adapters.engines.mim.reading.values import guid, moment, whole
from autosync.model.agents import Sighting
from autosync.model.ids import AgentId, ProfileName


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One run of the history. ``started`` is None where the server's text is no time."""

    key: str
    """The handle: the agent's GUID, a hyphen, the run number."""
    agent: str
    guid: str
    """The agent's, in lower case without braces."""
    number: int
    profile: str
    status: str
    started: datetime | None
    ended: datetime | None

    @property
    def goes_on(self) -> bool:
        """Return whether the run has not really ended: no end yet, or one of the statuses that only look like an end."""
        return self.ended is None or statuses.is_transitional(self.status)

    def sighting(self, agent: AgentId) -> Sighting:
        """Return the row in AutoSync's words."""
        return Sighting(
            agent=agent,
            handle=self.key,
            profile=ProfileName(self.profile),
            running=self.goes_on,
            started=self.started,
        )


def history_row(listed: ListedRun) -> HistoryRow:
    """Return what a row says."""
    return HistoryRow(
        key=listed.key,
        agent=listed.agent,
        guid=guid(listed.key.rpartition("-")[0]),
        number=whole(listed.number) or whole(listed.key.rpartition("-")[2]) or 0,
        profile=listed.profile,
        status=listed.status.strip(),
        started=moment(listed.started),
        ended=moment(listed.ended),
    )


def key_of(agent_guid: str, number: int) -> str:
    """Return the key of an agent's run; ``agent_guid`` as the server writes it."""
    return f"{agent_guid}-{number}"


def number_of(handle: str) -> int | None:
    """Return the run number in a handle; None where it is no handle of this engine."""
    before, hyphen, number = handle.rpartition("-")
    return whole(number) if hyphen and guid(before) else None
